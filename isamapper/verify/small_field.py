"""The field of 2**24 - 3 elements, in f64: as fast as multiplying matrices of f64.

Residues lie in (-p/2, p/2); sums of up to ``chunk`` products of two are exact in f64 and settled after. NaN marks the
undefined and spreads by itself.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from isamapper.ir.nodes import Reduction
from isamapper.ir.types import DType
from isamapper.sim.functional.domain import Word
from isamapper.sim.functional.lanes import DOUBLE, INDEX, Lanes, Raw
from isamapper.verify.choices import EXTREMA
from isamapper.verify.residues import Residues

PRIME = 2**24 - 3
"""The greatest prime below 2**24 (https://oeis.org/A014234)."""
_SETTLED = PRIME // 2 + 4
_TERM = _SETTLED * _SETTLED
_EXACT = 2**53
_CONTRACT = ("contract",)  # product and sum may become one operation: both are exact here


class SmallField(Residues):
    """Residues modulo 2**24 - 3."""

    name = "residues modulo 2**24 - 3"
    prime = PRIME
    chunk = (_EXACT - _SETTLED) // _TERM

    def storage(self, dtype: DType) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def element(self, dtype: DType) -> Any:
        return DOUBLE

    def undefined(self, dtype: DType) -> float:
        return math.nan

    def stored(self, residue: int) -> float:
        value = residue % PRIME
        return float(value - PRIME if value > PRIME // 2 else value)

    def bits(self, residue: int) -> int:
        return int(struct.unpack("<q", struct.pack("<d", self.stored(residue)))[0])

    def random_inputs(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        return random.integers(-(PRIME // 2), PRIME // 2, shape, np.int32, endpoint=True).astype(np.float64)

    def unequal(self, one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        with np.errstate(invalid="ignore"):
            difference = one - other
            difference -= PRIME * np.rint(difference / PRIME)
            return np.asarray((difference != 0) & ~np.isnan(one))

    def text(self, stored: Any) -> str:
        return "undefined" if math.isnan(stored) else f"{int(stored) % PRIME} (mod {PRIME})"

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
            return self.settle(lanes, self.multiply(lanes, before, term))
        return self.settle(lanes, self.extremum(lanes, EXTREMA[reduction], before, term))

    # Arithmetic

    def add(self, lanes: Lanes, left: Word, right: Word) -> Word:
        left, right = self._fitting(lanes, left, right)
        raw = lanes.builder.fadd(left.raw, right.raw, flags=_CONTRACT)
        return Word(raw, left.dtype, left.magnitude + right.magnitude)

    def subtract(self, lanes: Lanes, left: Word, right: Word) -> Word:
        left, right = self._fitting(lanes, left, right)
        raw = lanes.builder.fsub(left.raw, right.raw, flags=_CONTRACT)
        return Word(raw, left.dtype, left.magnitude + right.magnitude)

    def _fitting(self, lanes: Lanes, left: Word, right: Word) -> tuple[Word, Word]:
        if left.magnitude + right.magnitude <= _EXACT:
            return left, right
        return self.settled(lanes, left), self.settled(lanes, right)

    def multiply(self, lanes: Lanes, left: Word, right: Word) -> Word:
        if left.magnitude * right.magnitude > _TERM:
            left, right = self.settled(lanes, left), self.settled(lanes, right)
        raw = lanes.builder.fmul(left.raw, right.raw, flags=_CONTRACT)
        return Word(raw, left.dtype, left.magnitude * right.magnitude)

    # Numbers

    def number(self, lanes: Lanes, word: Word) -> tuple[Raw, Raw]:
        builder = lanes.builder
        raw = _canonical(lanes, self.settle(lanes, word))
        missing = builder.fcmp_unordered("uno", raw, raw)
        safe = builder.select(missing, lanes.constant(DOUBLE, 0.0), raw)
        return builder.fptosi(safe, lanes.type(INDEX)), missing

    def of_hash(self, lanes: Lanes, hashed: Raw, undefined: Raw, dtype: DType) -> Word:
        builder = lanes.builder
        low = builder.lshr(hashed, lanes.constant(INDEX, 64 - 23))
        value = builder.sitofp(low, lanes.type(DOUBLE))
        return self.lift(builder.select(undefined, lanes.constant(DOUBLE, math.nan), value), dtype)


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
