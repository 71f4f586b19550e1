"""What is decided about one statement, and the geometry that everything derived from it asks for.

A :class:`Choice` is what the search decides; a :class:`Place` is a choice with its surroundings. What follows from them
is worked out elsewhere: attachments (``attach.py``), layouts (``layouts.py``), copies (``copying.py``), slots
(``overlap.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine, MemoryKind
from isamapper.ir.nodes import Tensor
from isamapper.plan.addresses import start_bytes, tensor_bytes
from isamapper.plan.emit import Stop, stop_steps
from isamapper.plan.homes import consumer_access
from isamapper.plan.layout import Coordinate, buffer_layout, row_major
from isamapper.plan.needle import operand_spec
from isamapper.plan.nest import Buffer, Epilogue, Nest
from isamapper.plan.walkers import lanes_of
from isamapper.scheduler.statements.frames import Frame


@dataclass(frozen=True, slots=True)
class Choice:
    """What the search decides about one statement.

    ``groups`` holds, outermost first, the loops of each level as (iterator, trip count) in order; ``routes`` the
    memories each access passes (home left out); ``relaid`` the accesses that are re-laid out at home first; ``shared``
    the iterators whose loops stand around the whole nest; ``single`` the buffers, as (access, memory), that get one
    slot even where there is room for two; ``fine`` the accesses whose copies bring what one call needs at a time;
    ``whole`` those that lie in the first memory they pass as a whole, before all loops.
    """

    frame: Frame
    groups: tuple[tuple[tuple[str, int], ...], ...]
    routes: tuple[tuple[int, tuple[str, ...]], ...]
    relaid: frozenset[int] = frozenset()
    shared: frozenset[str] = frozenset()
    epilogue: Epilogue | None = None
    single: frozenset[tuple[int, str]] = frozenset()
    fine: frozenset[int] = frozenset()
    whole: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """A choice on a machine, for a kernel with these tensors.

    ``padded`` are the instruction iterators whose calls look beyond the kernel's own iterations.
    """

    machine: Machine
    tensors: abc.Mapping[str, Tensor]
    home: str
    choice: Choice
    padded: frozenset[str] = frozenset()


def row_elements(place: Place, access: int, memory: str, layout: str) -> int:
    """Elements of the access's tensor that tiles take whole numbers of: a row, a register, or what addresses demand."""
    held = place.machine.memory(memory)
    row_bytes = max(held.row_bytes or 1, held.alignment_bytes if held.kind is MemoryKind.ADDRESSED else 1)
    if row_bytes == 1 or layout != "digits":
        return 1
    call = place.choice.frame.call
    operand = call.operand(access)
    demand = None if operand is None else operand_spec(call.instruction, operand)
    if demand is not None and memory in demand.memories:
        row_bytes = max(row_bytes, demand.alignment_bytes)  # a group of registers, such as a tile
    tensor = place.tensors[place.choice.frame.statement.accesses[access].tensor]
    return max(1, row_bytes * 8 // tensor.dtype.bits)


def buffer_bytes(place: Place, nest: Nest, buffer: Buffer) -> int:
    layout = buffer_layout(nest, buffer)
    if isinstance(layout, Rejection):
        return 1 << 62
    dtype = place.tensors[nest.statement.accesses[buffer.access].tensor].dtype
    memory = place.machine.memory(buffer.memory)
    tensor = Tensor("", dtype, tuple(axis.extent for axis in layout.axes))
    unit = start_bytes(place.machine, memory)
    return -(-tensor_bytes(memory, tensor) // unit) * unit


def start_unit(place: Place, instruction: Instruction, operand: str, stop: Stop) -> int:
    """Elements that windows of an operand must start at multiples of."""
    memory = place.machine.memory(stop.tensor.memory or place.home)
    total = max(memory.alignment_bytes, operand_spec(instruction, operand).alignment_bytes)
    if memory.kind is MemoryKind.REGISTERS:
        total = max(total, memory.row_bytes or 1)
    return max(1, total * 8 // stop.tensor.dtype.bits)


def needs_padding(place: Place, nest: Nest, access: int) -> bool:
    """Whether calls look at elements of ``access`` beyond the kernel's own."""
    operand = nest.call.operand(access)
    if operand is None or not place.padded:
        return False
    return not place.padded.isdisjoint(lanes_of(nest.call.instruction.semantics, operand))


def moves_by_whole_rows(place: Place, nest: Nest, stop: Stop, unit: int, walked: frozenset[str] = frozenset()) -> bool:
    """Whether every loop but those ``walked`` moves windows of a buffer by whole rows."""
    if unit == 1:
        return True
    loops = (name for name in nest.order if name not in walked)
    strides = (stride_along(nest, stop, Coordinate(name, 1, -1, 1, (), digit=name)) for name in loops)
    return all(stride % unit == 0 for stride in strides)


def is_cache(place: Place, memory: str) -> bool:
    return place.machine.memory(memory).kind is MemoryKind.CACHE


def home_stop(place: Place, nest: Nest, access: int) -> Stop:
    own = nest.statement.accesses[access]
    if access == 0 and nest.epilogue is not None:
        own = consumer_access(nest)
    return Stop(place.tensors[own.tensor], own)


def stride_along(nest: Nest, stop: Stop, coordinate: Coordinate) -> int:
    """Elements of ``stop``'s tensor that one step of ``coordinate`` moves."""
    shape = stop.tensor.shape
    shift = 1 if stop.buffer is not None and stop.buffer.slots > 1 else 0
    strides = row_major(shape)
    return sum(step * strides[axis - shift] for axis, step in stop_steps(nest, stop, coordinate))
