"""Bytes and beats of one window: which runs of memory it touches, in which banks, and how a port rounds them.

A *run* is a dense stretch: starting at the operand axis with the least step, axes are merged as long as each continues
where the one before ends; the other axes repeat the run. An axis that stands still (a broadcast) repeats it too.
Elements outside the tensor, where the window pads, are made by the hardware and move no bytes; where axes share a
tensor axis and are not one, every position of the others has its own run along the innermost, cut at the border.
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.model import Memory, MemoryKind, Port
from isamapper.ir.affine import Extent
from isamapper.ir.nodes import Tensor, Window
from isamapper.sim.regions import row_major, start_bits
from isamapper.sim.sites import bank_count


@dataclass(frozen=True, slots=True)
class Runs:
    """Dense stretches: flat element offset in the tensor, and elements."""

    stretches: tuple[tuple[int, int], ...]


def constant_extent(extent: Extent) -> int | None:
    """The value of an extent that is a number."""
    return max(0, extent.bounds[0].constant) if extent.is_constant else None


def greatest_number(extent: Extent) -> int | None:
    """What an extent never exceeds, where one of its bounds is a number."""
    return min((max(0, bound.constant) for bound in extent.bounds if bound.is_constant), default=None)


def joined_axes(window: Window) -> tuple[tuple[int, ...], ...] | None:
    """Operand axes in groups: those that move along one tensor axis, each going on where the one before ends, are one.

    Innermost first. None where two groups would move along one tensor axis. That is a property of the text: extents
    that vary join nothing outside them.
    """
    extents = [constant_extent(axis.extent) for axis in window.axes]
    lone: list[tuple[int, ...]] = []
    movers: dict[int, list[int]] = {}
    moved: list[int] = []
    for axis, (each, extent) in enumerate(zip(window.axes, extents, strict=True)):
        if len(each.steps) == 1 and extent != 1:
            movers.setdefault(each.steps[0][0], []).append(axis)
        else:
            lone.append((axis,))
            moved += [tensor_axis for tensor_axis, _ in each.steps] if extent != 1 else []
    for axes in movers.values():
        axes.sort(key=lambda axis: abs(window.axes[axis].steps[0][1]))
        for inner, outer in itertools.pairwise(axes):
            extent, step = extents[inner], window.axes[inner].steps[0][1]
            if extent is None or window.axes[outer].steps[0][1] != step * extent:
                return None
    if len(moved) != len(set(moved)) or set(moved) & set(movers):
        return None
    return (*lone, *(tuple(axes) for axes in movers.values()))


def inside_positions(
    steps: abc.Sequence[tuple[int, int]], shape: abc.Sequence[int], offsets: abc.Sequence[int], extent: int
) -> range:
    """Positions along an axis with these steps that keep it inside the tensor, other axes being at 0."""
    low, high = 0, extent - 1
    for tensor_axis, step in steps:
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


def runs(window: Window, tensor: Tensor, offsets: abc.Sequence[int], extents: abc.Sequence[int]) -> Runs:
    """The dense stretches of a window at given offsets and extents."""
    shape, steps = tensor.shape, flat_steps(window, tensor.shape)
    origin = sum(stride * offset for stride, offset in zip(row_major(shape), offsets, strict=True))
    if window.otherwise is None:
        return _merge(origin, steps, [range(extent) for extent in extents])
    groups = joined_axes(window)
    if groups is None:
        return Runs(tuple(_cut_rows(window, tensor, offsets, extents)))
    moved = {axis for each in window.axes if constant_extent(each.extent) != 1 for axis, _ in each.steps}
    if any(not 0 <= offsets[axis] < shape[axis] for axis in range(len(shape)) if axis not in moved):
        return Runs(())
    ranges = [
        inside_positions(window.axes[group[0]].steps, shape, offsets, math.prod(extents[axis] for axis in group))
        for group in groups
    ]
    return _merge(origin, tuple(steps[group[0]] for group in groups), ranges)


def run_axis(window: Window, shape: abc.Sequence[int]) -> int | None:
    """The axis along which a window's elements are neighbours; None where there is none."""
    steps = flat_steps(window, shape)
    dense = (
        axis for axis, each in enumerate(window.axes) if abs(steps[axis]) == 1 and constant_extent(each.extent) != 1
    )
    return next(dense, None)


