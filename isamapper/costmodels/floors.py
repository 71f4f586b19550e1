"""What no schedule with given tiles and orders takes less than: busy times, counted so that they never err upwards.

Only distinct elements are counted, tiles are clipped at the edges, copies take the least that any instruction needs,
and register tiles stay for as many loops as any nest keeps them. The bound holds whatever layouts, slots and spreads
the nest has. Conditions of a statement may leave out any call: nothing is bounded then. What does not belong here:
likely cycles (``batch.py``).
"""

from __future__ import annotations

import itertools
import math
from collections import abc

import numpy as np
from numpy.typing import NDArray

from isamapper.costmodels.geometry import Column, Geometry, Mask, Orders, Place
from isamapper.costmodels.shape import Dims, Rates, Shape, Stop

CHUNK = 8192
"""Rows bounded at a time: their columns stay in the processor's cache."""


def floors(shape: Shape, tiles: NDArray[np.int64], orders: Orders) -> Column:
    """A bound per row of ``tiles`` (rows x levels x iterators); infinite where partial sums cannot come back."""
    found = []
    for start in range(0, max(1, len(tiles)), CHUNK):
        own = orders if isinstance(orders, tuple) else orders[start : start + CHUNK]
        found.append(_Floors(shape, Geometry(shape, tiles[start : start + CHUNK], own)).least())
    return np.concatenate(found)


def floor_of_shape(shape: Shape) -> float:
    """What every row takes: the calls, and every layout copy once."""
    if shape.floor.guarded:
        return 0.0
    busy = dict(shape.floor.busy)
    extents = [np.array([float(each)]) for each in shape.extents]
    for dims, outside, rates in shape.floor.relays:
        elements = float(_elements(dims, outside, extents, shape.extents)[0])
        for name, cycles in itertools.chain(rates.per_element, _calls(rates, rates.piece)):
            busy[name] = busy.get(name, 0.0) + elements * cycles
    spare = _spares(shape)
    return max(_edge(shape), *(cycles - spare.get(name, 0.0) for name, cycles in busy.items()), 0.0)


def _spares(shape: Shape) -> dict[str, float]:
    """Per unit how much of its work may be left when the last of its invocations has ended."""
    every = [rates for stop in shape.stops for rates in (stop.least_in, stop.least_out) if rates is not None]
    found = {f"unit.{shape.unit}": shape.floor.spare}
    for rates in (*every, *(rates for *_, rates in shape.floor.relays)):
        for name, _ in rates.per_element:
            if name.startswith("unit."):
                found[name] = max(found.get(name, 0.0), rates.spare)
    return found


def _of_unit(name: str) -> bool:
    return name.startswith(("unit.", "flight."))


def _tails(shape: Shape) -> dict[str, float]:
    """Per port that only copies use what is left after its last beat: the latency of the copy that it was of."""
    found: dict[str, float] = {}
    every = [rates for stop in shape.stops for rates in (stop.least_in, stop.least_out) if rates is not None]
    for rates in (*every, *(rates for *_, rates in shape.floor.relays)):
        for name, _ in rates.per_element:
            found[name] = min(found.get(name, math.inf), rates.latency)
    called = dict(shape.floor.busy)
    return {name: tail for name, tail in found.items() if name not in called and "." in name and not _of_unit(name)}


def _edge(shape: Shape) -> float:
    """All calls, after the copies that the first one waits for, and before those that bring out what the last one did.

    Operands that reach beyond their tensor may need no copy.
    """
    before: dict[int, float] = {}
    after = 0.0
    for stop in shape.stops:
        if stop.target and stop.least_out is not None:
            after += stop.least_out.lead
        elif not stop.target and stop.least_in is not None:
            known = stop.least_in.lead if not any(stop.outside) else -math.inf
            before[stop.access] = before.get(stop.access, 0.0) + known
    begin = max(0.0, max(before.values(), default=0.0) - shape.floor.wait)
    return begin + shape.floor.call_cycles + max(shape.floor.last_cycles, shape.floor.last_cycles + after)


