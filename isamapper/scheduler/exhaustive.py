"""``exhaustive``: every tiling and order that another does not dominate, cut off by bounds; says how far the best can
be.

The space of the proof, per family: the least tile size for every number of tiles (a larger one with as many tiles moves
as much and needs more room), and orders up to loops that move the same operands (of these it only matters whether they
stand next to each other; apart they repeat more copies). Slots follow row by row. Bounds are busy times of units,
ports, queues and dispatcher: families and rows whose bound is no better than the best so far are never built. Spreads
of copies inside a tile follow a rule (``spreading.py``) and are no decision here.

Where operands pass several memories on chip, only the calls themselves bound a family, and the beam
searches it; so it does for other objectives than cycles, of which nothing is proved.
"""

from __future__ import annotations

from collections import abc

import numpy as np

from isamapper.costmodels.batch import fitting, least, prices
from isamapper.scheduler import beaming
from isamapper.scheduler.exploring import strategy
from isamapper.scheduler.family import Family
from isamapper.scheduler.moves import smallest
from isamapper.scheduler.ranking import best_rows, orders_of
from isamapper.scheduler.space import Rows
from isamapper.scheduler.task import Improvement, Task

CLOSE = 0.005
"""A gap at which the search ends: the cost model is no finer."""
JUDGED = 6
KEPT = 16
SLICE = 16384
"""Rows that are bounded at a time; the time is looked at in between."""


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Improvements, and last the best with its bound."""
    if task.objective:
        yield from beaming.explore(task)
        return
    families = sorted(range(len(task.space.families)), key=lambda place: (floor_of(task.space.families[place]), place))
    bounds: dict[int, float] = {}
    for place in families:
        own = task.space.families[place]
        if task.best is not None and floor_of(own) >= task.best.cycles:
            break
        if task.late() or (task.best is not None and task.best.cycles <= floor_of(own) * (1 + CLOSE)):
            bounds[place] = floor_of(own)
            continue
        if not task.alive(place):
            continue
        if own.shape.levels != 1:
            bounds[place] = floor_of(own)
            if own.shape.levels == 0:
                yield from task.offered_all(smallest(task.space, place))
            continue
        yield from _first(task, place)
        bounds[place] = yield from _family(task, place)
    if any(task.space.families[place].shape.levels > 1 for place in bounds):
        yield from beaming.explore(task)
    if task.best is not None:
        proven = min([task.best.cycles, *bounds.values()])
        yield Improvement(task.best.nest, task.best.cycles, task.best.row, proven)


def floor_of(family: Family) -> float:
    """What every row of a family takes at least."""
    return max((family.shape.relay_cycles, *(cycles for _, cycles in family.shape.base)))


def _first(task: Task, place: int) -> abc.Iterator[Improvement]:
    """Judges what a coarse grid finds: a good schedule early cuts off most of the rest."""
    own = task.space.families[place]
    numbers = {order: number for number, order in enumerate(own.orders)}
    for row in best_rows(own)[:JUDGED]:
        tiles = np.array([row.tiles], dtype=np.int64)
        slots = np.array([row.slots], dtype=np.int64).reshape(1, len(own.shape.buffers))
        encoded = task.space.rows(place, tiles, [numbers[order] for order in row.orders], slots)
        before = task.best
        task.cost(encoded[0])
        if task.best is not None and task.best is not before:
            yield task.best


def _family(task: Task, place: int) -> abc.Generator[Improvement, None, float]:
    """Improvements of one family; returns what none of its rows can cost less than."""
    own, floor = task.space.families[place], floor_of(task.space.families[place])
    tiles, orders = _tiles(task, place), orders_of(own)
    best = np.inf if task.best is None else task.best.cycles
    pool = _Pool(task, place)
    bound = np.inf
    for order in orders:
        for start in range(0, len(tiles), SLICE):
            if best <= floor * (1 + CLOSE) or task.late():
                yield from pool.judged()
                return floor
            part = tiles[start : start + SLICE]
            groups = tuple(tuple(group) for group in order.tolist())
            found = least(own.shape, own.tiles(part), groups)
            bound = min(bound, float(found.min(initial=np.inf)))
            pool.add(part[found < best], order, best)
    yield from pool.judged()
    return float(bound)


class _Pool:
    """Rows of one family whose price is below the best cost, the cheapest of them."""

    def __init__(self, task: Task, place: int) -> None:
        self.task, self.place = task, place
        self.rows = np.ones((0, task.space.width), dtype=np.int64)
        self.cycles, self.moved = np.zeros(0), np.zeros(0)

    def add(self, tiles: Rows, order: Rows, best: float) -> None:
        """Prices tiles under one choice of orders and keeps what is promising."""
        if not len(tiles):
            return
        own = self.task.space.families[self.place]
        found = prices(own.shape, own.tiles(tiles), tuple(tuple(group) for group in order.tolist()))
        chosen = np.flatnonzero(found.cycles < best)
        chosen = chosen[np.lexsort((found.bytes_moved[chosen], found.cycles[chosen]))][:KEPT]
        numbers = {each: number for number, each in enumerate(own.orders)}
        loops = [numbers[tuple(group)] for group in order.tolist()]
        rows = self.task.space.rows(self.place, tiles[chosen], loops, found.slots[chosen])
        self.rows = np.concatenate([self.rows, rows])
        self.cycles = np.concatenate([self.cycles, found.cycles[chosen]])
        self.moved = np.concatenate([self.moved, found.bytes_moved[chosen]])

    def judged(self) -> abc.Iterator[Improvement]:
        """The best of them, judged by the cost model."""
        yield from self.task.offered(self.rows, self.cycles, self.moved, JUDGED)


def _tiles(task: Task, place: int) -> Rows:
    """The least tile size for every number of tiles, all combinations that fit the memories."""
    family = task.space.families[place]
    sizes = [np.array(each, dtype=np.int64) for each in task.space.sizes(place)]
    if not sizes:
        return np.ones((1, 1, 0), dtype=np.int64)
    axes = np.meshgrid(*sizes, indexing="ij")
    tiles = np.stack([axis.ravel() for axis in axes], axis=1)[:, np.newaxis, :]
    fits = [fitting(family.shape, family.tiles(tiles[at : at + SLICE])) for at in range(0, len(tiles), SLICE)]
    found: Rows = tiles[np.concatenate(fits)]
    return found


exhaustive = strategy(explore)
