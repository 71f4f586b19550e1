"""Layouts along a route: each buffer is laid out so that the widest copies fit, with the next hop in view."""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import MemoryKind
from isamapper.ir.nodes import Direction, Role, Tensor
from isamapper.plan.emit import Stop
from isamapper.plan.joint import is_joint
from isamapper.plan.layout import buffer_layout, inner_digits, window_dims
from isamapper.plan.needle import operand_tensor
from isamapper.plan.nest import Buffer, Nest, depth_of
from isamapper.scheduler.nests.attach import attachments, hoisted
from isamapper.scheduler.nests.copying import best_copy
from isamapper.scheduler.nests.operands import access_misfit
from isamapper.scheduler.nests.place import (
    Place,
    home_stop,
    is_cache,
    row_elements,
)

LAYOUTS = 6
"""How many layouts of a buffer are tried where the next hop cannot use the first."""


def buffers_of(
    place: Place, nest: Nest, access: int, route: tuple[str, ...], ends: tuple[int, ...]
) -> tuple[Buffer, ...] | Rejection:
    memories = ((place.home, _relay_depth(place, nest, access, ends)),) if access in place.choice.relaid else ()
    plan = [*memories, *zip(route, attachments(place, nest, route, access, ends), strict=True)]
    return _path(_Asked(place, nest, access, tuple(plan)))


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A path that is asked for; equal to another whose buffers are the same: tiles of other operands do not matter.

    Statements, calls and machines are told apart by identity: comparing them takes as long as an answer.
    """

    place: Place
    nest: Nest
    access: int
    plan: tuple[tuple[str, int], ...]

    def _key(self) -> tuple[object, ...]:
        place, nest, choice, access = self.place, self.nest, self.place.choice, self.access
        own, epilogue = nest.statement.accesses[access], nest.epilogue
        moving = {name for result in own.map.results for name in result.names}
        digits = tuple(
            (each.name, each.iterator, each.bound, each.extent if each.bound or each.iterator in moving else 0)
            for each in nest.digits
        )
        objects = place.machine, nest.statement, nest.call, nest.first, nest.init, epilogue
        tensors = own.tensor, None if epilogue is None else epilogue.statement.assign.target.tensor
        return (
            *(id(each) for each in objects),
            *(None if name is None else place.tensors[name] for name in tensors),
            *(access, self.plan, place.home, place.padded, choice.frame.fresh),
            *(access in choice.relaid, access in choice.fine, nest.order, digits),
        )

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._key() == other._key()


@lru_cache(maxsize=2048)
def _path(asked: _Asked) -> tuple[Buffer, ...] | Rejection:
    place, nest, access = asked.place, asked.nest, asked.access
    return path_from(place, nest, access, list(asked.plan), home_stop(place, nest, access))


def _relay_depth(place: Place, nest: Nest, access: int, ends: tuple[int, ...]) -> int:
    """Loops around the buffer at home of an operand that is re-laid out: as many as copy no element again.

    One tile is then copied while the one before is worked on.
    """
    own = nest.statement.accesses[access]
    if place.tensors[own.tensor].role is Role.CONST and access not in nest.statement.written:
        return 0
    around = nest.order[: ends[0]] if len(ends) > 1 else ()
    moving = (any(r.coefficient(nest.digit(name).iterator) for r in own.map.results) for name in around)
    return len(list(itertools.takewhile(bool, moving)))


def path_from(
    place: Place, nest: Nest, access: int, plan: list[tuple[str, int]], outer: Stop
) -> tuple[Buffer, ...] | Rejection:
    """Buffers for the rest of a route, best copies first; a layout that the next hop cannot use is given up."""
    (memory, depth), rest = plan[0], plan[1:]
    depth = hoisted(place, nest, access, depth)
    loop = nest.order[depth - 1] if depth else None
    relay = outer.buffer is None and access in place.choice.relaid
    buffers = [
        Buffer(access, memory, loop, layout=layout, row=row_elements(place, access, memory, layout))
        for layout in _layouts(place, access, memory)
    ]
    options = _fitted(place, nest, buffers, outer, relay)
    if isinstance(options, Rejection) and rest and not relay:
        options = _turned(place, nest, buffers, outer) or options
    if isinstance(options, Rejection):
        return options
    failure: Rejection | None = None
    for made, stop in options[:LAYOUTS]:
        if not rest:
            misfit = access_misfit(place, replace(nest, buffers=(*nest.buffers, made)), access, stop)
            if misfit is None:
                return (made,)
            failure = failure or misfit
            continue
        inside = path_from(place, nest, access, rest, stop)
        if not isinstance(inside, Rejection):
            return (made, *inside)
        failure = failure or inside
    assert failure is not None
    return failure


def _turned(
    place: Place, nest: Nest, buffers: abc.Sequence[Buffer], outer: Stop
) -> tuple[tuple[Buffer, Stop], ...] | None:
    """``buffers`` with the operand's axes in the opposite order, where a copy further in has to transpose."""
    turned = [replace(buffer, layout="turned") for buffer in buffers if buffer.layout == "digits"]
    found = _fitted(place, nest, turned, outer, False) if turned else ()
    return None if isinstance(found, Rejection) else found


