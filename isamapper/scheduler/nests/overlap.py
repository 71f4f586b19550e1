"""Slots and overlap: buffers are doubled where the memory has room, and their copies issued ahead or late."""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import MemoryKind
from isamapper.plan.layout import buffer_layout, loop_trips
from isamapper.plan.lower_nest import filled_ahead
from isamapper.plan.needle import copy_shape, operand_spec
from isamapper.plan.nest import Buffer, Copy, Nest, depth_of
from isamapper.scheduler.nests.place import (
    Place,
    buffer_bytes,
)
from isamapper.scheduler.nests.spreading import as_needed, spread_best


def with_slots(place: Place, nest: Nest) -> Nest | Rejection:
    used: dict[str, int] = {}
    sizes = [buffer_bytes(place, nest, buffer) for buffer in nest.buffers]
    for buffer, size in zip(nest.buffers, sizes, strict=True):
        used[buffer.memory] = used.get(buffer.memory, 0) + size
    for name, total in used.items():
        capacity = place.machine.memory(name).capacity_bytes
        if capacity is not None and total > capacity:
            return Rejection("SCH034", f"'{name}'", f"the tiles need {total} bytes of {capacity}")
    buffers = list(nest.buffers)
    for number in sorted(range(len(buffers)), key=lambda number: -_fills(nest, buffers[number])):
        buffer, size = buffers[number], sizes[number]
        memory = place.machine.memory(buffer.memory)
        room = memory.capacity_bytes is None or used[buffer.memory] + size <= memory.capacity_bytes
        doubles = not memory.renamed and not buffer.prepared and _slots_start_whole(place, nest, buffer)
        doubles = doubles and (buffer.access, buffer.memory) not in place.choice.single
        if _fills(nest, buffer) > 1 and room and doubles:
            used[buffer.memory] += size
            buffers[number] = _overlapped(place, nest, replace(buffer, slots=2))
        elif memory.kind is MemoryKind.ADDRESSED:
            buffers[number] = as_needed(nest, buffer)
    return replace(nest, buffers=tuple(buffers))


def _slots_start_whole(place: Place, nest: Nest, buffer: Buffer) -> bool:
    """Whether a second slot, right after the first, starts where everything that takes or puts elements lets it."""
    layout = buffer_layout(nest, buffer)
    if isinstance(layout, Rejection):
        return False
    tensor = place.tensors[nest.statement.accesses[buffer.access].tensor]
    bits = math.prod(axis.extent for axis in layout.axes) * tensor.dtype.bits
    return not any(bits % (8 * unit) for unit in _units(place, nest, buffer))


def _units(place: Place, nest: Nest, buffer: Buffer) -> abc.Iterator[int]:
    """Bytes that windows of the buffer must start at multiples of, for each instruction that has one."""
    memory = place.machine.memory(buffer.memory)
    if memory.kind is MemoryKind.ADDRESSED:
        yield memory.alignment_bytes
    path = nest.path(buffer.access)
    number = path.index(buffer)
    for side, copy in ((0, buffer.drain), (1, buffer.fill)):
        yield from _demand(place, copy, side)
    for inner in path[number + 1 : number + 2]:
        for side, copy in ((0, inner.fill), (1, inner.drain)):
            yield from _demand(place, copy, side)
    if number + 1 == len(path):
        for call in (each for each in (nest.call, nest.first, nest.init) if each is not None):
            operand = call.operand(buffer.access)
            if operand is not None:
                yield operand_spec(call.instruction, operand).alignment_bytes


def _demand(place: Place, copy: Copy | None, side: int) -> abc.Iterator[int]:
    """What a copy demands of its source (0) or target (1)."""
    shape = None if copy is None else copy_shape(place.machine.instruction(copy.instruction))
    if shape is not None:
        yield operand_spec(shape.instruction, (shape.source, shape.target)[side]).alignment_bytes


def _fills(nest: Nest, buffer: Buffer) -> int:
    """How often a buffer is filled or drained: where there is no room for all, what changes most is doubled first."""
    return math.prod(loop_trips(nest, loop) for loop in nest.order[: depth_of(nest, buffer.loop)])


def _overlapped(place: Place, nest: Nest, buffer: Buffer) -> Buffer:
    late = buffer.access in nest.statement.written
    if place.machine.memory(buffer.memory).kind is MemoryKind.REGISTERS and not late:
        return buffer
    if late and buffer.fill is not None and not filled_ahead(nest, buffer):
        return buffer
    if not late and buffer.fill is not None and _runs_ahead(place, nest, buffer.fill):
        return as_needed(nest, buffer)
    return spread_best(place.machine, nest, replace(buffer, prefetch=buffer.fill is not None, delay=late))


def _runs_ahead(place: Place, nest: Nest, fill: Copy) -> bool:
    """Whether what stands in the program is asked for long before: no queue or window holds it back.

    Then the best order is that of use. What is fetched a tile ahead would wait for its place before what is used now.
    """
    machine = place.machine
    units = (machine.unit(each.unit) for each in (nest.call.instruction, machine.instruction(fill.instruction)))
    return machine.dispatch.window is None and all(unit.queue_depth is None for unit in units)
