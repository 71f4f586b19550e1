"""What stays on chip from iteration to iteration of the loops that statements share, and what is fetched each time."""

from __future__ import annotations

import math
from collections import abc

from isamapper.ir.types import storage_bytes
from isamapper.plan.homes import all_tensors
from isamapper.plan.kept import kept_uses
from isamapper.plan.layout import Layout, buffer_layout
from isamapper.plan.nest import Buffer, Nest, iterator_extent
from isamapper.plan.resident import around, can_stay
from isamapper.plan.skeleton import shared_iterators
from isamapper.plan.steps import Schedule, replay


def staying(schedule: Schedule) -> tuple[str, ...]:
    """Lines: tensors that statements hand on by memory, operands filled once, operands fetched again; may be empty."""
    nests = tuple(n for n in replay(schedule) if around(schedule.covered, n.statement.index))
    return tuple(line for line in (*_kept(nests), *_residents(nests), *_fetched(schedule, nests)))


def _kept(nests: tuple[Nest, ...]) -> abc.Iterator[str]:
    places: dict[str, list[str]] = {}
    for name, uses in kept_uses(nests).items():
        memory = next(use.buffer.memory for use in uses if use.buffer is not None)
        places.setdefault(memory, []).append(name)
    for memory, names in places.items():
        yield f"'{memory}' keeps {', '.join(names)} from statement to statement"


def _residents(nests: tuple[Nest, ...]) -> abc.Iterator[str]:
    places: dict[str, list[str]] = {}
    divided: dict[str, None] = {}
    for nest in nests:
        for buffer in nest.buffers:
            if buffer.resident and nest.distributed:
                divided[_part(nest, buffer)] = None
            elif buffer.resident:
                names = places.setdefault(buffer.memory, [])
                name = nest.statement.accesses[buffer.access].tensor
                names += [] if name in names else [name]
    for memory, names in places.items():
        yield f"'{memory}' is filled once with {', '.join(names)}"
    yield from divided


def _part(nest: Nest, buffer: Buffer) -> str:
    """What stays of an operand on each core, its statement being divided over a grid."""
    access = nest.statement.accesses[buffer.access]
    loops = [nest.digit(loop) for loop, _ in nest.distributed]
    cores = " x ".join(f"{digit.extent} along {digit.iterator}" for digit in loops)
    layout = buffer_layout(nest, buffer)
    axes = layout.axes[len(loops) :] if isinstance(layout, Layout) else ()
    shape = " x ".join(str(axis.extent) for axis in axes)
    grids = ", ".join(f"'{grid}'" for grid in dict.fromkeys(grid for _, grid in nest.distributed))
    return f"'{buffer.memory}' of each of {cores} of {grids} is filled once with its part of {access.tensor}: {shape}"


def _fetched(schedule: Schedule, nests: tuple[Nest, ...]) -> abc.Iterator[str]:
    """Operands that are the same in every iteration and fetched in each, with their bytes."""
    tensors = all_tensors(schedule.covered)
    found: dict[str, int] = {}
    for nest in nests:
        shared = set(shared_iterators(schedule.covered, nest.statement))
        for access in sorted({buffer.access for buffer in nest.buffers}):
            moves = can_stay(schedule.covered, nest, access) is None
            if moves and not any(buffer.resident for buffer in nest.path(access)):
                read = nest.statement.accesses[access]
                names = {name for index in read.map.results for name in index.names} - shared
                count = math.prod(iterator_extent(nest, name) for name in names)
                size = storage_bytes(tensors[read.tensor].dtype, count)
                found[read.tensor] = found.get(read.tensor, 0) + size
    if found:
        parts = ", ".join(f"{size:,} bytes of {name}" for name, size in found.items())
        yield f"fetched again in every iteration: {parts}"
