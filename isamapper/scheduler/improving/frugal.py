"""Fewer bytes for as good as the same cycles: prospects that move much less than the best are judged, too.

Estimates err by more than a tie: what is thought to take a little longer than the best may take as long. What does not
belong here: the choice among what was judged (``judging.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.plan.nest import Nest
from isamapper.scheduler.improving.judging import TIE, Judged, chosen
from isamapper.scheduler.space.found import Prospect

LESS = 0.95
"""A prospect is worth a look if it moves at most this part of the bytes."""
UNSURE = 0.02
"""So much dearer than the best a prospect may be thought."""
TRIED = 3
"""Prospects that are judged at most, those with fewest bytes first."""


def frugal(
    prospects: abc.Sequence[Prospect],
    judged: abc.Sequence[Judged],
    cycles_of: abc.Callable[[Nest], float | None],
    late: abc.Callable[[], bool],
) -> list[Judged]:
    """What moves fewer bytes than the choice among ``judged``, until one takes as good as the same cycles.

    ``cycles_of`` gives a nest's cycles, None where it cannot be lowered.
    """
    best, least = chosen(judged), min(each.cycles for each in judged)
    known = {each.nest for each in judged}
    found: list[Judged] = []
    wanted = [
        each
        for each in prospects
        if each.bytes_moved <= LESS * best.bytes_moved and each.estimated_cycles <= least * (1 + UNSURE)
    ]
    for each in sorted(wanted, key=lambda one: (one.bytes_moved, one.estimated_cycles)):
        if len(found) == TRIED or late():
            break
        nest = each.nest
        cycles = cycles_of(nest) if isinstance(nest, Nest) and nest not in known else None
        if cycles is None or not isinstance(nest, Nest):
            continue
        known.add(nest)
        found.append(Judged(cycles, each.bytes_moved, nest))
        if cycles <= least * (1 + TIE):
            break
    return found
