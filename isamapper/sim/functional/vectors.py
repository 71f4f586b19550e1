"""Code for a perfect nest in the order that ``nest.py`` chose: vectors of elements, several rows in registers.

Settling: a domain that must settle sums does so at least every ``chunk`` terms, here and nowhere else.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from math import prod

from llvmlite import ir

from isamapper.ir.affine import Affine
from isamapper.ir.expressions import dtype_of, loads, operands
from isamapper.ir.nodes import Access, Binary, Cast, Expression, Unary
from isamapper.sim.functional.code import Code, Site
from isamapper.sim.functional.domain import Word
from isamapper.sim.functional.dots import LANES, TERMS, Dot, as_dot, summed
from isamapper.sim.functional.expressions import value_of
from isamapper.sim.functional.joined import joined, joins
from isamapper.sim.functional.lanes import BIT, INDEX, Lanes, Raw, counted, declare, index
from isamapper.sim.functional.nest import Nest, Order, order, pieces_of
from isamapper.sim.functional.places import Bound, Place


@dataclass(frozen=True, slots=True)
class _Body:
    """What the innermost code needs: the nest, its places (target, then reads by access), its order."""

    nest: Nest
    target: Place
    reads: abc.Mapping[Access, Place]
    order: Order
    site: Site


def write_nest(code: Code, nest: Nest, target: Place, reads: abc.Sequence[Place], site: Site) -> None:
    """The whole nest. Every place must be proved inside its tensor or read something in its stead."""
    accesses = loads(nest.assign.value)
    element_bytes = max(
        *(code.domain.storage(place.view.tensor.dtype).itemsize for place in (target, *reads)),
        working_bytes(code, nest.assign.value),
    )
    chosen = order(nest, target, reads, element_bytes)
    _outer(code, _Body(nest, target, dict(zip(accesses, reads, strict=True)), chosen, site), chosen.outer)


def working_bytes(code: Code, expression: Expression) -> int:
    """The widest value on the way to the value of ``expression``."""
    dtypes = {name: view.tensor.dtype for name, view in code.views.items()}
    parts = operands(expression)
    own = 1
    match expression:
        case Unary(op, operand) | Binary(op, operand):
            own = code.domain.working_bytes(op, dtype_of(operand, dtypes))
        case Cast(dtype, operand):
            source = dtype_of(operand, dtypes)
            own = max(code.domain.working_bytes(None, each) for each in (dtype, source))
        case _:
            pass
    return max([own, *(working_bytes(code, part) for part in parts)])


def _outer(code: Code, body: _Body, names: tuple[str, ...]) -> None:
    extents = dict(body.nest.loops)
    if names:
        with counted(code.builder, extents[names[0]]) as (value, _, _):
            _outer(code.within(names[0], value, extents[names[0]]), body, names[1:])
        return
    if not body.order.block:
        _jammed(code, body, {name: (index(0), extents[name]) for name in body.order.inner})
        return
    first = body.order.inner[0]
    rest: dict[str, tuple[Raw, int]] = {name: (index(0), extents[name]) for name in body.order.inner[1:]}
    for start, count, size in _pieces(extents[first], body.order.block):
        with counted(code.builder, count) as (number, _, _):
            begin = code.builder.add(code.builder.mul(number, index(size)), index(start))
            _jammed(code, body, {first: (begin, size), **rest})


def _pieces(extent: int, size: int) -> list[tuple[int, int, int]]:
    """``(start, how many, size)``: full pieces, then what is left."""
    full, rest = divmod(extent, size)
    found = [(0, full, size)] if full else []
    return [*found, (full * size, 1, rest)] if rest else found


def _vector_pieces(extent: int, lanes: int) -> list[tuple[int, int, int]]:
    """As :func:`_pieces`, the rest in powers of two."""
    found: list[tuple[int, int, int]] = []
    start = 0
    for size in pieces_of(extent, lanes):
        if found and found[-1][2] == size:
            found[-1] = (found[-1][0], found[-1][1] + 1, size)
        else:
            found.append((start, 1, size))
        start += size
    return found


def _jammed(code: Code, body: _Body, inner: abc.Mapping[str, tuple[Raw, int]]) -> None:
    """``inner`` gives where each reduction loop begins and how long it runs."""
    extents, chosen = dict(body.nest.loops), body.order
    for start, count, rows in _pieces(extents[chosen.jam], chosen.rows) if chosen.jam else [(0, 1, 1)]:
        with counted(code.builder, count) as (number, _, _):
            there = code
            if chosen.jam:
                first = code.builder.add(code.builder.mul(number, index(rows)), index(start))
                there = code.within(chosen.jam, first, extents[chosen.jam])
            _vectorised(there, body, inner, rows)


def _vectorised(code: Code, body: _Body, inner: abc.Mapping[str, tuple[Raw, int]], rows: int) -> None:
    extents, vector = dict(body.nest.loops), body.order.vector
    if vector is None:
        _tile(code, body, inner, rows, 1)
        return
    for start, count, lanes in _vector_pieces(extents[vector], body.order.lanes):
        with counted(code.builder, count) as (number, _, _):
            first = code.builder.add(code.builder.mul(number, index(lanes)), index(start))
            _tile(code.within(vector, first, extents[vector]), body, inner, rows, lanes)


def _tile(code: Code, body: _Body, inner: abc.Mapping[str, tuple[Raw, int]], rows: int, lanes: int) -> None:
    """``rows`` vectors of the target: read, given all terms of the inner loops, written."""
    assign, dtype = body.nest.assign, body.target.view.tensor.dtype
    here = [_row(code, body, row) for row in range(rows)]
    wide = code.lanes(lanes)
    reads_itself = any(access.tensor == assign.target.tensor for access in body.reads)
    if assign.reduction is None and not body.order.inner and not reads_itself:
        old: list[Raw] = [None] * rows
    elif assign.reduction is None and not reads_itself:
        old = [wide.constant(code.domain.element(dtype), 0)] * rows
    else:
        old = [_read(row, wide, body.target, body.order.vector, body.site).raw for row in here]
    new = _inner(code, body, [(name, *inner[name]) for name in body.order.inner], old, lanes)
    if assign.reduction is not None:
        terms = prod(extent for _, extent in inner.values())
        if code.domain.chunk is None or terms <= code.domain.chunk:
            new = [code.domain.settle_sum(wide, raw, dtype) for raw in new]
    for row, raw in zip(here, new, strict=True):
        row.check_stored(wide, raw, body.site)
    for row, raw in zip(here, new, strict=True):
        _write(row, wide, body.target, body.order.vector, raw)


def _row(code: Code, body: _Body, row: int) -> Code:
    return code.shifted(body.order.jam, row) if body.order.jam else code


def _inner(code: Code, body: _Body, remaining: list[tuple[str, Raw, int]], old: list[Raw], lanes: int) -> list[Raw]:
    """The reduction loops, the target's values carried round; settled on the way where there are many terms."""
    if not remaining:
        seen: dict[object, Word] = {}
        return [_term(_row(code, body, row), body, value, lanes, seen) for row, value in enumerate(old)]
    (name, begin, extent), rest = remaining[0], remaining[1:]
    if not rest and lanes == LANES and extent >= TERMS:
        across = body.order.jam if len(old) > 1 else None
        dot = as_dot(code, body.nest, body.reads, body.order.vector, name, across)
        if dot is not None:
            return _dotted(code, body, dot, (name, begin, extent), old)
    if not rest and joins(code, body.nest, body.reads, body.order.vector, name):
        rows = [_row(code, body, row) for row in range(len(old))]
        return joined(rows, body.reads.values(), body.order.vector, (name, begin, extent), old)
    below = prod(n for _, _, n in rest)
    chunk = code.domain.chunk if body.nest.assign.reduction is not None else None
    carried = [value for value in old if value is not None]
    if chunk is None or below * extent <= chunk:
        return _round(code, body, (name, begin, extent), rest, old, carried, lanes, False)
    if below > chunk:
        return _round(code, body, (name, begin, extent), rest, old, carried, lanes, False)
    size = max(1, chunk // max(1, below))
    values = old
    for start, count, length in _pieces(extent, size):
        with counted(code.builder, count, values) as (number, going, results):
            offset = code.builder.add(code.builder.mul(number, index(length)), index(start))
            first = code.builder.add(begin, offset)
            going[:] = _round(code, body, (name, first, length), rest, list(going), list(going), lanes, True)
        values = list(results)
    return values


def _dotted(code: Code, body: _Body, dot: Dot, loop: tuple[str, Raw, int], old: list[Raw]) -> list[Raw]:
    """The innermost loop by instructions that add several products; what is left over one by one."""
    name, begin, extent = loop
    rows = [_row(code, body, row) for row in range(len(old))]
    values = summed(rows, dot, name, begin, extent - extent % TERMS, old)
    for term in range(extent - extent % TERMS, extent):
        there = code.within(name, code.builder.add(begin, index(term)), body_extent(body, name))
        values = _inner(there, body, [], values, LANES)
    return values


def _round(
    code: Code,
    body: _Body,
    loop: tuple[str, Raw, int],
    rest: list[tuple[str, Raw, int]],
    old: list[Raw],
    carried: list[Raw],
    lanes: int,
    settle: bool,
) -> list[Raw]:
    """One loop around the rest; the values are settled after it where asked."""
    name, begin, extent = loop
    with counted(code.builder, extent, carried) as (number, going, results):
        there = code.within(name, code.builder.add(begin, number), body_extent(body, name))
        going[:] = _inner(there, body, rest, list(going) if carried else old, lanes)
    if not settle:
        return list(results)
    dtype = body.target.view.tensor.dtype
    return [code.domain.settle_sum(code.lanes(lanes), raw, dtype) for raw in results]


def body_extent(body: _Body, name: str) -> int:
    """The extent of a loop of the nest."""
    return dict(body.nest.loops)[name]


def _term(code: Code, body: _Body, old: Raw, lanes: int, seen: dict[object, Word]) -> Raw:
    """The target's next value at one point of the inner loops; ``seen`` keeps what other rows have read there."""
    assign, wide = body.nest.assign, code.lanes(lanes)
    dtype = body.target.view.tensor.dtype

    def read(access: Access) -> Word:
        if access.tensor == assign.target.tensor:
            return code.domain.lift(old, dtype)
        place = body.reads[access]
        key = id(place.view.base), code.split(place.address), tuple(code.split(f) for f in _involved(place)[1:])
        if key not in seen:
            site = replace(body.site, subject=access.tensor)
            seen[key] = _read(code, wide, place, body.order.vector, site)
        return seen[key]

    value = value_of(code, wide, assign.value, read, body.site)
    if assign.reduction is None:
        return code.domain.settle(wide, value)
    return code.domain.accumulate(wide, assign.reduction, old, value)


# Vectors of elements


def _involved(place: Place) -> list[Affine]:
    """Every function on which a read of ``place`` depends, the address first."""
    return [place.address, *(bound.function for bounds, _ in place.outside for bound in bounds)]


def _read(code: Code, lanes: Lanes, place: Place, vector: str | None, site: Site) -> Word:
    dtype, involved = place.view.tensor.dtype, _involved(place)
    if lanes.width == 1 or vector is None or not any(vector in function.names for function in involved):
        word = code.load(place, site)
        return code.domain.lift(lanes.splat(word.raw), dtype)
    rotates = any(vector in r.value.names for function in involved for r, _ in function.rotations)
    if place.address.coefficient(vector) == 1 and not rotates:
        raw = _read_dense(code, lanes, place, vector)
        code.check_defined(lanes, raw, site)
        return code.domain.lift(raw, dtype)
    return code.domain.lift(lanes.gather([w.raw for w in _each_lane(code, lanes, place, vector, site)]), dtype)


def _each_lane(code: Code, lanes: Lanes, place: Place, vector: str, site: Site) -> list[Word]:
    return [code.shifted(vector, lane).load(place, site) for lane in range(lanes.width)]


def _read_dense(code: Code, lanes: Lanes, place: Place, vector: str) -> Raw:
    dtype = place.view.tensor.dtype
    element, size = code.domain.element(dtype), code.domain.storage(dtype).itemsize
    pointer = code.pointer(place.view, place.address)
    if not place.outside:
        return code.builder.load(pointer, typ=lanes.type(element), align=size)
    masks = [_mask(code, lanes, bounds, vector) for bounds, _ in place.outside]
    every = masks[0]
    for mask in masks[1:]:
        every = code.builder.and_(every, mask)
    raw = _masked_load(lanes, pointer, element, size, every)
    for mask, (_, value) in zip(reversed(masks), reversed(place.outside), strict=True):
        raw = code.builder.select(mask, raw, code.domain.constant(lanes, value, dtype).raw)
    return raw


def _masked_load(lanes: Lanes, pointer: Raw, element: object, size: int, mask: Raw) -> Raw:
    vector = lanes.type(element)
    suffix = f"i{element.width}" if isinstance(element, ir.IntType) else "f64" if size == 8 else "f32"
    name = f"llvm.masked.load.v{lanes.width}{suffix}.p0"
    function = declare(lanes.module, name, vector, [pointer.type, ir.IntType(32), mask.type, vector])
    zeros = ir.Constant(vector, None)
    return lanes.builder.call(function, [pointer, ir.Constant(ir.IntType(32), size), mask, zeros])


def _mask(code: Code, lanes: Lanes, bounds: abc.Iterable[Bound], vector: str) -> Raw:
    """One bit per lane: do all bounds hold there."""
    mask = ir.Constant(lanes.type(BIT), [ir.Constant(BIT, 1)] * lanes.width)
    for bound in bounds:
        start = lanes.splat(code.affine(bound.function))
        step = bound.function.coefficient(vector)
        offsets = [ir.Constant(INDEX, step * lane) for lane in range(lanes.width)]
        there = code.builder.add(start, ir.Constant(lanes.type(INDEX), offsets))
        inside = code.builder.icmp_unsigned("<", there, lanes.constant(INDEX, bound.size))
        mask = code.builder.and_(mask, inside)
    return mask


def _write(code: Code, lanes: Lanes, place: Place, vector: str | None, raw: Raw) -> None:
    size = code.domain.storage(place.view.tensor.dtype).itemsize
    if lanes.width == 1 or vector is None or place.address.coefficient(vector) == 1:
        code.builder.store(raw, code.pointer(place.view, place.address), align=size)
        return
    for lane in range(lanes.width):
        pointer = code.shifted(vector, lane).pointer(place.view, place.address)
        code.builder.store(lanes.extract(raw, lane), pointer)
