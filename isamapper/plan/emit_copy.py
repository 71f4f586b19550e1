"""Copies of one nest as program nodes: a walk over the coordinates of a buffer.

Rules of this file:
- values of digits are affine functions handed in by the caller, so that the same code emits the copies of the present
  tile, of the next (prefetch) and of the previous one (delayed drain);
- bound coordinates lie inside the instruction, the others are loops; clipping is by ``min`` extents and guards;
- only what the kernel touches is moved, but for lanes that calls run in full: there the buffer is filled to its end,
  with padding from outside the tensor.
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection, Span
from isamapper.hwdesc.model import Instruction
from isamapper.ir.affine import Affine, Extent, constant, extent, variable
from isamapper.ir.nodes import Constraint, Guard, Invoke, Loop, Node, Window, WindowAxis
from isamapper.plan.domain import divisible
from isamapper.plan.emit import Stop, Values, loop_values, stop_offsets, stop_steps
from isamapper.plan.lanes import digit_steps, ragged
from isamapper.plan.layout import Coordinate, Layout, access_step
from isamapper.plan.needle import adding_shape, copy_shape, lone_axes, operand_spec, operand_tensor, parameter_of
from isamapper.plan.nest import Copy, Digit, Nest, digits_of, iterator_extent, valid_extent, weight
from isamapper.plan.padding import must_fill, pad_value
from isamapper.plan.refusal import refusal, written_at


@dataclass(frozen=True, slots=True)
class Transfer:
    """A fill or a drain between two neighbours on an access's path: from ``source`` to ``target``."""

    copy: Copy
    instruction: Instruction
    source: Stop
    target: Stop
    drain: bool

    @property
    def inner(self) -> Stop:
        """The buffer whose tile is copied: the stop nearer to the instruction."""
        return self.source if self.drain else self.target


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part of a copy: of coordinate ``coordinate``, ``size`` blocks from block ``start`` (None: to the end).

    ``last`` is the greatest value of ``start``.
    """

    coordinate: str
    start: Affine
    size: int | None
    last: int


def _written(transfer: Transfer) -> tuple[Span, ...]:
    """Where the step stands that places the buffer whose tile is copied."""
    buffer = transfer.inner.buffer
    return written_at(None if buffer is None else buffer.span)


def walked(transfer: Transfer) -> Layout:
    """The layout whose coordinates the copy walks."""
    assert transfer.inner.layout is not None
    return transfer.inner.layout


def copy_nodes(nest: Nest, transfer: Transfer, values: Values, chunks: tuple[Chunk, ...] = ()) -> tuple[Node, ...]:
    """The loops and invocations that copy one tile; ``values`` gives the digits outside it."""
    return _Walk(nest, transfer, values).nodes({chunk.coordinate: chunk for chunk in chunks})


def cut_digits(nest: Nest, copy: Copy, layout: Layout) -> tuple[str, ...]:
    """Digits of which one invocation of ``copy`` spans several blocks, the last ending early: it is copied whole."""
    digits = (c.digit for c in layout.coordinates if c.digit is not None)
    return tuple(digit for digit in digits if _is_spanned(nest, copy, digit))


def _is_spanned(nest: Nest, copy: Copy, name: str) -> bool:
    """Whether digit ``name`` is ragged, and a digit outside it lies in the same invocation."""
    digit = nest.digit(name)
    spanned = {coordinate for _, coordinate, size in copy.binds if size > 1}
    around = itertools.takewhile(lambda other: other.name != name, digits_of(nest, digit.iterator))
    return ragged(nest, digit) and any(other.name in spanned for other in around)


_DIVIDE = "digits that divide, or a copy whose extent can be set"

_Layer: TypeAlias = tuple[str | None, Extent, tuple[Constraint, ...]]
"""A loop (or none) with its trip count, and what must hold inside it."""


class _Walk:
    def __init__(self, nest: Nest, transfer: Transfer, values: Values) -> None:
        adds = transfer.drain and transfer.source.buffer is not None and transfer.source.buffer.adds
        shape = adding_shape(transfer.instruction) if adds else copy_shape(transfer.instruction)
        if shape is None:
            raise refusal(Rejection("SCH009", f"'{transfer.instruction.name}'", "it is no copy", _written(transfer)))
        self.nest, self.transfer, self.instruction, self.shape = nest, transfer, transfer.instruction, shape
        self.layout = walked(transfer)
        self.binds = {name: (iterator, size) for iterator, name, size in transfer.copy.binds}
        self.outside = dict(values)
        # a loop inside that the access does not follow stands at its first iteration, where edges are furthest
        self.values = {**dict.fromkeys(loop_values(nest), constant(0)), **values}
        self.position: dict[str, Affine] = {}
        self.size: dict[str, Extent] = {}
        self.padded = False
        access = transfer.inner.buffer.access if transfer.inner.buffer else 0
        self.pad = pad_value(nest, access)
        known = {coordinate.name for coordinate in self.layout.coordinates}
        for name in self.binds:
            if name not in known:
                raise self._refused(name, "the buffer has no such coordinate")

    def _refused(self, coordinate: str, reason: str, edit: str | None = None) -> Exception:
        subject = f"copy of '{self.transfer.inner.tensor.name}' along '{coordinate}' by '{self.instruction.name}'"
        return refusal(Rejection("SCH009", subject, reason, _written(self.transfer), edit))

    def nodes(self, chunks: abc.Mapping[str, Chunk]) -> tuple[Node, ...]:
        layers: list[_Layer] = []
        for coordinate in self._outer_digits_first():
            layers.extend(self._layer(coordinate, chunks.get(coordinate.name)))
        body: tuple[Node, ...] = (self._invoke(),)
        for name, count, conditions in reversed(layers):
            if any(bound.is_constant and bound.constant < 1 for bound in count.bounds):
                return ()
            if conditions:
                body = (Guard(conditions, body),)
            if name is not None:
                body = (Loop(name, count, body),)
        return body

    def _outer_digits_first(self) -> list[Coordinate]:
        """Coordinates in the buffer's order, digits of one iterator outermost first: edges depend on those outside."""
        found = list(self.layout.coordinates)
        rank = {digit.name: place for place, digit in enumerate(self.nest.digits)}
        places: dict[str, list[int]] = {}
        for place, coordinate in enumerate(found):
            if coordinate.digit is not None:
                places.setdefault(self.nest.digit(coordinate.digit).iterator, []).append(place)
        for those in places.values():
            members = sorted((found[place] for place in those), key=lambda c: rank[str(c.digit)])
            for place, member in zip(those, members, strict=True):
                found[place] = member
        return found

    def _layer(self, coordinate: Coordinate, chunk: Chunk | None) -> abc.Iterator[_Layer]:
        """Places a coordinate; yields its loop, or what must hold, where it has either."""
        size = self.binds[coordinate.name][1] if coordinate.name in self.binds else 1
        reach = self._reach(coordinate)
        if size >= coordinate.extent and chunk is None:
            self._place(coordinate, constant(0), self._steps(coordinate, reach, size, constant(0)))
            return
        if chunk is not None and chunk.size == 1:
            index = chunk.start if size < coordinate.extent else constant(0)
            self._place(coordinate, index * size, self._steps(coordinate, reach, size, index * size))
            yield None, extent(1), self._exists(chunk, index, size, coordinate.extent, reach)
            return
        name = f"{self.transfer.inner.tensor.name}_{coordinate.name.replace('.', '_')}"
        index = variable(name) if chunk is None else chunk.start + variable(name)
        self._place(coordinate, index * size, self._steps(coordinate, reach, size, index * size))
        yield (name, *self._count(index, size, coordinate.extent, reach, chunk))

    def _place(self, coordinate: Coordinate, position: Affine, size: Extent) -> None:
        self.position[coordinate.name], self.size[coordinate.name] = position, size
        if coordinate.digit is not None:
            self.values[coordinate.digit] = position

    def _exists(self, chunk: Chunk, index: Affine, size: int, whole: int, reach: Extent) -> tuple[Constraint, ...]:
        """What must hold for a chunk of one block to be there."""
        blocks = -(-whole // size)
        if blocks == 1:
            return (Constraint(chunk.start, equality=True),) if chunk.last else ()
        conditions = tuple(Constraint(bound - index * size - 1) for bound in reach.bounds if bound != constant(whole))
        return (Constraint(-chunk.start + (blocks - 1)), *conditions) if chunk.last >= blocks else conditions

    def _count(
        self, index: Affine, size: int, whole: int, reach: Extent, chunk: Chunk | None
    ) -> tuple[Extent, tuple[Constraint, ...]]:
        """How many blocks there are from the chunk's start, and what must hold for the present one to exist."""
        start = constant(0) if chunk is None else chunk.start
        blocks = -(-whole // size)
        fits = chunk is not None and chunk.size is not None and chunk.last + chunk.size <= blocks
        limits: list[Affine] = [] if fits else [constant(blocks) - start]
        conditions: list[Constraint] = []
        for bound in reach.bounds:
            steps = bound - bound.constant
            if bound == constant(whole):
                continue
            if divisible(steps, size):
                terms = tuple((name, value // size) for name, value in steps.terms)
                limits.append(Affine(terms, -(-bound.constant // size)) - start)
            else:
                conditions.append(Constraint(bound - index * size - 1))
        if chunk is not None and chunk.size is not None:
            limits.append(constant(chunk.size))
        return extent(*limits), tuple(conditions)

    # how far a coordinate goes

    def _reach(self, coordinate: Coordinate) -> Extent:
        """Steps of the coordinate that are copied: what the kernel touches, or all where calls run past that."""
        valid, whole = self._valid(coordinate), extent(coordinate.extent)
        if self._is_ragged_inside(coordinate):
            self._passes_the_edge(coordinate)
            return whole
        if not self._is_filled(coordinate):
            return valid
        looked = whole if coordinate.dim is None else self._touched(coordinate, padding=True)
        if looked != valid:
            self._passes_the_edge(coordinate)
        return looked

    def _valid(self, coordinate: Coordinate) -> Extent:
        if coordinate.digit is not None:
            if not coordinate.targets:
                return extent(coordinate.extent)  # copies of one element: how many are looked at is decided further in
            return valid_extent(self.nest, self.nest.digit(coordinate.digit), self.values)
        return self._touched(coordinate) if coordinate.dim is not None else extent(1)

    def _touched(self, coordinate: Coordinate, padding: bool = False) -> Extent:
        """Elements of a window that the iterations inside it touch: a sum of one least reach per iterator.

        With ``padding``: that calls look at, beyond the edge too.
        """
        reaches: dict[str, tuple[int, Affine]] = {}
        for digit, step in self._movers(coordinate):
            span, _ = reaches.get(digit.iterator, (0, constant(0)))
            steps = digit_steps(self.nest, digit) if padding else digit.extent
            rest = self._rest(digit.iterator, padding) * (step // weight(self.nest, digit))
            reaches[digit.iterator] = span + step * (steps - 1), rest
        choices = [
            (constant(span), rest) if not rest.is_constant else (constant(min(span, rest.constant)),)
            for span, rest in reaches.values()
        ]
        first = constant(1 + coordinate.beyond if padding else 1)
        totals = [sum(parts, first) for parts in itertools.product(*choices)]
        return extent(*totals)

    def _rest(self, iterator: str, padding: bool) -> Affine:
        """Iterations from the tile's first to the last that there is, or that calls run."""
        rest = constant((self._end(iterator) if padding else iterator_extent(self.nest, iterator)) - 1)
        inside = {name for axis in self.layout.axes for name, _ in axis.terms}
        for digit in digits_of(self.nest, iterator):
            if digit.name not in inside and digit.name in self.outside:
                rest = rest - self.outside[digit.name] * weight(self.nest, digit)
        return rest

    def _end(self, iterator: str) -> int:
        """How far calls run along an iterator: its last block whole, where lanes are not narrowed."""
        total = iterator_extent(self.nest, iterator)
        for digit in digits_of(self.nest, iterator):
            if must_fill(self.nest, digit.name):
                own = weight(self.nest, digit)
                block = own * digit.extent
                return (-(-total // block) - 1) * block + own * digit_steps(self.nest, digit)
        return total

    def _is_filled(self, coordinate: Coordinate) -> bool:
        """Whether calls look at the whole coordinate even at the edge."""
        if self.transfer.target.buffer is None:
            return False
        if coordinate.digit is not None:
            return must_fill(self.nest, coordinate.digit)
        if coordinate.dim is None:  # a lane that no digit fills: where the target has no room for it, one step goes
            return bool(stop_steps(self.nest, self.transfer.target, coordinate))
        return coordinate.beyond > 0 or any(must_fill(self.nest, digit.name) for digit, _ in self._movers(coordinate))

    def _movers(self, coordinate: Coordinate) -> tuple[tuple[Digit, int], ...]:
        """Digits inside the attachment that move along a window's tensor axis, with their steps in its elements."""
        assert coordinate.dim is not None
        access = self.transfer.inner.access
        digits = (self.nest.digit(name) for name, _ in self.layout.axes[coordinate.axis].terms)
        steps = ((digit, access_step(self.nest, access, coordinate.dim, digit)) for digit in digits)
        return tuple((digit, step) for digit, step in steps if step)

    def _is_ragged_inside(self, coordinate: Coordinate) -> bool:
        """Whether the edge depends on a digit that the same invocation spans, so that it is no box."""
        return coordinate.digit is not None and _is_spanned(self.nest, self.transfer.copy, coordinate.digit)

    def _steps(self, coordinate: Coordinate, reach: Extent, size: int, start: Affine) -> Extent:
        """Steps of the invocation at ``start``; all of ``size`` where the instruction cannot be narrowed."""
        if coordinate.name not in self.binds:
            return extent(1)
        rest = [bound - start for bound in reach.bounds]
        if all(divisible(bound, size) for bound in rest):
            return extent(size)
        control = parameter_of(self.instruction, self.binds[coordinate.name][0])
        if control is not None and control.step == 1 and control.low <= 1:
            return extent(size, *(bound for bound in rest if not divisible(bound, size)))
        if not start.is_constant or reach != extent(size):
            self._passes_the_edge(coordinate)
        return extent(size)

    def _passes_the_edge(self, coordinate: Coordinate) -> None:
        """Elements beyond the kernel's own are copied: padding, or what a buffer that was filled whole holds."""
        source = self.transfer.source
        if source.buffer is None:
            if not operand_spec(self.instruction, self.shape.source).pads:
                reason = f"{self._tail(coordinate)} it would read beyond the tensor, and does not pad"
                raise self._refused(coordinate.name, reason, _DIVIDE)
            self.padded = True
            return
        if self.transfer.target.buffer is None:
            raise self._refused(coordinate.name, f"{self._tail(coordinate)} it would write beyond the edge", _DIVIDE)
        if not self._is_filled(coordinate):
            reason = f"{self._tail(coordinate)} it would copy beyond the edge, where the buffer holds nothing"
            raise self._refused(coordinate.name, reason, _DIVIDE)
        if coordinate.digit is None and coordinate.dim is None and not stop_steps(self.nest, source, coordinate):
            reason = "it takes more than there is, and the buffer it comes from has no padding there"
            raise self._refused(coordinate.name, reason, _DIVIDE)

    def _tail(self, coordinate: Coordinate) -> str:
        """What is the matter at the edge, as the start of a sentence."""
        size = self.binds[coordinate.name][1] if coordinate.name in self.binds else coordinate.extent
        if coordinate.digit is None:
            return f"the last of its blocks of {size} is not whole, and it cannot take fewer:"
        digit = self.nest.digit(coordinate.digit)
        whole = iterator_extent(self.nest, digit.iterator)
        return f"the {whole} of '{digit.iterator}' leave a last block shorter than {size}, and it cannot take fewer:"

    # the invocation

    def _invoke(self) -> Invoke:
        bound: dict[str, list[str]] = {}
        for name, (iterator, _) in self.binds.items():
            bound.setdefault(iterator, []).append(name)
        lanes = {c.name: lane for lane in self.shape.iterators if (c := parameter_of(self.instruction, lane))}
        parameters = []
        for parameter in self.instruction.parameters:
            lane = lanes.get(parameter.name)
            if lane is None:
                parameters.append((parameter.name, extent(parameter.high)))
            else:
                value = self._line(bound[lane]) if lane in bound else extent(max(1, parameter.low))
                parameters.append((parameter.name, value))
        windows = {
            self.shape.source: self._window(self.shape.source, self.transfer.source, bound),
            self.shape.target: self._window(self.shape.target, self.transfer.target, bound),
        }
        operands = tuple((tensor.name, windows[tensor.name]) for tensor in self.instruction.semantics.tensors)
        return Invoke(self.instruction.name, operands, tuple(parameters))

    def _line(self, names: list[str]) -> Extent:
        """Steps over coordinates in one line: the outermost may end early, the others are whole."""
        inside = 1
        for name in names[1:]:
            if not self.size[name].is_constant or len(self.size[name].bounds) > 1:
                raise self._refused(name, "an inner part of one line must be whole")
            inside *= self.size[name].bounds[0].constant
        return extent(*(bound * inside for bound in self.size[names[0]].bounds))

    def _window(self, operand: str, stop: Stop, bound: abc.Mapping[str, list[str]]) -> Window:
        offsets = list(stop_offsets(self.nest, stop, self.values))
        for coordinate in self.layout.coordinates:
            if coordinate.digit is None:
                steps = stop_steps(self.nest, stop, coordinate)
                if not steps and coordinate.dim is not None and coordinate.extent > 1:
                    raise self._refused(coordinate.name, f"'{stop.tensor.name}' does not keep that axis as a window")
                for axis, step in steps:
                    offsets[axis] = offsets[axis] + self.position[coordinate.name] * step
        coordinates = {c.name: c for c in self.layout.coordinates}
        shape = operand_tensor(self.instruction.semantics, operand).shape
        axes = []
        for place, lane in enumerate(lone_axes(self.instruction.semantics, operand)):
            if lane is not None and lane in bound:
                steps = self._line_steps(stop, [coordinates[name] for name in bound[lane]])
                axes.append(WindowAxis(self._line(bound[lane]), tuple(sorted(steps))))
            else:
                control = None if lane is None else parameter_of(self.instruction, lane)
                axes.append(WindowAxis(extent(shape[place] if control is None else max(1, control.low)), ()))
        return Window(stop.tensor.name, tuple(offsets), tuple(axes), self._otherwise(operand, stop))

    def _line_steps(self, stop: Stop, line: list[Coordinate]) -> tuple[tuple[int, int], ...]:
        """Steps of the innermost coordinate of a line, which the outer ones continue."""
        steps = [stop_steps(self.nest, stop, coordinate) for coordinate in line]
        for outer, inner, coordinate in zip(steps, steps[1:], line[1:], strict=False):
            if dict(outer) != {axis: step * coordinate.extent for axis, step in inner}:
                raise self._refused(coordinate.name, "the coordinates do not lie in one line")
        return steps[-1]

    def _otherwise(self, operand: str, stop: Stop) -> int | float | None:
        if operand != self.shape.source or stop.buffer is not None:
            return None
        return self.pad if stop.access.otherwise is None and self.padded else stop.access.otherwise
