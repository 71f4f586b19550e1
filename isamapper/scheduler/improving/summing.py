"""Sums over a grid: cores do parts of a sum, and the network between them adds the parts up where the target lives.

    c[m, n] += a[m, k] * b[k, n]      k across the cores: each starts its part afresh and adds it to c

A part is searched as a smaller sum on a core whose instruction that adds (``d[i] += s[i]``) looks like a copy. What the
sum starts from is a statement of its own before it (rewrite ``start``), unless the target has a value already.
What does not belong here: cuts in general (``spatial.py``), what may be added up (``plan/sums.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.hwdesc.model import Grid, Instruction, Machine, Operand
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Assign, Direction, IteratorKind, Kernel, Loop, Node
from isamapper.mapper.rewrites.start import Start
from isamapper.plan.cores import reduction_of
from isamapper.plan.homes import home_memory
from isamapper.plan.joint import is_joint
from isamapper.plan.needle import adding_shape, copy_shape, operand_spec
from isamapper.plan.nest import Epilogue, Nest
from isamapper.plan.protocols import CostModel
from isamapper.plan.skeleton import shared_iterators
from isamapper.plan.step_kinds import Fuse, Step
from isamapper.plan.steps import Join, Schedule, replay, steps_of
from isamapper.scheduler.improving.spatial import (
    TRIED,
    Cut,
    core_of,
    free_iterators,
    promise,
    smaller,
    spread_out,
    suited_grids,
    wider_cuts,
)
from isamapper.scheduler.statements.isolate import isolated
from isamapper.scheduler.statements.subject import subject_of

PartSearch = abc.Callable[[Machine, Kernel, int, Epilogue | None], Nest | Rejection]
"""Finds the nest of a statement, by its number, of a kernel on a machine."""


def with_sums(
    found: Schedule, search: PartSearch, cost_model: CostModel, late: abc.Callable[[], bool] = lambda: False
) -> Schedule:
    """``found``, or what is faster: with parts of sums on the cores of grids whose networks add them up.

    No part is searched once it is ``late``.
    """
    if not any(home_memory(found.machine) in grid.reduces for grid in found.machine.grids):
        return found

    def cycles_of(schedule: Schedule) -> float | None:
        try:
            return cost_model.cycles(schedule)
        except SourceError:
            return None

    least = cycles_of(found)
    for nest in reversed(replay(found)):  # what is written before a sum moves no statement before it
        cuts = sum_cuts(found.machine, found.covered, nest)[:TRIED]
        others = [summed(found, nest.statement.index, cut, search) for cut in cuts if not late()]
        for other in (each for each in others if isinstance(each, Schedule)):
            cycles = cycles_of(other)
            if cycles is not None and (least is None or cycles < least):
                found, least = other, cycles
    return found


def sum_cuts(machine: Machine, kernel: Kernel, nest: Nest) -> list[Cut]:
    """Ways to cut a sum over the machine's grids that cut what it sums over, the most promising first."""
    statement = nest.statement
    sums = _summed_iterators(kernel, nest)
    if not sums:
        return []
    parallel, home = free_iterators(kernel, nest), home_memory(machine)
    frontier = [Cut(())]
    for grid in suited_grids(machine, nest):
        free = {**parallel, **(sums if home in grid.reduces else {})}
        wider = [each for cut in frontier for each in wider_cuts(machine, nest, free, cut, grid)]
        kinds = [[each for each in wider if _sums(each, sums) == kind] for kind in (True, False)]
        frontier += [each for kind in kinds for each in kind[:TRIED]]
    found = [cut for cut in frontier if _sums(cut, sums) and _adder(machine, cut, statement, sums) is not None]
    return sorted(found, key=lambda cut: (promise(machine, nest, cut), cut.parts))


def _summed_iterators(kernel: Kernel, nest: Nest) -> dict[str, int]:
    """What the statement sums over, with extents; nothing where it must stay in one piece."""
    statement = nest.statement
    bound = nest.epilogue is not None or statement.conditions or statement.exclusions or is_joint(statement)
    if statement.assign.reduction is None or bound or shared_iterators(kernel, statement):
        return {}
    if any(buffer.kept or buffer.resident for buffer in nest.buffers):
        return {}
    found = (each for each in statement.iterators if each.kind is IteratorKind.REDUCTION)
    return {each.name: each.extent for each in found if each.extent > 1}


def _sums(cut: Cut, sums: abc.Collection[str]) -> bool:
    return any(name in sums for name, _, _ in cut.parts)


def _adder(
    machine: Machine, cut: Cut, statement: Statement, sums: abc.Collection[str]
) -> tuple[Instruction, ...] | None:
    """Instructions that add to the target's home, where the networks of all grids that the sum is cut over do."""
    home, reduction = home_memory(machine), statement.assign.reduction
    grids = {grid.name: grid for grid in machine.grids}
    networks: list[Grid] = [grids[grid] for name, _, grid in cut.parts if name in sums]
    if not all(home in grid.reduces for grid in networks):
        return None
    found = tuple(each for each in machine.instructions if _adds(each, home) is reduction)
    return found or None


