"""What the heuristic does for other objectives than cycles: the best rows of the best families, then the beam.

Where decisions are fixed the beam alone searches: the rows of a look know nothing of them.
"""

from __future__ import annotations

from collections import abc

import numpy as np

from isamapper.scheduler.space.descent import Priced, closer, look
from isamapper.scheduler.space.space import Rows
from isamapper.scheduler.strategies import beaming
from isamapper.scheduler.strategies.exploring import strategy
from isamapper.scheduler.strategies.task import Improvement, Task

FAMILIES = 6
"""Families that are looked at closer."""
JUDGED = 6


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Improvements; the first are the best rows near those of a coarse grid."""
    if not task.space.pins:
        rows = [row for place in _promising(task) for row in _rows(task, place)]
        if rows:
            found = task.prices(np.array(rows, dtype=np.int64))
            yield from task.offered(np.array(rows, dtype=np.int64), found.cycles, found.bytes_moved, JUDGED)
    yield from beaming.explore(task)


def _promising(task: Task) -> list[int]:
    """The families whose first look is best."""
    families = task.space.families
    flat = [place for place, family in enumerate(families) if family.shape.levels == 1 and task.alive(place)]
    looks = {place: look(families[place], task.objective).cycles for place in flat}
    return [place for place in sorted(flat, key=lambda each: looks[each])[:FAMILIES] if looks[place] < np.inf]


def _rows(task: Task, place: int) -> list[Rows]:
    own = task.space.families[place]
    return [_encoded(task, place, row) for row in closer(look(own, task.objective))]


def _encoded(task: Task, place: int, row: Priced) -> Rows:
    own = task.space.families[place]
    numbers = {order: number for number, order in enumerate(own.orders)}
    slots = np.array([row.slots], dtype=np.int64).reshape(1, len(own.shape.buffers))
    found: Rows = task.space.rows(place, np.array([row.tiles]), [numbers[each] for each in row.orders], slots)[0]
    return found


sighted = strategy(explore)
