"""``beam``: from the smallest tiles upwards, the best rows of every step are grown in all directions at once."""

from __future__ import annotations

from collections import abc

import numpy as np

from isamapper.scheduler.space.grid import neighbours
from isamapper.scheduler.space.space import Rows
from isamapper.scheduler.strategies.exploring import strategy
from isamapper.scheduler.strategies.moves import smallest
from isamapper.scheduler.strategies.starting import started
from isamapper.scheduler.strategies.task import Improvement, Task

WIDTH = 48
"""Rows kept from step to step."""
PER_FAMILY = 12
"""Of them of one family at most, so that no family wins by its first step."""
STEPS = 24
PATIENCE = 3
"""Steps without a better row after which the beam ends."""
JUDGED = 4


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Grows rows until no neighbour is better."""
    yield from started(task)
    alive = [family for family in range(len(task.space.families)) if task.alive(family)]
    if not alive:
        return
    rows = np.concatenate([smallest(task.space, family) for family in alive])
    best, idle = np.inf, 0
    for _ in range(STEPS):
        found = task.prices(rows)
        kept = _kept(rows, found.cycles, found.bytes_moved)
        if not len(kept):
            return
        rows, cycles = rows[kept], found.cycles[kept]
        yield from task.offered(rows, cycles, found.bytes_moved[kept], JUDGED)
        idle = idle + 1 if cycles[0] >= best * (1 - 1e-6) else 0
        best = min(best, float(cycles[0]))
        if idle == PATIENCE or task.late():
            return
        rows = np.unique(np.concatenate([rows, *(_around(task, row) for row in rows)]), axis=0)


def _kept(rows: Rows, cycles: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Places of the best rows, not too many of one family."""
    counts: dict[int, int] = {}
    found: list[int] = []
    for place in np.lexsort((moved, cycles)):
        family = int(rows[place, 0])
        if not np.isfinite(cycles[place]) or len(found) == WIDTH:
            break
        if counts.get(family, 0) < PER_FAMILY:
            counts[family] = counts.get(family, 0) + 1
            found.append(int(place))
    return np.array(found, dtype=np.int64)


def _around(task: Task, row: np.ndarray) -> Rows:
    """Neighbouring tile sizes, other orders that differ in traffic, and every buffer's other number of slots."""
    space = task.space
    own, tiles, _, _ = space.parts(row)
    grown = neighbours(own, tiles[np.newaxis])
    found = np.tile(row, (len(grown), 1))
    found[:, 1 : 1 + own.shape.levels * len(own.moving)] = grown.reshape(len(grown), -1)
    others = [found]
    numbers = {order: number for number, order in enumerate(own.orders)}
    for group in range(own.shape.levels + 1):
        for order in own.classes:
            changed = row.copy()
            changed[1 + space.tile_columns + group] = numbers[order]
            others.append(changed[np.newaxis])
    first = 1 + space.tile_columns + space.order_columns
    for buffer in range(len(own.shape.buffers)):
        changed = row.copy()
        changed[first + buffer] = 3 - changed[first + buffer]
        others.append(changed[np.newaxis])
    return np.concatenate(others)


beam = strategy(explore)
