"""Rules of one instruction: meaning, parameters, operands.

Timing expressions are judged in ``timing_checks.py``, assembly templates in ``emit_checks.py``.
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Diagnostic, SourceError, Span
from isamapper.hwdesc.classify import Work, classify, meaning, operand_axes, reads_and_writes, tensor_of
from isamapper.hwdesc.emit_checks import check_emit
from isamapper.hwdesc.model import Instruction, Machine, Memory, MemoryKind, Operand
from isamapper.hwdesc.places import Places
from isamapper.hwdesc.range_checks import check_least
from isamapper.hwdesc.timing_checks import check_timing
from isamapper.ir.nodes import Direction, Reduction, Tensor
from isamapper.ir.types import integer_range, storage_bytes
from isamapper.ir.verifier import check_semantics


@dataclass(frozen=True, slots=True)
class _Subject:
    """One operand with everything its rules look at."""

    instruction: Instruction
    operand: Operand
    tensor: Tensor
    memories: tuple[Memory, ...]
    places: Places

    @property
    def called(self) -> str:
        return f"operand '{self.operand.name}' of '{self.instruction.name}'"

    def span(self, field: str) -> Span | None:
        """The field's value in the file, else the declaration in the semantics."""
        path = ("instruction", self.instruction.name, "operands", self.operand.name, field)
        return self.places.exact(*path) or self.operand.span


def check_instruction(instruction: Instruction, machine: Machine, places: Places) -> tuple[Diagnostic, ...]:
    """Every finding about ``instruction`` alone."""
    wrong = _semantics(instruction)
    if wrong:
        return wrong
    memories = {memory.name: memory for memory in machine.memories}
    findings = [*_implicit(instruction, places), *check_timing(instruction, places), *check_emit(instruction, places)]
    for operand in instruction.operands:
        tensor = tensor_of(instruction, operand.name)
        known = tuple(memories[name] for name in operand.memories if name in memories)
        subject = _Subject(instruction, operand, tensor, known, places)
        findings += itertools.chain.from_iterable(rule(subject) for rule in _OPERAND_RULES)
    return tuple(findings)


def _semantics(instruction: Instruction) -> tuple[Diagnostic, ...]:
    try:
        check_semantics(instruction.semantics)
    except SourceError as error:
        return error.diagnostics
    return check_least(instruction)


def _implicit(instruction: Instruction, places: Places) -> abc.Iterator[Diagnostic]:
    if instruction.implicit and classify(instruction) is not Work.COPY:
        message = f"'{instruction.name}' is implicit but does not copy"
        help = "only data movement can be done unasked; leave 'implicit' out"
        yield Diagnostic("HW031", message, places.find("instruction", instruction.name, "implicit"), help)


def _capacity(subject: _Subject) -> abc.Iterator[Diagnostic]:
    """The window at the greatest parameters fits, and fills whole registers."""
    size = storage_bytes(subject.tensor.dtype, _elements(subject.tensor))
    for memory in subject.memories:
        if memory.capacity_bytes is not None and size > memory.capacity_bytes:
            message = f"{subject.called} takes {size} bytes, '{memory.name}' has {memory.capacity_bytes}"
            yield Diagnostic("HW022", message, subject.operand.span)
        elif memory.kind is MemoryKind.REGISTERS and memory.row_bytes and size % memory.row_bytes:
            message = (
                f"{subject.called} takes {size} bytes, which is not a whole number of registers of "
                f"'{memory.name}' ({memory.row_bytes} bytes each)"
            )
            help = "its greatest shape must fill whole registers; smaller parameters leave the rest unused"
            yield Diagnostic("HW022", message, subject.operand.span, help)


def _elements(tensor: Tensor) -> int:
    total = 1
    for size in tensor.shape:
        total *= size
    return total


def _storage(subject: _Subject) -> abc.Iterator[Diagnostic]:
    """Elements narrower than a byte must come in whole bytes along the innermost axis."""
    dtype, shape = subject.tensor.dtype, subject.tensor.shape
    if dtype.bits % 8 and (not shape or shape[-1] * dtype.bits % 8):
        length = shape[-1] if shape else 1
        message = f"{subject.called}: {length} '{dtype}' along the innermost axis are not whole bytes"
        yield Diagnostic("HW023", message, subject.operand.span)


