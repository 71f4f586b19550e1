"""Reductions where a term is no more than the join of what it reads: each read is joined over the loop by itself.

Whether a sum of products is defined does not depend on which factors meet. For

    for p < K { c[i, j] |= a[i, p] | b[p, j] }

the join of a row of ``a`` is one number for all ``j``, that of the columns of ``b`` one vector for all ``i``: loads and
joins grow with the operands, not with the products. What does not belong here: what is joined (``definedness.py``).
"""

from __future__ import annotations

from collections import abc

from llvmlite import ir

from isamapper.ir.nodes import Access
from isamapper.sim.functional.code import Code
from isamapper.sim.functional.lanes import Raw, counted, declare
from isamapper.sim.functional.nest import Nest, pieces_of
from isamapper.sim.functional.places import Place

_WIDEST = 64
"""Elements of a row that are joined at once."""


def joins(code: Code, nest: Nest, reads: abc.Mapping[Access, Place], vector: str | None, along: str) -> bool:
    """Whether the nest's terms are joins, of places that can be read without looking."""
    if not code.domain.joins or nest.assign.reduction is None:
        return False
    for place in reads.values():
        turned = {name for rotation, _ in place.address.rotations for name in rotation.value.names}
        steps = place.address.coefficient(vector) if vector is not None else 0
        if place.outside or place.unproved or turned & {vector, along} or steps not in (0, 1):
            return False
    return True


def joined(
    rows: abc.Sequence[Code],
    places: abc.Iterable[Place],
    vector: str | None,
    loop: tuple[str, Raw, int],
    old: abc.Sequence[Raw],
) -> list[Raw]:
    """The joins ``old`` of all rows with the terms of a loop (name, begin, extent)."""
    name, begin, extent = loop
    known: dict[object, Raw] = {}
    values = []
    for row, value in zip(rows, old, strict=True):
        there = row.within(name, begin, row.box.get(name, extent))
        for place in places:
            key = id(place.view.base), row.split(place.address)
            if key not in known:
                known[key] = _over(there, place, vector, loop, value.type)
            value = there.builder.or_(value, known[key])
        values.append(value)
    return values


def _over(code: Code, place: Place, vector: str | None, loop: tuple[str, Raw, int], kind: Raw) -> Raw:
    """One place joined over the loop, in every lane."""
    name, begin, extent = loop
    lanes = kind.count if isinstance(kind, ir.VectorType) else 1
    spread = vector is None or lanes == 1 or place.address.coefficient(vector) == 0
    if place.address.coefficient(name) == 0:
        return _spread(code, _read(code, place, 1), lanes) if spread else _read(code, place, lanes)
    if spread and place.address.coefficient(name) == 1:
        return _spread(code, _row(code, place, name, extent), lanes)
    with counted(code.builder, extent, [ir.Constant(kind, None)]) as (number, going, results):
        there = code.within(name, code.builder.add(begin, number), extent)
        raw = _spread(there, _read(there, place, 1), lanes) if spread else _read(there, place, lanes)
        going[0] = there.builder.or_(going[0], raw)
    return results[0]


def _row(code: Code, place: Place, name: str, extent: int) -> Raw:
    """Neighbours joined to one element."""
    total: Raw | None = None
    start = 0
    for size in pieces_of(extent, min(_WIDEST, 1 << (extent.bit_length() - 1))):
        raw = _read(code.shifted(name, start), place, size)
        if size > 1:
            element = code.domain.element(place.view.tensor.dtype)
            function = f"llvm.vector.reduce.or.v{size}i{element.width}"
            raw = code.builder.call(declare(code.lanes().module, function, element, [raw.type]), [raw])
        total = raw if total is None else code.builder.or_(total, raw)
        start += size
    return total


def _read(code: Code, place: Place, count: int) -> Raw:
    """``count`` neighbours from where the code stands."""
    kind = code.lanes(count).type(code.domain.element(place.view.tensor.dtype))
    return code.builder.load(code.pointer(place.view, place.address), typ=kind, align=1)


def _spread(code: Code, raw: Raw, lanes: int) -> Raw:
    return code.lanes(lanes).splat(raw)
