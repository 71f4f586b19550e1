"""Statements in loops that others share, across a grid: every core keeps its part of what it reads in each step.

A recurrence's product is found once more as what one core does of it, with its part of the weights near; what stays
there is tried afterwards, as for any statement (``residency.py``). Statements that are not divided run on one core,
and what cores hand on goes through a memory that all of them reach.

What does not belong here: ways to cut a statement over a grid (``spatial.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.plan.homes import all_tensors
from isamapper.plan.nest import Nest
from isamapper.plan.resident import can_stay
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.improving.keeping import Again
from isamapper.scheduler.improving.roomy import roomy
from isamapper.scheduler.improving.spatial import parted


def with_parts(schedule: Schedule, again: Again) -> tuple[Schedule, Again] | None:
    """``schedule`` with the statement of the largest operand that can stay divided over the cores of a grid.

    With another ``again``, which leaves what is divided as it is. None where nothing can be divided so.
    """
    nests = list(replay(schedule))
    chosen = _largest(schedule, nests) if schedule.machine.grids else None
    if chosen is None:
        return None
    nest = nests[chosen]
    index, near = nest.statement.index, roomy(again)

    def search(core: Machine, kernel: Kernel) -> Nest | Rejection:
        found = near(core, kernel, index, None)
        return found or Rejection("SCH040", f"statement {index}", "a core has no schedule for its part")

    def others(machine: Machine, kernel: Kernel, number: int, accept: abc.Callable[[Nest], bool] | None) -> Nest | None:
        return None if number == index else again(machine, kernel, number, accept)

    divided = parted(schedule.machine, schedule.covered, nest, search)
    if divided is None:
        return None
    changed = [*nests[:chosen], divided, *nests[chosen + 1 :]]
    return replace(schedule, steps=tuple(step for each in changed for step in steps_of(each))), others


def _largest(schedule: Schedule, nests: abc.Sequence[Nest]) -> int | None:
    """The place of the nest with the largest operand that can stay."""
    tensors = all_tensors(schedule.covered)
    sizes = [
        (math.prod(tensors[nest.statement.accesses[access].tensor].shape), -place)
        for place, nest in enumerate(nests)
        for access in {buffer.access for buffer in nest.buffers}
        if can_stay(schedule.covered, nest, access) is None
    ]
    return -max(sizes)[1] if sizes else None
