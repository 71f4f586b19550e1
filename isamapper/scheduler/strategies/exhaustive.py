"""``exhaustive``: every tiling and order that another does not dominate, cut off by bounds; says how far the best can
be.

The space of the proof, per family: the least tile size for every number of tiles (a larger one with as many tiles moves
as much and needs more room), and orders up to loops that move the same operands (of these it only matters whether they
stand next to each other; apart they repeat more copies). Slots follow row by row. Spreads of copies inside a tile
follow a rule (``spreading.py``) and are no decision here.

What is proved, and of what: busy times of units, ports, queues and dispatcher bound every row, whatever the cost model;
families and rows whose bound is no better than the best so far are never built. Where the cost model itself is a price
of rows (``prices_rows``), rows are priced until none is cheaper than the best, which is then the optimum of the space.
A search whose best is within CLOSE of its bound is over, but for such models: there it goes on to the optimum as long
as there are fewer than ENOUGH rows.

Where operands pass several memories on chip, only the calls themselves bound a family, and the beam
searches it; so it does for other objectives than cycles, of which nothing is proved.
"""

from __future__ import annotations

from collections import abc

import numpy as np

from isamapper.costmodels.batch import fitting, prices
from isamapper.costmodels.floors import floor_of_shape, floors
from isamapper.costmodels.geometry import Column
from isamapper.scheduler.space.family import Family
from isamapper.scheduler.space.ranking import best_rows, orders_of
from isamapper.scheduler.space.space import Rows
from isamapper.scheduler.strategies import beaming
from isamapper.scheduler.strategies.exploring import strategy
from isamapper.scheduler.strategies.moves import smallest
from isamapper.scheduler.strategies.starting import started
from isamapper.scheduler.strategies.task import Improvement, Task

