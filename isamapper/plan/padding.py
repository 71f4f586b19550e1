"""Where an instruction works on more elements than the kernel has, and what must stand there.

A lane that cannot be narrowed runs its full extent on the last tile. What it adds beyond the kernel's own iterations
must make no difference: either it lands in target cells that are not kept, or some operand holds a value there that
makes the contribution nothing.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import Affine
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, Tensor
from isamapper.ir.walk import value_range
from isamapper.plan.joint import is_joint, joint_pad, rests_on
from isamapper.plan.lanes import lane_size, padded_lanes
from isamapper.plan.layout import Layout, buffer_layout
from isamapper.plan.needle import operand_tensor
from isamapper.plan.nest import Buffer, Nest, digits_of, iterator_extent, steps_in
from isamapper.plan.neutral import neutral_value
from isamapper.plan.walkers import lanes_of


def needs_padding(nest: Nest, access: int) -> bool:
    """Whether calls look at elements of ``access`` beyond the kernel's own."""
    return any(lane in _lanes(nest, access) for lane in padded_lanes(nest, nest.call))


def must_fill(nest: Nest, name: str) -> bool:
    """Whether calls run this bound digit in full even at the edge, so that its buffers hold padding there."""
    return nest.digit(name).bound in padded_lanes(nest, nest.call)


def pad_value(nest: Nest, access: int) -> int | float:
    """What is read beyond: the access's own padding, else what leaves the target unchanged, else 0."""
    declared = nest.statement.accesses[access].otherwise
    if declared is not None:
        return declared
    neutral = _neutral(nest, access)
    return 0 if neutral is None else neutral


def _neutral(nest: Nest, access: int) -> int | float | None:
    operand = nest.call.operand(access)
    if operand is None or access in nest.statement.written:
        return None
    if is_joint(nest.statement):
        return joint_pad(nest.statement, access)
    dtype = operand_tensor(nest.call.instruction.semantics, operand).dtype
    return neutral_value(nest.statement.assign, access, dtype)


def _lanes(nest: Nest, access: int) -> tuple[str, ...]:
    operand = nest.call.operand(access)
    return () if operand is None else lanes_of(nest.call.instruction.semantics, operand)


def padding_obstacle(nest: Nest, shapes: abc.Mapping[str, tuple[int, ...]]) -> Rejection | None:
    """A lane whose padding would change the result; ``shapes`` are those of the kernel's tensors."""
    if is_joint(nest.statement):
        return _joint_obstacle(nest, shapes)
    kept = _lanes(nest, 0)
    for lane in padded_lanes(nest, nest.call):
        if lane in kept:
            if _spills(nest, lane):
                reason = "beyond its digits lie cells that other calls keep"
                return Rejection("SCH005", f"'{lane}' of '{nest.call.instruction.name}'", reason, edit="layout digits")
            continue
        readers = [access for _, access in nest.call.sigma if access and lane in _lanes(nest, access)]
        if not any(_harmless(nest, access, lane, shapes) for access in readers):
            reason = "it runs beyond the kernel's iterations, and no operand is neutral there"
            subject = f"'{lane}' of '{nest.call.instruction.name}'"
            return Rejection("SCH005", subject, reason, edit="another instruction, or tiles that divide")
    return None


def _joint_obstacle(nest: Nest, shapes: abc.Mapping[str, tuple[int, ...]]) -> Rejection | None:
    """As :func:`padding_obstacle` where one call does several statements."""
    for lane in padded_lanes(nest, nest.call):
        subject = f"'{lane}' of '{nest.call.instruction.name}'"
        needed = rests_on(nest.statement, lane)
        if needed is None:
            reason = "what it does beyond the kernel's iterations would make a difference"
            return Rejection("SCH005", subject, reason, edit="another instruction, or tiles that divide")
        accesses = [access for operand, access in nest.call.sigma if operand in dict(needed)]
        if accesses and not any(_harmless(nest, access, lane, shapes) for access in accesses):
            reason = "it runs beyond the kernel's iterations, and its operands cannot be neutral there"
            return Rejection("SCH005", subject, reason, edit="another instruction, or tiles that divide")
        if any(lane in _lanes(nest, access) for access in nest.statement.written) and _spills(nest, lane):
            reason = "beyond its digits lie cells that other calls keep"
            return Rejection("SCH005", subject, reason, edit="layout digits")
    return None


