"""The field of 2**61 - 1 elements, in 64-bit integers: slower, for values of random functions, which need the room.

Residues lie from 0 to p - 1; -1 marks the undefined and is handed on by every operation. Lanes are single: products
of 122 bits are computed in 128.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from isamapper.ir.nodes import BinaryOp, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.sim.functional.domain import Word
from isamapper.sim.functional.lanes import INDEX, Lanes, Raw
from isamapper.verify.choices import EXTREMA
from isamapper.verify.residues import Residues

PRIME = 2**61 - 1
"""A Mersenne prime (https://oeis.org/A000668): reduction is a shift and a sum."""
UNDEFINED = -1
_WIDE = ir.IntType(128)


class LargeField(Residues):
    """Residues modulo 2**61 - 1."""

    name = "residues modulo 2**61 - 1"
    prime = PRIME

    def storage(self, dtype: DType) -> np.dtype[Any]:
        return np.dtype(np.int64)

    def element(self, dtype: DType) -> Any:
        return INDEX

    def working_bytes(self, op: UnaryOp | BinaryOp | None, dtype: DType) -> int:
        return 128

    def undefined(self, dtype: DType) -> int:
        return UNDEFINED

    def stored(self, residue: int) -> int:
        return residue % PRIME

    def bits(self, residue: int) -> int:
        return residue % PRIME

    def random_inputs(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        return np.asarray(random.integers(0, PRIME, shape, np.int64))

    def unequal(self, one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.asarray((one != other) & (one != UNDEFINED))

    def text(self, stored: Any) -> str:
        return "undefined" if int(stored) == UNDEFINED else f"{int(stored)} (mod 2^61 - 1)"

    def accumulate(self, lanes: Lanes, reduction: Reduction, old: Raw, term: Word) -> Raw:
        before = Word(old, term.dtype)
        match reduction:
            case Reduction.ADD:
                return self.add(lanes, before, term).raw
            case Reduction.MUL:
                return self.multiply(lanes, before, term).raw
            case _:
                return self.extremum(lanes, EXTREMA[reduction], before, term).raw

    def add(self, lanes: Lanes, left: Word, right: Word) -> Word:
        total = lanes.builder.add(left.raw, right.raw)
        return self._marked(lanes, _once_less(lanes, total), left, right)

    def subtract(self, lanes: Lanes, left: Word, right: Word) -> Word:
        difference = lanes.builder.sub(left.raw, right.raw)
        negative = lanes.builder.icmp_signed("<", difference, lanes.constant(INDEX, 0))
        raised = lanes.builder.add(difference, lanes.constant(INDEX, PRIME))
        return self._marked(lanes, lanes.builder.select(negative, raised, difference), left, right)

    def multiply(self, lanes: Lanes, left: Word, right: Word) -> Word:
        builder, wide = lanes.builder, lanes.type(_WIDE)
        product = builder.mul(builder.zext(left.raw, wide), builder.zext(right.raw, wide))
        low = builder.and_(builder.trunc(product, lanes.type(INDEX)), lanes.constant(INDEX, PRIME))
        high = builder.trunc(builder.lshr(product, lanes.constant(_WIDE, 61)), lanes.type(INDEX))
        return self._marked(lanes, _once_less(lanes, builder.add(low, high)), left, right)

    def _marked(self, lanes: Lanes, raw: Raw, left: Word, right: Word) -> Word:
        """``raw``, undefined where an operand is."""
        builder = lanes.builder
        negative = builder.icmp_signed("<", builder.or_(left.raw, right.raw), lanes.constant(INDEX, 0))
        return Word(builder.select(negative, lanes.constant(INDEX, UNDEFINED), raw), left.dtype)

    def number(self, lanes: Lanes, word: Word) -> tuple[Raw, Raw]:
        return word.raw, lanes.builder.icmp_signed("<", word.raw, lanes.constant(INDEX, 0))

    def of_hash(self, lanes: Lanes, hashed: Raw, undefined: Raw, dtype: DType) -> Word:
        builder = lanes.builder
        value = _once_less(lanes, builder.lshr(hashed, lanes.constant(INDEX, 3)))
        return Word(builder.select(undefined, lanes.constant(INDEX, UNDEFINED), value), dtype)


def _once_less(lanes: Lanes, raw: Raw) -> Raw:
    """A number below 2p as its residue."""
    lowered = lanes.builder.sub(raw, lanes.constant(INDEX, PRIME))
    negative = lanes.builder.icmp_signed("<", lowered, lanes.constant(INDEX, 0))
    return lanes.builder.select(negative, raw, lowered)
