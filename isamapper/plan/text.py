"""Schedules and programs as files, and back: what is printed reads back equal.

    machine toy4                     machine toy4
    kernel gemm(…) -> (…)            kernel gemm(…) -> (…)
    { … }                            { … }
    steps                            program
      apply 0 call compute(…)        kernel gemm(…) -> (…)
      …                              { … }
                                     certificate { … }

A word at the start of a line opens a section; a section runs to the next one. A schedule whose kernel was rewritten
names each step in a line ``rewrite``, and may give the covered kernel, which follows from them, after ``covered``.
What a program claims of itself stands after ``certificate``; reading the program does not look at it.
Lines that start with ``#`` are comments.
``machine`` takes a built-in name or a path. Instead of its text a kernel may be named, which is handy in a file written
by hand: ``kernel gemm M=64 N=64 TA=i8``, a library name or a path with sizes and types; types left out are the
machine's.
What does not belong here: steps (``step_text.py``), kernels (``ir/printer.py``, ``ir/reader.py``) and certificates
(``program_certificate.py``).
"""

from __future__ import annotations

import re
from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.hwdesc.settings import reference
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import checked_kernel
from isamapper.ir.printer import print_kernel
from isamapper.ir.template import bind, parse_template
from isamapper.ir.types import DTYPES, DType
from isamapper.plan.kernel_types import kernel_for
from isamapper.plan.program import Program
from isamapper.plan.program_certificate import ProgramCertificate, text_of_certificate
from isamapper.plan.step_reader import StepReader
from isamapper.plan.step_text import parse_step, print_step
from isamapper.plan.steps import Schedule, Step

_WORDS = ("machine", "rewrite", "kernel", "covered", "steps", "program", "certificate")
_SECTION = re.compile(rf"^({'|'.join(_WORDS)})\b", re.MULTILINE)
_REFERENCE = re.compile(r"kernel[ \t]+(?P<name>[^\s(#]+)(?P<bindings>(?:[ \t]+\w+=\w+)*)[ \t]*(?:#[^\n]*)?\s*\Z")
_REST = re.compile(r"[ \t]*([^#\n]*?)[ \t]*(#[^\n]*)?(?=\n|\Z)")

LoadMachine = abc.Callable[[str], Machine]
Replay = abc.Callable[[Kernel, abc.Sequence[Span]], Kernel]
"""Does to a kernel again what the rewrites on some lines say; SourceError where they cannot be done."""


def print_schedule(schedule: Schedule, machine: str | None = None) -> str:
    """The file of a schedule; ``machine`` is the name or path to write for its machine (default: its name)."""
    parts = [f"machine {machine or _reference(schedule.machine)}\n"]
    parts += [f"rewrite {rewrite}\n" for rewrite in schedule.rewrites]
    parts.append(print_kernel(schedule.kernel))
    if schedule.covered != schedule.kernel:
        parts.append("covered\n" + print_kernel(schedule.covered))
    parts.append("steps\n" + "".join(f"  {print_step(step)}\n" for step in schedule.steps))
    return "".join(parts)


def print_program(program: Program, machine: str | None = None, certificate: ProgramCertificate | None = None) -> str:
    """The file of a program; ``machine`` is the name or path to write for its machine (default: its name)."""
    kernel, body = print_kernel(program.kernel), print_kernel(program.body)
    claims = "" if certificate is None else f"certificate {text_of_certificate(certificate)}"
    return f"machine {machine or _reference(program.machine)}\n{kernel}program\n{body}{claims}"


def _reference(machine: Machine) -> str:
    return reference(machine.name, machine.settings)


def parse_schedule(
    source: Source,
    load: LoadMachine = load_machine,
    *,
    machine: Machine | None = None,
    kernel: Kernel | None = None,
    replay: Replay | None = None,
) -> Schedule:
    """The schedule in ``source``; SourceError with the mistakes found.

    ``load`` finds the machine by what is written; ``machine`` and ``kernel`` take the place of what is written. With
    ``replay`` the covered kernel is what the rewrites make of the kernel; without, what is written is taken.
    """
    found = _sections(source, ("machine", "rewrite", "kernel", "covered", "steps"))
    target = machine or _machine(source, found, load)
    kernels = [section for section in found if section.word == "kernel"]
    marked = [section for section in found if section.word == "covered"]
    expected = len(marked) + (1 if kernel is None or len(kernels) > len(marked) else 0)
    if len(kernels) != expected:
        raise _misplaced(source, found, f"expected {expected} kernels, found {len(kernels)}")
    original = kernel or _kernel(kernels[0], target)
    covered = _kernel(kernels[-1], target) if marked else original
    lines = [_rest_span(section) for section in found if section.word == "rewrite"]
    if replay is not None and lines:
        written, covered = covered, replay(original, lines)
        if marked and kernel is None and print_kernel(written) != print_kernel(covered):
            help = "leave the section out: it follows from the rewrites"
            raise _misplaced(source, marked, "the rewrites do not lead to this kernel", help)
    steps = tuple(step for section in _all(source, found, "steps") for step in _steps(section))
    return Schedule(original, covered, target, steps, tuple(_rest(s) for s in found if s.word == "rewrite"))


