"""The decision space of one statement: families, and in each of them rows of integers.

    row = family, tile sizes (per level, innermost first, per moving iterator), orders (per group of loops, outermost
          first, as numbers of permutations), slots (per buffer)

Rows of all families have one width; what a family does not use is 1 (tiles, slots) or 0 (orders). Every row means
something: tile sizes above what is left are cut, so are order numbers. What does not belong here: how to find good rows
(the strategies) and what rows cost (``costmodels/batch.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from isamapper.costmodels.batch import Prices, prices
from isamapper.diagnostics.source import Rejection
from isamapper.plan.fixed import Pin
from isamapper.plan.nest import Nest
from isamapper.scheduler.nests.build import build_nest
from isamapper.scheduler.space.family import Family
from isamapper.scheduler.space.fixing import Columns, project
from isamapper.scheduler.space.sizes import even_sizes
from isamapper.scheduler.statements.subject import Subject

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class StatementSpace:
    """Every schedule of the documented form of one statement; ``pins`` hold in every row, whatever it says."""

    subject: Subject
    families: tuple[Family, ...]
    pins: tuple[Pin, ...] = ()

    @cached_property
    def width(self) -> int:
        """Integers in a row."""
        return 1 + self.tile_columns + self.order_columns + self.slot_columns

    @cached_property
    def tile_columns(self) -> int:
        return max((f.shape.levels * len(f.moving) for f in self.families), default=0)

    @cached_property
    def order_columns(self) -> int:
        return max((f.shape.levels + 1 for f in self.families), default=0)

    @cached_property
    def slot_columns(self) -> int:
        return max((len(f.shape.buffers) for f in self.families), default=0)

    # encoding

    def rows(self, family: int, tiles: Rows, orders: abc.Sequence[int], slots: Rows) -> Rows:
        """Rows of one family and one choice of orders; ``tiles`` are rows x levels x moving iterators."""
        own = self.families[family]
        found = np.ones((len(tiles), self.width), dtype=np.int64)
        found[:, 0] = family
        size = own.shape.levels * len(own.moving)
        found[:, 1 : 1 + size] = tiles.reshape(len(tiles), size)
        start = 1 + self.tile_columns
        found[:, start : start + self.order_columns] = 0
        found[:, start : start + len(orders)] = orders
        start += self.order_columns
        found[:, start : start + slots.shape[1]] = slots
        return found

    def parts(self, row: abc.Sequence[int] | NDArray[np.int64]) -> tuple[Family, Rows, tuple[int, ...], Rows]:
        """Family, tiles (levels x moving), numbers of orders and slots of one row."""
        own = self.families[int(row[0])]
        values = self._pinned(np.asarray(row, dtype=np.int64)[np.newaxis])[0]
        tiles = values[1 : 1 + own.shape.levels * len(own.moving)].reshape(own.shape.levels, len(own.moving))
        start = 1 + self.tile_columns
        orders = tuple(int(each) % len(own.orders) for each in values[start : start + own.shape.levels + 1])
        start += self.order_columns
        return own, np.maximum(tiles, 1), orders, values[start : start + len(own.shape.buffers)]

    def decoded(self, row: abc.Sequence[int] | NDArray[np.int64]) -> Nest | Rejection:
        """The nest that a row stands for, or why there is none."""
        own, tiles, orders, slots = self.parts(row)
        chosen = own.choice(tiles.tolist(), [own.orders[each] for each in orders], slots.tolist())
        return build_nest(self.subject.machine, self.subject.kernel, self.subject.home, chosen)

    def _pinned(self, rows: Rows) -> Rows:
        if not self.pins:
            return rows
        orders = 1 + self.tile_columns
        return project(self.families, Columns(orders, orders + self.order_columns), rows, self.pins)

    def sizes(self, family: int) -> list[tuple[int, ...]]:
        """Per moving iterator the least size for every number of tiles, or the one that is fixed."""
        own, fixed = self.families[family], {pin.name: pin.value for pin in self.pins if pin.kind == "tiles"}
        found = []
        for place in own.moving:
            given = fixed.get(own.names[place])
            size = given[0] if isinstance(given, tuple) else given
            found.append((size,) if isinstance(size, int) else even_sizes(own.shape.blocks[place]))
        return found

    # prices

    def priced(self, rows: Rows) -> Prices:
        """Prices of any rows; those of one family are priced together."""
        rows, count = self._pinned(rows), len(rows)
        empty = np.zeros(count)
        cycles, least, moved, footprint = empty.copy(), empty.copy(), empty.copy(), empty.copy()
        start = 1 + self.tile_columns
        for family in np.unique(rows[:, 0]):
            members, own = np.flatnonzero(rows[:, 0] == family), self.families[int(family)]
            size, groups = own.shape.levels * len(own.moving), own.shape.levels + 1
            orders = own.order_table[rows[members, start : start + groups] % len(own.orders)]
            tiles = np.maximum(rows[members, 1 : 1 + size], 1).reshape(len(members), own.shape.levels, len(own.moving))
            first = start + self.order_columns
            slots = rows[members, first : first + len(own.shape.buffers)]
            found = prices(own.shape, own.tiles(tiles), orders, slots)
            cycles[members], least[members] = found.cycles, found.least
            moved[members], footprint[members] = found.bytes_moved, found.footprint_bytes
        return Prices(cycles, least, moved, footprint, rows[:, start + self.order_columns :])

    # size and words

    def count(self) -> int:
        """How many different schedules the rows stand for: trip counts that differ, orders of loops, slots."""
        return sum(family_count(family) for family in self.families)

    def random_rows(self, generator: np.random.Generator, family: int, count: int) -> Rows:
        """Rows of a family drawn independently: tile sizes evenly on a logarithmic scale, any orders, any slots."""
        own = self.families[family]
        left = np.tile(np.array([own.shape.blocks[place] for place in own.moving], dtype=np.int64), (count, 1))
        tiles = np.ones((count, own.shape.levels, len(own.moving)), dtype=np.int64)
        for level in range(own.shape.levels):
            drawn = np.exp(generator.random(left.shape) * np.log(left + 1.0)).astype(np.int64)
            tiles[:, level] = np.clip(drawn, 1, left)
            left = -(-left // tiles[:, level])
        slots = generator.integers(1, 3, size=(count, len(own.shape.buffers)))
        found = self.rows(family, tiles, [0] * (own.shape.levels + 1), slots)
        start = 1 + self.tile_columns
        found[:, start : start + own.shape.levels + 1] = generator.integers(
            len(own.orders), size=(count, own.shape.levels + 1)
        )
        return found

    def words(self, row: abc.Sequence[int] | NDArray[np.int64]) -> str:
        """One line for people: instruction, roles, tiles, orders, slots."""
        own, tiles, orders, slots = self.parts(row)
        names = [own.names[place] for place in own.moving]
        levels = " / ".join(
            " ".join(f"{name}:{size}" for name, size in zip(names, level, strict=True)) for level in tiles.tolist()
        )
        loops = " | ".join(" ".join(own.names[place] for place in own.orders[each]) for each in orders)
        held = " ".join(
            f"{stop.memory}.{stop.access}x{count}" for stop, count in zip(own.shape.buffers, slots, strict=True)
        )
        return f"{own.title()}; tiles {levels}; loops {loops}; slots {held}"


def family_count(family: Family) -> int:
    """Schedules of one family: chains of trip counts per iterator, orders per group, slots per buffer."""
    return math.prod(family_axes(family).values())


def family_axes(family: Family) -> dict[str, int]:
    """What there is to choose in one family, axis by axis: every choice of one goes with every choice of the others."""
    tiles = math.prod(_chains(family.shape.blocks[place], family.shape.levels) for place in family.moving)
    groups, buffers = family.shape.levels + 1, len(family.shape.buffers)
    return {"tiles": tiles, "orders": len(family.orders) ** groups, "slots": 2**buffers}


def _chains(blocks: int, levels: int) -> int:
    """Ways to choose a tile size at every level, each between 1 and what the levels inside leave."""
    counts = {blocks: 1}
    total = 0
    for level in range(levels):
        following: dict[int, int] = {}
        for left, ways in counts.items():
            if level == levels - 1:
                total += left * ways
                continue
            for size in range(1, left + 1):
                rest = -(-left // size)
                following[rest] = following.get(rest, 0) + ways
        counts = following
    return total if levels else 1
