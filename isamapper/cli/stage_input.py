"""Reading what the stage before wrote, with the kernel and the machine that the options put in its place."""

from __future__ import annotations

import argparse
import json
import sys
from collections import abc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import isamapper
from isamapper.cli.options import sizes_of, types_of
from isamapper.cli.words import CommandLine
from isamapper.diagnostics.source import Diagnostic, Source, SourceError

if TYPE_CHECKING:
    from isamapper.hwdesc.model import Machine
    from isamapper.ir.nodes import Kernel
    from isamapper.plan.program import Program
    from isamapper.plan.steps import Schedule


def read_schedule(
    arguments: argparse.Namespace, line: CommandLine, source: Source | None = None
) -> tuple[Schedule, str | None]:
    """The schedule in the command's file, and how its machine is called there or on the command line."""
    source = source or file_of(arguments, line)
    machine, kernel = _given(arguments, line, source)
    schedule = isamapper.parse_schedule(source, _beside(source), machine=machine, kernel=kernel)
    return schedule, arguments.hw or isamapper.written_machine(source)


def read_program(arguments: argparse.Namespace, line: CommandLine, source: Source | None = None) -> Program:
    """The program in the command's file, checked against its machine."""
    source = source or file_of(arguments, line)
    machine, kernel = _given(arguments, line, source)
    return isamapper.parse_program_file(source, _beside(source), machine=machine, kernel=kernel)


def file_of(arguments: argparse.Namespace, line: CommandLine) -> Source:
    """The command's file; standard input can be read once."""
    return _source(arguments.file, line)


def kind_of(source: Source) -> str:
    """What a file holds: ``mappings``, ``schedule`` or ``program``."""
    text = source.text
    if text.lstrip().startswith("{"):
        return "mappings"
    return "schedule" if any(each.split()[:1] == ["steps"] for each in text.splitlines()) else "program"


def read_stored(
    arguments: argparse.Namespace, line: CommandLine, source: Source
) -> tuple[dict[str, Any], Machine, Kernel | None]:
    """Stored mappings with the machine that they are for, and the kernel that takes the place of theirs, if any."""
    machine, kernel = _given(arguments, line, source)
    try:
        data = json.loads(source.text)
    except json.JSONDecodeError as error:
        raise line.error("CLI011", f"'{arguments.file}' is not JSON: {error}", arguments.file) from error
    if not isinstance(data, dict):
        raise line.error("CLI011", f"'{arguments.file}' is no JSON object", arguments.file)
    if machine is None:
        named = data.get("machine_reference", data.get("machine"))
        if not isinstance(named, str):
            raise line.error("CLI003", "missing --hw", None, "the file does not name a machine")
        machine = _beside(source)(named)
    return data, machine, kernel


def _beside(source: Source) -> abc.Callable[[str], Machine]:
    """What finds the machine that a file names: as it is called there, or else beside the file."""

    def load(name: str) -> Machine:
        from isamapper.hwdesc.settings import reference, split_reference

        path, settings = split_reference(name)
        is_path = bool(Path(path).suffix) or len(Path(path).parts) > 1
        if is_path and not Path(path).exists():
            near = Path(source.name).parent / path
            if Path(source.name).exists() and near.exists():
                return isamapper.load_machine(reference(str(near), settings))
            help = "give it with '--hw'; a path is taken from the working folder, then from the file's own"
            raise SourceError(Diagnostic("HW040", f"there is no machine '{path}'", None, help))
        return isamapper.load_machine(name)

    return load


def _given(arguments: argparse.Namespace, line: CommandLine, source: Source) -> tuple[Machine | None, Kernel | None]:
    """The machine and the kernel that take the place of the file's; settings change whichever machine it is."""
    sizes, types = sizes_of(arguments, line), types_of(arguments, line)
    if arguments.kernel is None and (sizes or types):
        word = (arguments.size or arguments.type)[0]
        raise line.error("CLI005", "'-s' and '-t' need '--kernel' here", word, "the file's kernel is bound already")
    if arguments.set and (written := isamapper.written_machine(source)):
        from isamapper.hwdesc.settings import reference

        arguments.hw = reference(written, arguments.set)
    machine = isamapper.load_machine(arguments.hw) if arguments.hw is not None else None
    if arguments.kernel is None:
        return machine, None
    if machine is None:
        return None, isamapper.load_kernel(arguments.kernel, sizes, types)
    kernel, _ = isamapper.resolve(arguments.kernel, machine, sizes, types)
    return machine, kernel


def _source(path: str, line: CommandLine) -> Source:
    """The text of ``path``; CLI011 where it cannot be read."""
    try:
        if path == "-":
            return Source("stdin", sys.stdin.read())
        return Source(path, Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise line.error("CLI011", f"cannot read '{path}': {error.strerror}", path) from error
    except UnicodeDecodeError as error:
        raise line.error("CLI011", f"'{path}' is not text in UTF-8", path) from error
