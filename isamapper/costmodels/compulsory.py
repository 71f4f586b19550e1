"""Least cycles for a kernel's bytes: what must pass the ports of the home memory whatever the schedule.

Every element that is read crosses the border of the home memory at least once, and every element that is written; a
matrix product larger than all memories inside needs more (Smith, Lowery, Langou, van de Geijn: A Tight I/O Lower Bound
for Matrix Multiplication, 2017: at least ``2 m n k / sqrt(S) - 2 S`` elements with room for ``S``).
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from isamapper.costmodels.operations import copies, instance_count
from isamapper.hwdesc.model import Machine, Memory, PortDirection
from isamapper.ir.affine import Affine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Direction, Kernel, Tensor
from isamapper.ir.types import storage_bytes
from isamapper.plan.lower import home_memory

WIDEST_RANGE = 10_000_000
"""Indices that range wider are not counted exactly but by their longest iterator."""


def byte_cycles(kernel: Kernel, covered: Kernel, machine: Machine) -> dict[str, Fraction]:
    """Per direction of the home memory's ports the cycles its compulsory bytes take at least."""
    home = machine.memory(home_memory(machine))
    read, written = compulsory_bytes(kernel)
    total = max(read + written, product_bytes(covered, machine, home))
    amounts = {
        "read": (read, (PortDirection.READ, PortDirection.BOTH)),
        "write": (written, (PortDirection.WRITE, PortDirection.BOTH)),
        "ports": (total, tuple(PortDirection)),
    }
    scale = home.banks * copies(machine, home.name)
    cycles = {}
    for name, (amount, directions) in amounts.items():
        width = scale * sum(port.bytes_per_cycle for port in home.ports if port.direction in directions)
        if width:
            cycles[f"{home.name}.{name}"] = Fraction(amount, width)
    return cycles


def compulsory_bytes(kernel: Kernel) -> tuple[int, int]:
    """Bytes that must be read from and written to the home memory at least once."""
    touched_read: dict[str, int] = {}
    touched_written: dict[str, int] = {}
    shapes = {tensor.name: tensor for tensor in kernel.tensors}
    for statement in statements(kernel):
        if statement.conditions or statement.exclusions:
            continue
        target, *loads = statement.accesses
        _note(touched_written, shapes, statement, target)
        for load in loads:
            _note(touched_read, shapes, statement, load)
    read = written = 0
    for tensor in kernel.tensors:
        if tensor.direction in (Direction.IN, Direction.INOUT):
            read += storage_bytes(tensor.dtype, touched_read.get(tensor.name, 0))
        if tensor.direction in (Direction.OUT, Direction.INOUT):
            written += storage_bytes(tensor.dtype, touched_written.get(tensor.name, 0))
    return read, written


def _note(touched: dict[str, int], shapes: dict[str, Tensor], statement: Statement, access: Access) -> None:
    if access.tensor in shapes:
        count = distinct_elements(statement, access, shapes[access.tensor].shape)
        touched[access.tensor] = max(touched.get(access.tensor, 0), count)


def distinct_elements(statement: Statement, access: Access, shape: tuple[int, ...]) -> int:
    """At least how many elements of a tensor one access touches inside its shape."""
    total = 1
    groups: list[tuple[frozenset[str], int]] = []
    for function, length in zip(access.map.results, shape, strict=True):
        names, count = function.names, distinct_values(function, statement, length)
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names, count = names | group[0], max(count, group[1])
        groups.append((names, count))
    for _, count in groups:
        total *= count
    return total


def distinct_values(function: Affine, statement: Statement, length: int) -> int:
    """How many values in ``0 .. length - 1`` the index takes; at least, where its range is too wide to list."""
    extents = {iterator.name: iterator.extent for iterator in statement.iterators}
    if function.rotations or length > WIDEST_RANGE:
        return 1
    spans = [(coefficient, extents[name]) for name, coefficient in function.terms]
    low = function.constant + sum(min(0, c * (e - 1)) for c, e in spans)
    high = function.constant + sum(max(0, c * (e - 1)) for c, e in spans)
    if high - low > WIDEST_RANGE:
        return 1
    values = np.zeros(high - low + 1, dtype=bool)
    values[function.constant - low] = True
    for coefficient, extent in spans:
        values = _spread(values, coefficient, extent)
    return int(values[max(0, -low) : max(0, length - low)].sum())


def _spread(
    values: np.ndarray[tuple[int], np.dtype[np.bool_]], step: int, extent: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """``values`` and every shift of it by ``step`` up to ``extent - 1`` times; O(size * log extent)."""
    reached = 1
    while reached < extent:
        shift = step * min(reached, extent - reached)
        moved = np.zeros_like(values)
        if abs(shift) < len(values):
            if shift > 0:
                moved[shift:] = values[:-shift]
            else:
                moved[:shift] = values[-shift:]
        values = values | moved
        reached += min(reached, extent - reached)
    return values


def product_bytes(kernel: Kernel, machine: Machine, home: Memory) -> int:
    """Bytes that the largest matrix product among the statements moves at least, given the room inside."""
    room = 0
    for memory in machine.memories:
        if memory.name != home.name:
            if memory.capacity_bytes is None:
                return 0
            room += memory.capacity_bytes * copies(machine, memory.name)
    types = {tensor.name: tensor.dtype for tensor in kernel.tensors}
    least = 0
    for statement in statements(kernel):
        if not is_matrix_product(statement) or not room:
            continue
        bits = [types[access.tensor].bits for access in statement.accesses if access.tensor in types]
        if len(bits) < 3:
            continue
        elements = room * 8 // min(bits)
        moved = 2 * instance_count(statement) / math.sqrt(elements) - 2 * elements
        least = max(least, int(moved) * min(bits) // 8)
    return least


def is_matrix_product(statement: Statement) -> bool:
    """Whether a sum runs over three different tensors, each iterator in lone indices of exactly two of them."""
    accesses = statement.accesses
    if len(accesses) != 3 or len({access.tensor for access in accesses}) != 3 or statement.assign.reduction is None:
        return False
    if statement.conditions or statement.exclusions:
        return False
    for access in accesses:
        lone = [function.terms[0][0] for function in access.map.results if len(function.terms) == 1]
        if len(set(lone)) != len(lone) or any(len(function.terms) > 1 for function in access.map.results):
            return False
    names = [frozenset(name for f in access.map.results for name in f.names) for access in accesses]
    return all(sum(iterator.name in some for some in names) == 2 for iterator in statement.iterators)
