"""Sums of products of bytes by the processor's own instruction for them, four terms at a time in sixteen lanes.

``vpdpbusd`` of AVX512-VNNI adds four products of unsigned by signed bytes to each lane. For

    for p < 4*G { c[i, j] += i32(a[i, p]) * i32(b[p, j]) }        (j the vector, signed a)

four rows of ``b`` are interleaved, four neighbours of ``a`` are one word for all lanes, read as ``a + 128``; what that
adds, ``128 * sum(b)``, is the same for all rows of ``c``: it is summed once beside them and taken off at the end. Sums
of 32 bits wrap as the true ones do: results are equal bit for bit. What does not belong here: which loops these are.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import cache

from llvmlite import binding, ir

from isamapper.ir.nodes import Access, Binary, BinaryOp, Cast, Expression, Load, Reduction
from isamapper.sim.functional.code import Code
from isamapper.sim.functional.lanes import Raw, counted, declare, index
from isamapper.sim.functional.nest import Nest
from isamapper.sim.functional.places import Place

LANES = 16
TERMS = 4
_BYTE, _WORD = ir.IntType(8), ir.IntType(32)
_SIGN_BITS = 0x80808080


@cache
def available() -> bool:
    """Whether this processor has the instruction, in its widest form."""
    features = binding.get_host_cpu_features()
    return bool(features.get("avx512vnni")) and bool(features.get("avx512f"))


@dataclass(frozen=True, slots=True)
class Dot:
    """``spread`` is read four neighbours at a time, the same for all lanes; ``packed`` lies along the lanes."""

    spread: Place
    packed: Place

    @property
    def signed(self) -> bool:
        return self.spread.view.tensor.dtype.name == "i8"


def as_dot(
    code: Code, nest: Nest, reads: abc.Mapping[Access, Place], vector: str | None, along: str, across: str | None
) -> Dot | None:
    """The sum over ``along`` as such products, where it is one; ``across`` numbers the rows, if there are several."""
    assign = nest.assign
    if code.domain.name != "native" or vector is None or assign.reduction is not Reduction.ADD or not available():
        return None
    match assign.value:
        case Binary(BinaryOp.MUL, left, right):
            accesses = (_widened(left), _widened(right))
        case _:
            return None
    if accesses[0] is None or accesses[1] is None:
        return None
    for spread, packed in (accesses, accesses[::-1]):
        assert spread is not None and packed is not None
        found = Dot(reads[spread], reads[packed])
        if _suits(found, vector, along, across):
            return found
    return None


def _widened(expression: Expression) -> Access | None:
    """What is read, where it is only made a number of 32 bits."""
    match expression:
        case Cast(dtype, Load(access)) if dtype.name == "i32":
            return access
        case _:
            return None


def _suits(dot: Dot, vector: str, along: str, across: str | None) -> bool:
    """``packed`` is read once for all rows."""
    spread, packed = dot.spread, dot.packed
    kinds = spread.view.tensor.dtype.name in ("i8", "u8") and packed.view.tensor.dtype.name == "i8"
    guarded = any((*each.outside, *each.unproved) for each in (spread, packed))
    turned = {name for each in (spread, packed) for r, _ in each.address.rotations for name in r.value.names}
    if not kinds or guarded or turned & {vector, along, across}:
        return False
    if across is not None and packed.address.coefficient(across):
        return False
    neighbours = spread.address.coefficient(along) == 1 and spread.address.coefficient(vector) == 0
    return neighbours and packed.address.coefficient(vector) == 1


def summed(
    rows: abc.Sequence[Code], dot: Dot, along: str, begin: Raw, extent: int, old: abc.Sequence[Raw]
) -> list[Raw]:
    """The sums ``old`` of all rows with ``extent`` (a multiple of ``TERMS``) more terms from ``begin`` on."""
    builder = rows[0].builder
    excess = ir.Constant(ir.VectorType(_WORD, LANES), None)
    with counted(builder, extent // TERMS, [*old, excess]) as (number, going, results):
        first = builder.add(begin, builder.mul(number, index(TERMS)))
        here = [row.within(along, first, row.box.get(along, extent)) for row in rows]
        packed = _packed(here[0], dot.packed, along)
        for position, row in enumerate(here):
            going[position] = _added(row, going[position], _spread(row, dot), packed)
        if dot.signed:
            going[-1] = _added(here[0], going[-1], here[0].lanes(LANES).constant(_WORD, _SIGN_BITS), packed)
    if not dot.signed:
        return list(results[:-1])
    return [builder.sub(each, results[-1]) for each in results[:-1]]


def _packed(code: Code, place: Place, along: str) -> Raw:
    """Four rows of sixteen bytes, interleaved: sixteen words of four."""
    builder, kind = code.builder, ir.VectorType(_BYTE, LANES)
    rows = [
        builder.load(code.shifted(along, term).pointer(place.view, place.address), typ=kind, align=1)
        for term in range(TERMS)
    ]
    halves = [_shuffled(code, rows[0], rows[1], range(2 * LANES)), _shuffled(code, rows[2], rows[3], range(2 * LANES))]
    mask = [term * LANES + lane for lane in range(LANES) for term in range(TERMS)]
    return builder.bitcast(_shuffled(code, halves[0], halves[1], mask), ir.VectorType(_WORD, LANES))


def _shuffled(code: Code, one: Raw, other: Raw, order: abc.Iterable[int]) -> Raw:
    places = [ir.Constant(_WORD, place) for place in order]
    return code.builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_WORD, len(places)), places))


def _spread(code: Code, dot: Dot) -> Raw:
    """Four neighbours as one word in every lane, made unsigned."""
    word = code.builder.load(code.pointer(dot.spread.view, dot.spread.address), typ=_WORD, align=1)
    if dot.signed:
        word = code.builder.xor(word, ir.Constant(_WORD, _SIGN_BITS))
    return code.lanes(LANES).splat(word)


def _added(code: Code, total: Raw, unsigned: Raw, signed: Raw) -> Raw:
    kind = ir.VectorType(_WORD, LANES)
    function = declare(code.lanes().module, "llvm.x86.avx512.vpdpbusd.512", kind, [kind, kind, kind])
    return code.builder.call(function, [total, unsigned, signed])