CLOSE = 0.005
"""A gap at which the search ends where the simulator judges: what is left is not worth its time."""
FIRST = 10
"""Rows judged before anything is bounded: the best of a coarse grid of the families that may win."""
JUDGED = 14
"""Rows judged after all have been bounded."""
ROUNDS = 4
"""How often so many are judged, as long as the best is not near its bound."""
ALIKE = 3
"""Of them of one family at most, so that a price that errs for a family does not hide the others."""
KEPT = 16
"""Rows kept of a family and choice of orders."""
SLACK = 1.02
"""How much dearer than the best a row may be by price and still be judged: prices err by so much."""
SLICE = 16384
"""Rows that are bounded at a time; the time is looked at in between."""
ENOUGH = 1_000_000
"""Rows priced for a proof beyond CLOSE."""


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Improvements, and last the best with its bound."""
    if task.objective:
        yield from beaming.explore(task)
        return
    search = _Search(task)
    if all(family.shape.levels <= 1 for family in task.space.families):
        yield from started(task)
    yield from search.begin()
    yield from search.bounded()
    if any(family.shape.levels > 1 for family in task.space.families):
        yield from beaming.explore(task)
    if task.best is not None:
        proven = min(task.best.cycles, search.bound())
        yield Improvement(task.best.nest, task.best.cycles, task.best.row, proven)


def floor_of(family: Family) -> float:
    """What every row of a family takes at least: its calls, and layout copies where it has any."""
    return floor_of_shape(family.shape)


class _Search:
    """The families of one statement, those that may still win, and the cheapest rows found in them."""

    def __init__(self, task: Task) -> None:
        self.task, self.families = task, task.space.families
        self.floors = {place: floor_of(family) for place, family in enumerate(self.families)}
        self.exact = bool(getattr(task.cost_model, "prices_rows", False))
        self.bounds = dict(self.floors)
        self.slack = 1.0 if self.exact else SLACK
        self.pool = _Pool(task, self.slack)
        self.priced = 0

    def bound(self) -> float:
        """What no row of any family takes less than."""
        best = self.task.best
        for bound, place in sorted((bound, place) for place, bound in self.bounds.items() if np.isfinite(bound)):
            if (best is not None and bound >= best.cycles) or self.task.alive(place):
                return float(bound)
        return float(np.inf)

    def _order(self) -> list[int]:
        return sorted(self.floors, key=lambda place: (self.floors[place], place))

    def _beaten(self, bound: float) -> bool:
        """Whether a family or row with this bound need not be looked at."""
        best = self.task.best
        if best is None:
            return False
        return bound >= best.cycles or (self._enough() and bound * (1 + CLOSE) >= best.cycles)

    def _enough(self) -> bool:
        return not self.exact or self.priced >= ENOUGH

    def begin(self) -> abc.Iterator[Improvement]:
        """Judges what coarse grids find: a good schedule early cuts off most of the rest."""
        coarse = _Pool(self.task, self.slack)
        for place in self._order():
            family = self.families[place]
            if self._beaten(self.floors[place]) or self.task.late():
                break
            if self.floors[place] >= coarse.cheapest() or not self.task.alive(place):
                continue
            if family.shape.levels == 1:
                coarse.coarse(place)
            elif family.shape.levels == 0:
                yield from self.task.offered_all(smallest(self.task.space, place))
        yield from coarse.judged(FIRST, ALIKE)

    def bounded(self) -> abc.Iterator[Improvement]:
        """Bounds every row of every family that may win, and judges the cheapest."""
        for place in self._order():
            if self._beaten(self.floors[place]) or self.task.late():
                break
            if self.families[place].shape.levels == 1 and self.task.alive(place):
                self.bounds[place] = self._family(place)
        for _ in range(ROUNDS):
            yield from self.pool.judged(JUDGED, JUDGED if self.exact else ALIKE)
            if self._beaten(min(self.bounds.values())):
                break
        if self.exact:
            self._settle()

    def _settle(self) -> None:
        """What is cheaper than the best by price and was not judged stays a bound; what was judged does not."""
        for place in self.pool.complete:
            self.bounds[place] = self.pool.least_open(place, self.bounds[place])

    def _family(self, place: int) -> float:
        """Keeps the promising rows of one family; returns what none of its rows costs less than."""
        own, floor = self.families[place], self.floors[place]
        tiles, bound = _tiles(self.task, place), np.inf
        for order in orders_of(own):
            groups = tuple(tuple(group) for group in order.tolist())
            for start in range(0, len(tiles), SLICE):
                if self._beaten(floor) or self.task.late():
                    return floor
                part = tiles[start : start + SLICE]
                limit = np.inf if self.task.best is None else self.task.best.cycles
                found = floors(own.shape, own.tiles(part), groups)
                promising = part[found < limit]
                self.priced += len(promising)
                cycles = self.pool.add(place, promising, order, limit * self.slack)
                lowest = min(cycles, limit) if self.exact else float(found.min(initial=np.inf))
                bound = min(bound, lowest)
        self.pool.complete.add(place)
        return float(bound)


class _Pool:
    """Rows with their prices, cheapest judged first."""

    def __init__(self, task: Task, slack: float) -> None:
        self.task, self.slack = task, slack
        self.rows = np.ones((0, task.space.width), dtype=np.int64)
        self.cycles, self.moved = np.zeros(0), np.zeros(0)
        self.complete: set[int] = set()
        self.dropped: dict[int, float] = {}
        self.seen: set[tuple[object, ...]] = set()
        self.schedules: dict[int, tuple[object, ...]] = {}

    def cheapest(self) -> float:
        """The least price so far."""
        return float(self.cycles.min(initial=np.inf))

    def coarse(self, place: int) -> None:
        """Notes the best rows of a coarse grid over one family."""
        own = self.task.space.families[place]
        numbers = {order: number for number, order in enumerate(own.orders)}
        for row in best_rows(own)[:FIRST]:
            tiles = np.array([row.tiles], dtype=np.int64)
            slots = np.array([row.slots], dtype=np.int64).reshape(1, len(own.shape.buffers))
            encoded = self.task.space.rows(place, tiles, [numbers[order] for order in row.orders], slots)
            self._note(encoded, np.array([row.cycles]), np.array([row.bytes_moved]))

    def add(self, place: int, tiles: Rows, order: Rows, limit: float) -> float:
        """Prices tiles under one choice of orders, keeps those below ``limit``; the least price of all."""
        if not len(tiles):
            return np.inf
        own = self.task.space.families[place]
        found = prices(own.shape, own.tiles(tiles), tuple(tuple(group) for group in order.tolist()))
        chosen = np.flatnonzero(found.cycles < limit)
        chosen = chosen[np.lexsort((found.bytes_moved[chosen], found.cycles[chosen]))]
        if len(chosen) > KEPT:
            self.dropped[place] = min(self.dropped.get(place, np.inf), float(found.cycles[chosen[KEPT]]))
            chosen = chosen[:KEPT]
        numbers = {each: number for number, each in enumerate(own.orders)}
        loops = [numbers[tuple(group)] for group in order.tolist()]
        rows = self.task.space.rows(place, tiles[chosen], loops, found.slots[chosen])
        self._note(rows, found.cycles[chosen], found.bytes_moved[chosen])
        return float(found.cycles.min(initial=np.inf))

    def _note(self, rows: Rows, cycles: Column, moved: Column) -> None:
        self.rows = np.concatenate([self.rows, rows])
        self.cycles = np.concatenate([self.cycles, cycles])
        self.moved = np.concatenate([self.moved, moved])

    def judged(self, count: int, most: int) -> abc.Iterator[Improvement]:
        """The cheapest ``count`` judged by the cost model, ``most`` of one family, none much dearer than the best."""
        limit = np.inf if self.task.best is None else self.task.best.cycles * self.slack
        places = np.flatnonzero(np.isfinite(self.cycles) & (self.cycles < limit))
        counts: dict[int, int] = {}
        chosen = []
        for place in places[np.lexsort((self.moved[places], self.cycles[places]))]:
            family, schedule = int(self.rows[place, 0]), self._schedule(int(place))
            if schedule in self.seen:
                continue
            counts[family] = counts.get(family, 0) + 1
            if counts[family] <= most:
                self.seen.add(schedule)
                chosen.append(place)
            if len(chosen) == count:
                break
        picked = np.array(chosen, dtype=np.int64)
        yield from self.task.offered(self.rows[picked], self.cycles[picked], self.moved[picked], count)

    def _schedule(self, place: int) -> tuple[object, ...]:
        """What tells a row's schedule from others: loops of one iteration may stand anywhere."""
        if place not in self.schedules:
            own, tiles, orders, slots = self.task.space.parts(self.rows[place])
            groups = own.choice(tiles.tolist(), [own.orders[each] for each in orders], slots.tolist()).groups
            loops = tuple(tuple(loop for loop in group if loop[1] > 1) for group in groups)
            self.schedules[place] = int(self.rows[place, 0]), loops, tuple(slots.tolist())
        return self.schedules[place]

    def least_open(self, place: int, bound: float) -> float:
        """The least price of a family's rows that were not judged, at most the best cost."""
        best = self.task.best
        if best is None:
            return bound
        own = np.flatnonzero((self.rows[:, 0] == place) & (self.cycles < best.cycles))
        left = [self.cycles[row] for row in own if self._schedule(int(row)) not in self.seen]
        return float(min([*left, self.dropped.get(place, np.inf), best.cycles]))


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