def parse_program_file(
    source: Source, load: LoadMachine = load_machine, *, machine: Machine | None = None, kernel: Kernel | None = None
) -> Program:
    """The program in ``source``; SourceError with the mistakes found. Arguments are those of :func:`parse_schedule`."""
    found = _sections(source, ("machine", "kernel", "program", "certificate"))
    target = machine or _machine(source, found, load)
    start = _all(source, found, "program")[0].start
    before = [section for section in found if section.word == "kernel" and section.start < start]
    after = [section for section in found if section.word == "kernel" and section.start > start]
    if len(before) > 1 or (not before and kernel is None) or len(after) != 1:
        raise _misplaced(
            source, _all(source, found, "program"), "expected one kernel before 'program' and one after it"
        )
    return Program(kernel or _kernel(before[0], target), target, _kernel(after[0], target, program=True))


@dataclass(frozen=True, slots=True)
class _Section:
    """Characters ``start`` to ``end`` of a file, opened by ``word``."""

    source: Source
    word: str
    start: int
    end: int


def _sections(source: Source, words: tuple[str, ...]) -> tuple[_Section, ...]:
    starts = list(_SECTION.finditer(source.text))
    _only_comments(source, source.text[: starts[0].start()] if starts else source.text)
    ends = [*(match.start() for match in starts), len(source.text)][1:]
    found = tuple(_Section(source, match.group(), match.start(), end) for match, end in zip(starts, ends, strict=True))
    for section in found:
        if section.word not in words:
            help = f"sections are {', '.join(words)}"
            raise _misplaced(source, [section], f"'{section.word}' does not belong here", help)
    return found


def _only_comments(source: Source, text: str) -> None:
    place = 0
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.lstrip().startswith("#"):
            message = f"expected a section, found '{line.strip()}'"
            help = "a file starts with 'machine NAME'; sections start at the beginning of a line"
            raise SourceError(Diagnostic("SCH042", message, Span(source, place, place + len(line.rstrip())), help))
        place += len(line)


def _all(source: Source, found: tuple[_Section, ...], word: str) -> tuple[_Section, ...]:
    """Sections opened by ``word``, at least one."""
    sections = tuple(section for section in found if section.word == word)
    if not sections:
        raise _misplaced(source, (), f"there is no section '{word}'")
    return sections


def _misplaced(source: Source, sections: abc.Sequence[_Section], message: str, help: str | None = None) -> SourceError:
    """An error at the last of ``sections``, at the end of the file where there is none."""
    start = sections[-1].start if sections else len(source.text)
    end = start + len(sections[-1].word) if sections else start
    return SourceError(Diagnostic("SCH042", message, Span(source, start, end), help))


def _machine(source: Source, found: tuple[_Section, ...], load: LoadMachine) -> Machine:
    sections = _all(source, found, "machine")
    if len(sections) > 1:
        raise _misplaced(source, sections, "the machine is named twice")
    name = _rest(sections[0])
    if not name:
        raise _misplaced(source, sections, "expected the name or path of a machine")
    try:
        return load(name)
    except SourceError as error:
        start = source.text.index(name, sections[0].start + len("machine"))
        span = Span(source, start, start + len(name))
        raise SourceError(*(d if d.span else replace(d, span=span) for d in error.diagnostics)) from error


def written_certificate(source: Source) -> Span | None:
    """Where the certificate of a program stands; None where it has none, SourceError where it has several."""
    sections = [section for section in _sections(source, _WORDS) if section.word == "certificate"]
    if not sections:
        return None
    if len(sections) > 1:
        raise _misplaced(source, sections, "there are two certificates")
    return Span(source, sections[0].start + len("certificate"), sections[0].end)


def written_machine(source: Source) -> str | None:
    """The name or path after ``machine``, as it stands in a file of either kind; None where there is none."""
    sections = [section for section in _sections(source, _WORDS) if section.word == "machine"]
    return _rest(sections[0]) if sections else None


def _rest_span(section: _Section) -> Span:
    """Where :func:`_rest` stands."""
    match = _REST.match(section.source.text, section.start + len(section.word), section.end)
    return Span(section.source, *(match.span(1) if match else (section.end, section.end)))


def _rest(section: _Section) -> str:
    """What stands on the section's first line after its word, without a comment."""
    match = _REST.match(section.source.text, section.start + len(section.word), section.end)
    return match.group(1) if match else ""


def _kernel(section: _Section, machine: Machine, program: bool = False) -> Kernel:
    """The kernel that is written out or, where it is not a program, named; types not given are the machine's."""
    reference = _REFERENCE.match(section.source.text, section.start, section.end)
    if program:
        return bind(parse_template(section.source, section.start, section.end), program=True)
    if reference is None:
        return checked_kernel(parse_template(section.source, section.start, section.end))
    sizes: dict[str, int] = {}
    types: dict[str, DType] = {}
    for binding in reference["bindings"].split():
        name, _, value = binding.partition("=")
        if value in DTYPES:
            types[name] = DTYPES[value]
        elif value.isascii() and value.isdecimal():
            sizes[name] = int(value)
        else:
            start = section.source.text.index(binding, section.start)
            span = Span(section.source, start, start + len(binding))
            raise SourceError(Diagnostic("SCH042", f"'{value}' is neither a size nor a data type", span))
    return kernel_for(machine, reference["name"], sizes, types)


def _steps(section: _Section) -> abc.Iterator[Step]:
    text, place = section.source.text, section.start + len(section.word)
    while place < section.end:
        end = text.find("\n", place, section.end)
        end = section.end if end < 0 else end
        line = StepReader(section.source, place, end)
        if line.tokens:
            yield parse_step(line)
        place = end + 1
