"""``evolve``: a population of rows; parents of one family mix tiles, orders and slots, children are made to fit.

Selection is by tournament on the analytic price; children whose tiles do not fit the memories have their largest tile
halved until they do. The cost model judges the best of every few generations.
"""

from __future__ import annotations

from collections import abc

import numpy as np

from isamapper.scheduler.space.space import Rows
from isamapper.scheduler.strategies.exploring import strategy
from isamapper.scheduler.strategies.moves import mutated, repaired, seeds
from isamapper.scheduler.strategies.starting import started
from isamapper.scheduler.strategies.task import Improvement, Task

POPULATION = 192
GENERATIONS = 48
JUDGED_EVERY = 8
JUDGED = 4
ROUNDS = 3
"""Entries of a tournament."""


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Generations of children; parents stay while they are better."""
    yield from started(task)
    rows = seeds(task, POPULATION)
    if not len(rows):
        return
    found = task.prices(rows)
    cycles, moved = found.cycles, found.bytes_moved
    yield from task.offered(rows, cycles, moved, JUDGED)
    for generation in range(1, GENERATIONS + 1):
        children = repaired(task, mutated(task.space, _crossed(task, rows, cycles), task.generator))
        found = task.prices(children)
        rows = np.concatenate([rows, children])
        cycles, moved = np.concatenate([cycles, found.cycles]), np.concatenate([moved, found.bytes_moved])
        _, first = np.unique(rows, axis=0, return_index=True)
        kept = first[np.lexsort((moved[first], cycles[first]))][:POPULATION]
        rows, cycles, moved = rows[kept], cycles[kept], moved[kept]
        if generation % JUDGED_EVERY == 0:
            yield from task.offered(rows, cycles, moved, JUDGED)
        if task.late():
            return


def _crossed(task: Task, rows: Rows, cycles: np.ndarray) -> Rows:
    """Children of pairs of parents: every column from one of the two, if both are of one family."""
    first, second = (_tournament(task, cycles) for _ in range(2))
    mixed = task.generator.random(rows[first].shape) < 0.5
    same = (rows[first, 0] == rows[second, 0])[:, np.newaxis]
    children: Rows = np.where(mixed & same, rows[second], rows[first])
    return children


def _tournament(task: Task, cycles: np.ndarray) -> np.ndarray:
    entries = task.generator.integers(len(cycles), size=(len(cycles), ROUNDS))
    winners: np.ndarray = entries[np.arange(len(cycles)), np.argmin(cycles[entries], axis=1)]
    return winners


evolve = strategy(explore)
