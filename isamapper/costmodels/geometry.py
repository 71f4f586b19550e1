"""Counts that follow from tile sizes and loop orders, for many tilings of one shape at once: a row per tiling.

Loops come in groups, outermost first; the buffers of level l stand between group ``levels - l - 1`` and the next, those
of level ``levels`` before all loops. What
does not belong here: cycles (``batch.py``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isamapper.costmodels.shape import Dims, Shape, Stop, movers

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]
Orders = tuple[tuple[int, ...], ...] | NDArray[np.int64]
"""Per group of loops, outermost first, the positions of the iterators, outermost first: the same for every row, or one
more axis in front, of rows."""
Place = int | NDArray[np.int64]
"""The iterator of a loop: the same for every row, or a column of them."""


class Geometry:
    """Trips, footprints and visits of ``tiles`` (rows x levels x iterators, innermost level first)."""

    def __init__(self, shape: Shape, tiles: NDArray[np.int64], orders: Orders) -> None:
        self.shape, self.orders, self.rows = shape, orders, len(tiles)
        self.ones = np.ones(self.rows)
        self.pace: Column | float = shape.call_cycles
        """Cycles from one call to the next while none waits."""
        self.ahead: Column | float = shape.ahead * shape.call_cycles
        """Cycles of calls that queues hold at most."""
        self.groups, self.reach = self._counts(tiles)
        self._fills: dict[tuple[int, frozenset[int]], Column] = {}
        self._repeats: dict[tuple[int, frozenset[int]], Column] = {}
        self._work: dict[int, Column] = {}
        self._loops: dict[int, list[tuple[Column, Place]]] = {}

    def _counts(self, tiles: NDArray[np.int64]) -> tuple[list[list[Column]], list[list[Column]]]:
        """Trips of every group, outermost first, and iterations inside every level's tile, innermost first, all of them
        last."""
        blocks, levels = self.shape.blocks, self.shape.levels
        groups: list[list[Column]] = [[] for _ in range(levels + 1)]
        reach: list[list[Column]] = [[] for _ in range(levels + 1)]
        for place, total in enumerate(blocks):
            left, inside = self.ones * total, self.ones * self.shape.block[place]
            for level in range(levels):
                if total == 1:
                    count = self.ones
                else:
                    count = np.minimum(tiles[:, level, place], left)
                    left, inside = np.ceil(left / count), inside * count
                groups[levels - level].append(count)
                reach[level].append(inside)
            groups[0].append(left)
            reach[levels].append(self.ones * (total * self.shape.block[place]))
        return groups, reach

    def loops(self, first: int, last: int) -> list[tuple[Column, Place]]:
        """Trips and iterators of the loops of groups ``first`` to ``last`` (left out), outermost first."""
        return [loop for group in range(first, last) for loop in self._ordered(group)]

    def _ordered(self, group: int) -> list[tuple[Column, Place]]:
        if isinstance(self.orders, tuple):
            return [(self.groups[group][place], place) for place in self.orders[group]]
        if group not in self._loops:
            trips = np.array(self.groups[group]).reshape(-1, self.rows)
            every = np.arange(self.rows)
            columns = self.orders[:, group, :].T
            self._loops[group] = [(trips[places, every], places) for places in columns]
        return self._loops[group]

    def rank(self, group: int, place: int) -> Column | int:
        """Which loop of its group that of an iterator is, 0 the outermost."""
        if isinstance(self.orders, tuple):
            return self.orders[group].index(place)
        found: Column = np.argmax(self.orders[:, group, :] == place, axis=1).astype(np.float64)
        return found

    def moves(self, dims: Dims, place: Place) -> bool | Mask:
        """Whether a loop moves an operand."""
        if isinstance(place, int):
            return place in movers(dims)
        table = np.zeros(len(self.shape.extents), dtype=np.bool_)
        table[list(movers(dims))] = True
        return table[place]

    def outer(self, stop: Stop) -> list[tuple[Column, Place]]:
        """Loops around the buffers of the stop's level."""
        return self.loops(0, self.depth(stop))

    def inner(self, stop: Stop) -> list[tuple[Column, Place]]:
        """Loops inside them."""
        return self.loops(self.depth(stop), self.shape.levels + 1)

    def depth(self, stop: Stop) -> int:
        return self.shape.levels - (stop.level or 0)

    def span(self, dim: tuple[tuple[int, int], ...], level: int) -> Column:
        """Elements of a tensor axis that one tile touches."""
        steps = self.reach[level]
        if len(dim) == 1:
            return steps[dim[0][0]]
        total = self.ones
        for place, coefficient in dim:
            total = total + abs(coefficient) * (np.minimum(steps[place], self.shape.extents[place]) - 1)
        return total

    def tile_bytes(self, stop: Stop) -> Column:
        """Bytes of one tile; for a register file loaded inside the tile, of one call's operand."""
        total: Column = self.ones * stop.element_bytes
        for dim in stop.dims:
            if stop.level is None:
                for place, _ in dim:
                    total = total * self.shape.block[place]
            else:
                total = total * self.span(dim, stop.level)
        return total

    def fills(self, stop: Stop) -> Column:
        """How often the buffer is filled: trips of all loops down to the innermost that moves it."""
        key = self.depth(stop), stop.movers
        if key not in self._fills:
            count, seen = self.ones, np.zeros(self.rows, dtype=np.bool_)
            for trips, place in reversed(self.outer(stop)):
                seen = seen | (self.moves(stop.dims, place) & (trips > 1))
                count = np.where(seen, count * trips, count)
            self._fills[key] = count
        return self._fills[key]

    def repeats(self, stop: Stop) -> Column:
        """How often every element comes: trips of loops it does not move with, outside the innermost that moves it."""
        key = self.depth(stop), stop.movers
        if key not in self._repeats:
            self._repeats[key] = self._again(stop, self.outer(stop))
        return self._repeats[key]

    def parts(self, dims: Dims) -> tuple[Column, Column]:
        """In how many parts an operand is re-laid out at home, and how often every element is copied.

        A part is what the outermost loops leave that move the operand one and all; windows of neighbouring parts
        overlap.
        """
        parts, alive = self.ones, np.ones(self.rows, dtype=np.bool_)
        trips = dict.fromkeys(movers(dims), self.ones)
        for count, place in self.loops(0, 1):
            alive = alive & (self.moves(dims, place) | (count == 1))
            parts = np.where(alive, parts * count, parts)
            for each in trips:
                trips[each] = np.where(alive & (np.asarray(place) == each), count, trips[each])
        again = self.ones
        for dim in (dim for dim in dims if len(dim) > 1):
            whole, part, visits = 1.0, self.ones, self.ones
            for place, step in dim:
                extent = self.shape.extents[place]
                whole += abs(step) * (extent - 1)
                part = part + abs(step) * (np.ceil(extent / trips[place]) - 1)
                visits = visits * trips[place]
            again = again * np.maximum(1.0, visits * part / whole)
        return parts, again

    def reuse(self, stop: Stop) -> Column:
        """How often a tile is gone through: trips of loops inside it that lie outside one that moves the operand."""
        return self._again(stop, self.inner(stop))

    def _again(self, stop: Stop, loops: list[tuple[Column, Place]]) -> Column:
        again, seen = self.ones, np.zeros(self.rows, dtype=np.bool_)
        for trips, place in reversed(loops):
            moves = self.moves(stop.dims, place)
            again = np.where(seen & np.logical_not(moves), again * trips, again)
            seen = seen | (moves & (trips > 1))
        return again

    def moved_bytes(self, stop: Stop) -> Column:
        """Bytes that pass into (or out of) the buffer over the whole statement."""
        total: Column = self.repeats(stop) * stop.element_bytes
        for dim in stop.dims:
            if len(dim) == 1:
                total = total * self.shape.extents[dim[0][0]]
                continue
            for group in range(self.depth(stop)):
                for place, _ in dim:
                    total = total * self.groups[group][place]
            total = total * self.span(dim, stop.level or 0)
        return total * self._rounding(stop)

    def _rounding(self, stop: Stop) -> Column | float:
        """Bytes moved per byte wanted: runs along the tensor's last axis are rounded up to whole requests."""
        if stop.request_bytes == 1 or not stop.dims or stop.level is None:
            return 1.0
        last = stop.dims[-1]
        length = 1.0 + sum(abs(step) * (self.shape.extents[place] - 1) for place, step in last)
        run = np.minimum(self.span(last, stop.level), length) * stop.element_bytes
        return np.ceil(run / stop.request_bytes) * stop.request_bytes / run

    def work(self, stop: Stop) -> Column:
        """Cycles of the calls inside one tile."""
        depth = self.depth(stop)
        if depth not in self._work:
            total = self.ones * self.pace
            for trips, _ in self.inner(stop):
                total = total * trips
            self._work[depth] = total
        return self._work[depth]

    def apart(self) -> Column:
        """Calls between two that add to the same target: blocks of the loops inside the innermost reduction."""
        apart, open_ = self.ones, np.ones(self.rows, dtype=np.bool_)
        for trips, place in reversed(self.loops(self.shape.levels, self.shape.levels + 1)):
            moves = self.moves(self.shape.target, place)
            open_ = open_ & (moves | (trips == 1))
            apart = np.where(open_, apart * trips, apart)
        return apart
