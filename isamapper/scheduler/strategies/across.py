"""A schedule's statements spread over the copies of a grid, whatever strategy finds the part of one copy.

What does not belong here: which cuts are tried (``spatial.py``) and how a part is searched (the strategies).
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import CostModel
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.improving.spatial import distributed
from isamapper.scheduler.improving.summing import PartSearch, with_sums
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
