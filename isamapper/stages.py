"""Files between the stages: a program or a schedule with the kernel it computes and the machine it is for.

    machine gemmini16
    kernel gemm(a: i8[64, 64], b: i8[64, 64]) -> (c: i32[64, 64])
    { ... }
    program gemm(a: i8[64, 64] @dram at 0, ...) -> (c: i32[64, 64] @dram at 8192)
    { ... }

Each section begins at the start of a line with its word. ``machine`` names a file or a built-in machine. The kernel is
written out, or named: ``kernel gemm M=64 N=64 TA=i8``, a file or a library kernel with sizes and types. The last
section is the stage's own: ``program`` or ``schedule``.

What does not belong here: the languages of the sections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel, parse_program
from isamapper.ir.printer import print_kernel
from isamapper.ir.types import DTYPES, DType
from isamapper.plan.program import Program

_SECTION = re.compile(r"^(machine|kernel|program|schedule)\b", re.MULTILINE)
_REFERENCE = re.compile(r"kernel[ \t]+(?P<name>[^\s(]+)(?P<bindings>(?:[ \t]+\w+[ \t]*=[ \t]*\w+)*)[ \t]*(?:#.*)?\s*$")


@dataclass(frozen=True, slots=True)
class StageFile:
    """The sections of a file, each with its place; one that is not there is None."""

    source: Source
    machine: Span | None
    kernel: Span | None
    program: Span | None
    schedule: Span | None


def split_stages(source: Source) -> StageFile:
    """The sections of ``source``; SourceError STG001 for one given twice, STG002 for text before the first."""
    starts = [(match[1], match.start()) for match in _SECTION.finditer(source.text)]
    first = starts[0][1] if starts else len(source.text)
    stray = re.search(r"^[ \t]*[^\s#]+", source.text[:first], re.MULTILINE)
    if stray:
        span = Span(source, stray.end() - len(stray[0].strip()), stray.end())
        raise _wrong("STG002", "expected 'machine', 'kernel', 'program' or 'schedule' at the start of a line", span)
    found: dict[str, Span] = {}
    for (word, start), end in zip(starts, [start for _, start in starts[1:]] + [len(source.text)], strict=True):
        if word in found:
            raise _wrong("STG001", f"section '{word}' is given twice", Span(source, start, start + len(word)))
        found[word] = Span(source, start, end)
    return StageFile(source, *(found.get(word) for word in ("machine", "kernel", "program", "schedule")))


def machine_of(file: StageFile, given: Machine | None = None) -> Machine:
    """``given``, or else the machine that the file names; STG003 where there is neither."""
    if given is not None:
        return given
    if file.machine is None:
        raise _missing(file, "machine", "write 'machine NAME', or give --hw")
    word = re.compile(r"machine[ \t]+(\S+)[ \t]*(?:#.*)?\s*$").match(_text(file.machine))
    if word is None:
        raise _wrong("STG004", "'machine' takes one name or path", _head(file.machine))
    return load_machine(word[1])


def kernel_of(file: StageFile, given: Kernel | None = None) -> Kernel:
    """``given``, or else the kernel that the file writes out or names; STG003 where there is neither."""
    if given is not None:
        return given
    if file.kernel is None:
        raise _missing(file, "kernel", "write the kernel, or 'kernel NAME M=4', or give --kernel")
    reference = _REFERENCE.match(_text(file.kernel))
    if reference is None:
        return parse_kernel(_only(file.kernel))
    sizes: dict[str, int] = {}
    types: dict[str, DType] = {}
    for name, value in re.findall(r"(\w+)[ \t]*=[ \t]*(\w+)", reference["bindings"]):
        if value in DTYPES:
            types[name] = DTYPES[value]
        elif value.isascii() and value.isdecimal():
            sizes[name] = int(value)
        else:
            raise _wrong("STG004", f"'{name}={value}' is neither a size nor a type", _head(file.kernel))
    return load_kernel(reference["name"], sizes, types)


def read_program(source: Source, machine: Machine | None = None, kernel: Kernel | None = None) -> Program:
    """The program of a file, for ``machine`` and ``kernel`` where given, else for what the file names."""
    file = split_stages(source)
    if file.program is None:
        raise _missing(file, "program", "'isamapper lower' makes one from a schedule")
    return Program(kernel_of(file, kernel), machine_of(file, machine), parse_program(_only(file.program)))


def print_program(program: Program, machine: str | None = None) -> str:
    """The file that reads back as ``program``; ``machine`` is how to name the machine (default: its own name)."""
    body = print_kernel(program.body)
    return (
        f"machine {machine or program.machine.name}\n\n"
        f"{print_kernel(program.kernel).rstrip()}\n\n"
        f"program{body.removeprefix('kernel').rstrip()}\n"
    )


def _only(section: Span) -> Source:
    """The file with everything outside ``section`` blanked, so that places stay right; it opens with ``kernel``."""
    text = section.source.text
    inside = re.sub(r"\Aprogram", " kernel", text[section.start : section.end])
    before, after = (re.sub(r"[^\n]", " ", part) for part in (text[: section.start], text[section.end :]))
    return Source(section.source.name, before + inside + after)


def _text(section: Span) -> str:
    return section.source.text[section.start : section.end]


def _head(section: Span) -> Span:
    """The section's first line."""
    line = _text(section).split("\n", 1)[0].rstrip()
    return Span(section.source, section.start, section.start + len(line))


def _missing(file: StageFile, section: str, help: str) -> SourceError:
    end = len(file.source.text)
    message = f"'{file.source.name}' has no section '{section}'"
    return SourceError(Diagnostic("STG003", message, Span(file.source, end, end), help))


def _wrong(code: str, message: str, span: Span) -> SourceError:
    return SourceError(Diagnostic(code, message, span))
