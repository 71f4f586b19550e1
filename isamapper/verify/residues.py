"""A prime field in f64: what programs and kernels are executed in to see that they are the same polynomials.

Residues lie in (-p/2, p/2) with p = 2**24 - 3; sums of up to ``chunk`` products are exact in f64 and settled after.
NaN marks the undefined and spreads by itself. Operators mean (docs/reference/verification.md says it at length):

- ``+ - *`` the field's; casts nothing; whole literals themselves, other literals random elements;
- ``min`` and ``max`` (each its own) a + b - v + u (a - v)(b - v): commutative, associative, with identity v, which is
  what infinities and extreme integers stand for; in the idempotent variant the one that a random order puts first;
- ``a / b`` of floats is a times a random function of b; all else are random functions of their arguments.
"""

from __future__ import annotations

import hashlib
import math
from collections import abc
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from isamapper.ir import numeric
from isamapper.ir.nodes import BinaryOp, CompareOp, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.sim.functional.domain import Domain, Word
from isamapper.sim.functional.lanes import DOUBLE, INDEX, Lanes, Raw

PRIME = 2**24 - 3
"""The greatest prime below 2**24 (https://oeis.org/A014234)."""
_SETTLED = PRIME // 2 + 4
_TERM = _SETTLED * _SETTLED
_EXACT = 2**53
_CONTRACT = ("contract",)  # product and sum may become one operation: both are exact here
_REDUCTIONS = {Reduction.MIN: BinaryOp.MIN, Reduction.MAX: BinaryOp.MAX}


