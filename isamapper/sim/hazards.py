"""Read-after-write, write-after-read and write-after-write, element by element.

Per granule of a region that the program writes: when the results of earlier invocations are ready and until when they
are read. Accumulations are kept apart per unit, because those of one unit need not wait for each other's results.

Renamed registers are written to a fresh copy: a write waits for nothing, and readers wait for the latest write only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isamapper.sim.expand import Granules, Invocation, OperandAt
from isamapper.sim.sites import Model, OperandUse, PortUse, Site

Times = NDArray[np.int64]
_EVERYONE = -1


@dataclass(slots=True)
class Track:
    """Times per granule, by who accessed it: a unit's accumulations, or everyone else."""

    ready: Times
    read: Times
    accumulated: Times


def accumulator(site: Site, use: OperandUse) -> int:
    """The unit whose accumulations an operand belongs to; ``-1`` where it does not accumulate."""
    return site.unit if use.accumulates else _EVERYONE


class Hazards:
    """What earlier invocations have left in every region."""

    def __init__(self, model: Model) -> None:
        written = {use.region.index for site in model.sites for use in site.operands if use.writes}
        self.tracks: dict[int, dict[int, Track]] = {index: {} for index in written}

    def _track(self, use: OperandUse, who: int) -> Track:
        tracks = self.tracks[use.region.index]
        if who not in tracks:
            size = use.region.size
            tracks[who] = Track(*(np.zeros(size, dtype=np.int64) for _ in range(3)))
        return tracks[who]

    def bounds(self, invocation: Invocation) -> tuple[int, int, int]:
        """The earliest starts by RAW, WAR and WAW."""
        raw = war = waw = 0
        for operand in invocation.operands:
            use, where = operand.use, operand.granules
            if use.region.index not in self.tracks or not where.size:
                continue
            me = accumulator(invocation.site, use)
            for who, track in self.tracks[use.region.index].items():
                if who == me != _EVERYONE:
                    raw = max(raw, _latest(track.accumulated, where))
                    continue
                if use.reads:
                    raw = max(raw, _latest(track.ready, where) - operand.read_at)
                if use.writes and not use.region.renamed:
                    war = max(war, _latest(track.read, where))
                    waw = max(waw, _latest(track.ready, where) - least_ready(invocation, operand))
        return raw, war, waw

    def read(self, invocation: Invocation, operand: OperandAt, start: int, until: int) -> None:
        """Records that ``operand`` is read until ``until``, where it is read at all."""
        use = operand.use
        if use.reads and use.region.index in self.tracks and operand.granules.size:
            track = self._track(use, accumulator(invocation.site, use))
            _raise(track.read, operand.granules, until)
            if use.accumulates:
                _raise(track.accumulated, operand.granules, start + invocation.occupies)

    def write(self, invocation: Invocation, operand: OperandAt, start: int, ready: int) -> None:
        """Records that ``operand`` is ready at ``ready``, where it is written at all."""
        use = operand.use
        if use.writes and operand.granules.size:
            track = self._track(use, accumulator(invocation.site, use))
            if use.region.renamed:
                for each in self.tracks[use.region.index].values():
                    each.ready[operand.granules] = each.accumulated[operand.granules] = 0
            _raise(track.ready, operand.granules, ready)
            if use.accumulates:
                _raise(track.accumulated, operand.granules, start + invocation.occupies)


def _latest(times: Times, where: Granules) -> int:
    return int(times[where].max())


def _raise(times: Times, where: Granules, value: int) -> None:
    times[where] = np.maximum(times[where], value)


def least_ready(invocation: Invocation, operand: OperandAt) -> int:
    """From the start until ``operand`` is ready where no port is shared: what WAW compares."""
    if not invocation.site.transfer:
        return operand.ready_at + _fewest(operand, operand.use.write_ports)
    longest = 0
    latencies: dict[str, int] = {}
    for each in invocation.operands:
        for ports in (each.use.read_ports, each.use.write_ports):
            if ports:
                longest = max(longest, _fewest(each, ports))
                latencies[each.use.memory.name] = each.use.memory.latency_cycles
    return longest + sum(latencies.values()) + operand.ready_at


def _fewest(operand: OperandAt, ports: tuple[PortUse, ...]) -> int:
    """Beats on the port that takes the fewest, all banks working at once."""
    return min((max((beats for _, beats in operand.beats(port)), default=0) for port in ports), default=0)
