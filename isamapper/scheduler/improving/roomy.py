"""Other nests for statements whose operands could stay on chip, but take more room there than they have elements.

One step by itself is as slow as its operands come, however few of them a call uses, so the nest that was found may
spread them over far more rows than they fill. What does not belong here: which operands stay (``residency.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace
from functools import lru_cache, partial

from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir.nodes import Kernel, Tensor
from isamapper.ir.types import storage_bytes
from isamapper.plan.addresses import tensor_bytes
from isamapper.plan.homes import all_tensors
from isamapper.plan.layout import Layout, buffer_layout
from isamapper.plan.nest import Buffer, Nest
from isamapper.plan.resident import can_stay
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.improving.keeping import Again

NEAR = 64
"""How much wider ports of main memory are thought to be for operands that will not come from there."""


def with_room(schedule: Schedule, again: Again) -> Schedule | None:
    """``schedule`` with nests whose operands have room to stay; None where it has them, or none can."""
    machine, kernel = schedule.machine, schedule.covered
    nests, changed = list(replay(schedule)), False
    for place, nest in enumerate(nests):
        index = nest.statement.index
        for access in sorted({buffer.access for buffer in nest.buffers}):
            if can_stay(kernel, nest, access) is None and _could(machine, kernel, nest, access):
                other = again(_near(machine), kernel, index, partial(_has_room, machine, kernel, access))
                if other is not None:
                    nests[place], changed = other, True
                    break
    if not changed:
        return None
    return replace(schedule, steps=tuple(step for nest in nests for step in steps_of(nest)))


def lacks_room(schedule: Schedule) -> bool:
    """Whether some operand could stay on chip, but not as its nest lays it out."""
    return any(
        can_stay(schedule.covered, nest, access) is None and _could(schedule.machine, schedule.covered, nest, access)
        for nest in replay(schedule)
        for access in sorted({buffer.access for buffer in nest.buffers})
    )


def roomy(again: Again) -> Again:
    """``again`` for nests whose operands have room to stay where they could."""

    def search(machine: Machine, kernel: Kernel, index: int, accept: abc.Callable[[Nest], bool] | None) -> Nest | None:
        def fits(nest: Nest) -> bool:
            accesses = sorted({buffer.access for buffer in nest.buffers})
            stay = (access for access in accesses if can_stay(kernel, nest, access) is None)
            return (accept is None or accept(nest)) and not any(_could(machine, kernel, nest, a) for a in stay)

        return again(_near(machine), kernel, index, fits)

    return search


@lru_cache(maxsize=64)
def _near(machine: Machine) -> Machine:
    """The machine as a statement finds it whose operands are on chip already: what is at home comes in no time."""
    memories = (
        replace(each, ports=tuple(replace(port, bytes_per_cycle=port.bytes_per_cycle * NEAR) for port in each.ports))
        if each.kind is MemoryKind.HOST
        else each
        for each in machine.memories
    )
    return replace(machine, memories=tuple(memories))


def _could(machine: Machine, kernel: Kernel, nest: Nest, access: int) -> bool:
    """Whether the operand's elements would fit, but not as the nest lays them out."""
    tensor = all_tensors(kernel)[nest.statement.accesses[access].tensor]
    total = storage_bytes(tensor.dtype, min(math.prod(tensor.shape), _touched(nest, access)))
    rooms = [machine.memory(buffer.memory).capacity_bytes or 0 for buffer in _on_chip(machine, nest, access)]
    return bool(rooms) and total <= max(rooms) and not _has_room(machine, kernel, access, nest)


def _touched(nest: Nest, access: int) -> int:
    """Elements of an operand that the statement reads at most: a core's part of a statement reads less than all."""
    names = {name for index in nest.statement.accesses[access].map.results for name in index.names}
    return math.prod(each.extent for each in nest.statement.iterators if each.name in names)


def _on_chip(machine: Machine, nest: Nest, access: int) -> tuple[Buffer, ...]:
    return tuple(b for b in nest.path(access) if machine.memory(b.memory).kind is not MemoryKind.HOST)


def _has_room(machine: Machine, kernel: Kernel, access: int, nest: Nest) -> bool:
    """Whether the operand could stay in the first memory on its way."""
    path = _on_chip(machine, nest, access)
    if not path:
        return False
    memory = machine.memory(path[0].memory)
    layout = buffer_layout(nest, replace(path[0], loop=None, slots=1))
    if not isinstance(layout, Layout) or memory.capacity_bytes is None:
        return isinstance(layout, Layout)
    dtype = all_tensors(kernel)[nest.statement.accesses[access].tensor].dtype
    shape = tuple(axis.extent for axis in layout.axes)
    return tensor_bytes(memory, Tensor("", dtype, shape)) <= memory.capacity_bytes
