"""Windows and copies of one nest as program nodes.

Rules of this file:
- values of digits are affine functions handed in by the caller, so that the same code emits the copies of the present
  tile, of the next (prefetch) and of the previous one (delayed drain);
- a copy walks the coordinates of its buffer: bound ones inside the instruction, the others as loops;
- clipping is by ``min`` extents and guards; nothing is peeled.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.model import Instruction
from isamapper.ir.affine import Affine, Extent, constant, extent, variable
from isamapper.ir.nodes import Access, Constraint, Guard, Invoke, Loop, Node, Tensor, Window, WindowAxis
from isamapper.plan.layout import (
    Coordinate,
    Layout,
    buffer_offsets,
    home_offsets,
    moves,
    slot_index,
)
from isamapper.plan.needle import CopyShape, copy_shape, iterator_sizes, lone_axes, operand_tensor, parameter_of
from isamapper.plan.nest import Buffer, Call, Copy, Digit, Nest, digits_of, iterator_extent, valid_extent, weight
from isamapper.plan.padding import must_fill

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


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part of a copy: of coordinate ``coordinate``, ``size`` steps from ``start`` (None: to the end)."""

    coordinate: str
    start: Affine
    size: int | None


def stop_offsets(nest: Nest, stop: Stop, values: Values) -> tuple[Affine, ...]:
    """Index of the element at the given digit values, slot axis included."""
    if stop.buffer is None or stop.layout is None:
        return home_offsets(nest, stop.access, values)
    offsets = buffer_offsets(stop.layout, values)
    if stop.buffer.slots == 1:
        return offsets
    return (slot_index(nest, stop.buffer, values), *offsets)


def stop_steps(nest: Nest, stop: Stop, coordinate: Coordinate) -> tuple[tuple[int, int], ...]:
    """Tensor axes of ``stop`` that a coordinate of the same access moves along, with steps (slot axis counted)."""
    if stop.buffer is None or stop.layout is None:
        return moves(nest, stop.access, coordinate.digit) if coordinate.digit is not None else coordinate.targets
    shift = 1 if stop.buffer.slots > 1 else 0
    if coordinate.digit is not None:
        return tuple(
            (place + shift, step)
            for place, axis in enumerate(stop.layout.axes)
            for name, step in axis.terms
            if name == coordinate.digit
        ) or _broadcast_steps(stop.layout, coordinate, shift)
    return tuple((c.axis + shift, c.stride) for c in stop.layout.coordinates if c.name == coordinate.name)


def _broadcast_steps(layout: Layout, coordinate: Coordinate, shift: int) -> tuple[tuple[int, int], ...]:
    return tuple((c.axis + shift, c.stride) for c in layout.coordinates if c.name == coordinate.name)


def call_node(nest: Nest, call: Call, stops: abc.Mapping[int, Stop]) -> Invoke:
    """The invocation of ``call`` at the present loop values, clipped where its parameters allow."""
    instruction = call.instruction
    parameters = tuple(
        (parameter.name, _parameter_value(nest, call, parameter.name)) for parameter in instruction.parameters
    )
    windows = tuple(
        (tensor.name, _call_window(nest, call, tensor.name, stops)) for tensor in instruction.semantics.tensors
    )
    return Invoke(instruction.name, windows, parameters)


def _parameter_value(nest: Nest, call: Call, parameter: str) -> Extent:
    instruction = call.instruction
    for iterator in _iterators(instruction):
        control = parameter_of(instruction, iterator)
        if control is not None and control.name == parameter:
            return axis_extent(nest, call, iterator)
    low = next(p.low for p in instruction.parameters if p.name == parameter)
    return extent(low)


def _iterators(instruction: Instruction) -> tuple[str, ...]:
    return tuple(iterator_sizes(instruction.semantics))


def axis_extent(nest: Nest, call: Call, iterator: str) -> Extent:
    """How many steps of an instruction iterator one call does: clipped, or whole where it cannot be narrowed."""
    size = iterator_sizes(call.instruction.semantics)[iterator]
    control = parameter_of(call.instruction, iterator)
    members = tuple(nest.digit(name) for name in call.members(iterator))
    if control is None:
        return extent(size)
    if not members:
        return extent(control.low)
    whole = 1
    for digit in members:
        whole *= digit.extent
    if control.step != 1 or control.low > 1:
        rounded = max(control.low, whole + (-(whole - control.low)) % control.step)
        return extent(rounded)
    outer = members[0]
    rest = whole // outer.extent
    if any(len(valid_extent(nest, digit, {}).bounds) > 1 or _short(nest, digit) for digit in members[1:]):
        return extent(whole)
    if _inner_of_split(nest, outer):
        return extent(whole)
    return _scaled(valid_extent(nest, outer, {}), rest)


def _short(nest: Nest, digit: Digit) -> bool:
    value = valid_extent(nest, digit, {})
    return value.bounds[0].constant < digit.extent or _inner_of_split(nest, digit)


