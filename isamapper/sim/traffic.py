"""Bytes and beats of one window: which runs of memory it touches, in which banks, and how a port rounds them.

A *run* is a dense stretch: starting at the operand axis with the least step, axes are merged as long as each continues
where the one before ends; the other axes repeat the run. An axis that stands still (a broadcast) repeats it too.
Elements outside the tensor, where the window pads, are made by the hardware and move no bytes.
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.model import Memory, MemoryKind, Port
from isamapper.ir.nodes import Tensor, Window
from isamapper.sim.regions import row_major, start_bits
from isamapper.sim.sites import bank_count


@dataclass(frozen=True, slots=True)
class Runs:
    """Dense stretches of ``run_elements`` each, at the given flat element offsets of the tensor."""

    starts: tuple[int, ...]
    run_elements: int


def inside_positions(
    window: Window, shape: abc.Sequence[int], offsets: abc.Sequence[int], axis: int, extent: int
) -> range:
    """Positions of operand ``axis`` whose own steps keep it inside the tensor, other axes being at 0."""
    low, high = 0, extent - 1
    for tensor_axis, step in window.axes[axis].steps:
        room = (-offsets[tensor_axis], shape[tensor_axis] - 1 - offsets[tensor_axis])
        if step > 0:
            low, high = max(low, -(-room[0] // step)), min(high, room[1] // step)
        else:
            low, high = max(low, -(-room[1] // step)), min(high, room[0] // step)
    return range(low, high + 1)


def flat_steps(window: Window, shape: abc.Sequence[int]) -> tuple[int, ...]:
    """Elements of the tensor that one step along each operand axis moves."""
    strides = row_major(shape)
    return tuple(sum(strides[axis] * step for axis, step in each.steps) for each in window.axes)


def shares_axes(window: Window) -> bool:
    """Whether two operand axes move along one tensor axis."""
    moved = [axis for each in window.axes for axis, _ in each.steps]
    return len(moved) != len(set(moved))


def runs(window: Window, tensor: Tensor, offsets: abc.Sequence[int], extents: abc.Sequence[int]) -> Runs:
    """The dense stretches of a window at given offsets and extents."""
    shape, steps = tensor.shape, flat_steps(window, tensor.shape)
    origin = sum(stride * offset for stride, offset in zip(row_major(shape), offsets, strict=True))
    ranges: list[range] = [range(extent) for extent in extents]
    if window.otherwise is not None:
        if shares_axes(window):
            return Runs(tuple(_inside_points(window, tensor, offsets, extents)), 1)
        moved = {axis for each in window.axes for axis, _ in each.steps}
        if any(not 0 <= offsets[axis] < shape[axis] for axis in range(len(shape)) if axis not in moved):
            return Runs((), 1)
        ranges = [inside_positions(window, shape, offsets, axis, extent) for axis, extent in enumerate(extents)]
    return _merge(origin, steps, ranges)


def _merge(origin: int, steps: tuple[int, ...], ranges: abc.Sequence[range]) -> Runs:
    order = sorted(range(len(steps)), key=lambda axis: (steps[axis] == 0, abs(steps[axis]), axis))
    run = 1
    while order and (len(ranges[order[0]]) == 1 or abs(steps[order[0]]) == run):
        axis = order.pop(0)
        origin += min(steps[axis] * ranges[axis].start, steps[axis] * (ranges[axis].stop - 1))
        run *= len(ranges[axis])
    rows = itertools.product(*([steps[axis] * position for position in ranges[axis]] for axis in order))
    return Runs(tuple(origin + sum(row) for row in rows) if run else (), run)


def _inside_points(
    window: Window, tensor: Tensor, offsets: abc.Sequence[int], extents: abc.Sequence[int]
) -> abc.Iterator[int]:
    strides = row_major(tensor.shape)
    for point in itertools.product(*(range(extent) for extent in extents)):
        index = list(offsets)
        for position, axis in zip(point, window.axes, strict=True):
            for tensor_axis, step in axis.steps:
                index[tensor_axis] += position * step
        if all(0 <= each < size for each, size in zip(index, tensor.shape, strict=True)):
            yield sum(stride * each for stride, each in zip(strides, index, strict=True))


def run_bytes(tensor: Tensor, elements: int) -> int:
    """Bytes of one run: packed elements, rounded up to whole bytes, with the shared exponents of its blocks."""
    bits = elements * tensor.dtype.bits
    if tensor.block is not None:
        bits += -(-elements // tensor.block.block) * tensor.block.exponent_bits
    return -(-bits // 8)


def bytes_of(tensor: Tensor, found: Runs) -> int:
    """Bytes that the runs move, before a port rounds them."""
    return len(found.starts) * run_bytes(tensor, found.run_elements)


def beats(tensor: Tensor, memory: Memory, port: Port, found: Runs) -> tuple[tuple[int, int], ...]:
    """``(bank, cycles)`` that the runs take on ``port``, banks in order.

    Every run, or its piece in a bank, is whole requests; what a bank serves of a window is whole bursts.
    """
    size = run_bytes(tensor, found.run_elements)
    if bank_count(memory) == 1:
        total = len(found.starts) * _requested(port, size)
        return ((0, _cycles(port, total)),) if total else ()
    per_bank: dict[int, int] = {}
    base = start_bits(memory, tensor)
    for start in found.starts:
        for bank, piece in _pieces(memory, (base + start * tensor.dtype.bits) // 8, size):
            per_bank[bank] = per_bank.get(bank, 0) + _requested(port, piece)
    return tuple((bank, _cycles(port, per_bank[bank])) for bank in sorted(per_bank))


def _requested(port: Port, size: int) -> int:
    """Bytes that a piece of ``size`` bytes costs: whole requests."""
    return -(-size // port.request_bytes) * port.request_bytes


def _cycles(port: Port, total: int) -> int:
    """Cycles of so many requested bytes: whole bursts."""
    bursts = -(-total // port.burst_bytes) * port.burst_bytes
    return -(-bursts // port.bytes_per_cycle)


def bank_bytes(memory: Memory) -> int:
    """Bytes from one bank to the next: the interleave, or the size of a bank that is one block."""
    if memory.bank_interleave_bytes:
        return memory.bank_interleave_bytes
    if memory.kind is MemoryKind.REGISTERS:
        return math.ceil((memory.rows or 1) / memory.banks) * (memory.row_bytes or 1)
    return -(-(memory.capacity_bytes or 1) // memory.banks)


def _pieces(memory: Memory, start: int, size: int) -> abc.Iterator[tuple[int, int]]:
    """The run cut at bank borders: ``(bank, bytes)`` in order of address."""
    unit, end = bank_bytes(memory), start + size
    while start < end:
        stop = min(end, (start // unit + 1) * unit)
        yield start // unit % memory.banks, stop - start
        start = stop
