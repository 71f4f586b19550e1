"""What calls wait for: copies that come too late, given the slots of every buffer, for many tilings at once.

- A tile with one slot that comes as it is *needed*: its pieces are asked for in the order of use, each when its place
  has been used last; it is on its way for a while, and the unit of the copies is busy with those before it.
- Another buffer with one slot (results, caches) is waited for where it changes its tile.
- With two slots only bunches of copies and short last tiles cost anything.

What does not belong here: busy times, and which copies there are (``batch.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isamapper.costmodels.geometry import Column, Geometry, Mask
from isamapper.costmodels.shape import Shape, Stop, Transfer

Slots = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Buffered:
    """What the slots of one buffer decide: its bytes, what it stalls with one slot and with two, its next tile's
    copy, and what its first fill adds.

    ``run`` are the cycles of one run through a tile, ``asked`` those between the last use of a piece and when the next
    is needed in its place, ``issued`` those in which all copies of a tile are asked for, ``used`` those from first to
    last use of a piece; ``asking`` tells the loop that asks for pieces from those around it; ``work`` are the cycles of
    the calls inside one tile, ``ahead`` those of copies that queues hold.
    """

    stop: Stop
    held_bytes: Column
    transfer: Transfer
    passed: Column
    copied: Column
    run: Column
    fills: Column
    doubled: Column
    copies: Column | None
    piece_bytes: Column
    edge_one: Column | float = 0.0
    edge_two: Column | float = 0.0
    asked: Column | float = math.inf
    issued: Column | float = math.inf
    used: Column | float = 0.0
    asking: Column | float = 0.0
    work: Column | float = 0.0
    ahead: Column | float = math.inf

    @property
    def moving(self) -> Mask:
        """Where the buffer is filled more than once."""
        return self.fills > 1

    def late(self) -> Column:
        """How much longer the copies of a tile take than the run through it that they accompany."""
        return self.copied + self.transfer.latency_cycles - self.run


class Waits:
    """The waits of all buffers with given slots (rows x buffers, or ways x 1 x buffers: each way for every row)."""

    def __init__(self, shape: Shape, at: Geometry, buffered: abc.Sequence[Buffered], slots: Slots) -> None:
        self.shape, self.at, self.buffered = shape, at, buffered
        self.single = [slots[..., place] == 1 for place in range(len(buffered))]
        self.needed = {
            place: single | ~buffered[place].moving | self._runs_ahead(buffered[place])
            for place, single in enumerate(self.single)
            if buffered[place].stop.needed
        }
        ways = [stop for stop in shape.stops if stop.level is None and stop.fill is not None]
        self.way_in = {stop.access: self._way(stop) for stop in ways}
        self.waits = [self._wait(place) for place in range(len(buffered))]

    def _runs_ahead(self, own: Buffered) -> bool:
        """Whether copies are asked for long before, so that two slots are filled as needed, too."""
        return self.shape.lead_cycles == np.inf and own.transfer.ahead == np.inf

    def _way(self, stop: Stop) -> Column | float:
        """From when an operand's tile is there until the instruction has it."""
        return 0.0 if stop.fill is None else self.at.tile_bytes(stop) * stop.fill.slowest + stop.fill.latency_cycles

    def stalls(self) -> Column:
        """Cycles that calls wait for copies, first fills among them."""
        total = self._first_run()
        for place, each in enumerate(self.buffered):
            two = ~self.single[place]
            total = total + np.where(two, each.doubled, self.beyond(place) * (each.fills - 1))
            one = self.needed.get(place, ~two | ~each.moving)
            total = total + np.where(one, each.edge_one, each.edge_two)
        return total

    def beyond(self, place: int) -> Column:
        """A buffer's wait beyond those of buffers that change at the same time, and more often."""
        others = np.zeros(self.at.rows)
        for number, each in enumerate(self.waits):
            if number != place:
                others = np.where(self._oftener(number, place), np.maximum(others, each), others)
        return np.maximum(0.0, self.waits[place] - others)

    def _oftener(self, one: int, other: int) -> Mask:
        """Whether a buffer is filled at least as often as another; of two that are alike the first counts."""
        fills, others = self.buffered[one].fills, self.buffered[other].fills
        return fills >= others if one < other else fills > others

    def turns(self) -> Column:
        """What doubled buffers take that are filled as needed: a piece comes and is used, then that two tiles on."""
        longest = np.zeros(self.at.rows)
        for place in self.needed:
            own = self.buffered[place]
            turn = own.fills * (self._turn(place, self._along(place)) + own.used) / 2
            longest = np.maximum(longest, np.where(self.single[place] | ~own.moving, 0.0, turn))
        return longest

    def last_run(self) -> Column:
        """Cycles of the calls of the last tile, which has come before; drains that accompany them are work as well."""
        longest = np.zeros(self.at.rows)
        for place, own in enumerate(self.buffered):
            if own.copies is None:
                continue
            drained = np.zeros(self.at.rows)
            for number, each in enumerate(self.buffered):
                if each.copies is None:
                    along = ~self.single[number] & each.moving & (each.fills >= own.fills)
                    drained = drained + np.where(along, each.copied, 0.0)
            ahead = ~self.single[place] & own.moving & ~self.needed.get(place, self.single[place])
            longest = np.where(ahead, np.maximum(longest, own.work - drained), longest)
        return longest

    # tiles that come as they are needed

    def _first_run(self) -> Column:
        """How much longer copies of first tiles that come as they are needed take than the run that needs them."""
        longest = np.zeros(self.at.rows)
        finite = self.shape.lead_cycles < np.inf
        for place, needed in self.needed.items():
            own = self.buffered[place]
            late = self._coming(place, self.needed) - own.asked
            if finite:
                late = np.maximum(0.0, late) + self._late_pieces(own)
            longest = np.maximum(longest, np.where(needed, late, 0.0))
        return longest

    def _coming(self, place: int, along: abc.Mapping[int, Mask]) -> Column:
        """Cycles of the copies that come while those of one tile do: its own, and those of others."""
        own = self.buffered[place]
        coming = own.copied
        for number, mask in along.items():
            if number != place:
                each = self.buffered[number]
                coming = coming + np.where(mask, each.copied * np.minimum(1.0, own.asked / each.issued), 0.0)
        return coming

    def _wait_needed(self, place: int) -> Column:
        """What calls wait for where a buffer with one slot is refilled piece by piece, as each has been used last.

        Pieces come one run later than they are freed. Where queues are short, each is asked for when the calls before
        it are queued.
        """
        own = self.buffered[place]
        along = self._along(place)
        window = 2 * own.asked if self._runs_ahead(own) else own.asked
        until = np.maximum(self._turn(place, along) - own.asked, self._coming(place, along) - window)
        until = np.maximum(0.0, until)
        if self.shape.lead_cycles < np.inf:
            until = until + self._late_pieces(own)
        return np.where(self.single[place] & own.moving, until, 0.0)

    def _along(self, place: int) -> dict[int, Mask]:
        """Other buffers that are filled as needed, where they are filled at least as often."""
        own = self.buffered[place]
        return {
            number: (mask if self._runs_ahead(own) else mask | ~self.single[number])
            & (self.buffered[number].fills >= own.fills)
            for number, mask in self.needed.items()
            if number != place
        }

    def _turn(self, place: int, along: abc.Mapping[int, Mask]) -> Column:
        """From the last use of a piece until calls can use the next in its place.

        It is on its way, then the other operands of the same call, which come after it. The place of what goes on into
        a register is free before that: when the register has it.
        """
        own = self.buffered[place]
        if own.stop.access in self.way_in:
            return own.passed + self.way_in[own.stop.access]
        turn, way = own.passed + self.shape.call_cycles, np.zeros(self.at.rows)
        for number, mask in along.items():
            each = self.buffered[number]
            behind = mask & self._behind(own, each)
            turn = turn + np.where(behind, each.piece_bytes * each.transfer.slowest, 0.0)
            way = np.where(behind, np.maximum(way, self.way_in.get(each.stop.access, 0.0)), way)
        return turn + way

    def _behind(self, own: Buffered, other: Buffered) -> Mask:
        """Whether another operand's pieces are asked for after those that the same call needs of this one."""
        later = other.stop.access > own.stop.access
        found: Mask = np.asarray(other.asking >= own.asking if later else other.asking > own.asking)
        return found

    def _late_pieces(self, own: Buffered) -> Column:
        """What the calls of a run lose where pieces are on their way for longer than calls are queued."""
        way = own.passed + self.way_in.get(own.stop.access, 0.0)
        pieces = np.maximum(1.0, own.copied / (own.transfer.slowest * own.piece_bytes))
        turns = np.minimum(own.run, own.asked) / (self.at.ahead + self.at.pace)
        found: Column = np.minimum(pieces, turns) * np.maximum(0.0, way - self.shape.lead_cycles)
        return found

    # other buffers with one slot

    def _wait(self, place: int) -> Column:
        """What calls wait for where a buffer with one slot changes its tile, and all others that change as often.

        Copies of the next tile start when the last run through this one has freed their places, or when its last calls
        are queued. Calls go on when the first piece is there, when all copies but those that queues hold are issued,
        and no sooner than the copies that come meanwhile let them end.
        """
        own = self.buffered[place]
        if own.stop.needed:
            return self._wait_needed(place)
        passed, copied = own.passed, own.copied
        late, longest = own.late(), own.run
        for number, each in enumerate(self.buffered):
            if number != place and not each.stop.needed:
                along = self.single[number] & self._oftener(number, place)
                passed = np.where(along, np.maximum(passed, each.passed), passed)
                copied = np.where(along, copied + each.copied, copied)
                late = np.where(along, np.maximum(late, each.late()), late)
                longest = np.where(along, np.maximum(longest, each.run), longest)
        covered = np.minimum(own.run, self.at.ahead)
        until = np.maximum(passed + self.at.pace, late)
        if self.shape.ahead < np.inf:
            until = np.maximum(until, copied - longest)
        if own.transfer.ahead < np.inf:
            until = np.maximum(until, copied - own.ahead)
        return np.where(self.single[place] & own.moving, np.maximum(0.0, until - covered), 0.0)

    # short last tiles

    def ragged(self) -> Column:
        """A short last tile is too short for the copies of the next, and its own copies for the work before it."""
        total = np.zeros(self.at.rows)
        levels = {each.stop.level for each in self.buffered if each.copies is not None}
        for level in sorted(level for level in levels if level is not None):
            chosen = [(p, b) for p, b in enumerate(self.buffered) if b.stop.level == level and b.copies is not None]
            total = total + self._short_tiles(level, chosen)
        return total

    def _short_tiles(self, level: int, chosen: abc.Sequence[tuple[int, Buffered]]) -> Column:
        first = chosen[0][1].stop
        work, total, open_ = self.at.work(first), np.zeros(self.at.rows), np.ones(self.at.rows, dtype=np.bool_)
        visits = self.at.ones
        for trips, _ in self.at.outer(first):
            visits = visits * trips
        places = [place for place, blocks in enumerate(self.shape.blocks) if blocks > 1]
        for group in reversed(range(self.at.depth(first))):
            ranks = {p: np.where(self.at.groups[group][p] > 1, self.at.rank(group, p), -1) for p in places}
            innermost = np.full(self.at.rows, -1.0)
            for rank in ranks.values():
                innermost = np.maximum(innermost, rank)
            for place in places:
                here = open_ & (ranks[place] == innermost) & (innermost >= 0)
                short = self._short(level, place, work, chosen)
                total = np.where(here, total + short * visits / self.at.groups[group][place], total)
            open_ = open_ & (innermost < 0)
        return total

    def _short(self, level: int, place: int, work: Column, chosen: abc.Sequence[tuple[int, Buffered]]) -> Column:
        """What is lost at each short last tile along one iterator.

        Where copies are asked for long before, those of the next tile follow the last uses of the one before.
        """
        whole = self.shape.extents[place] / self.at.reach[level][place]
        tail = whole - np.ceil(whole - 1e-9) + 1
        copies = np.zeros(self.at.rows)
        for index, each in chosen:
            if place in each.stop.movers and each.copies is not None:
                late: Column | float = 1.0
                if self._runs_ahead(each):
                    late = np.maximum(0.0, 1.0 - each.asked / work)
                copies = np.where(self.single[index], copies, copies + late * each.copies)
        short = np.maximum(0.0, np.minimum(work, copies) - tail * np.maximum(work, copies))
        for index, each in chosen:
            if place in each.stop.movers and self._runs_ahead(each) and index in self.needed:
                coming = self._coming(index, self._along(index)) - each.asked
                own = np.maximum(0.0, coming - tail * each.asked) - np.maximum(0.0, coming - each.asked)
                short = np.where(self.single[index], np.maximum(short, own), short)
        return short