def _adds(instruction: Instruction, home: str) -> object:
    """The reduction by which an instruction adds to tensors at home; None where it does not."""
    shape = adding_shape(instruction)
    if shape is None or home not in operand_spec(instruction, shape.target).memories:
        return None
    return reduction_of(instruction, shape.target)


def summed(found: Schedule, index: int, cut: Cut, search: PartSearch) -> Schedule | Rejection:
    """The schedule with statement ``index`` cut so, its sum too, or why there is none."""
    machine, covered = found.machine, found.covered
    subject = subject_of(machine, covered, statements(covered)[index])
    start: Nest | None = None
    if subject.fresh:
        started = Start(index).apply(covered)
        if isinstance(started, Rejection):
            return started
        first = search(machine, started, index, None)
        if isinstance(first, Rejection):
            return first
        covered, start = started, first
    nests = {nest.statement.index: nest for nest in replay(found)}
    alone, _ = isolated(subject.tensors, nests[index], subject.shared, True)
    part = search(_adding_core(machine, cut, subject.statement), smaller(alone, statements(alone)[0], cut), 0, None)
    if isinstance(part, Rejection):
        return part
    whole = _adding(spread_out(statements(covered)[index + (start is not None)], part, cut))
    if whole is None:
        return Rejection("SCH040", f"statement {index}", "its part of the sum is not in a buffer of its own")
    return _assembled(found, index, start, whole, covered)


def _adding_core(machine: Machine, cut: Cut, statement: Statement) -> Machine:
    """A core on which what adds to the target's home looks like a copy, and no other copy leads there."""
    home, reduction = home_memory(machine), statement.assign.reduction
    core = core_of(machine, cut)
    found = []
    for instruction in core.instructions:
        shape = copy_shape(instruction)
        if _adds(instruction, home) is reduction:
            found.append(_as_copy(instruction))
        elif shape is None or home not in operand_spec(instruction, shape.target).memories:
            found.append(instruction)
    return replace(core, instructions=tuple(found), digest=f"{core.digest}+{cut}")


def _as_copy(instruction: Instruction) -> Instruction:
    """``d[i] += s[i]`` as ``d[i] = s[i]``."""
    semantics, shape = instruction.semantics, adding_shape(instruction)
    assert shape is not None
    out = Direction.OUT
    tensors = tuple(replace(each, direction=out) if each.name == shape.target else each for each in semantics.tensors)

    def plain(node: Node) -> Node:
        match node:
            case Loop():
                return replace(node, body=tuple(plain(each) for each in node.body))
            case Assign():
                return replace(node, reduction=None)
            case _:
                return node

    copied = replace(semantics, tensors=tensors, body=tuple(plain(node) for node in semantics.body))
    operands: tuple[Operand, ...] = tuple(replace(each, accumulates=False) for each in instruction.operands)
    return replace(instruction, semantics=copied, operands=operands)


def _adding(nest: Nest) -> Nest | None:
    """The nest whose target's first stop adds instead of being drained; None where it has none."""
    path = nest.path(0)
    if not path or path[0].drain is None or path[0].kept or path[0].resident:
        return None
    adds = replace(path[0], adds=True, fill=None, prefetch=False)
    return replace(nest, buffers=tuple(adds if buffer is path[0] else buffer for buffer in nest.buffers))


def _assembled(found: Schedule, index: int, start: Nest | None, whole: Nest, covered: Kernel) -> Schedule | Rejection:
    """The schedule with other nests for statement ``index``, and for one before it where the sum has a start."""
    steps: list[Step] = []
    for nest in replay(found):
        own = nest.statement.index
        if own == index:
            steps += [*(() if start is None else steps_of(start)), *steps_of(whole)]
            continue
        for step in steps_of(nest):
            if start is not None and isinstance(step, Join):
                return Rejection("SCH040", f"statement {index}", "others are done together")
            steps.append(step if start is None else _moved(step, index))
    rewrites = found.rewrites if start is None else (*found.rewrites, Start(index).text(found.covered))
    schedule = replace(found, covered=covered, steps=tuple(steps), rewrites=rewrites)
    try:
        replay(schedule)
    except SourceError as error:
        return Rejection("SCH040", f"statement {index}", error.diagnostics[0].message)
    return schedule


def _moved(step: Step, index: int) -> Step:
    """A step after a statement has come in before statement ``index``."""

    def number(own: int) -> int:
        return own + (own >= index)

    if isinstance(step, Fuse):
        return replace(step, statement=number(step.statement), consumer=number(step.consumer))
    return replace(step, statement=number(step.statement))