def _merge(origin: int, steps: tuple[int, ...], ranges: abc.Sequence[range]) -> Runs:
    order = sorted(range(len(steps)), key=lambda axis: (steps[axis] == 0, abs(steps[axis]), axis))
    run = 1
    while order and (len(ranges[order[0]]) == 1 or abs(steps[order[0]]) == run):
        axis = order.pop(0)
        origin += min(steps[axis] * ranges[axis].start, steps[axis] * (ranges[axis].stop - 1))
        run *= len(ranges[axis])
    rows = itertools.product(*([steps[axis] * position for position in ranges[axis]] for axis in order))
    return Runs(tuple((origin + sum(row), run) for row in rows) if run else ())


def _cut_rows(
    window: Window, tensor: Tensor, offsets: abc.Sequence[int], extents: abc.Sequence[int]
) -> abc.Iterator[tuple[int, int]]:
    """Runs along the innermost axis, one for every position of the others that has any element inside."""
    shape, strides = tensor.shape, row_major(tensor.shape)
    inner = run_axis(window, shape)
    along = window.axes[inner].steps if inner is not None else ()
    others = [axis for axis in range(len(window.axes)) if axis != inner]
    for point in itertools.product(*(range(extents[axis]) for axis in others)):
        index = list(offsets)
        for position, axis in zip(point, others, strict=True):
            for tensor_axis, step in window.axes[axis].steps:
                index[tensor_axis] += position * step
        still = (axis for axis in range(len(shape)) if axis not in dict(along))
        if all(0 <= index[axis] < shape[axis] for axis in still):
            positions = inside_positions(along, shape, index, extents[inner] if inner is not None else 1)
            if positions:
                first = sum(stride * each for stride, each in zip(strides, index, strict=True))
                moved = sum(strides[axis] * step for axis, step in along)
                yield first + min(moved * positions[0], moved * positions[-1]), len(positions)


def run_bytes(tensor: Tensor, elements: int) -> int:
    """Bytes of one run: packed elements, rounded up to whole bytes, with the shared exponents of its blocks."""
    bits = elements * tensor.dtype.bits
    if tensor.block is not None:
        bits += -(-elements // tensor.block.block) * tensor.block.exponent_bits
    return -(-bits // 8)


def bytes_of(tensor: Tensor, found: Runs) -> int:
    """Bytes that the runs move, before a port rounds them."""
    return sum(run_bytes(tensor, elements) for _, elements in found.stretches)


def beats(tensor: Tensor, memory: Memory, port: Port, found: Runs) -> tuple[tuple[int, int], ...]:
    """``(bank, cycles)`` that the runs take on ``port``, banks in order.

    Every run, or its piece in a bank, is whole requests; what a bank serves of a window is whole bursts.
    """
    if bank_count(memory) == 1:
        total = sum(_requested(port, run_bytes(tensor, elements)) for _, elements in found.stretches)
        return ((0, _cycles(port, total)),) if total else ()
    per_bank: dict[int, int] = {}
    base = start_bits(memory, tensor)
    for start, elements in found.stretches:
        first = (base + start * tensor.dtype.bits) // 8
        for bank, piece in _pieces(memory, first, run_bytes(tensor, elements)):
            per_bank[bank] = per_bank.get(bank, 0) + _requested(port, piece)
    return tuple((bank, _cycles(port, per_bank[bank])) for bank in sorted(per_bank))


def _requested(port: Port, size: int) -> int:
    """Bytes that a piece of ``size`` bytes costs: whole requests."""
    return -(-size // port.request_bytes) * port.request_bytes


def _cycles(port: Port, total: int) -> int:
    """Cycles of so many requested bytes: whole bursts, at a share of the bandwidth."""
    bursts = -(-total // port.burst_bytes) * port.burst_bytes
    cycles, size = port.byte_cycles
    return -(-bursts * cycles // size)


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