@dataclass(frozen=True, slots=True)
class Residues(Domain):
    """The field with the random choices of ``seed``; ``idempotent`` chooses what ``min`` and ``max`` mean."""

    seed: int = 0
    idempotent: bool = False

    name = "residues"
    chunk = (_EXACT - _SETTLED) // _TERM

    def storage(self, dtype: DType) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def element(self, dtype: DType) -> Any:
        return DOUBLE

    def undefined(self, dtype: DType) -> float:
        return math.nan

    def identity(self, reduction: Reduction, dtype: DType) -> float:
        match reduction:
            case Reduction.ADD:
                return 0.0
            case Reduction.MUL:
                return 1.0
            case _:
                return float(self.neutral(_REDUCTIONS[reduction]))

    def literal(self, value: int | float, dtype: DType) -> float:
        for reduction in (Reduction.MAX, Reduction.MIN):
            if value == float(numeric.identity(reduction, dtype)) and value != 0:
                return self.identity(reduction, dtype)
        if float(value).is_integer():
            return float(balanced(int(value)))
        return float(self.random("literal", repr(float(value))))

    def random(self, *what: object) -> int:
        """A residue that depends on the seed and ``what`` alone."""
        digest = hashlib.sha256(repr((self.seed, *what)).encode()).digest()
        return balanced(int.from_bytes(digest[:16], "little"))

    def neutral(self, op: BinaryOp) -> int:
        """The identity of ``min`` or ``max``; in the idempotent variant the element that the order puts last."""
        if not self.idempotent:
            return self.random("neutral", op.value)
        factor, shift = self.ordering(op)
        return balanced(-shift * pow(factor, -1, PRIME))

    def ordering(self, op: BinaryOp) -> tuple[int, int]:
        """``x -> factor * x + shift``, by which the idempotent variant compares."""
        return self.random("factor", op.value) or 1, self.random("shift", op.value)

    # Settling

    def lift(self, raw: Raw, dtype: DType) -> Word:
        return Word(raw, dtype, _SETTLED)

    def settle(self, lanes: Lanes, word: Word) -> Raw:
        return word.raw if word.magnitude <= _SETTLED else _reduce(lanes, word.raw)

    def settle_sum(self, lanes: Lanes, raw: Raw, dtype: DType) -> Raw:
        return _reduce(lanes, raw)

    def settled(self, lanes: Lanes, word: Word) -> Word:
        """``word`` with a settled value."""
        return Word(self.settle(lanes, word), word.dtype, min(word.magnitude, _SETTLED))

    def accumulate(self, lanes: Lanes, reduction: Reduction, old: Raw, term: Word) -> Raw:
        if reduction is Reduction.ADD:
            small = term if term.magnitude <= _TERM else self.settled(lanes, term)
            return lanes.builder.fadd(old, small.raw, flags=_CONTRACT)
        before = self.settled(lanes, Word(old, term.dtype, _EXACT))
        if reduction is Reduction.MUL:
            return self.settle(lanes, self._multiply(lanes, before, term))
        return self.settle(lanes, self._extremum(lanes, _REDUCTIONS[reduction], before, term))

    # Operators

    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word:
        if op is UnaryOp.NEG:
            return Word(lanes.builder.fneg(operand.raw), operand.dtype, operand.magnitude)
        if op is UnaryOp.RSQRT:
            return self._opaque(lanes, "inverse", [self._opaque(lanes, UnaryOp.SQRT.value, [operand])])
        return self._opaque(lanes, op.value, [operand])

    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        match op:
            case BinaryOp.ADD | BinaryOp.SUB:
                return self._add(lanes, op, left, right)
            case BinaryOp.MUL:
                return self._multiply(lanes, left, right)
            case BinaryOp.MIN | BinaryOp.MAX:
                return self._extremum(lanes, op, left, right)
            case BinaryOp.DIV if left.dtype.is_float:
                return self._multiply(lanes, left, self._opaque(lanes, "inverse", [right]))
            case BinaryOp.SHL if isinstance(right.raw, ir.Constant):
                factor = self._fixed(lanes, balanced(pow(2, int(_literal(right.raw)), PRIME)), left.dtype)
                return self._multiply(lanes, left, factor)
            case _:
                return self._opaque(lanes, op.value, [left, right])

    def select(self, lanes: Lanes, op: CompareOp, left: Word, right: Word, yes: Word, no: Word) -> Word:
        """``no + (yes - no) * f(left, right)`` with a random function ``f`` for each comparison."""
        weight = self._opaque(lanes, op.value, [left, right])
        difference = self._add(lanes, BinaryOp.SUB, yes, no)
        return self._add(lanes, BinaryOp.ADD, no, self._multiply(lanes, difference, weight))

    def cast(self, lanes: Lanes, operand: Word, dtype: DType) -> Word:
        return Word(operand.raw, dtype, operand.magnitude)

    def _add(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        if left.magnitude + right.magnitude > _EXACT:
            left, right = self.settled(lanes, left), self.settled(lanes, right)
        add = lanes.builder.fadd if op is BinaryOp.ADD else lanes.builder.fsub
        return Word(add(left.raw, right.raw, flags=_CONTRACT), left.dtype, left.magnitude + right.magnitude)

    def _multiply(self, lanes: Lanes, left: Word, right: Word) -> Word:
        if left.magnitude * right.magnitude > _TERM:
            left, right = self.settled(lanes, left), self.settled(lanes, right)
        raw = lanes.builder.fmul(left.raw, right.raw, flags=_CONTRACT)
        return Word(raw, left.dtype, left.magnitude * right.magnitude)

    def _extremum(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        if self.idempotent:
            return self._first_in_order(lanes, op, left, right)
        neutral = self._fixed(lanes, self.neutral(op), left.dtype)
        factor = self._fixed(lanes, self.random("bend", op.value), left.dtype)
        from_left = self.settled(lanes, self._add(lanes, BinaryOp.SUB, left, neutral))
        bent = self._multiply(lanes, from_left, self._add(lanes, BinaryOp.SUB, right, neutral))
        total = self._add(lanes, BinaryOp.ADD, from_left, right)
        return self._add(lanes, BinaryOp.ADD, total, self._multiply(lanes, self.settled(lanes, bent), factor))

    def _first_in_order(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        factor, shift = self.ordering(op)
        places: list[Raw] = []
        for word in (left, right):
            scaled = self._multiply(lanes, self.settled(lanes, word), self._fixed(lanes, factor, word.dtype))
            moved = self._add(lanes, BinaryOp.ADD, scaled, self._fixed(lanes, shift, word.dtype))
            places.append(_canonical(lanes, self.settle(lanes, moved)))
        first = lanes.builder.fcmp_ordered(">=", places[0], places[1])
        one, other = self.settle(lanes, left), self.settle(lanes, right)
        chosen = lanes.builder.select(first, one, other)
        undefined = lanes.builder.fcmp_unordered("uno", one, other)
        return self.lift(lanes.builder.select(undefined, lanes.constant(DOUBLE, math.nan), chosen), left.dtype)

    def _fixed(self, lanes: Lanes, residue: int, dtype: DType) -> Word:
        return self.lift(lanes.constant(DOUBLE, float(residue)), dtype)

    def _opaque(self, lanes: Lanes, name: str, arguments: abc.Sequence[Word]) -> Word:
        """A random function of the arguments' residues; undefined where one of them is."""
        builder = lanes.builder
        hashed = lanes.constant(INDEX, _word64("start", self.seed, name))
        undefined = None
        for word in arguments:
            raw = _canonical(lanes, self.settle(lanes, word))
            missing = builder.fcmp_unordered("uno", raw, raw)
            undefined = missing if undefined is None else builder.or_(undefined, missing)
            safe = builder.select(missing, lanes.constant(DOUBLE, 0.0), raw)
            number = builder.fptosi(safe, lanes.type(INDEX))
            hashed = _mix(lanes, builder.xor(hashed, builder.mul(number, lanes.constant(INDEX, _GOLDEN))))
        low = builder.lshr(hashed, lanes.constant(INDEX, 64 - 23))
        value = builder.sitofp(low, lanes.type(DOUBLE))
        return self.lift(
            builder.select(undefined, lanes.constant(DOUBLE, math.nan), value) if undefined is not None else value,
            arguments[0].dtype,
        )


def balanced(value: int) -> int:
    """The residue of ``value`` nearest to zero."""
    residue = value % PRIME
    return residue - PRIME if residue > PRIME // 2 else residue


def _literal(raw: Raw) -> float:
    """The value of a literal, the same in every lane."""
    value = raw.constant
    return float(value[0].constant if isinstance(value, (list, tuple)) else value)


def _reduce(lanes: Lanes, raw: Raw) -> Raw:
    """An exact integer below 2**53 to its residue, at most ``_SETTLED`` in size."""
    builder = lanes.builder
    quotient = lanes.intrinsic("rint", DOUBLE, [builder.fmul(raw, lanes.constant(DOUBLE, 1.0 / PRIME))])
    multiple = builder.fmul(quotient, lanes.constant(DOUBLE, float(PRIME)), flags=_CONTRACT)
    return builder.fsub(raw, multiple, flags=_CONTRACT)


def _canonical(lanes: Lanes, raw: Raw) -> Raw:
    """A settled value as the residue from 0 to p - 1."""
    builder = lanes.builder
    raised = builder.fadd(raw, lanes.constant(DOUBLE, float(PRIME)))
    positive = builder.select(builder.fcmp_ordered("<", raw, lanes.constant(DOUBLE, 0.0)), raised, raw)
    lowered = builder.fsub(positive, lanes.constant(DOUBLE, float(PRIME)))
    above = builder.fcmp_ordered(">=", positive, lanes.constant(DOUBLE, float(PRIME)))
    return builder.select(above, lowered, positive)


_GOLDEN = -7046029254386353131  # 2**64 / golden ratio, as a signed number


def _word64(*what: object) -> int:
    digest = hashlib.sha256(repr(what).encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)


def _mix(lanes: Lanes, raw: Raw) -> Raw:
    """The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014)."""
    builder = lanes.builder
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685), (31, None)):
        raw = builder.xor(raw, builder.lshr(raw, lanes.constant(INDEX, shift)))
        if factor is not None:
            raw = builder.mul(raw, lanes.constant(INDEX, factor))
    return raw
