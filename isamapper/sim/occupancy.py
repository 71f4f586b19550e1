"""How much of each memory holds something that is still needed, over the first invocations of a program.

An element is occupied from the start of the invocation that gives it a value to the end of the last one that reads that
value, or to the end of the writing one where none does. A value that is only partly overwritten lives on where it is
not. Where the program goes on after the invocations given, what is not overwritten by then is taken to be needed there.
Unbounded memories are left out.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isamapper.sim.counters import Event
from isamapper.sim.expand import Invocation, OperandAt, expand
from isamapper.sim.regions import Region
from isamapper.sim.sites import Model

Times = NDArray[np.int64]

STEPS = 1500
"""Points in time that a curve has at most."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """``points`` are (cycle, bytes from there on); ``peak_bytes`` is their maximum.

    ``renamed`` registers may hold more than the registers that programs name.
    """

    memory: str
    capacity_bytes: int
    renamed: bool
    peak_bytes: int
    points: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Values:
    """Per granule of a region: when its value came (-1: it has none), how long it is needed; and the lives that ended.

    A new value ends the old one at the latest when it comes, unless registers are renamed.
    """

    renamed: bool
    born: Times
    needed: Times
    lives: list[tuple[Times, Times]] = field(default_factory=list)

    @staticmethod
    def of(region: Region) -> _Values:
        return _Values(region.renamed, np.full(region.size, -1, np.int64), np.zeros(region.size, np.int64))

    def write(self, granules: Times, event: Event) -> None:
        if not self.renamed:
            self.needed[granules] = np.minimum(self.needed[granules], event.start)
        self._close(granules)
        self.born[granules] = event.start
        self.needed[granules] = event.end

    def read(self, granules: Times, until: int) -> None:
        self.needed[granules] = np.maximum(self.needed[granules], until)

    def finish(self, until: int) -> None:
        """Ends every life, none before ``until``."""
        living = np.flatnonzero(self.born >= 0)
        self.read(living, until)
        self._close(living)

    def _close(self, granules: Times) -> None:
        ended = granules[self.born[granules] >= 0]
        if ended.size:
            pairs = np.stack((self.born[ended], self.needed[ended]))
            distinct, counts = np.unique(pairs, axis=1, return_counts=True)
            self.lives.append((distinct, counts))
            self.born[ended] = -1


def occupancy(model: Model, events: abc.Sequence[Event], complete: bool) -> tuple[Occupancy, ...]:
    """One curve for each bounded memory that is used.

    ``events`` are the first invocations, without a gap; ``complete``: all there are.
    """
    values: dict[Region, _Values] = {}
    bounded = {memory.name for memory in model.machine.memories if memory.capacity_bytes is not None}
    for invocation, event in zip(expand(model), events, strict=False):
        _live(invocation, event, bounded, values)
    horizon = max((event.end for event in events), default=0) + 1
    found = []
    for memory in model.machine.memories:
        own = [(region, lives) for region, lives in values.items() if region.memory == memory.name]
        if own and memory.capacity_bytes is not None:
            points = _curve(own, horizon, complete)
            found.append(
                Occupancy(memory.name, memory.capacity_bytes, memory.renamed, max(b for _, b in points), points)
            )
    return tuple(found)


def _live(invocation: Invocation, event: Event, bounded: abc.Set[str], values: dict[Region, _Values]) -> None:
    """Reads lengthen lives, writes begin them; what an operand reads and writes lives on."""
    for operand in sorted(invocation.operands, key=lambda each: each.use.writes):
        use = operand.use
        if use.memory.name not in bounded:
            continue
        if use.region not in values:
            values[use.region] = _Values.of(use.region)
        granules = np.unique(operand.granules)
        if use.writes and not use.reads:
            values[use.region].write(granules, event)
        else:
            values[use.region].read(granules, _needed_until(operand, event))


def _needed_until(operand: OperandAt, event: Event) -> int:
    """A read ends where its last beat or its last use does."""
    return event.end if operand.use.writes else max(event.released, event.start + operand.read_until)


def _curve(own: abc.Sequence[tuple[Region, _Values]], horizon: int, complete: bool) -> tuple[tuple[int, int], ...]:
    """Occupied bytes over time; each of at most so many steps holds the most of its cycles, so no peak is lost."""
    times, bits = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)]
    for region, values in own:
        values.finish(0 if complete else horizon)
        for lives, counts in values.lives:
            times += [lives[0], np.maximum(lives[1], lives[0] + 1)]
            bits += [counts * region.granule_bits, -counts * region.granule_bits]
    moments, place = np.unique(np.concatenate(times), return_inverse=True)
    level = np.cumsum(np.bincount(place.ravel(), np.concatenate(bits), len(moments))).astype(np.int64) // 8
    step = -(-horizon // STEPS)
    return tuple(_sampled(moments.tolist(), level.tolist(), step))


def _sampled(moments: list[int], level: list[int], step: int) -> abc.Iterator[tuple[int, int]]:
    """The most in every step of time, where it differs from the step before."""
    most: dict[int, int] = {}
    for index, (moment, occupied) in enumerate(zip(moments, level, strict=True)):
        following = moments[index + 1] if index + 1 < len(moments) else moment + 2 * step
        first, last = moment // step, (following - 1) // step
        for slot in {first, min(first + 1, last), last}:
            held = occupied if slot > first else max(occupied, most.get(slot, 0))
            most[slot] = held
    before = -1
    for slot in sorted(most):
        if most[slot] != before:
            before = most[slot]
            yield slot * step, before
