"""Where the elements of an operand's buffer lie: axes, coordinates, offsets.

A buffer holds the part of a tensor that the loops inside its attachment touch. Its axes are either *digits* (one
axis per digit of a kernel iterator, which is what an instruction's dense operand wants) or *windows* (one axis along a
tensor axis, shared by all iterators that move along it, so that a sliding window is stored once).

Every axis knows the coefficient of each digit along it, so the element a loop iteration needs is an affine offset;
every coordinate knows the tensor axes it walks, so a copy is a walk over coordinates.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import Affine, constant, rotate, variable
from isamapper.ir.nodes import Access
from isamapper.plan.lanes import digit_steps
from isamapper.plan.needle import operand_tensor
from isamapper.plan.nest import Buffer, Digit, KeptAxis, Nest, depth_of, steps_in, weight
from isamapper.plan.walkers import empty_rooms, packed, room, slides, walkers


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One direction in which a copy walks a buffer.

    ``targets`` are (tensor axis, step) pairs; ``digit`` or ``dim`` says what is walked (neither: a padded operand axis
    that no iterator fills, of which only position 0 is valid). ``beyond`` are elements at the end of a window that
    calls look at though no digit gets there.
    """

    name: str
    extent: int
    axis: int
    stride: int
    targets: tuple[tuple[int, int], ...]
    digit: str | None = None
    dim: int | None = None
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a buffer; ``terms`` holds the coefficient along it of every digit that moves along it.

    Positions along an axis that ``rolls`` are taken modulo its extent.
    """

    extent: int
    terms: tuple[tuple[str, int], ...]
    start: int = 0
    rolls: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Axes and coordinates of one buffer; ``operand_axes`` gives per operand axis its buffer axis and step."""

    axes: tuple[Axis, ...]
    coordinates: tuple[Coordinate, ...]
    operand_axes: tuple[tuple[int, int] | None, ...]


def inner_digits(nest: Nest, depth: int) -> tuple[Digit, ...]:
    """Digits inside ``depth`` loops: deeper loops in order, then the bound ones."""
    loops = tuple(nest.digit(name) for name in nest.order[depth:])
    return loops + tuple(digit for digit in nest.digits if digit.bound is not None)


def access_step(nest: Nest, access: Access, dim: int, digit: Digit) -> int:
    """How far tensor axis ``dim`` moves when ``digit`` moves by one."""
    step = access.map.results[dim].coefficient(digit.iterator)
    return step * weight(nest, digit) if step else 0


def moves(nest: Nest, access: Access, name: str) -> tuple[tuple[int, int], ...]:
    """Tensor axes that move with the digit called ``name``, with their steps."""
    digit = nest.digit(name)
    steps = [(dim, result.coefficient(digit.iterator)) for dim, result in enumerate(access.map.results)]
    moving = [(dim, step) for dim, step in steps if step]
    own = weight(nest, digit) if moving else 1
    return tuple([(dim, step * own) for dim, step in moving])


def window_dims(nest: Nest, access: Access, inner: abc.Sequence[Digit]) -> frozenset[int]:
    """Tensor axes along which digits of two or more iterators move inside the attachment."""
    found = set()
    for dim in range(len(access.map.results)):
        movers = {d.iterator for d in inner if d.extent > 1 and access_step(nest, access, dim, d)}
        if len(movers) > 1:
            found.add(dim)
    return frozenset(found)


def buffer_layout(nest: Nest, buffer: Buffer) -> Layout | Rejection:
    """The layout of ``buffer``; with ``layout="digits"`` its last axes are the instruction operand's own.

    With ``layout="turned"`` they stand in the opposite order, for a copy further in that transposes:
    ``[…, k, n]`` becomes ``[…, n, k]``. Where it stays and cores divide the statement, each loop across a grid has an
    axis: every core has its part, or all of it, as it reads.
    """
    return _laid(_Laid(nest, buffer))


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    """A buffer of a nest; equal to another where they are laid out alike, whatever fills them and how many there are.

    Statements and calls are told apart by identity: comparing them takes as long as laying out.
    """

    nest: Nest
    buffer: Buffer

    def _key(self) -> tuple[object, ...]:
        nest, own = self.nest, self.buffer
        laid = own.access, own.loop, own.layout, own.order, own.expand, own.row, own.resident, own.kept
        return id(nest.statement), id(nest.call), nest.order, nest.digits, nest.distributed, laid

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Laid) and self._key() == other._key()


