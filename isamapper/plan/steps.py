"""The steps of a schedule: small frozen decisions that replay to one nest per statement.

Each step names the statement it is about (its number in the covered kernel). Replaying checks that a step refers to
what exists; whether the whole can be lowered is :mod:`isamapper.plan.lower_nest`'s question.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel
from isamapper.plan.joint import Join, join_of, joint_statement, seen_instruction
from isamapper.plan.nest import Call, Epilogue, Nest
from isamapper.plan.step_checks import misstep
from isamapper.plan.step_kinds import Apply, Distribute, Fuse, Pipeline, Place, Reorder, Split, Step

__all__ = [
    "Apply",
    "Distribute",
    "Fuse",
    "Join",
    "Pipeline",
    "Place",
    "Reorder",
    "Schedule",
    "Split",
    "Step",
    "replay",
    "steps_of",
]


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
        mistake = misstep(step, nests.get(index), found, schedule.machine)
        if mistake is not None:
            raise SourceError(Diagnostic("SCH020", mistake, step.span))
        if isinstance(step, Join):
            joint = joint_statement(schedule.covered, schedule.machine, step)
            found = tuple(joint if each.index == index else each for each in found)
        elif isinstance(step, Apply) and step.role == "call":
            nests[index] = Nest(found[index], _call(schedule.machine, found[index], step), None, None, (), (), ())
        else:
            nests[index] = _take(schedule.machine, found, nests[index], step)
    return tuple(nests[index] for index in sorted(nests))


def _take(machine: Machine, found: tuple[Statement, ...], nest: Nest, step: Step) -> Nest:
    match step:
        case Apply(_, "first"):
            return replace(nest, first=_call(machine, found[step.statement], step))
        case Apply():
            return replace(nest, init=_call(machine, found[step.statement], step))
        case Split(_, _, digits):
            return replace(nest, digits=(*nest.digits, *(replace(digit, span=step.span) for digit in digits)))
        case Reorder(_, loops):
            return replace(nest, order=loops, order_span=step.span)
        case Place(_, buffer):
            return replace(nest, buffers=(*nest.buffers, replace(buffer, span=step.span)))
        case Pipeline():
            return _pipelined(nest, step)
        case Fuse(_, consumer, instruction, values):
            chosen = specialised(machine.instruction(instruction), values)
            return replace(nest, epilogue=Epilogue(found[consumer], chosen, values, step.span))
        case Distribute(_, loops):
            return replace(nest, distributed=loops, distributed_span=step.span)
        case Join():
            raise AssertionError("a join makes a statement, no nest")
        case _:
            assert_never(step)


def _pipelined(nest: Nest, step: Pipeline) -> Nest:
    """The buffer placed last for the step's access and memory overlaps."""
    matching = [n for n, b in enumerate(nest.buffers) if b.access == step.access and b.memory == step.memory]
    drains = step.access in nest.statement.written
    buffers = list(nest.buffers)
    own = buffers[matching[-1]]
    ahead = not drains or own.fill is not None
    buffers[matching[-1]] = replace(own, prefetch=ahead, delay=drains, spread=step.spread)
    return replace(nest, buffers=tuple(buffers))


def _call(machine: Machine, statement: Statement, step: Apply) -> Call:
    chosen = specialised(machine.instruction(step.instruction), step.values)
    if step.role == "call":
        chosen = seen_instruction(chosen, statement)
    return Call(chosen, step.sigma, step.axes, step.values, step.constants, step.span)


def steps_of(nest: Nest) -> tuple[Step, ...]:
    """The steps that replay to ``nest``."""
    index = nest.statement.index
    join = join_of(nest.statement)
    steps: list[Step] = [] if join is None else [join]
    steps.append(_applied(index, "call", nest.call))
    steps += [_applied(index, role, call) for role, call in (("first", nest.first), ("init", nest.init)) if call]
    for iterator in nest.statement.iterators:
        digits = tuple(digit for digit in nest.digits if digit.iterator == iterator.name)
        if digits:
            steps.append(Split(index, iterator.name, digits))
    steps.append(Reorder(index, nest.order))
    if nest.distributed:
        steps.append(Distribute(index, nest.distributed))
    for buffer in nest.buffers:
        shifted = buffer.prefetch or buffer.delay
        placed = replace(buffer, prefetch=False, delay=False, spread=() if shifted else buffer.spread)
        steps.append(Place(index, placed))
        if shifted:
            steps.append(Pipeline(index, buffer.access, buffer.memory, buffer.spread))
    if nest.epilogue is not None:
        fused = nest.epilogue
        steps.append(Fuse(index, fused.statement.index, fused.instruction.name, fused.values))
    return tuple(steps)


def _applied(index: int, role: str, call: Call) -> Apply:
    return Apply(index, role, call.instruction.name, call.sigma, call.axes, call.values, call.constants)
