"""Where tensors lie, and which of them share storage: the regions in which hazards can arise.

Two placed tensors of one memory whose bytes overlap belong to one region. A region whose tensors are all laid out alike
(same address, shape and data type) is addressed by element; any other by the greatest granule that divides every
tensor's address and element size. Tensors without an address overlap nothing. Renamed registers are always whole: one
granule is one register.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.model import Machine, Memory, MemoryKind
from isamapper.ir.nodes import Allocate, Guard, Kernel, Loop, Node, Prepare, Tensor


@dataclass(frozen=True, slots=True)
class Region:
    """Storage of one or more overlapping tensors.

    ``shape`` is the common shape where all are laid out alike; ``granule_bits`` is then the element's width.
    Otherwise (``flat``) ``shape`` is one axis of granules, and the granule of a bit is
    ``(address_bits - base_bits) // granule_bits``.
    """

    index: int
    memory: str
    shape: tuple[int, ...]
    granule_bits: int
    base_bits: int
    flat: bool
    renamed: bool = False

    @property
    def size(self) -> int:
        """Granules in the region."""
        return math.prod(self.shape)


def row_major(shape: abc.Sequence[int]) -> tuple[int, ...]:
    """Elements from one index of each axis to the next."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return tuple(strides)


def placed_tensors(body: Kernel) -> tuple[Tensor, ...]:
    """Every tensor of a program: parameters, results and allocations, in textual order, without repetitions."""
    found = dict.fromkeys(body.tensors)

    def visit(nodes: abc.Iterable[Node]) -> None:
        for node in nodes:
            match node:
                case Allocate(tensor):
                    found.setdefault(tensor)
                case Loop() | Prepare():
                    visit(node.body)
                case Guard():
                    visit(node.body)
                    visit(node.otherwise)
                case _:
                    pass

    visit(body.body)
    return tuple(found)


def start_bits(memory: Memory, tensor: Tensor) -> int:
    """First bit of ``tensor`` in its memory; registers are numbered, everything else is addressed in bytes."""
    unit = memory.row_bytes or 1 if memory.kind is MemoryKind.REGISTERS else 1
    return (tensor.address or 0) * unit * 8


def tensor_bits(tensor: Tensor) -> int:
    """Bits that the elements of ``tensor`` take; shared exponents lie beside them."""
    return math.prod(tensor.shape) * tensor.dtype.bits


def regions(machine: Machine, tensors: abc.Sequence[Tensor]) -> tuple[dict[Tensor, Region], tuple[Region, ...]]:
    """The region of every tensor, and all regions by index."""
    owner: dict[Tensor, Region] = {}
    found: list[Region] = []
    for memory in machine.memories:
        for group in _overlapping(memory, [tensor for tensor in tensors if tensor.memory == memory.name]):
            region = _registers(len(found), memory, group) if memory.renamed else _region(len(found), memory, group)
            found.append(region)
            owner.update(dict.fromkeys(group, region))
    return owner, tuple(found)


def _overlapping(memory: Memory, tensors: abc.Sequence[Tensor]) -> abc.Iterator[list[Tensor]]:
    """Groups of tensors connected by overlap, by address; unplaced ones alone, first."""
    for tensor in tensors:
        if tensor.address is None:
            yield [tensor]
    group: list[Tensor] = []
    end = 0
    placed = (tensor for tensor in tensors if tensor.address is not None)
    for tensor in sorted(placed, key=lambda each: start_bits(memory, each)):
        start = start_bits(memory, tensor)
        if group and start >= end:
            yield group
            group = []
        group.append(tensor)
        end = max(end if len(group) > 1 else 0, start + tensor_bits(tensor))
    if group:
        yield group


def _registers(index: int, memory: Memory, group: abc.Sequence[Tensor]) -> Region:
    """Whole registers, from the first that any tensor touches."""
    granule = (memory.row_bytes or 1) * 8
    base = min(start_bits(memory, each) for each in group) // granule * granule
    end = max(start_bits(memory, each) + tensor_bits(each) for each in group)
    return Region(index, memory.name, (max(1, -(-(end - base) // granule)),), granule, base, True, True)


def _region(index: int, memory: Memory, group: abc.Sequence[Tensor]) -> Region:
    first = group[0]
    base = start_bits(memory, first)
    if all((each.address, each.shape, each.dtype) == (first.address, first.shape, first.dtype) for each in group):
        return Region(index, memory.name, first.shape, first.dtype.bits, base, False)
    starts = [start_bits(memory, each) - base for each in group]
    granule = math.gcd(*starts, *(each.dtype.bits for each in group))
    end = max(start + tensor_bits(each) for start, each in zip(starts, group, strict=True))
    return Region(index, memory.name, (-(-end // granule),), granule, base, True)
