"""Calls of one nest as program nodes, and the places that an access's elements pass.

Clipping is by ``min`` extents; nothing is peeled. What does not belong here: copies (``emit_copy.py``), loops
(``lower_nest.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from functools import partial

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import Affine, Extent, extent, variable
from isamapper.ir.nodes import Access, Invoke, Tensor, Window, WindowAxis
from isamapper.plan.lanes import lane_extent, lane_size, padded_lanes
from isamapper.plan.layout import Coordinate, Layout, buffer_offsets, home_offsets, moves, slot_index
from isamapper.plan.needle import (
    iterator_sizes,
    lone_axes,
    operand_spec,
    operand_tensor,
    parameter_of,
    required_strides,
    writes,
)
from isamapper.plan.nest import Buffer, Call, Nest, shares
from isamapper.plan.padding import pad_value
from isamapper.plan.refusal import refusal, written_at
from isamapper.plan.walkers import Walkers, is_lone, lanes_of, paces, room, scaled, walked_extent, walkers

Values = abc.Mapping[str, Affine]


@dataclass(frozen=True, slots=True)
class Stop:
    """One place an access's elements pass: the home tensor (``buffer`` and ``layout`` None) or a placed buffer.

    ``access`` is the kernel access in the nest's iterators; at the end of a fused drain it is the consumer's target.
    """

    tensor: Tensor
    access: Access
    buffer: Buffer | None = None
    layout: Layout | None = None


def loop_values(nest: Nest) -> dict[str, Affine]:
    """Every loop digit as its own variable, those around the whole nest included."""
    return {digit.name: variable(digit.name) for digit in nest.digits if digit.bound is None}


def stop_offsets(nest: Nest, stop: Stop, values: Values) -> tuple[Affine, ...]:
    """Index of the element at the given digit values, slot axis included."""
    if stop.buffer is None or stop.layout is None:
        return home_offsets(nest, stop.access, values)
    offsets = buffer_offsets(stop.layout, values)
    own = tuple(values.get(loop, variable(loop)) for loop in shares(nest, stop.buffer))
    if stop.buffer.slots == 1:
        return (*own, *offsets)
    return (*own, slot_index(nest, stop.buffer, values), *offsets)


def stop_steps(nest: Nest, stop: Stop, coordinate: Coordinate) -> tuple[tuple[int, int], ...]:
    """Tensor axes of ``stop`` that a coordinate of the same access moves along, with steps (slot axis counted)."""
    if stop.buffer is None or stop.layout is None:
        if coordinate.digit is not None:
            return moves(nest, stop.access, coordinate.digit)
        return coordinate.targets if coordinate.dim is not None else outside_steps(stop.tensor)
    shift = len(shares(nest, stop.buffer)) + (1 if stop.buffer.slots > 1 else 0)
    if coordinate.digit is not None:
        along = tuple(
            (place + shift, step)
            for place, axis in enumerate(stop.layout.axes)
            for name, step in axis.terms
            if name == coordinate.digit
        )
        if along:
            return along
    return tuple((c.axis + shift, c.stride) for c in stop.layout.coordinates if c.name == coordinate.name)


def axis_along(nest: Nest, stop: Stop, coordinate: Coordinate) -> int | None:
    """The one tensor axis of ``stop`` that a coordinate moves along; None where it is none or several."""
    steps = stop_steps(nest, stop, coordinate)
    return steps[0][0] if len(steps) == 1 else None


def outside_steps(tensor: Tensor) -> tuple[tuple[int, int], ...]:
    """Steps that leave ``tensor`` at once: along an operand axis that no iterator fills, position 0 alone is real."""
    return ((0, tensor.shape[0]),) if tensor.shape else ()


def call_node(
    nest: Nest, call: Call, stops: abc.Mapping[int, Stop], constants: abc.Mapping[str, Tensor] | None = None
) -> Invoke:
    """The invocation of ``call`` at the present loop values, clipped where its parameters allow.

    ``constants`` are the tensors that hold what operands are fed which stand for no access.
    """
    instruction = call.instruction
    lanes = {
        control.name: lane
        for lane in iterator_sizes(instruction.semantics)
        if (control := parameter_of(instruction, lane))
    }
    parameters = tuple(
        (each.name, _steps(nest, call, lanes[each.name]) if each.name in lanes else extent(each.high))
        for each in instruction.parameters
    )
    windows = tuple(
        (tensor.name, _call_window(nest, call, tensor.name, stops, constants or {}))
        for tensor in instruction.semantics.tensors
    )
    return Invoke(instruction.name, windows, parameters)


def _steps(nest: Nest, call: Call, lane: str) -> Extent:
    """Steps of a lane; a call that prepares the target does what the main call then looks at."""
    if call is not nest.init:
        return lane_extent(nest, call, lane)
    (operand, _), main = call.sigma[0], nest.call.operand(0)
    own = lone_axes(call.instruction.semantics, operand)
    theirs = () if main is None else lone_axes(nest.call.instruction.semantics, main)
    pairs = zip(reversed(own), reversed(theirs), strict=False)
    facing = next((other for one, other in pairs if one == lane and other is not None), None)
    same = facing is not None and nest.call.members(facing) == call.members(lane)
    if facing is None or not same or parameter_of(call.instruction, lane) is None:
        return lane_extent(nest, call, lane)
    return lane_extent(nest, nest.call, facing)


def constant_shape(call: Call, operand: str) -> tuple[int, ...]:
    """Shape of the tensor that feeds a constant: one element where the operand takes any stride, else all of it."""
    shape = operand_tensor(call.instruction.semantics, operand).shape
    anyhow = all(stride is None for stride in required_strides(call.instruction, operand))
    return (1,) * len(shape) if anyhow else shape


def _constant_window(nest: Nest, call: Call, operand: str, tensor: Tensor) -> Window:
    axes = []
    for position, along in enumerate(walkers(call.instruction.semantics, operand)):
        size = walked_extent(along, partial(_steps, nest, call)) if along else extent(tensor.shape[position])
        axes.append(WindowAxis(size, ((position, 1),) if tensor.shape[position] > 1 else ()))
    return Window(tensor.name, tuple(Affine() for _ in tensor.shape), tuple(axes))


def _call_window(
    nest: Nest, call: Call, operand: str, stops: abc.Mapping[int, Stop], constants: abc.Mapping[str, Tensor]
) -> Window:
    if operand in constants:
        return _constant_window(nest, call, operand, constants[operand])
    access = next((index for name, index in call.sigma if name == operand), None)
    if access is None:
        reason = "no access of the statement stands for it"
        subject, at = f"operand '{operand}' of '{call.instruction.name}'", written_at(call.span)
        raise refusal(Rejection("SCH006", subject, reason, at, "an access or a constant ('given') for it"))
    stop = stops[access]
    semantics = call.instruction.semantics
    shape = operand_tensor(semantics, operand).shape
    axes = []
    for position, along in enumerate(walkers(semantics, operand)):
        if not along:
            axes.append(WindowAxis(extent(shape[position]), ()))
            continue
        if is_lone(along):
            steps = _axis_steps(nest, call, stop, along[0][0], position)
        else:
            steps = _walked_steps(nest, call, stop, along, position)
        axes.append(WindowAxis(walked_extent(along, partial(_steps, nest, call)), tuple(sorted(steps))))
    offsets = stop_offsets(nest, stop, loop_values(nest))
    return Window(stop.tensor.name, offsets, tuple(axes), _otherwise(nest, call, operand, access, stop))


def _otherwise(nest: Nest, call: Call, operand: str, access: int, stop: Stop) -> int | float | None:
    """What is read outside the home tensor: kernel's own padding, or that of a lane that is not narrowed."""
    if stop.buffer is not None:
        return None
    lanes = lanes_of(call.instruction.semantics, operand)
    if not any(lane in lanes for lane in padded_lanes(nest, call)):
        return stop.access.otherwise
    if operand in writes(call.instruction) or not operand_spec(call.instruction, operand).pads:
        subject = f"operand '{operand}' of '{call.instruction.name}'"
        reason, at = "it would leave its tensor at the edge", written_at(call.span)
        raise refusal(Rejection("SCH007", subject, reason, at, "give it a buffer"))
    return pad_value(nest, access)


