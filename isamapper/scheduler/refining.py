"""The best few nests with their copies spread otherwise: the cost model judges where copies stand."""

from __future__ import annotations

from collections import abc

from isamapper.costmodels.bounds import nest_call_cycles
from isamapper.hwdesc.model import Machine
from isamapper.plan.nest import Nest
from isamapper.scheduler.clock import over
from isamapper.scheduler.spreading import variants

REFINED = 2
"""How many of the nests are spread anew."""
GOOD_ENOUGH = 1.02
"""A nest that takes at most this many times what its calls take alone gains nothing worth the time."""


def refined(
    machine: Machine,
    judged: abc.Sequence[tuple[float, Nest]],
    cycles_of: abc.Callable[[Nest], float | None],
    deadline: float | None,
) -> Nest:
    """The nest of ``judged`` (cycles, nest; at least one) with the fewest cycles, after trying other spreads.

    ``cycles_of`` gives a nest's cycles, None where it cannot be lowered.
    """
    ranked = sorted(judged, key=lambda one: one[0])
    least, best = ranked[0]
    for _, nest in ranked[:REFINED]:
        floor = nest_call_cycles(nest) / machine.unit(nest.call.instruction.unit).count
        for changed in variants(nest):
            if least <= GOOD_ENOUGH * floor or over(deadline):
                break
            cycles = cycles_of(changed)
            if cycles is not None and cycles < least:
                least, best = cycles, changed
    return best
