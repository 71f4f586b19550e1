"""A schedule's statements spread over the copies of a grid, whatever strategy finds the part of one copy.

What does not belong here: which cuts are tried (``spatial.py``) and how a part is searched (the strategies).
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import IteratorKind, Kernel
from isamapper.plan.check_cores import check_cores
from isamapper.plan.fixed import Fixed
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import CostModel
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.improving.spatial import Cut, core_of, distributed, smaller, spread_out
from isamapper.scheduler.improving.summing import PartSearch, summed, with_sums
from isamapper.scheduler.statements.isolate import isolated
from isamapper.scheduler.statements.subject import subject_of


def across_cores(found: Schedule, cost_model: CostModel, search: PartSearch) -> Schedule:
    """The schedule with every nest on all copies of a grid where that is cheaper."""
    machine, covered = found.machine, found.covered

    def changed(nest: Nest) -> Nest:
        subject = subject_of(machine, covered, nest.statement, nest.epilogue)

        def part(core: Machine, kernel: Kernel) -> Nest | Rejection:
            return search(core, kernel, nest.statement.index, nest.epilogue)

        def cycles_of(other: Nest) -> float | None:
            kernel, moved = isolated(subject.tensors, other, subject.shared, subject.fresh)
            try:
                return cost_model.cycles(Schedule(kernel, kernel, machine, steps_of(moved)))
            except SourceError:
                return None

        return distributed(machine, covered, nest, part, cycles_of)

    steps = tuple(step for nest in replay(found) for step in steps_of(changed(nest)))
    return with_sums(replace(found, steps=steps), search, cost_model)


def fixed_cut(schedule: Schedule, fixed: Fixed) -> Cut:
    """The cut that a person has chosen; SourceError for an iterator or a grid that there is not."""
    iterators = [each.name for each in statements(schedule.covered)[fixed.statement].iterators]
    grids = [grid.name for grid in schedule.machine.grids]
    parts: list[tuple[str, int, str]] = []
    for pin in (each for each in fixed.pins if each.kind == "across"):
        for word in pin.value if isinstance(pin.value, tuple) else ():
            name, _, count = str(word).rpartition(" ")
            for what, given, known in (("iterator", pin.name, iterators), ("grid", name, grids)):
                if given not in known:
                    message = f"there is no {what} '{given}' to cut, or to cut over"
                    raise SourceError(Diagnostic("FIX003", message, pin.span, did_you_mean(given, known)))
            parts.append((pin.name, int(count), name))
    return Cut(tuple(sorted((part for part in parts if part[1] > 1), key=lambda part: grids.index(part[2]))))


def with_cut(found: Schedule, index: int, cut: Cut, search: PartSearch) -> Schedule | Rejection:
    """The schedule with statement ``index`` cut so, or why it cannot be."""
    nests = {nest.statement.index: nest for nest in replay(found)}
    if index not in nests:
        return Rejection("SCH040", f"statement {index}", "another statement's call or drain does it")
    nest, machine = nests[index], found.machine
    kinds = {each.name: each.kind for each in nest.statement.iterators}
    if any(kinds[name] is IteratorKind.REDUCTION for name, _, _ in cut.parts):
        made = summed(found, index, cut, search)
        if isinstance(made, Rejection):
            return made
    else:
        part = search(core_of(machine, cut), smaller(found.covered, nest.statement, cut), index, nest.epilogue)
        if isinstance(part, Rejection):
            return part
        nests[index] = spread_out(nest.statement, part, cut)
        made = replace(found, steps=tuple(step for each in nests.values() for step in steps_of(each)))
    for each in replay(made):
        refused = check_cores(each, machine)
        if refused is not None:
            return refused
    return made