def _axis_steps(nest: Nest, call: Call, stop: Stop, lane: str, position: int) -> tuple[tuple[int, int], ...]:
    members = call.members(lane)
    if not members:
        if call is nest.init and nest.call.operand(0) is not None:
            own, main = (
                len(operand_tensor(c.instruction.semantics, str(c.operand(0))).shape) for c in (call, nest.call)
            )
            position -= own - main  # a fill's last axes are the target's
        empty = Coordinate(f"axis{position}", _steps(nest, call, lane).bounds[0].constant, -1, 1, ())
        return stop_steps(nest, stop, empty) if empty.extent > 1 else ()
    if lane_size(nest, call, lane) == math.prod(nest.digit(name).extent for name in members):
        members = tuple(name for name in members if nest.digit(name).extent > 1) or members[:1]
    steps = [stop_steps(nest, stop, Coordinate(name, 1, -1, 1, (), digit=name)) for name in members]
    expected = dict(steps[-1])
    for name, found in zip(reversed(members[1:]), reversed(steps[:-1]), strict=True):
        expected = {axis: step * nest.digit(name).extent for axis, step in expected.items()}
        if dict(found) != expected:
            reason = "its digits do not lie in one line"
            at = written_at(None if stop.buffer is None else stop.buffer.span, call.span)
            raise refusal(Rejection("SCH008", f"'{lane}' of '{call.instruction.name}'", reason, at, "give it a buffer"))
    return steps[-1]


def _walked_steps(nest: Nest, call: Call, stop: Stop, along: Walkers, position: int) -> tuple[tuple[int, int], ...]:
    """Steps of an operand axis that several iterators walk: the same for every digit inside them."""
    found = set()
    for name, pace in paces(nest, call, along):
        found.add(scaled(stop_steps(nest, stop, Coordinate(name, 1, -1, 1, (), digit=name)), pace))
    if not found:
        empty = Coordinate(f"axis{position}", room(nest, along), -1, 1, ())
        return stop_steps(nest, stop, empty) if empty.extent > 1 else ()
    steps = found.pop()
    if found or steps is None:
        reason = "its digits do not lie in one line"
        at = written_at(None if stop.buffer is None else stop.buffer.span, call.span)
        subject = f"axis {position} of '{call.instruction.name}'"
        raise refusal(Rejection("SCH008", subject, reason, at, "give it a buffer"))
    return steps
