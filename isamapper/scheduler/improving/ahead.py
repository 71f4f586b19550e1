"""Register loads one iteration ahead, where that is faster.

Registers have slots in turn, so that a unit that loads may run ahead of the one that computes. Where the front end
dispatches in order and the queue of what computes is short, the loads of the next iteration stand behind it all the
same: then they have to be issued before, as fills of larger buffers are. Elsewhere that only costs registers and edges,
so both are timed.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.plan.check_nest import check_nest
from isamapper.plan.nest import Buffer, Nest
from isamapper.scheduler.nests.spreading import spread_best


def has_slots(machine: Machine) -> bool:
    """Whether the machine has registers of which a schedule uses several in turn."""
    return any(memory.kind is MemoryKind.REGISTERS and not memory.renamed for memory in machine.memories)


def loaded_ahead(machine: Machine, nest: Nest, cycles_of: abc.Callable[[Nest], float | None]) -> Nest:
    """``nest``, or the same with register loads issued an iteration before, if that takes fewer cycles."""
    buffers = tuple(_ahead(machine, nest, buffer) for buffer in nest.buffers)
    other = replace(nest, buffers=buffers)
    if other == nest or check_nest(other) is not None:
        return nest
    before, after = cycles_of(nest), cycles_of(other)
    return other if after is not None and before is not None and after < before else nest


def _ahead(machine: Machine, nest: Nest, buffer: Buffer) -> Buffer:
    memory = machine.memory(buffer.memory)
    waits = memory.kind is MemoryKind.REGISTERS and not memory.renamed and buffer.access not in nest.statement.written
    if not waits or buffer.slots < 2 or buffer.prefetch or buffer.fill is None or buffer.prepared or buffer.resident:
        return buffer
    return spread_best(machine, nest, replace(buffer, prefetch=True))