def _inner_of_split(nest: Nest, digit: Digit) -> bool:
    """A bound digit inside another bound digit of the same iterator, clipped: its edge is not a box."""
    outer_bound = False
    for other in digits_of(nest, digit.iterator):
        if other.name == digit.name:
            break
        outer_bound = outer_bound or (other.bound is not None and other.extent > 1)
    return outer_bound and iterator_extent(nest, digit.iterator) % (weight(nest, digit) * digit.extent) != 0


def _scaled(value: Extent, factor: int) -> Extent:
    return value if factor == 1 else extent(*(bound * factor for bound in value.bounds))


def _call_window(nest: Nest, call: Call, operand: str, stops: abc.Mapping[int, Stop]) -> Window:
    access = next(index for name, index in call.sigma if name == operand)
    stop = stops[access]
    values = {name: variable(name) for name in nest.order}
    offsets = stop_offsets(nest, stop, values)
    semantics = call.instruction.semantics
    shape = operand_tensor(semantics, operand).shape
    axes = []
    for position, iterator in enumerate(lone_axes(semantics, operand)):
        if iterator is None:
            axes.append(WindowAxis(extent(shape[position]), ()))
            continue
        axes.append(WindowAxis(axis_extent(nest, call, iterator), _axis_steps(nest, call, stop, access, iterator)))
    otherwise = stop.access.otherwise if stop.buffer is None else None
    return Window(stop.tensor.name, offsets, tuple(axes), otherwise)


def _axis_steps(nest: Nest, call: Call, stop: Stop, access: int, iterator: str) -> tuple[tuple[int, int], ...]:
    members = call.members(iterator)
    if not members:
        return _empty_axis_steps(call, stop, access, iterator)
    innermost = members[-1]
    return stop_steps(nest, stop, Coordinate(innermost, 1, -1, 1, (), digit=innermost))


def _empty_axis_steps(call: Call, stop: Stop, access: int, iterator: str) -> tuple[tuple[int, int], ...]:
    if stop.buffer is None or stop.layout is None:
        return ()
    operand = call.operand(access)
    assert operand is not None
    position = lone_axes(call.instruction.semantics, operand).index(iterator)
    shift = 1 if stop.buffer.slots > 1 else 0
    return tuple(
        (c.axis + shift, c.stride) for c in stop.layout.coordinates if c.name == f"axis{position}" and c.digit is None
    )


def copy_nodes(
    nest: Nest,
    copy: Copy,
    instruction: Instruction,
    stops: tuple[Stop, Stop],
    walked: Layout,
    values: Values,
    chunks: tuple[Chunk, ...] = (),
    prefix: str = "",
    pad: int | float | None = None,
) -> tuple[Node, ...]:
    """The loops and invocations that copy one tile from ``stops[0]`` to ``stops[1]``.

    ``walked`` is the layout of the smaller stop; ``values`` gives the digits outside it. ``prefix`` keeps the loop
    names of several copies apart.
    """
    shape = copy_shape(instruction)
    assert shape is not None
    walk = _CopyWalk(nest, copy, instruction, shape, stops, walked, dict(values), prefix, pad)
    return walk.nodes({chunk.coordinate: chunk for chunk in chunks})


