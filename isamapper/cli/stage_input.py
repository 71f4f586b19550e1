"""Reading what the stage before wrote, with the kernel and the machine that the options put in its place."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import isamapper
from isamapper.cli.options import sizes_of, types_of
from isamapper.cli.words import CommandLine
from isamapper.diagnostics.source import Source

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
    schedule = isamapper.parse_schedule(source, machine=machine, kernel=kernel)
    return schedule, arguments.hw or isamapper.written_machine(source)


def read_program(arguments: argparse.Namespace, line: CommandLine, source: Source | None = None) -> Program:
    """The program in the command's file, checked against its machine."""
    source = source or file_of(arguments, line)
    machine, kernel = _given(arguments, line, source)
    return isamapper.parse_program_file(source, machine=machine, kernel=kernel)


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
        if not isinstance(data.get("machine"), str):
            raise line.error("CLI003", "missing --hw", None, "the file does not name a machine")
        if data["machine"] not in isamapper.builtin_machines():
            raise line.error(
                "CLI003", "missing --hw", None, f"the mappings are for '{data['machine']}', a machine file"
            )
        machine = isamapper.load_machine(data["machine"])
    return data, machine, kernel


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
