"""Slots and overlap: buffers are doubled where the memory has room, and copies spread over the loops inside."""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import MemoryKind
from isamapper.plan.layout import buffer_layout, loop_trips
from isamapper.plan.nest import Buffer, Copy, Nest, depth_of
from isamapper.scheduler.place import (
    Place,
    buffer_bytes,
)


def with_slots(place: Place, nest: Nest) -> Nest | Rejection:
    used: dict[str, int] = {}
    sizes = [buffer_bytes(place, nest, buffer) for buffer in nest.buffers]
    for buffer, size in zip(nest.buffers, sizes, strict=True):
        used[buffer.memory] = used.get(buffer.memory, 0) + size
    for name, total in used.items():
        capacity = place.machine.memory(name).capacity_bytes
        if capacity is not None and total > capacity:
            return Rejection("SCH034", f"'{name}'", f"the tiles need {total} bytes of {capacity}")
    buffers = []
    for buffer, size in zip(nest.buffers, sizes, strict=True):
        memory = place.machine.memory(buffer.memory)
        trips = 1
        for loop in nest.order[: depth_of(nest, buffer.loop)]:
            trips *= loop_trips(nest, loop)
        room = memory.capacity_bytes is None or used[buffer.memory] + size <= memory.capacity_bytes
        doubles = memory.kind is not MemoryKind.HOST and not memory.renamed and not buffer.prepared
        doubles = doubles and (buffer.access, buffer.memory) not in place.choice.single
        if trips > 1 and room and doubles:
            used[buffer.memory] += size
            buffer = _overlapped(place, nest, replace(buffer, slots=2))
        buffers.append(buffer)
    return replace(nest, buffers=tuple(buffers))


def _overlapped(place: Place, nest: Nest, buffer: Buffer) -> Buffer:
    depth = depth_of(nest, buffer.loop)
    inner = [name for name in nest.order[depth:] if loop_trips(nest, name) > 1]
    if place.machine.memory(buffer.memory).kind is MemoryKind.REGISTERS and buffer.access != 0:
        return buffer
    if buffer.access == 0:
        if buffer.fill is not None:
            return buffer
        spread = spread_over(nest, buffer, buffer.drain, inner, _stops_dispatch(place, buffer.drain))
        return replace(buffer, delay=True, spread=spread)
    spread = spread_over(nest, buffer, buffer.fill, inner, _stops_dispatch(place, buffer.fill))
    return replace(buffer, prefetch=True, spread=spread)


def _stops_dispatch(place: Place, copy: Copy | None) -> bool:
    """Whether copies that are issued faster than they are done stop everything behind them: a finite queue fills."""
    machine = place.machine
    return copy is not None and machine.unit(machine.instruction(copy.instruction).unit).queue_depth is not None


def spread_over(
    nest: Nest, buffer: Buffer, copy: Copy | None, hosts: list[str], stops_dispatch: bool = True
) -> tuple[tuple[str, str], ...]:
    """Which inner loop carries which coordinate of a copy, so that its invocations come as evenly as they can.

    Where they do not stop dispatch, it does not matter that other loops around the innermost one carry none.
    """
    layout = buffer_layout(nest, buffer)
    if copy is None or isinstance(layout, Rejection) or not hosts:
        return ()
    bound = {name: size for _, name, size in copy.binds}
    blocks = {c.name: -(-c.extent // bound.get(c.name, 1)) for c in layout.coordinates}
    movable = [name for name, count in blocks.items() if count > 1]
    total = math.prod(blocks.values())
    trips = {loop: loop_trips(nest, loop) for loop in hosts}
    score = _waiting if stops_dispatch else _peak
    best: tuple[float, tuple[tuple[str, str], ...]] = (score(total, 0.0, total), ())
    for count in range(1, min(len(hosts), len(movable), 3) + 1):
        for loops in itertools.combinations(hosts, count):
            idle = math.prod(trips[host] for host in hosts[: hosts.index(loops[-1])] if host not in loops)
            for names in itertools.permutations(movable, count):
                share, together = _shares(trips, loops, names, blocks)
                found = score(total, share / idle if stops_dispatch else share, together)
                if found < best[0]:
                    best = (found, tuple(zip(loops, names, strict=True)))
    return best[1]


def _shares(
    trips: abc.Mapping[str, int], loops: abc.Sequence[str], names: abc.Sequence[str], blocks: dict[str, int]
) -> tuple[float, int]:
    """Which part of the loops' iterations carry something, and how many invocations come at once."""
    together, share_of_time = math.prod(blocks.values()), 1.0
    for loop, name in zip(loops, names, strict=True):
        share = -(-blocks[name] // trips[loop])
        used = -(-blocks[name] // share)
        together = together // blocks[name] * share
        share_of_time *= used / trips[loop]
    return share_of_time, together


def _waiting(total: int, share_of_time: float, together: int) -> float:
    """Invocations that wait when the last is issued, if they take as long as the loops; a little for each burst."""
    return total * (1 - share_of_time) + together / 4


def _peak(total: int, share_of_time: float, together: int) -> float:
    """How much denser than evenly they come while they come; a little for each burst."""
    return 1 / share_of_time + together / 4 if share_of_time else float(total)