def call_elements(dims: Dims, outside: tuple[int, ...], extents: tuple[int, ...], block: tuple[int, ...]) -> float:
    """Elements of an operand that all calls take together."""
    sizes = [np.array([float(min(size, extent))]) for size, extent in zip(block, extents, strict=True)]
    moved = {place for dim in dims for place, _ in dim}
    again = [-(-extents[place] // block[place]) for place in range(len(extents)) if place not in moved]
    return float(_elements(dims, outside, sizes, extents)[0]) * math.prod(again)


class _Floors:
    def __init__(self, shape: Shape, at: Geometry) -> None:
        self.shape, self.at = shape, at
        self.busy: dict[str, Column] = {name: at.ones * cycles for name, cycles in shape.floor.busy}
        self.impossible: Mask = np.zeros(at.rows, dtype=np.bool_)
        whole = [at.ones * each for each in shape.extents]
        for dims, outside, rates in shape.floor.relays:
            self._copy(rates, _elements(dims, outside, whole, shape.extents), at.ones * np.inf)
        for stop in shape.stops:
            if stop.level is None:
                self._registers(stop)
            else:
                self._tiled(stop)

    def least(self) -> Column:
        """The busiest resource, the calls with what must come before and after them, the longest chain."""
        total = np.zeros(self.at.rows)
        if not self.shape.floor.guarded:
            spare, tails = _spares(self.shape), _tails(self.shape)
            for name, cycles in self.busy.items():
                tail = np.where(cycles > 0, tails.get(name, 0.0), 0.0)
                total = np.maximum(total, cycles - spare.get(name, 0.0) + tail)
            total = np.maximum(total, np.maximum(self._chain(), _edge(self.shape)))
        return np.where(self.impossible, np.inf, total)

    def _copy(self, rates: Rates | None, elements: Column, tile: Column) -> None:
        """Adds the copies of so many elements, at most ``tile`` at a time."""
        if rates is None:
            return
        for name, cycles in rates.per_element:
            self.busy[name] = self.busy.get(name, 0.0) + elements * cycles
        for name, cycles in rates.per_call:
            self.busy[name] = self.busy.get(name, 0.0) + elements / np.minimum(tile, rates.piece) * cycles

    def _tiled(self, stop: Stop) -> None:
        """A buffer that is filled, or drained, once for every tile, and again for loops that come back to it."""
        level = stop.level or 0
        sizes = [np.minimum(r, e) for r, e in zip(self.at.reach[level], self.shape.extents, strict=True)]
        elements = _elements(stop.dims, stop.outside, sizes, self.shape.extents)
        again = self._again(stop, level)
        tile = np.maximum(1.0, self.at.tile_bytes(stop) / stop.element_bytes)
        if not stop.target:
            self._copy(stop.least_in, elements * again, tile)
            return
        self._copy(stop.least_out, elements * again, tile)
        if stop.fill is None:
            self.impossible = self.impossible | (self.at.repeats(stop) > 1)
        else:
            self._copy(stop.least_in, elements * (again if self.shape.goes_on else again - 1), tile)

    def _again(self, stop: Stop, level: int) -> Column:
        """How often a tile comes: loops that do not move it, outside the innermost that does; empty ends left out."""
        still = [p for p, blocks in enumerate(self.shape.blocks) if blocks > 1 and p not in stop.movers]
        inside = dict.fromkeys(still, self.at.ones)
        seen = np.zeros(self.at.rows, dtype=np.bool_)
        for trips, place in reversed(self.at.outer(stop)):
            for own in _places(place, still):
                inside[own] = np.where((np.asarray(place) == own) & ~seen, inside[own] * trips, inside[own])
            seen = seen | (self.at.moves(stop.dims, place) & (trips > 1))
        again = self.at.ones
        for place in still:
            tiles = np.ceil(self.shape.extents[place] / self.at.reach[level][place])
            again = again * np.maximum(1.0, np.ceil(tiles / inside[place]))
        return again

    def _registers(self, stop: Stop) -> None:
        """Loads next to the instruction: a tile stays for all loops that any nest could keep it for."""
        extents, block = self.shape.extents, [self.at.ones * each for each in self.shape.block]
        if any(len(dim) > 1 for dim in stop.dims):
            whole = [self.at.ones * each for each in extents]
            self._copy(stop.least_in, _elements(stop.dims, stop.outside, whole, extents), self.at.ones * np.inf)
            return
        kept = self._kept(stop)
        loads = self.at.ones
        for place, blocks in enumerate(self.shape.blocks):
            if place not in stop.movers:
                loads = loads * np.ceil(blocks / kept[place])
        self._copy(stop.least_in, _elements(stop.dims, stop.outside, block, extents) * loads, self.at.ones * np.inf)

    def _kept(self, stop: Stop) -> list[Column]:
        """Per iterator for how many of its blocks a register tile may stay: what grows it must leave room for it."""
        room = float(dict(self.shape.capacity).get(stop.memory, math.inf)) / stop.element_bytes
        every = range(len(self.shape.blocks))
        kept = [self.at.ones for _ in self.shape.blocks]
        grown = [self.at.ones for _ in self.shape.blocks]
        open_ = np.ones(self.at.rows, dtype=np.bool_)
        last = len(self.at.loops(self.shape.levels, self.shape.levels + 1))
        for number, (trips, place) in enumerate(reversed(self.at.loops(0, self.shape.levels + 1))):
            moves = self.at.moves(stop.dims, place)
            if number >= last:
                open_ = open_ & ~(moves & (trips > 1))
            for own in _places(place, every):
                here, blocks = np.asarray(place) == own, self.shape.blocks[own]
                grown[own] = np.where(here & moves, np.minimum(grown[own] * trips, blocks), grown[own])
            size = self.at.ones
            for own in stop.movers:
                size = size * np.minimum(grown[own] * self.shape.block[own], self.shape.extents[own])
            open_ = open_ & (np.logical_not(moves) | (size <= room))
            for own in _places(place, every):
                here = (np.asarray(place) == own) & open_ & np.logical_not(moves)
                kept[own] = np.where(here, kept[own] * trips, kept[own])
        return kept

    def _chain(self) -> Column:
        """Calls that add to one target one after the other, as far as no others stand between them."""
        floor, shape = self.shape.floor, self.shape
        total = np.zeros(self.at.rows)
        if not floor.pair_cycles:
            return total
        apart = [self.at.ones for _ in shape.blocks]
        open_ = np.ones(self.at.rows, dtype=np.bool_)
        for trips, place in reversed(self.at.loops(shape.levels, shape.levels + 1)):
            adds = np.logical_not(self.at.moves(shape.target, place)) & (trips > 1) & open_
            for own in _places(place, range(len(shape.blocks))):
                blocks = shape.blocks[own]
                here = adds & (np.asarray(place) == own)
                runs = self.at.ones
                for other, count in enumerate(shape.blocks):
                    if other != own:
                        runs = runs * np.ceil(count / apart[other])
                ends = np.ceil(blocks / trips) * (1 + floor.first_pairs)
                pairs = runs * np.maximum(0.0, blocks - ends)
                total = np.where(here, pairs * floor.pair_cycles, total)
            open_ = open_ & ~adds
            for own in _places(place, range(len(shape.blocks))):
                here = open_ & (np.asarray(place) == own)
                apart[own] = np.where(here, apart[own] * trips, apart[own])
        return total


def _places(place: Place, every: abc.Sequence[int]) -> abc.Sequence[int]:
    """Which of ``every`` iterator a loop may be of."""
    if isinstance(place, int):
        return [place] if place in every else []
    return every


def _calls(rates: Rates, piece: float) -> abc.Iterator[tuple[str, float]]:
    """Cycles per element of what every invocation takes."""
    return ((name, cycles / piece) for name, cycles in rates.per_call)


def _elements(
    dims: Dims, outside: abc.Sequence[int], sizes: abc.Sequence[Column], extents: abc.Sequence[int]
) -> Column:
    """Elements that all tiles of ``sizes`` iterations hold together, clipped at the edges; those shared count twice.

    An axis whose iterators move another axis too is left out: less than the product may be touched.
    """
    total: Column = np.ones_like(sizes[0]) if sizes else np.ones(1)
    seen: set[int] = set()
    for number, dim in enumerate(dims):
        over = outside[number] if number < len(outside) else 0
        own = {place for place, _ in dim}
        if not seen.isdisjoint(own):
            continue
        seen |= own
        if len(dim) == 1:
            total = total * max(0, extents[dim[0][0]] - over)
            continue
        total = total * _windows(dim, over, sizes, extents)
    return total


def _windows(
    dim: abc.Sequence[tuple[int, int]], over: int, sizes: abc.Sequence[Column], extents: abc.Sequence[int]
) -> Column:
    """Indices along one axis, tile by tile: whole tiles of every iterator and the short last one."""
    cases = []
    for place, _ in dim:
        whole = np.floor(extents[place] / sizes[place])
        rest = extents[place] - whole * sizes[place]
        cases.append(((whole, sizes[place]), ((rest > 0) * 1.0, np.maximum(rest, 1.0))))
    total = np.zeros_like(sizes[0])
    for chosen in itertools.product(*cases):
        count = np.ones_like(total)
        for tiles, _ in chosen:
            count = count * tiles
        steps = [(abs(step), size) for (_, step), (_, size) in zip(dim, chosen, strict=True)]
        total = total + count * np.maximum(0.0, _distinct(steps) - over)
    return total


def _distinct(steps: abc.Sequence[tuple[int, Column]]) -> Column:
    """At least so many different sums of multiples of each step, from 0 to below its size."""
    reach = np.ones_like(steps[0][1])
    found = np.ones_like(reach)
    for step, size in sorted(steps, key=lambda each: each[0]):
        dense = (found == reach) & (step <= reach)
        grown = np.where(dense, found + step * (size - 1), np.where(step >= reach, found * size, found + size - 1))
        reach = reach + step * (size - 1)
        found = grown
    return found
