"""The analytic model over many tilings of one shape at once: a row per tiling, numpy throughout.

    cycles = max over resources (busy + idle) + layout copies that nothing hides

- busy: calls and copies on their units (``unit.*``), bytes on ports (``memory.port``), invocations at the dispatcher,
  places in queues (``flight.*``), calls that add to one target one after the other (``chain``); and the turns of
  doubled buffers: a piece is used, and then replaced by the one two tiles on;
- idle, of the unit that calculates: until the first tiles are there, from the last call to the last drain, and whenever
  a tile's copies are waited for: all of a buffer with one slot, partial sums that come back, copies that come in
  bunches;
- idle, of what brings tiles: the calls of the last tile, which has come while the one before it was worked on;
- idle, of everything: the latency of the first copy and the last call, and short last tiles, which leave too little
  work for the copies of the next tile.

``least`` is no sum of these: it is a bound (``floors.py``). O(stops x loops) numpy operations per call, whatever the
number of rows.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isamapper.costmodels.floors import floors
from isamapper.costmodels.geometry import Column, Geometry, Mask, Orders
from isamapper.costmodels.shape import Shape, Stop, Transfer, movers
from isamapper.costmodels.spreading import spread
from isamapper.costmodels.waits import Buffered, Slots, Waits
from isamapper.costmodels.windows import Window

CHUNK = 8192
"""Rows priced at a time: their columns stay in the processor's cache."""
ALL_SLOTS = 3
"""Up to so many buffers every combination of slots is tried; with more, slots are doubled in order while there is
room."""


APART = 0.003
"""How far apart rows are told whose prices are below their bounds, as parts of these: the bound is what they cost."""
CROWDING = 0.015
"""What a second resource that is busy all the time costs, of the whole: measured on random schedules of matrix
products."""


@dataclass(frozen=True, slots=True)
class Prices:
    """One row per tiling; ``cycles`` is infinite where the tiles do not fit or partial sums cannot come back."""

    cycles: Column
    least: Column
    bytes_moved: Column
    footprint_bytes: Column
    slots: Slots


def fitting(shape: Shape, tiles: NDArray[np.int64]) -> Mask:
    """Which tiles fit their memories with one slot for every buffer; the order of loops plays no part."""
    at = Geometry(shape, tiles, tuple(tuple(range(len(shape.extents))) for _ in range(shape.levels + 1)))
    used = {name: np.zeros(len(tiles)) for name, _ in shape.capacity}
    for stop in shape.stops:
        if stop.memory in used:
            used[stop.memory] = used[stop.memory] + at.tile_bytes(stop) * stop.padding
    fits = np.ones(len(tiles), dtype=np.bool_)
    for name, capacity in shape.capacity:
        fits = fits & (used[name] <= capacity)
    return fits


def prices(shape: Shape, tiles: NDArray[np.int64], orders: Orders, slots: Slots | None = None) -> Prices:
    """Prices of ``tiles`` (rows x levels x iterators, innermost level first) with ``slots`` (rows x buffers).

    Without ``slots`` those that cost least are found, and given in the answer.
    """
    found = []
    for start in range(0, max(1, len(tiles)), CHUNK):
        own = orders if isinstance(orders, tuple) else orders[start : start + CHUNK]
        pricer = _Pricer(shape, tiles[start : start + CHUNK], own)
        given = None if slots is None else slots[start : start + CHUNK]
        found.append(pricer.best() if given is None else pricer.prices(given))
    if len(found) == 1:
        return found[0]
    columns = zip(*((p.cycles, p.least, p.bytes_moved, p.footprint_bytes, p.slots) for p in found), strict=True)
    return Prices(*(np.concatenate(each) for each in columns))


