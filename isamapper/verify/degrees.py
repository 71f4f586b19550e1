"""How large the polynomials are: per element, the degree, or how many random functions stand in it.

These bound the chance that two different polynomials agree at a random point (Schwartz, "Fast probabilistic algorithms
for verification of polynomial identities", JACM 27(4), 1980; Zippel, EUROSAM 1979). Undefined elements are followed
too: a value made of one stops the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from isamapper.ir.nodes import BinaryOp, CompareOp, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.sim.functional.domain import Domain, Word
from isamapper.sim.functional.lanes import Lanes, Raw
from isamapper.verify.casts import rounds

UNDEFINED = 2**32 - 1
_COUNT = ir.IntType(32)


@dataclass(frozen=True, slots=True)
class Degrees(Domain):
    """Degrees in the inputs and in random functions; with ``functions`` the number of random functions instead.

    Sharing is not seen, so the number of functions is an upper bound; so is the degree, of sums that cancel.
    """

    functions: bool = False

    name = "degrees"
    checks_stores = True

    def storage(self, dtype: DType) -> np.dtype[Any]:
        return np.dtype(np.uint32)

    def element(self, dtype: DType) -> Any:
        return _COUNT

    def undefined(self, dtype: DType) -> int:
        return UNDEFINED

    def identity(self, reduction: Reduction, dtype: DType, seed: int = 0) -> int:
        return 0

    def literal(self, value: int | float, dtype: DType) -> int:
        return 0

    def of_inputs(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """What a tensor that is given holds."""
        return np.full(shape, 0 if self.functions else 1, np.uint32)

    def is_undefined(self, lanes: Lanes, raw: Raw) -> Raw:
        return lanes.builder.icmp_unsigned("==", raw, lanes.constant(_COUNT, -1))

    def accumulate(self, lanes: Lanes, reduction: Reduction, old: Raw, term: Word) -> Raw:
        op = BinaryOp.ADD if reduction is Reduction.ADD else BinaryOp.MUL
        return self.binary(lanes, op, Word(old, term.dtype), term).raw

    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word:
        if op is UnaryOp.ABS and operand.dtype.is_float:
            return self._product(lanes, operand, operand)
        return operand if op is UnaryOp.NEG else self._one(lanes, operand)

    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        match op:
            case BinaryOp.ADD | BinaryOp.SUB:
                return self._sum(lanes, left, right)
            case BinaryOp.MUL | BinaryOp.MIN | BinaryOp.MAX:
                return self._product(lanes, left, right)
            case BinaryOp.DIV:
                return self._product(lanes, left, self._one(lanes, right))
            case BinaryOp.SHL | BinaryOp.SHR | BinaryOp.SHR_ROUND:
                found = self._one(lanes, left)  # by nothing: the argument itself
                return Word(lanes.intrinsic("umax", _COUNT, [left.raw, found.raw]), left.dtype)

    def select(self, lanes: Lanes, op: CompareOp, left: Word, right: Word, yes: Word, no: Word) -> Word:
        weight = self._one(lanes, self._sum(lanes, left, right))
        return self._product(lanes, self._sum(lanes, yes, no), weight)

    def cast(self, lanes: Lanes, operand: Word, dtype: DType) -> Word:
        if rounds(operand.dtype, dtype):
            operand = self._product(lanes, operand, self._one(lanes, operand))
        return Word(operand.raw, dtype)

    def _sum(self, lanes: Lanes, left: Word, right: Word) -> Word:
        if self.functions:
            return self._product(lanes, left, right)
        return Word(lanes.intrinsic("umax", _COUNT, [left.raw, right.raw]), left.dtype)

    def _product(self, lanes: Lanes, left: Word, right: Word) -> Word:
        return Word(lanes.intrinsic("uadd.sat", _COUNT, [left.raw, right.raw]), left.dtype)

    def _one(self, lanes: Lanes, argument: Word) -> Word:
        """The value of a random function: undefined where its argument is."""
        undefined = self.is_undefined(lanes, argument.raw)
        return Word(lanes.builder.select(undefined, argument.raw, lanes.constant(_COUNT, 1)), argument.dtype)