@lru_cache(maxsize=2048)
def _laid(asked: _Laid) -> Layout | Rejection:
    nest, buffer = asked.nest, asked.buffer
    access = nest.statement.accesses[buffer.access]
    if buffer.kept:
        return _kept_layout(nest, access, buffer.kept)
    inner = inner_digits(nest, depth_of(nest, buffer.loop))
    if buffer.layout == "dims":
        windows = frozenset(range(len(access.map.results)))
    else:
        walked = {dim for dim, _ in slides(nest, buffer.access).values()}
        windows = (window_dims(nest, access, inner) - frozenset(buffer.expand)) | walked
    gap = _gap(nest, access, inner, windows) if buffer.access in nest.statement.written else None
    if gap is not None:
        reason = "the window has elements that no iteration writes"
        return Rejection("SCH010", f"axis {gap} of '{access.tensor}'", reason, edit="expand the window")
    beyond = {dim: rest for dim, rest in empty_rooms(nest, buffer.access).items() if rest}
    maker = _Maker(nest, access, inner, windows, buffer.row, beyond)
    maker.apart = frozenset(loop for loop, _ in nest.distributed) if buffer.resident else frozenset()
    if buffer.layout != "dims":
        maker.face(buffer.access, turned=buffer.layout == "turned")
    maker.fill_rest(buffer.order)
    return maker.failure or maker.layout()


def lies_in_parts(nest: Nest, buffer: Buffer) -> bool:
    """Whether the first axes of a buffer outside the loops across grids are these loops: a core keeps what it touches.

    Also where there is no such buffer: what is wrong with it is said where its nest is checked.
    """
    layout = buffer_layout(nest, buffer)
    if isinstance(layout, Rejection):
        return True
    own = [(axis.terms, axis.start) for axis in layout.axes[: len(nest.distributed)]]
    return own == [(((loop, 1),), 0) for loop, _ in nest.distributed]


def _gap(nest: Nest, access: Access, inner: abc.Sequence[Digit], windows: frozenset[int]) -> int | None:
    """A tensor axis along which the digits inside do not reach every element of their window."""
    for dim in sorted(windows):
        reach = 1
        steps = ((abs(access_step(nest, access, dim, digit)), digit.extent) for digit in inner)
        for step, extent in sorted(pair for pair in steps if pair[0] and pair[1] > 1):
            if step > reach:
                return dim
            reach += step * (extent - 1)
    return None