class _Pricer:
    """Everything that does not depend on slots is counted once."""

    def __init__(self, shape: Shape, tiles: NDArray[np.int64], orders: Orders) -> None:
        self.shape, self.at = shape, Geometry(shape, tiles, orders)
        zero = np.zeros(self.at.rows)
        self.busy: dict[str, Column] = {name: zero + cycles for name, cycles in shape.base}
        self.moved, self.enter, self.leave, self.turns, self.returns = zero, zero, zero, zero, zero
        self.window = Window(shape, zero + max(shape.calls, 1.0))
        self.moved = zero + shape.home_bytes
        self.impossible = np.zeros(self.at.rows, dtype=np.bool_)
        self.buffered: list[Buffered] = []
        self.held: dict[str, Column] = {name: zero for name, _ in shape.capacity}
        self.kept: dict[int, Column] = {}
        for place, stop in enumerate(shape.stops):
            if stop.level is None:
                self._registers(place, stop)
        if shape.chain_cycles:
            self.busy["chain"] = shape.chain_cycles / self.at.apart()
        self.at.pace = self._pace()
        self.at.ahead = shape.ahead * self.at.pace
        for stop in shape.stops:
            if stop.level is not None:
                self._stop(stop)
        self.exposed = zero
        for cycles, both_ways, dims in shape.relays:
            parts, again = self.at.parts(dims)
            self.moved = self.moved + both_ways * again
            part = cycles * again / parts
            alone = part + (parts - 1) * np.maximum(0.0, part - self.window.covered(self.at.pace))
            self.busy["relay"] = self.busy.get("relay", zero) + cycles * again - alone
            self.exposed = self.exposed + alone
        self._join()
        self.least = floors(shape, tiles, orders)

    def _join(self) -> None:
        """The busiest of what waits for copies, and of what does not; and how much the others are in its way."""
        zero = np.zeros(self.at.rows)
        self.working, self.other, self.bringing = zero, self.turns, zero
        bring, pace, ports = _bringing(self.shape), zero, zero
        for name, cycles in self.busy.items():
            if name in bring:
                self.bringing = np.maximum(self.bringing, cycles)
                ports = ports if name.startswith("unit.") else np.maximum(ports, cycles)
            else:
                pace = np.maximum(pace, cycles)
            if name in (f"unit.{self.shape.unit}", "chain"):
                self.working = np.maximum(self.working, cycles)
            else:
                self.other = np.maximum(self.other, cycles)
        self.working = np.maximum(self.working, self.shape.calls * self.at.pace) + self._sums()
        self.other = np.maximum(self.other, self.window.cycles(self.working))
        longest = np.maximum(self.working, self.other)
        known = np.isfinite(longest) & (longest > 0)
        whole = np.where(known, longest, 1.0)
        close = np.zeros(self.at.rows)
        for name, cycles in (*self.busy.items(), ("turns", self.turns)):
            part = _eighth(np.where(known, cycles, 0.0) / whole)
            if name.startswith("unit.") and name in bring:  # as busy as its ports, by what they do
                part = np.where(cycles > ports, part, 0.0)
            close = close + part
        self.crowded = np.where(known, CROWDING * whole * (close - 1), 0.0)
        latencies = (stop.fill.latency_cycles for stop in self.shape.stops if stop.fill is not None)
        self.ends = max(latencies, default=0.0) + self.shape.call_latency
        self.pace = np.maximum(1.0, pace / (self.shape.calls * self.at.pace))
        self.other = self.other + self.ends
        self.working = self.working + self.enter + self.leave + self.returns

    def _pace(self) -> Column:
        """Cycles from one call to the next while no tile is waited for.

        Registers next to the instruction are loaded, and sums added to, as fast as that goes.
        """
        names = {f"unit.{self.shape.unit}", "chain"}
        for stop in self.shape.stops:
            if stop.level is None and stop.fill is not None:
                names.update(name for name, _ in stop.fill.per_byte)
        found = np.zeros(self.at.rows) + self.shape.call_cycles
        for name in names & self.busy.keys():
            found = np.maximum(found, self.busy[name] / self.shape.calls)
        return found

    def _sums(self) -> Column | float:
        """What calls lose that add to a sum right after the call that began it."""
        if not self.shape.first_cycles:
            return 0.0
        begun = math.prod(self.shape.blocks[place] for place in movers(self.shape.target))
        return begun * np.maximum(0.0, self.shape.first_cycles - self.at.apart() * self.at.pace)

    # copies

    def _stop(self, stop: Stop) -> None:
        if stop.target:
            self._target(stop)
        else:
            size, moved = self.at.tile_bytes(stop), self.at.moved_bytes(stop)
            if stop.fill is None:
                self._hold(stop, size, None, 0, 0.0)
                return
            self._transfer(stop.fill, moved, size, stop)
            last = stop.access == max(other.access for other in self.shape.stops if other.level == stop.level)
            whole = self._edge(stop, stop.fill, size, whole=not last)
            edges = (self._piece(stop, stop.fill, size) - (0.0 if last else stop.fill.latency_cycles), whole)
            edges = edges if stop.needed else (whole, whole)
            self._hold(stop, size, stop.fill, size * stop.fill.slowest, self._piece(stop, stop.fill, size), edges)

    def _target(self, stop: Stop) -> None:
        size, moved, again = self.at.tile_bytes(stop), self.at.moved_bytes(stop), self.at.repeats(stop)
        back = 1 - 1 / again
        if stop.drain is not None:
            self._transfer(stop.drain, moved, size, stop)
            self.leave = self.leave + self._edge(stop, stop.drain, size, whole=False)
            passed = self._piece(stop, stop.drain, size) - stop.drain.latency_cycles + self.shape.call_latency
            if stop.fill is not None:
                passed = passed + back * self._piece(stop, stop.fill, size)
            self._hold(stop, size, stop.drain, None, passed)
        if stop.fill is None:
            self.impossible = self.impossible | (again > 1)
            return
        self._transfer(stop.fill, moved * back, size, stop)
        if self.shape.goes_on:  # what the target held before comes, too: the bound has it (`floors.py`)
            self.moved = self.moved + moved / again * stop.fill.home_ratio
        wait = np.maximum(0.0, size * stop.fill.slowest + stop.fill.latency_cycles - self.at.ahead)
        self.returns = self.returns + wait * self.at.fills(stop) * back

    def _transfer(self, transfer: Transfer, moved: Column, size: Column, stop: Stop) -> None:
        for name, cycles in transfer.per_byte:
            self.busy[name] = self.busy.get(name, 0.0) + moved * cycles
        whole = self._whole(stop, transfer, size)
        invocations = moved / whole
        for name, cycles in transfer.per_call:
            self.busy[name] = self.busy.get(name, 0.0) + invocations * cycles
        took = transfer.latency_cycles + whole * transfer.slowest
        self.window.copy(invocations, took, tile=stop.level is not None)
        if stop.level is not None and stop.level >= self.shape.levels - 1:
            self.moved = self.moved + moved * transfer.home_ratio

    def _whole(self, stop: Stop, transfer: Transfer, size: Column) -> Column:
        """Bytes that one invocation moves: no more than lie side by side in the tile let it."""
        most: Column | float = transfer.piece_bytes
        if transfer.run_bytes and stop.dims and stop.level is not None:
            run = self.at.span(stop.dims[-1], stop.level) * stop.element_bytes
            most = most * np.minimum(1.0, run / transfer.run_bytes)
        found: Column = np.minimum(size, most)
        return found

    def _ahead(self, stop: Stop, transfer: Transfer, size: Column) -> Column | float:
        """Cycles of copies that are queued up at most before the program goes on."""
        if transfer.ahead == np.inf:
            return np.inf
        found: Column = transfer.ahead * self._whole(stop, transfer, size) * transfer.slowest
        return found

    def _piece(self, stop: Stop, transfer: Transfer, size: Column) -> Column:
        """From the start of a copy's first invocation until what it brings is there."""
        found: Column = transfer.latency_cycles + self._whole(stop, transfer, size) * transfer.slowest
        return found

    def _edge(self, stop: Stop, transfer: Transfer, size: Column, *, whole: bool) -> Column:
        """What the first fill or the last drain of a buffer adds, where nothing precedes or follows it."""
        if whole:
            return size * transfer.slowest
        covered = np.minimum(self.at.work(stop) / self.at.reuse(stop), self._ahead(stop, transfer, size))
        return self._piece(stop, transfer, size) + np.maximum(0.0, size * transfer.slowest - covered)

    def _hold(
        self,
        stop: Stop,
        size: Column,
        transfer: Transfer | None,
        copies: Column | float | None,
        passed: Column | float,
        edges: tuple[Column | float, Column | float] = (0.0, 0.0),
    ) -> None:
        """Notes what the buffer's slots decide; ``passed``: from the last use of a piece until its place is full again.

        ``edges``: what the first fill adds with one slot, and with two.

        A piece is free when the last run through its tile has used it. With one slot the calls of the next tile wait
        for it, as far as the rest of that run, or what the queues hold of it, does not cover.
        """
        zero = np.zeros(self.at.rows)
        held, fills = size * stop.padding, self.at.fills(stop)
        if transfer is None:
            self.held[stop.memory] = self.held.get(stop.memory, zero) + held
            return
        work, reuse = self.at.work(stop), self.at.reuse(stop)
        ahead = stop.needed and self.shape.lead_cycles == np.inf and transfer.ahead == np.inf
        usual = self._usual_work(stop)
        if not ahead:
            waiting = np.minimum(self._others(stop, size), self._ahead(stop, transfer, size))
            turn = passed + self.at.pace + (usual + waiting) * (1 - 1 / reuse)
            self.turns = np.maximum(self.turns, np.where(fills > 1, fills * turn / 2, 0.0))
        bunched = self._bunches(stop, transfer, size, work) * fills
        if stop.memory in self.shape.renamed:
            self.held[stop.memory] = self.held.get(stop.memory, zero) + held
            self.enter = self.enter + edges[1]
            return
        brought, copied = None if copies is None else zero + copies, size * transfer.slowest
        asked, issued = self._asked(stop, transfer) if stop.needed else (zero + np.inf, work)
        self.buffered.append(
            Buffered(
                stop,
                held,
                transfer,
                zero + passed,
                copied,
                work / reuse,
                fills,
                bunched,
                brought,
                self._whole(stop, transfer, size),
                *edges,
                asked,
                issued,
                usual * np.maximum(0.0, 1.0 - asked / work),
                self._asking(stop),
                usual,
                self._ahead(stop, transfer, size),
            )
        )

    def _usual_work(self, stop: Stop) -> Column:
        """Cycles of the calls inside one tile on average: last tiles are short."""
        visits = self.at.ones
        for trips, _ in self.at.outer(stop):
            visits = visits * trips
        found: Column = self.shape.calls * self.at.pace / visits
        return found

    def _asked(self, stop: Stop, transfer: Transfer) -> tuple[Column, Column]:
        """Cycles from the last use of a piece of a tile to the first of the next tile's piece in the same place, and
        those in which all copies of a tile are asked for.

        The first are the work on a tile, less what lies between first and last use of a piece: further iterations of
        loops that do not move the operand (which registers further in may cover), and of the loop along the tensor's
        last axis, as far as a piece is wide. That loop asks for all in its first iterations.
        """
        along = stop.dims[-1][0][0] if stop.dims else -1
        wide = np.maximum(1.0, self._blocks_wide(stop, transfer, along))
        held = any(other.access == stop.access and other.level is None for other in self.shape.stops)
        stride, used, again = self.at.ones, np.zeros(self.at.rows), np.zeros(self.at.rows)
        part, seen = self.at.ones, np.zeros(self.at.rows, dtype=np.bool_)
        for trips, place in reversed(self.at.inner(stop)):
            moves, runs = self.at.moves(stop.dims, place), np.asarray(place) == along
            still = np.logical_not(moves)
            again = again + np.where(still, trips - 1, 0.0) * stride
            used = used + np.where(still & (seen | (not held)), trips - 1, 0.0) * stride
            used = used + np.where(runs, np.minimum(trips, wide) - 1, 0.0) * stride
            part = np.where(runs & seen, np.ceil(trips / wide) / trips, part)
            seen = seen | (moves & (trips > 1))
            stride = stride * trips
        cycles = self.at.pace
        return np.maximum(1.0, stride - used) * cycles, np.maximum(1.0, (stride - again) * part) * cycles

    def _asking(self, stop: Stop) -> Column:
        """The place of the innermost loop that moves an operand, which asks for its pieces; -1 where none does."""
        group, innermost = self.at.depth(stop), np.full(self.at.rows, -1.0)
        for place in sorted(each for each in stop.movers if self.shape.blocks[each] > 1):
            moves = self.at.groups[group][place] > 1
            innermost = np.where(moves, np.maximum(innermost, self.at.rank(group, place)), innermost)
        return innermost

    def _blocks_wide(self, stop: Stop, transfer: Transfer, along: int) -> float:
        """Calls along an iterator that one invocation serves."""
        block = stop.element_bytes
        for place in stop.movers:
            block *= self.shape.block[place]
        return transfer.piece_bytes / block if along >= 0 else 1.0

    def _others(self, stop: Stop, size: Column) -> Column:
        """Cycles of the other copies of a tile: units take copies in order, so one that waits holds up those behind."""
        total = np.zeros(self.at.rows)
        if stop.target or stop.fill is None:
            return total
        fills = self.at.fills(stop)
        for other in self.shape.stops:
            if other.level == stop.level and other.fill is not None and not other.target:
                again = self.at.fills(other)
                share = np.where(again > 1, np.minimum(1.0, again / fills), 0.0)
                total = total + self.at.tile_bytes(other) * other.fill.slowest * share
        return np.maximum(0.0, total - self._whole(stop, stop.fill, size) * stop.fill.slowest)

    def _bunches(self, stop: Stop, transfer: Transfer, size: Column, work: Column) -> Column:
        """What copies of one tile that come in bunches cost beyond what the queues take up."""
        once = not self.at.depth(stop)
        if once or transfer.ahead == np.inf or all(self.shape.blocks[place] == 1 for place in stop.movers):
            return np.zeros(self.at.rows)
        piece = self._whole(stop, transfer, size)
        pieces = np.ceil(size / piece - 1e-9)
        share, together = spread(self.at, stop, pieces)
        copies = size * transfer.slowest
        every = np.maximum(copies, self._others(stop, size) + piece * transfer.slowest)
        slack = (self._ahead(stop, transfer, size) + self.at.ahead) * copies / every
        held = transfer.held_cycles + self.shape.held_cycles
        phases = copies + (1 - share) * work - np.maximum(copies, work) - slack
        at_once = together * copies / pieces - slack
        late = np.where(together > transfer.ahead, np.maximum(0.0, at_once + held) * pieces / together, 0.0)
        return np.maximum(np.where(phases > 0, phases + held, 0.0), np.minimum(copies, late))

    def _registers(self, place: int, stop: Stop) -> None:
        """Loads next to the instruction: once per call, less what loops inside the tile reuse while there is room.

        Registers that are not renamed are filled again only when the calls that read them have done so: where a fill
        takes longer than its calls, two slots do not hide it.
        """
        block, left = self.at.tile_bytes(stop), self._left(place)
        grown = held = block
        total = block * self.shape.calls
        fits = np.ones(self.at.rows, dtype=np.bool_)
        for trips, position in reversed(self.at.loops(self.shape.levels, self.shape.levels + 1)):
            moves = self.at.moves(stop.dims, position)
            grown = np.where(moves, grown * trips, grown)
            fits = fits & (np.logical_not(moves) | (grown <= left))
            stays = fits & np.logical_not(moves)
            total = np.where(stays, total / trips, total)
            held = np.where(stays & (trips > 1), grown, held)
        self.kept[place] = held
        if stop.memory in self.held:
            self.held[stop.memory] = self.held[stop.memory] + block * stop.padding * self._pair(stop)
        if stop.fill is not None:
            self._transfer(stop.fill, total, block, stop)
            self.enter = self.enter + block * stop.fill.slowest + stop.fill.latency_cycles
            if stop.memory not in self.shape.renamed:
                fills = total / held
                calls = self.shape.calls / fills * self.shape.call_cycles
                filled = held * stop.fill.slowest + stop.fill.latency_cycles
                self.turns = np.maximum(self.turns, np.where(filled > calls, fills * (filled + calls) / 2, 0.0))

    def _pair(self, stop: Stop) -> int:
        return 1 if stop.memory in self.shape.renamed else 2

    def _left(self, place: int) -> Column:
        """Bytes of the tensor that a register file has room for, in one slot of the operand at ``place``."""
        stop = self.shape.stops[place]
        left = np.full(self.at.rows, float(dict(self.shape.capacity).get(stop.memory, 0)))
        for other, operand in enumerate(self.shape.stops):
            if other != place and operand.memory == stop.memory:
                size = self.kept[other] if other in self.kept else self.at.tile_bytes(operand)
                left = left - size * operand.padding * self._pair(stop)
        return left / self._pair(stop) / stop.padding

    # slots

    def best(self) -> Prices:
        """The slots that cost least, row by row."""
        count = len(self.buffered)
        if count > ALL_SLOTS:
            return self.prices(self._greedy())
        ways = np.array(list(itertools.product((2, 1), repeat=count)), dtype=np.int64).reshape(2**count, count)
        priced = (np.broadcast_to(each, (len(ways), self.at.rows)) for each in self._priced(ways[:, None, :]))
        cycles, footprint = priced
        chosen, rows = np.argmin(cycles, axis=0), np.arange(self.at.rows)
        return Prices(cycles[chosen, rows], self.least, self.moved, footprint[chosen, rows], ways[chosen])

    def _greedy(self) -> Slots:
        """Two slots for every buffer in order, as long as the memory has room."""
        slots = np.ones((self.at.rows, len(self.buffered)), dtype=np.int64)
        used = dict(self.held)
        for each in self.buffered:
            used[each.stop.memory] = used[each.stop.memory] + each.held_bytes
        for place, each in enumerate(self.buffered):
            capacity = dict(self.shape.capacity).get(each.stop.memory, np.inf)
            room = each.moving & (used[each.stop.memory] + each.held_bytes <= capacity)
            slots[:, place] += room
            used[each.stop.memory] = used[each.stop.memory] + np.where(room, each.held_bytes, 0.0)
        return slots

    def prices(self, slots: Slots) -> Prices:
        """Prices with these slots."""
        cycles, footprint = self._priced(slots)
        return Prices(cycles, self.least, self.moved, footprint, slots)

    def _priced(self, slots: Slots) -> tuple[Column, Column]:
        """Cycles, and bytes held, with these slots (rows x buffers, or ways x 1 x buffers: each way for every row)."""
        used, waits = dict(self.held), Waits(self.shape, self.at, self.buffered, slots)
        for place, each in enumerate(self.buffered):
            bytes_ = np.where((slots[..., place] == 2) & each.moving, 2 * each.held_bytes, each.held_bytes)
            used[each.stop.memory] = used[each.stop.memory] + bytes_
        fits = ~self.impossible
        for memory, capacity in self.shape.capacity:
            fits = fits & (used[memory] <= capacity)
        other = np.maximum(
            self.other, np.maximum(waits.turns(), self.bringing + self.ends + waits.last_run() * self.pace)
        )
        working = self.working + waits.stalls()
        cycles = np.maximum(other, working) + waits.ragged() + self.crowded + self.exposed
        cycles = self._bounded(cycles)
        return np.where(fits, cycles, np.inf), sum(used.values(), np.zeros(self.at.rows))

    def _bounded(self, cycles: Column) -> Column:
        """Prices no lower than bounds; those that were stay in order."""
        below = np.isfinite(self.least) & (cycles < self.least)
        part = cycles / np.where(self.least > 0, self.least, 1.0)
        return np.where(below, self.least * (1 + APART * part), cycles)


def _bringing(shape: Shape) -> frozenset[str]:
    """What brings tiles on chip: ports and units."""
    fills = (stop.fill for stop in shape.stops if stop.level is not None and stop.fill is not None)
    return frozenset(name for fill in fills for name, _ in fill.per_byte)


def _eighth(values: Column) -> Column:
    """The eighth power."""
    square = values * values
    fourth = square * square
    return fourth * fourth
