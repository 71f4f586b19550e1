"""Which inner loops carry which part of a copy that is issued ahead or late.

Dispatch is in order, so where copies stand among the calls decides what waits for what. Three ways are known; which is
best depends on queues, window and latencies, so the search tries the others on what it has found (``variants``):

- ``waiting``: evenly over all loops inside, so that the fewest are issued before earlier ones are done;
- ``peak``: evenly over the innermost loops, all in the first iteration of those around them;
- together: all at once, before the loops inside.
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import replace
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.plan.layout import buffer_layout, loop_trips
from isamapper.plan.nest import Buffer, Copy, Nest, depth_of

Spread: TypeAlias = tuple[tuple[str, str], ...]
"""Loops with the coordinates that they carry, outermost first."""
Counts: TypeAlias = abc.Mapping[str, int]
Score: TypeAlias = abc.Callable[[Counts, Spread, Counts], float]


def spread_best(machine: Machine, nest: Nest, buffer: Buffer) -> Buffer:
    """``buffer`` with its copy spread as its unit likes it.

    A finite queue fills when copies are issued faster than they are done, and stops everything behind them.
    """
    copy = _copy(buffer)
    if copy is None:
        return buffer
    queue = machine.unit(machine.instruction(copy.instruction).unit).queue_depth
    return replace(buffer, spread=_spread(nest, buffer, _peak if queue is None else _waiting))


def as_needed(nest: Nest, buffer: Buffer) -> Buffer:
    """``buffer`` with its present tile brought by the loops inside, each what it is the first to use.

    Its calls then begin when the first piece is there, and those of the tile before still use what comes later.
    """
    layout = buffer_layout(nest, buffer)
    held = buffer.fill is None or buffer.prepared or buffer.resident or buffer.access in nest.statement.written
    if held or isinstance(layout, Rejection):
        return buffer
    walked = {coordinate.digit for coordinate in layout.coordinates if coordinate.extent > 1}
    path = nest.path(buffer.access)
    further = path[[each.memory for each in path].index(buffer.memory) + 1 :]
    depths = (depth_of(nest, inner.loop) for inner in further)
    inside = nest.order[depth_of(nest, buffer.loop) : min(depths, default=len(nest.order))]
    return replace(buffer, spread=tuple((loop, loop) for loop in inside if loop in walked))


def variants(nest: Nest) -> abc.Iterator[Nest]:
    """``nest`` with all its copies spread in the ways that it does not use already."""
    seen = {nest}
    for score in (_peak, _waiting, None):
        buffers = tuple(
            replace(b, spread=_spread(nest, b, score)) if b.prefetch or b.delay else b for b in nest.buffers
        )
        changed = replace(nest, buffers=buffers)
        if changed not in seen:
            seen.add(changed)
            yield changed


def _copy(buffer: Buffer) -> Copy | None:
    return buffer.drain if buffer.delay else buffer.fill


def _spread(nest: Nest, buffer: Buffer, score: Score | None) -> Spread:
    """The spread with the least score; none where there is no score or nothing to share."""
    layout, copy = buffer_layout(nest, buffer), _copy(buffer)
    if score is None or copy is None or isinstance(layout, Rejection):
        return ()
    bound = {name: size for _, name, size in copy.binds}
    blocks = {c.name: -(-c.extent // bound.get(c.name, 1)) for c in layout.coordinates}
    movable = [name for name, count in blocks.items() if count > 1]
    inside = nest.order[depth_of(nest, buffer.loop) :]
    trips = {loop: count for loop in inside if (count := loop_trips(nest, loop)) > 1}
    best: tuple[float, Spread] = (float(math.prod(blocks.values())), ())
    for count in range(1, min(len(trips), len(movable), 3) + 1):
        for loops in itertools.combinations(trips, count):
            for names in itertools.permutations(movable, count):
                shares = tuple(zip(loops, names, strict=True))
                found = score(trips, shares, blocks)
                if found < best[0]:
                    best = (found, shares)
    return best[1]


def _waiting(trips: Counts, shares: Spread, blocks: Counts) -> float:
    """Invocations that wait at most, if all take as long as the loops together.

    Per loop from the outermost to the last that carries a share: what comes in one iteration beyond what is done
    meanwhile waits, and more of it after every further iteration.
    """
    carried, hosts = dict(shares), list(trips)
    coming = math.prod(blocks.values())
    done, most = float(coming), 0.0
    for loop in hosts[: hosts.index(shares[-1][0]) + 1]:
        used, done = 1, done / trips[loop]
        if loop in carried:
            count = blocks[carried[loop]]
            share = -(-count // trips[loop])
            used, coming = -(-count // share), coming // count * share
        most += (used - 1) * max(0.0, coming - done)
    return most + coming


def _peak(trips: Counts, shares: Spread, blocks: Counts) -> float:
    """How much denser than evenly they come while they come; a little for each burst."""
    density, together = 1.0, math.prod(blocks.values())
    for loop, name in shares:
        share = -(-blocks[name] // trips[loop])
        together = together // blocks[name] * share
        density *= trips[loop] / -(-blocks[name] // share)
    return density + together / 4