class _Maker:
    """Collects axes: operand axes first (they come last in memory), then what remains, then orders them."""

    def __init__(
        self,
        nest: Nest,
        access: Access,
        inner: tuple[Digit, ...],
        windows: frozenset[int],
        row: int,
        beyond: abc.Mapping[int, int],
    ) -> None:
        self.row, self.beyond = row, beyond
        self.nest, self.access, self.inner, self.windows = nest, access, inner, windows
        self.entries: dict[str, tuple[Axis, tuple[Coordinate, ...]]] = {}
        self.tail: list[str | None] = []
        self.tail_steps: list[int] = []
        self.outer: list[str] = []
        self.used: set[str] = set()
        self.used_dims: set[int] = set()
        self.turned = False
        self.apart: frozenset[str] = frozenset()
        self.failure: Rejection | None = None

    def face(self, access: int, *, turned: bool = False) -> None:
        self.turned = turned
        call = self.nest.call
        operand = call.operand(access)
        if operand is None:
            raise ValueError(f"access {access} has no operand in '{call.instruction.name}'")
        semantics = call.instruction.semantics
        shape = operand_tensor(semantics, operand).shape
        sliding = slides(self.nest, access)
        for position, along in enumerate(walkers(semantics, operand)):
            if position in sliding:
                self._walked_axis(f"axis{position}", *sliding[position])
                continue
            inside = packed(self.nest, along)
            if inside is None:
                reason = "the digits along it neither slide over the tensor nor fill it"
                self.failure = Rejection("SCH010", f"axis {position} of '{operand}'", reason, edit="other digits")
                return
            digits = tuple(self.nest.digit(name) for name in inside)
            size, used = shape[position], room(self.nest, along)
            outermost = position == (len(shape) - 1 if turned else 0)
            others = math.prod(shape) // max(1, shape[position])
            if outermost and len(shape) > 1 and used * others % self.row == 0:
                size = used  # no stride depends on the outermost axis: it takes what calls use
            self._operand_axis(f"axis{position}", size, used, digits)

    def _operand_axis(self, name: str, size: int, used: int, digits: tuple[Digit, ...]) -> None:
        """``size`` elements of room, of which calls look at ``used``."""
        if len(digits) == 1:
            dims = [dim for dim, _ in moves(self.nest, self.access, digits[0].name) if dim in self.windows]
            if dims:
                self._operand_window(name, dims[0], digits[0])
                return
        coordinates: list[Coordinate] = []
        terms: list[tuple[str, int]] = []
        stride = 1
        for digit in reversed(digits):
            steps = moves(self.nest, self.access, digit.name)
            if digit is digits[0] and self._window_outside(name, digit, steps, stride, coordinates, terms):
                return
            if any(dim in self.windows for dim, _ in steps):
                self.failure = Rejection(
                    "SCH010", name, "a sliding window cannot be packed in an operand axis", edit="expand the window"
                )
                return
            extent = used // stride if digit is digits[0] else digit.extent
            coordinates.append(Coordinate(digit.name, extent, -1, stride, steps, digit=digit.name))
            terms.append((digit.name, stride))
            stride *= digit.extent
            self.used.add(digit.name)
        if not digits:
            coordinates.append(Coordinate(name, used, -1, 1, ()))
        self.entries[name] = (Axis(size, tuple(terms)), tuple(reversed(coordinates)))
        self.tail.append(name)
        self.tail_steps.append(1)

    def _window_outside(
        self,
        name: str,
        digit: Digit,
        steps: tuple[tuple[int, int], ...],
        stride: int,
        coordinates: list[Coordinate],
        terms: list[tuple[str, int]],
    ) -> bool:
        """Lets the outermost digit of an operand axis slide: one axis holds the window, the other digits inside it."""
        dims = [dim for dim, _ in steps if dim in self.windows and dim not in self.used_dims]
        if len(steps) != 1 or not dims or steps[0][1] != 1 or not coordinates:
            return False
        key = self._add_window(dims[0])
        axis, (window,) = self.entries.pop(key)
        terms += [(mover, step * stride) for mover, step in axis.terms]
        walked = Coordinate(key, axis.extent, -1, stride, window.targets, dim=dims[0])
        self.entries[name] = (Axis(axis.extent * stride, tuple(terms)), (walked, *reversed(coordinates)))
        self.tail.append(name)
        self.tail_steps.append(1)
        return True

    def _walked_axis(self, name: str, dim: int, step: int) -> None:
        """An operand axis that slides: the tensor's own window."""
        if dim in self.used_dims:
            self.failure = Rejection("SCH010", name, "two operand axes share one window", edit="other digits")
            return
        self.tail.append(self._add_window(dim))
        self.tail_steps.append(step)

    def _operand_window(self, name: str, dim: int, digit: Digit) -> None:
        if dim in self.used_dims or len(moves(self.nest, self.access, digit.name)) > 1:
            self.failure = Rejection("SCH010", name, "two operand axes share one window", edit="expand the window")
            return
        key = self._add_window(dim)
        self.tail.append(key)
        self.tail_steps.append(access_step(self.nest, self.access, dim, digit))

    def _add_window(self, dim: int) -> str:
        beyond = self.beyond.get(dim, 0)
        terms = tuple(
            (digit.name, step)
            for digit in self.inner
            if digit.name not in self.apart and (step := access_step(self.nest, self.access, dim, digit))
        )
        for name, _ in terms:
            if any(other not in self.windows for other, _ in moves(self.nest, self.access, name)):
                reason = f"'{name}' moves along another axis too"
                self.failure = Rejection("SCH010", f"axis {dim}", reason, edit="expand the window")
        size = 1 + beyond + sum(step * (digit_steps(self.nest, self.nest.digit(name)) - 1) for name, step in terms)
        if any(step < 0 for _, step in terms):
            self.failure = Rejection("SCH011", f"axis {dim}", "a window cannot run backwards", edit="expand the window")
        key = f"dim{dim}"
        self.entries[key] = (Axis(size, terms), (Coordinate(key, size, -1, 1, ((dim, 1),), dim=dim, beyond=beyond),))
        self.used.update(name for name, _ in terms)
        self.used_dims.add(dim)
        return key

    def fill_rest(self, order: tuple[str, ...]) -> None:
        for dim in sorted(self.windows - self.used_dims):
            self.outer.append(self._add_window(dim))
        for digit in self.inner:
            if digit.name in self.used:
                continue
            steps = moves(self.nest, self.access, digit.name)
            if not steps and digit.name not in self.apart:
                continue
            self.entries[digit.name] = (
                Axis(digit.extent, ((digit.name, 1),)),
                (Coordinate(digit.name, digit.extent, -1, 1, steps, digit=digit.name),),
            )
            self.outer.append(digit.name)
        rank = {name: place for place, name in enumerate(order)}
        self.outer.sort(key=lambda name: rank.get(name, len(rank)))

    def _whole_rows(self, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        """The last or the first of the operand's axes padded, so that every tile starts at a whole row."""
        first = len(self.outer)
        tail = math.prod(axis.extent for axis in axes[first:])
        if not self.tail or tail % self.row == 0:
            return axes
        choices = []
        for place in (len(axes) - 1, first):
            others = tail // axes[place].extent
            step = self.row // math.gcd(self.row, others)
            padded = -(-axes[place].extent // step) * step
            choices.append((padded * others, place, padded))
        _, place, padded = min(choices, key=lambda choice: choice[0])
        return (*axes[:place], Axis(padded, axes[place].terms), *axes[place + 1 :])

    def layout(self) -> Layout:
        tail = [key for key in self.tail if key is not None]
        keys = [*self.outer, *(reversed(tail) if self.turned else tail)]
        axes = self._whole_rows(tuple(self.entries[key][0] for key in keys))
        coordinates = tuple(replace(c, axis=place) for place, key in enumerate(keys) for c in self.entries[key][1])
        steps = list(enumerate(self.tail_steps))
        last = len(keys) - 1
        facing = tuple((last - place if self.turned else len(self.outer) + place, step) for place, step in steps)
        return Layout(axes, coordinates, facing)


def _kept_layout(nest: Nest, access: Access, kept: tuple[KeptAxis, ...]) -> Layout | Rejection:
    """A kept tensor as one statement sees it: every digit, shared loops included, moves along one of its axes."""
    terms: list[list[tuple[str, int]]] = [[] for _ in kept]
    starts = [0 for _ in kept]
    for dim, index in enumerate(access.map.results):
        along = sorted((place for place, axis in enumerate(kept) if axis.dim == dim), key=lambda p: -kept[p].weight)
        subject = f"axis {dim} of '{access.tensor}'"
        if not along or index.constant % kept[along[0]].weight or index.rotations:
            return Rejection("SCH017", subject, "where it is kept, no block starts where this statement's do")
        starts[along[0]] = index.constant // kept[along[0]].weight
        limit = [kept[outer].weight for outer in along[:-1]]
        for digit in nest.digits:
            step = access_step(nest, access, dim, digit)
            place = next((p for p in along if step >= kept[p].weight and step % kept[p].weight == 0), None)
            if step and digit.extent > 1:
                if place is None:
                    return Rejection("SCH017", subject, f"'{digit.name}' does not move by whole blocks of what is kept")
                terms[place].append((digit.name, step // kept[place].weight))
        for outer, place in zip(limit, along[1:], strict=True):
            reach = sum(step * (nest.digit(name).extent - 1) for name, step in terms[place]) * kept[place].weight
            if reach >= outer:
                return Rejection("SCH017", subject, f"its digits reach over blocks of {outer} where it is kept")
    axes = tuple(
        Axis(axis.extent, tuple(own), start, axis.rolls) for axis, own, start in zip(kept, terms, starts, strict=True)
    )
    inside = {digit.name for digit in inner_digits(nest, len(nest.distributed))}
    walked = (
        Coordinate(name, nest.digit(name).extent, place, step, moves(nest, access, name), digit=name)
        for place, own in enumerate(terms)
        for name, step in own
        if name in inside
    )
    return Layout(axes, tuple(walked), ())


def home_offsets(nest: Nest, access: Access, values: abc.Mapping[str, Affine]) -> tuple[Affine, ...]:
    """Tensor index of the first element for given digit values (digits not named count as 0)."""
    results = []
    for dim, result in enumerate(access.map.results):
        total = constant(result.constant)
        for digit in nest.digits:
            if digit.name in values and (step := access_step(nest, access, dim, digit)):
                total = total + values[digit.name] * step
        results.append(total)
    return tuple(results)


def buffer_offsets(layout: Layout, values: abc.Mapping[str, Affine]) -> tuple[Affine, ...]:
    """Buffer index of the first element for given values of the digits inside the attachment."""
    results = []
    for axis in layout.axes:
        total = constant(axis.start)
        for name, coefficient in axis.terms:
            if name in values:
                total = total + values[name] * coefficient
        results.append(rotate(total, axis.extent) if axis.rolls else total)
    return tuple(results)


def slot_index(nest: Nest, buffer: Buffer, values: abc.Mapping[str, Affine]) -> Affine:
    """Which slot of ``buffer`` belongs to the loop values: the running count of a core's own, rotated."""
    count = constant(0)
    for name in nest.order[len(nest.distributed) : depth_of(nest, buffer.loop)]:
        trips = loop_trips(nest, name)
        count = count * trips + values.get(name, variable(name))
    return rotate(count, buffer.slots)


def loop_trips(nest: Nest, name: str) -> int:
    """The greatest trip count of a loop digit."""
    digit = nest.digit(name)
    return min(digit.extent, steps_in(nest, digit))


def row_major(shape: abc.Sequence[int]) -> tuple[int, ...]:
    """Element strides of a row-major array."""
    strides, total = [], 1
    for size in reversed(shape):
        strides.append(total)
        total *= size
    return tuple(reversed(strides))
