"""The best rows of one family by price: a coarse grid of tiles, and then what lies near the best of it.

A look prices the grid under orders that between them have every loop innermost; a closer look goes through the
neighbours of the best rows, and their other orders, a few times. What does not belong here: which families are worth it
(``ranking.py``) and what rows cost (``costmodels/batch.py``).
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from isamapper.costmodels.batch import Prices, fitting, prices
from isamapper.costmodels.objectives import Weights, priced_for
from isamapper.scheduler.space.family import Family
from isamapper.scheduler.space.grid import around, grid
from isamapper.scheduler.space.space import Rows

ROWS = 1200
"""Rows of a family's grid, all orders together."""
ROUNDS = 2
"""How often the neighbours of the best rows are priced."""
KEPT = 24
NEAR = 12
"""Rows whose neighbours are priced."""
MOST_ORDERS = 400
SMALL_CYCLES = 20000
MORE = 4
"""Where first fills and last drains are much of the whole, estimates say less: so many times more nests are judged."""
TIE = 0.001
TIES = ((TIE, 2), (0.003, 2), (0.02, 4))
"""Cycles that differ by less than this part are as good as equal: fewer bytes decide. Of the rows asked for every
second is chosen by either of the first two and one in four more by the last: estimates err more for some of the rows
that move fewest bytes."""


@dataclass(frozen=True, slots=True)
class Priced:
    """One row of a family, decoded as far as numbers go."""

    family: Family
    tiles: tuple[tuple[int, ...], ...]
    orders: tuple[tuple[int, ...], ...]
    slots: tuple[int, ...]
    cycles: float
    bytes_moved: float
    least: float

    def traits(self) -> dict[str, float]:
        """Numbers that rows alike have alike: a doubled tile is 1 apart, another order 1/2, another way 2, and another
        instruction that does the same 0.3.

        Iterators that move the same operands stand for each other: rows and columns of an image.
        """
        kinds, (instruction, roles) = self.family.kinds, self.family.titles()
        found = {instruction: 0.15, roles: 1.0}
        for level, sizes in enumerate(self.tiles):
            pairs = sorted((kinds[place], -size) for place, size in zip(self.family.moving, sizes, strict=True))
            found |= {f"{kind} in {level} {rank}": math.log2(-size) for rank, (kind, size) in enumerate(pairs)}
        for group, order in enumerate(self.orders):
            found[f"order {group} {[kinds[place] for place in order]}"] = 0.25
        return found