def _contiguous(subject: _Subject) -> abc.Iterator[Diagnostic]:
    """Dense axes are named by the iterators that index them, once each, in the order of the shape."""
    wanted = subject.operand.contiguous
    if wanted is None:
        return
    axes = [name for name in operand_axes(subject.instruction, subject.operand) if name is not None]
    unknown = [name for name in wanted if name not in axes]
    for name in unknown:
        message = f"no axis of {subject.called} is indexed by '{name}' alone"
        help = f"axes: {', '.join(axes)}" if axes else "no axis of it is indexed by one iterator alone"
        yield Diagnostic("HW024", message, subject.span("contiguous"), help)
    if not unknown and list(wanted) != [name for name in axes if name in wanted]:
        message = f"'contiguous' of {subject.called} must list axes once, in the order of the shape"
        help = f"write [{', '.join(name for name in axes if name in wanted)}]"
        yield Diagnostic("HW024", message, subject.span("contiguous"), help)


def _padding(subject: _Subject) -> abc.Iterator[Diagnostic]:
    operand, dtype = subject.operand, subject.tensor.dtype
    if operand.pad_value is not None and not operand.pads:
        message = f"{subject.called} has 'pad_value' without 'pads: true'"
        yield Diagnostic("HW025", message, subject.span("pad_value"))
    if operand.pads and operand.name not in reads_and_writes(subject.instruction)[0]:
        message = f"{subject.called} pads but is never read"
        yield Diagnostic("HW025", message, subject.span("pads"), "only what is read can be padded")
    if operand.pad_value is not None and dtype.is_integer:
        low, high = integer_range(dtype)
        if operand.pad_value % 1 or not low <= operand.pad_value <= high:
            message = f"pad_value {operand.pad_value} of {subject.called} is not a value of '{dtype}'"
            yield Diagnostic("HW025", message, subject.span("pad_value"))


def _accumulation(subject: _Subject) -> abc.Iterator[Diagnostic]:
    """``accumulates`` speaks of ``inout`` operands that are only reduced into."""
    if not subject.operand.accumulates:
        return
    touching = [
        statement.assign
        for statement in meaning(subject.instruction)
        if any(access.tensor == subject.operand.name for access in statement.accesses)
    ]
    reduced = all(
        isinstance(assign.reduction, Reduction) and assign.target.tensor == subject.operand.name for assign in touching
    )
    if subject.tensor.direction is not Direction.INOUT or not reduced:
        message = f"{subject.called} cannot accumulate: it is not an 'inout' operand that is only reduced into"
        yield Diagnostic("HW026", message, subject.span("accumulates"), "write 'inout' and '+=' in the semantics")


def _times(subject: _Subject) -> abc.Iterator[Diagnostic]:
    """Times of reading belong to what is read, times of writing to what is written."""
    reads, writes = reads_and_writes(subject.instruction)
    name = subject.operand.name
    given = {
        "read_at": (subject.operand.read_at, reads, "read"),
        "read_until": (subject.operand.read_until, reads, "read"),
        "ready_at": (subject.operand.ready_at, writes, "written"),
    }
    for field, (value, accessed, word) in given.items():
        if value is not None and name not in accessed:
            message = f"{subject.called} has '{field}' but is never {word}"
            yield Diagnostic("HW027", message, subject.span(field))


def _ports(subject: _Subject) -> abc.Iterator[Diagnostic]:
    """A memory with ports has one for each direction in which it is used."""
    reads, writes = reads_and_writes(subject.instruction)
    for memory in subject.memories:
        directions = {port.direction.value for port in memory.ports}
        for accessed, word in ((reads, "read"), (writes, "write")):
            if directions and subject.operand.name in accessed and not directions & {word, "both"}:
                message = f"{subject.called} needs to {word} '{memory.name}', which has no port for that"
                yield Diagnostic("HW028", message, subject.operand.span)


_OPERAND_RULES = (_capacity, _storage, _contiguous, _padding, _accumulation, _times, _ports)