class _CopyWalk:
    def __init__(
        self,
        nest: Nest,
        copy: Copy,
        instruction: Instruction,
        shape: CopyShape,
        stops: tuple[Stop, Stop],
        walked: Layout,
        values: dict[str, Affine],
        prefix: str,
        pad: int | float | None,
    ) -> None:
        self.nest, self.copy, self.instruction, self.shape = nest, copy, instruction, shape
        self.stops, self.walked, self.values = stops, walked, values
        self.prefix, self.pad = prefix, pad
        self.outside = dict(values)
        self.position: dict[str, Affine] = {}
        self.size: dict[str, Extent] = {}

    def nodes(self, chunks: dict[str, Chunk]) -> tuple[Node, ...]:
        layers: list[tuple[str, Extent, tuple[Constraint, ...]]] = []
        bound = {name: size for _, name, size in self.copy.binds}
        for coordinate in self.walked.coordinates:
            if coordinate.extent == 1 and coordinate.name not in bound:
                self._place(coordinate, constant(0))
                continue
            size = bound.get(coordinate.name, 1)
            layers.extend(self._layer(coordinate, size, chunks.get(coordinate.name), coordinate.name in bound))
        body: tuple[Node, ...] = (self._invoke(),)
        for name, count, conditions in reversed(layers):
            if conditions:
                body = (Guard(conditions, body),)
            body = (Loop(name, count, body),)
        return body

    def _layer(
        self, coordinate: Coordinate, size: int, chunk: Chunk | None, bound: bool
    ) -> list[tuple[str, Extent, tuple[Constraint, ...]]]:
        valid = self._valid(coordinate, bound)
        if size >= coordinate.extent and chunk is None:
            self._place(coordinate, constant(0))
            self.size[coordinate.name] = valid
            return []
        name = f"{self.prefix}{coordinate.name.replace('.', '_')}"
        blocks = -(-coordinate.extent // size)
        index = variable(name) if chunk is None else chunk.start + variable(name)
        self._place(coordinate, index * size)
        self.size[coordinate.name] = extent(size, *(b - index * size for b in valid.bounds))
        count, conditions = self._count(index, name, size, blocks, valid, chunk)
        return [(name, count, conditions)]

    def _count(
        self, index: Affine, name: str, size: int, blocks: int, valid: Extent, chunk: Chunk | None
    ) -> tuple[Extent, tuple[Constraint, ...]]:
        start = constant(0) if chunk is None else chunk.start
        limits: list[Affine] = [constant(blocks) - start]
        conditions: list[Constraint] = []
        for limit in valid.bounds:
            if limit.is_constant:
                limits.append(constant(-(-limit.constant // size)) - start)
            elif size == 1:
                limits.append(limit - start)
            else:
                conditions.append(Constraint(limit - index * size - 1))
        if chunk is not None and chunk.size is not None:
            limits.append(constant(chunk.size))
        return extent(*limits), tuple(conditions)

    def _place(self, coordinate: Coordinate, value: Affine) -> None:
        self.position[coordinate.name] = value
        self.size.setdefault(coordinate.name, extent(1))
        if coordinate.digit is not None:
            self.values[coordinate.digit] = value

    def _valid(self, coordinate: Coordinate, bound: bool) -> Extent:
        if coordinate.digit is not None:
            return self._valid_digit(coordinate, bound)
        if coordinate.dim is not None:
            return self._valid_dim(coordinate)
        return extent(coordinate.extent) if self.pad is not None else extent(1)

    def _valid_digit(self, coordinate: Coordinate, bound: bool) -> Extent:
        digit = self.nest.digit(str(coordinate.digit))
        outer = [d.name for d in digits_of(self.nest, digit.iterator)]
        outer = outer[: outer.index(digit.name)]
        inside = {c.digit for c in self.walked.coordinates} & set(outer)
        boxed = {name for _, name, size in self.copy.binds if size > 1} & {str(name) for name in inside}
        value = valid_extent(self.nest, digit, self.values)
        if self.pad is not None and must_fill(self.nest, digit.name):
            return extent(coordinate.extent)
        if boxed and bound and len(value.bounds) > 1:
            return extent(coordinate.extent)
        return value

    def _valid_dim(self, coordinate: Coordinate) -> Extent:
        if self.pad is not None:
            return extent(coordinate.extent)
        access = self.stops[0].access
        dim = int(coordinate.dim or 0)
        result = access.map.results[dim]
        base = home_offsets(self.nest, access, self.outside)[dim]
        last = result.constant + sum(
            coefficient * (iterator_extent(self.nest, name) - 1) for name, coefficient in result.terms
        )
        return extent(coordinate.extent, constant(last + 1) - base)

    def _invoke(self) -> Invoke:
        binds = {iterator: name for iterator, name, _ in self.copy.binds}
        coordinates = {c.name: c for c in self.walked.coordinates}
        parameters = []
        for parameter in self.instruction.parameters:
            iterator = next((i for i in self.shape.iterators if self._controls(i, parameter.name)), None)
            bound = binds.get(iterator) if iterator is not None else None
            parameters.append((parameter.name, self.size[bound] if bound is not None else extent(parameter.low)))
        source = self._window(self.shape.source, self.stops[0], binds, coordinates, True)
        target = self._window(self.shape.target, self.stops[1], binds, coordinates, False)
        order = [tensor.name for tensor in self.instruction.semantics.tensors]
        windows = {self.shape.source: source, self.shape.target: target}
        return Invoke(self.instruction.name, tuple((name, windows[name]) for name in order), tuple(parameters))

    def _controls(self, iterator: str, parameter: str) -> bool:
        control = parameter_of(self.instruction, iterator)
        return control is not None and control.name == parameter

    def _window(
        self, operand: str, stop: Stop, binds: dict[str, str], coordinates: dict[str, Coordinate], source: bool
    ) -> Window:
        offsets = list(stop_offsets(self.nest, stop, self.values))
        for coordinate in self.walked.coordinates:
            if coordinate.digit is None:
                for axis, step in stop_steps(self.nest, stop, coordinate):
                    offsets[axis] = offsets[axis] + self.position[coordinate.name] * step
        shape = operand_tensor(self.instruction.semantics, operand).shape
        axes = []
        for position, iterator in enumerate(lone_axes(self.instruction.semantics, operand)):
            bound = binds.get(iterator) if iterator is not None else None
            if bound is None:
                narrowed = iterator is not None and parameter_of(self.instruction, iterator) is not None
                axes.append(WindowAxis(extent(1 if narrowed else shape[position]), ()))
                continue
            steps = stop_steps(self.nest, stop, coordinates[bound])
            axes.append(WindowAxis(self.size[bound], steps))
        otherwise = self._otherwise(stop) if source else None
        return Window(stop.tensor.name, tuple(offsets), tuple(axes), otherwise)

    def _otherwise(self, stop: Stop) -> int | float | None:
        declared = stop.access.otherwise
        if stop.buffer is not None:
            return None
        return declared if declared is not None else self.pad