@dataclass(frozen=True)
class Look:
    """Priced rows of a family: tiles (rows x levels x moving) and orders (rows x groups x moving).

    Prices are those of the ``objective``, cycles where it is empty.
    """

    family: Family
    tiles: Rows
    orders: Rows
    found: Prices
    objective: Weights = ()

    @property
    def cycles(self) -> float:
        """The least price; infinite where nothing fits."""
        return float(self.found.cycles.min(initial=np.inf))

    @property
    def least(self) -> float:
        """What no row takes less than, as far as has been looked."""
        return float(self.found.least.min(initial=np.inf))

    def best(self, count: int) -> Rows:
        """The numbers of the best rows: fewer bytes first where cycles are as good as equal."""
        found, ranked = self.found, []
        for tie, every in TIES:
            steps = np.floor(np.minimum(found.cycles / self.cycles, 1e6) / tie)
            ranked.append(np.lexsort((found.cycles, found.bytes_moved, steps))[: -(-count // every)].tolist())
        turns = (row for turn in itertools.zip_longest(*ranked) for row in turn if row is not None)
        chosen = np.array(list(dict.fromkeys(turns)), dtype=np.int64)
        return chosen[np.isfinite(found.cycles[chosen])]


def look(family: Family, objective: Weights = ()) -> Look:
    """A first look at a family."""
    orders = _few_orders(family)
    tiles = _coarse(family, ROWS // len(orders))
    every = np.repeat(orders, len(tiles), axis=0)
    return _look(family, np.tile(tiles, (len(orders), 1, 1)), every, objective)


def closer(first: Look, kept: int = KEPT) -> list[Priced]:
    """The best rows near the best of a first look, best first."""
    if not np.isfinite(first.cycles):
        return []
    family, last, least = first.family, first, first.least
    every = orders_of(family)
    for _ in range(ROUNDS):
        chosen = last.best(NEAR)
        tiles, orders = last.tiles[chosen], last.orders[chosen]
        moved, which = around(family, tiles)
        other = np.tile(every, (len(chosen), 1, 1))
        tiles = np.concatenate([moved, np.repeat(tiles, len(every), axis=0)])
        last = _look(family, *_distinct(family, tiles, np.concatenate([orders[which], other])), first.objective)
        least = min(least, last.least)
    return _decoded(last, kept * MORE if last.cycles < SMALL_CYCLES else kept, least)


def best_rows(family: Family, kept: int = KEPT) -> list[Priced]:
    """The best rows of one family, best first."""
    return closer(look(family), kept)


def _look(family: Family, tiles: Rows, orders: Rows, objective: Weights) -> Look:
    found = prices(family.shape, family.tiles(tiles), orders)
    if objective:
        found = replace(found, cycles=priced_for(found, objective))
    return Look(family, tiles, orders, found, objective)


def _distinct(family: Family, tiles: Rows, orders: Rows) -> tuple[Rows, Rows]:
    """Rows that differ in more than the places of loops of one trip."""
    orders = _settled(family, tiles, orders)
    rows = np.concatenate([tiles.reshape(len(tiles), -1), orders.reshape(len(orders), -1)], axis=1)
    _, first = np.unique(rows, axis=0, return_index=True)
    return tiles[first], orders[first]


def _settled(family: Family, tiles: Rows, orders: Rows) -> Rows:
    """``orders`` with loops of one trip innermost, in the order of the iterators."""
    moving = np.array(family.moving, dtype=np.int64)
    left = np.tile(np.array([family.shape.blocks[place] for place in moving], dtype=np.int64), (len(tiles), 1))
    trips = []
    for level in range(family.shape.levels):
        trips.append(np.minimum(tiles[:, level], left))
        left = -(-left // trips[-1])
    every = np.stack([left, *reversed(trips)], axis=1)
    positions = np.searchsorted(moving, orders)
    alone = np.take_along_axis(every, positions, axis=2) == 1
    ranks = np.where(alone, len(moving) + positions, np.arange(len(moving)))
    return np.take_along_axis(orders, np.argsort(ranks, axis=2, kind="stable"), axis=2)


def _decoded(last: Look, most: int, least: float) -> list[Priced]:
    """Rows in words of the family, those left out that differ in loops of one trip only."""
    family, found = last.family, last.found
    best: dict[object, Priced] = {}
    for row in last.best(most):
        sizes = tuple(tuple(level) for level in last.tiles[row].tolist())
        loops = tuple(tuple(group) for group in last.orders[row].tolist())
        slots = tuple(found.slots[row].tolist())
        groups = family.groups(sizes, loops)
        key = tuple(tuple(loop for loop in group if loop[1] > 1) for group in groups), slots
        cycles, moved = float(found.cycles[row]), float(found.bytes_moved[row])
        best.setdefault(key, Priced(family, sizes, loops, slots, cycles, moved, least))
    return list(best.values())


def _coarse(family: Family, most: int) -> Rows:
    """The finest grid with no more than ``most`` rows that fit the memories; one that does not where none does."""
    limit = 16 * most
    while True:
        every = grid(family, limit)
        tiles = every[fitting(family.shape, family.tiles(every))]
        if not len(tiles):
            return every[:1]
        if len(tiles) <= most or limit <= most:
            return tiles
        limit //= 2


def orders_of(family: Family) -> Rows:
    """Orders that differ in traffic, for all groups of loops (rows x groups x moving)."""
    return _combined(family, range(len(family.classes)))


def _few_orders(family: Family) -> Rows:
    """Of those, enough that every loop is innermost in some, and next to innermost with either of two others."""
    found = _combined(family, _even(len(family.classes)))
    return found[:: -(-len(found) // MOST_ORDERS)]


def _combined(family: Family, numbers: abc.Sequence[int]) -> Rows:
    classes = np.array([family.classes[each] for each in numbers], dtype=np.int64)
    classes = classes.reshape(len(numbers), len(family.moving))
    groups = family.shape.levels + 1
    picks = np.stack(np.meshgrid(*[np.arange(len(classes))] * groups, indexing="ij"), axis=-1).reshape(-1, groups)
    return classes[picks]


@lru_cache(maxsize=16)
def _even(count: int) -> tuple[int, ...]:
    """Numbers of the even ones among ``count`` permutations in their usual order; all of one or two.

    Whichever loops have one trip only, the rest of three or more stands in every cyclic order.
    """
    size = next(each for each in range(9) if len(tuple(itertools.permutations(range(each)))) == count)
    if size < 3:
        return tuple(range(count))
    return tuple(number for number, order in enumerate(itertools.permutations(range(size))) if _swaps(order) % 2 == 0)


def _swaps(order: abc.Sequence[int]) -> int:
    return sum(one > other for one, other in itertools.combinations(order, 2))
