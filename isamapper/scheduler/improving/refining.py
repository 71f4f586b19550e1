"""The best few nests with their copies spread otherwise: the cost model judges where copies stand."""

from __future__ import annotations

import math
from collections import abc

from isamapper.costmodels.bounds import nest_call_cycles
from isamapper.hwdesc.model import Machine
from isamapper.plan.layout import loop_trips
from isamapper.plan.nest import Nest
from isamapper.scheduler.improving.judging import Judged
from isamapper.scheduler.nests.spreading import variants

REFINED = 2
"""How many of the nests are spread anew."""
GOOD_ENOUGH = 1.03
"""A nest that takes at most this many times what nothing undercuts gains nothing worth the time."""
MOST_CALLS = 5 * 10**8
"""Of nests with more calls nothing is spread anew: where a spread keeps loops from repeating, every call is stepped."""


def refined(
    machine: Machine,
    judged: abc.Sequence[Judged],
    cycles_of: abc.Callable[[Nest], float | None],
    least: float,
    late: abc.Callable[[], bool],
) -> list[Judged]:
    """Other spreads of the best of ``judged``, as far as they may pay; ``least`` is what no nest undercuts.

    ``cycles_of`` gives a nest's cycles, None where it cannot be lowered.
    """
    found: list[Judged] = []
    best = min(each.cycles for each in judged)
    for each in sorted(judged, key=lambda one: one.cycles)[:REFINED]:
        if math.prod(loop_trips(each.nest, name) for name in each.nest.order) > MOST_CALLS:
            continue
        unit = machine.unit(each.nest.call.instruction.unit)
        floor = max(least, nest_call_cycles(each.nest) / unit.count)
        for changed in variants(each.nest):
            if best <= GOOD_ENOUGH * floor or late():
                break
            cycles = cycles_of(changed)
            if cycles is not None:
                found.append(Judged(cycles, each.bytes_moved, changed))
                best = min(best, cycles)
    return found