def _layouts(place: Place, access: int, memory: str) -> tuple[str, ...]:
    """Layouts to try: a cache keeps what it caches, rows are filled by digits, elsewhere both may do."""
    described = place.machine.memory(memory)
    if described.kind is MemoryKind.CACHE:
        return ("digits",) if access in place.choice.relaid else ("dims",)
    const = place.tensors[place.choice.frame.statement.accesses[access].tensor].role is Role.CONST
    relaid = memory == place.home and access in place.choice.relaid and not const
    if relaid or (described.kind is MemoryKind.ADDRESSED and not described.row_bytes):
        return ("digits", "dims")
    return ("digits",)


def _fitted(
    place: Place, nest: Nest, buffers: abc.Sequence[Buffer], outer: Stop, relay: bool
) -> tuple[tuple[Buffer, Stop], ...] | Rejection:
    """``buffers`` with every order and expansion that some copy fits, fewest invocations first.

    At home, where a host copies element by element, fewest elements first.
    """
    found: list[tuple[int, float, int, Buffer, Stop]] = []
    failure: Rejection | None = None
    for buffer in buffers:
        for expand in _expansions(place, nest, buffer):
            expanded = _without_idle_rows(place, nest, replace(buffer, expand=expand))
            for order in _orders(place, nest, expanded, outer):
                trial = replace(expanded, order=order)
                result = _with_copies(place, nest, trial, outer, relay)
                if isinstance(result, Rejection):
                    failure = failure or result
                else:
                    score, made, stop = result
                    elements = math.prod(stop.tensor.shape) if buffer.memory == place.home else 0
                    found.append((elements, score, len(found), made, stop))
    if not found:
        assert failure is not None
        return failure
    found.sort(key=lambda one: one[:3])
    return tuple((made, stop) for *_, made, stop in found)


def _without_idle_rows(place: Place, nest: Nest, buffer: Buffer) -> Buffer:
    """``buffer`` without a row where tiles come out even anyway, so that texts say only what matters."""
    if buffer.row == 1 or place.machine.memory(buffer.memory).row_bytes:
        return buffer
    plain = replace(buffer, row=1)
    layout = buffer_layout(nest, plain)
    if isinstance(layout, Rejection):
        return plain
    tile = math.prod(axis.extent for axis in layout.axes[len(layout.axes) - len(layout.operand_axes) :])
    return buffer if tile % buffer.row else plain


def _expansions(place: Place, nest: Nest, buffer: Buffer) -> abc.Iterator[tuple[int, ...]]:
    """Tensor axes to expand: none, then each sliding window alone, then all of them."""
    yield ()
    if buffer.layout != "digits" or is_cache(place, buffer.memory):
        return
    access = nest.statement.accesses[buffer.access]
    dims = sorted(window_dims(nest, access, inner_digits(nest, depth_of(nest, buffer.loop))))
    yield from ((dim,) for dim in dims)
    if len(dims) > 1:
        yield tuple(dims)


def _orders(place: Place, nest: Nest, buffer: Buffer, outer: Stop) -> abc.Iterator[tuple[str, ...]]:
    """Orders of the axes outside the operand's own; a cache keeps the order of what it caches."""
    if is_cache(place, buffer.memory):
        yield () if outer.layout is None else tuple(c.name for c in outer.layout.coordinates)
        return
    layout = buffer_layout(nest, buffer)
    if isinstance(layout, Rejection):
        yield ()
        return
    shown = len(layout.axes) - len(layout.operand_axes)
    names = [c.name for c in layout.coordinates if c.axis < shown]
    yield tuple(names)
    for last in names[:-1]:
        yield (*(name for name in names if name != last), last)


def _with_copies(
    place: Place, nest: Nest, buffer: Buffer, outer: Stop, relay: bool
) -> tuple[float, Buffer, Stop] | Rejection:
    layout = buffer_layout(nest, buffer)
    if isinstance(layout, Rejection):
        return layout
    tensor = place.tensors[nest.statement.accesses[buffer.access].tensor]
    placed = Tensor("", tensor.dtype, tuple(axis.extent for axis in layout.axes), buffer.memory)
    stop = Stop(placed, nest.statement.accesses[buffer.access], buffer, layout)
    if relay and tensor.role is Role.CONST and buffer.access not in nest.statement.written:
        made = replace(buffer, prepared=True)
        return 0.0, made, replace(stop, buffer=made)
    fill = drain = None
    score = 0.0
    if buffer.access not in nest.statement.written or _reads_target(place, nest, buffer):
        found = best_copy(place, nest, buffer.access, outer, stop, layout)
        if isinstance(found, Rejection):
            return found
        score, fill = found
    if buffer.access in nest.statement.written:
        found = best_copy(place, nest, buffer.access, stop, outer, layout)
        if isinstance(found, Rejection):
            return found
        score, drain = found
    made = replace(buffer, fill=fill, drain=drain)
    return score, made, replace(stop, buffer=made)


def _reads_target(place: Place, nest: Nest, buffer: Buffer) -> bool:
    """Whether the target's former value is needed: it is not fresh, or partial sums come back."""
    if is_joint(nest.statement) and (buffer.access != 0 or nest.statement.assign.reduction is None):
        operand = nest.call.operand(buffer.access)
        assert operand is not None
        return operand_tensor(nest.call.instruction.semantics, operand).direction is Direction.INOUT
    if nest.statement.assign.reduction is None:
        return False
    if nest.first is None and nest.init is None and not place.choice.frame.fresh:
        return True
    depth = depth_of(nest, buffer.loop)
    results = nest.statement.assign.target.map.results
    outer = [nest.digit(name).iterator for name in nest.order[:depth]]
    return any(not any(r.coefficient(iterator) for r in results) for iterator in outer)