def _harmless(nest: Nest, access: int, lane: str, shapes: abc.Mapping[str, tuple[int, ...]]) -> bool:
    """Whether what ``access`` reads beyond the kernel's iterations along ``lane`` is padding, and neutral."""
    kernel_access = nest.statement.accesses[access]
    shape = shapes[kernel_access.tensor]
    if _neutral(nest, access) is None or pad_value(nest, access) != _neutral(nest, access):
        return False
    members = nest.call.members(lane)
    if not members:
        return bool(shape)
    if _passes_its_block(nest, lane):
        return False
    iterators = {nest.digit(name).iterator for name in members}
    return all(_leaves(nest, kernel_access, iterator, shape) for iterator in iterators)


def _passes_its_block(nest: Nest, lane: str) -> bool:
    """Whether what lies beyond the lane's digits is the next block, not the edge."""
    members = nest.call.members(lane)
    if not members:
        return False
    outer, steps = nest.digit(members[0]), math.prod(nest.digit(name).extent for name in members)
    return lane_size(nest, nest.call, lane) > steps and steps_in(nest, outer) > outer.extent


def _spills(nest: Nest, lane: str) -> bool:
    """Whether what is written beyond the lane's digits lands in cells of the target's buffer that are kept."""
    members = nest.call.members(lane)
    paths = [nest.path(access) for access in nest.statement.written]
    return bool(members) and any(_spills_in(nest, lane, members, path[-1]) for path in paths if path)


def _spills_in(nest: Nest, lane: str, members: tuple[str, ...], buffer: Buffer) -> bool:
    layout = buffer_layout(nest, buffer)
    if not isinstance(layout, Layout) or any(c.digit == members[0] for c in layout.coordinates):
        return False
    beside = {
        nest.digit(name).iterator for axis in layout.axes for name, _ in axis.terms if members[0] in dict(axis.terms)
    }
    return len(beside) > 1 or _passes_its_block(nest, lane)


def _leaves(nest: Nest, access: Access, iterator: str, shape: tuple[int, ...]) -> bool:
    """Whether the index lies outside the tensor wherever ``iterator`` is past its last value."""
    end = iterator_extent(nest, iterator)
    for index, size in zip(access.map.results, shape, strict=True):
        step = index.coefficient(iterator)
        low, high = _reach(nest, index, iterator)
        if (step > 0 and step * end + low >= size) or (step < 0 and step * end + high < 0):
            return True
    return False


def _reach(nest: Nest, index: Affine, without: str) -> tuple[int, int]:
    """Least and greatest value of ``index`` less its term in ``without``, over all steps that digits can take."""
    low = high = index.constant
    for name, coefficient in index.terms:
        if name != without:
            span = 1
            for digit in digits_of(nest, name):
                size = 0 if digit.bound is None else lane_size(nest, nest.call, digit.bound)
                span *= max(digit.extent, size)
            low, high = low + min(0, coefficient * (span - 1)), high + max(0, coefficient * (span - 1))
    return low, high


def inside(statement: Statement, access: Access, tensor: Tensor) -> Access:
    """``access`` without its padding where it never leaves ``tensor``."""
    if access.otherwise is None:
        return access
    box = {iterator.name: iterator.extent for iterator in statement.iterators}
    ranges = [value_range(index, box) for index in access.map.results]
    if all(low >= 0 and high < size for (low, high), size in zip(ranges, tensor.shape, strict=True)):
        return replace(access, otherwise=None)
    return access
