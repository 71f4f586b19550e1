"""The steps of a schedule: small frozen decisions that replay to one nest per statement.

Each step names the statement it is about (its number in the covered kernel). Replaying checks that a step refers to
what exists; whether the whole can be lowered is :mod:`isamapper.plan.lower_nest`'s question.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from isamapper.diagnostics.source import Diagnostic, SourceError, Span
from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel
from isamapper.plan.nest import Buffer, Call, Digit, Epilogue, Nest


@dataclass(frozen=True, slots=True)
class Apply:
    """Do ``statement`` with ``instruction``; ``role`` is ``call``, ``first`` (overwrites) or ``init`` (fills)."""

    statement: int
    role: str
    instruction: str
    sigma: tuple[tuple[str, int], ...]
    axes: tuple[tuple[str, tuple[str, ...]], ...]
    values: tuple[tuple[str, int], ...] = ()
    constants: tuple[tuple[str, int | float], ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Split:
    """Write ``iterator`` as the given digits, outermost first."""

    statement: int
    iterator: str
    digits: tuple[Digit, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reorder:
    """Put the statement's loops in this order, outermost first."""

    statement: int
    loops: tuple[str, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Give an access a buffer: where, attached where, laid out and filled how."""

    statement: int
    buffer: Buffer
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Overlap a buffer's fill (or drain) with the neighbouring iteration, spread over inner loops."""

    statement: int
    access: int
    memory: str
    spread: tuple[tuple[str, str], ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Fuse:
    """Let the drain of ``statement`` do the elementwise ``consumer`` with ``instruction``."""

    statement: int
    consumer: int
    instruction: str
    values: tuple[tuple[str, int], ...] = ()
    span: Span | None = field(default=None, compare=False)


Step: TypeAlias = Apply | Split | Reorder | Place | Pipeline | Fuse


@dataclass(frozen=True, slots=True)
class Schedule:
    """A kernel, the equivalent kernel that is covered (after ``rewrites``), a machine, and the steps."""

    kernel: Kernel
    covered: Kernel
    machine: Machine
    steps: tuple[Step, ...]
    rewrites: tuple[str, ...] = ()


def replay(schedule: Schedule) -> tuple[Nest, ...]:
    """The nests that the steps describe, in the order of their statements; SourceError for a step that cannot be."""
    found = statements(schedule.covered)
    nests: dict[int, Nest] = {}
    for step in schedule.steps:
        index = step.statement
        if not 0 <= index < len(found):
            raise _wrong(step, f"there is no statement {index}")
        if index not in nests:
            if not isinstance(step, Apply) or step.role != "call":
                raise _wrong(step, f"statement {index} has no 'apply {index} call' yet")
            nests[index] = _start(schedule.machine, found[index], step)
        else:
            nests[index] = _take(schedule.machine, found, nests[index], step)
    return tuple(nests[index] for index in sorted(nests))


def _start(machine: Machine, statement: Statement, step: Apply) -> Nest:
    return Nest(statement, _call(machine, step), None, None, (), (), ())


def _take(machine: Machine, found: tuple[Statement, ...], nest: Nest, step: Step) -> Nest:
    match step:
        case Apply(_, "first"):
            return replace(nest, first=_call(machine, step))
        case Apply(_, "init"):
            return replace(nest, init=_call(machine, step))
        case Apply():
            raise _wrong(step, f"'{step.role}' is not a role here; one of first, init")
        case Split(_, iterator, digits):
            if iterator not in {known.name for known in nest.statement.iterators}:
                raise _wrong(step, f"statement {step.statement} has no iterator '{iterator}'")
            return replace(nest, digits=(*nest.digits, *digits))
        case Reorder(_, loops):
            known = {digit.name for digit in nest.digits if digit.bound is None}
            for loop in loops:
                if loop not in known:
                    raise _wrong(step, f"there is no loop '{loop}'")
            return replace(nest, order=loops)
        case Place(_, buffer):
            if buffer.loop is not None and buffer.loop not in nest.order:
                raise _wrong(step, f"there is no loop '{buffer.loop}'")
            return replace(nest, buffers=(*nest.buffers, buffer))
        case Pipeline():
            return _pipelined(nest, step)
        case Fuse(_, consumer, instruction, values):
            chosen = specialised(_instruction(machine, instruction, step), values)
            return replace(nest, epilogue=Epilogue(found[consumer], chosen, values))
        case _:
            assert_never(step)


def _pipelined(nest: Nest, step: Pipeline) -> Nest:
    buffers = []
    for buffer in nest.buffers:
        if buffer.access == step.access and buffer.memory == step.memory:
            drains = step.access == 0
            buffer = replace(buffer, prefetch=not drains, delay=drains, spread=step.spread)
        buffers.append(buffer)
    if tuple(buffers) == nest.buffers:
        raise _wrong(step, f"access {step.access} has no buffer in '{step.memory}'")
    return replace(nest, buffers=tuple(buffers))


def _call(machine: Machine, step: Apply) -> Call:
    chosen = specialised(_instruction(machine, step.instruction, step), step.values)
    return Call(chosen, step.sigma, step.axes, step.values, step.constants)


def _instruction(machine: Machine, name: str, step: Step) -> Instruction:
    try:
        return machine.instruction(name)
    except KeyError:
        raise _wrong(step, f"machine '{machine.name}' has no instruction '{name}'") from None


def _wrong(step: Step, message: str) -> SourceError:
    return SourceError(Diagnostic("SCH020", message, step.span))


def steps_of(nest: Nest) -> tuple[Step, ...]:
    """The steps that replay to ``nest``."""
    index = nest.statement.index
    steps: list[Step] = [_applied(index, "call", nest.call)]
    steps += [_applied(index, role, call) for role, call in (("first", nest.first), ("init", nest.init)) if call]
    for iterator in nest.statement.iterators:
        digits = tuple(digit for digit in nest.digits if digit.iterator == iterator.name)
        if digits:
            steps.append(Split(index, iterator.name, digits))
    steps.append(Reorder(index, nest.order))
    for buffer in nest.buffers:
        steps.append(Place(index, replace(buffer, prefetch=False, delay=False, spread=())))
        if buffer.prefetch or buffer.delay:
            steps.append(Pipeline(index, buffer.access, buffer.memory, buffer.spread))
    if nest.epilogue is not None:
        fused = nest.epilogue
        steps.append(Fuse(index, fused.statement.index, fused.instruction.name, fused.values))
    return tuple(steps)


def _applied(index: int, role: str, call: Call) -> Apply:
    return Apply(index, role, call.instruction.name, call.sigma, call.axes, call.values, call.constants)
