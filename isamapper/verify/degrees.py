"""How large the polynomials are: per element, the degree, or how many random functions stand in it.

These bound the chance that two different polynomials agree at a random point (Schwartz, "Fast probabilistic algorithms
for verification of polynomial identities", JACM 27(4), 1980; Zippel, EUROSAM 1979).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isamapper.ir.nodes import BinaryOp, CompareOp, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.sim.functional.domain import Domain, Word
from isamapper.sim.functional.lanes import FLOAT, Lanes, Raw


@dataclass(frozen=True, slots=True)
class Degrees(Domain):
    """Degrees in the inputs and in random functions; with ``functions`` the number of random functions instead.

    Sharing is not seen, so the number of functions is an upper bound; so is the degree, of sums that cancel.
    """

    functions: bool = False

    name = "degrees"

    def storage(self, dtype: DType) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def element(self, dtype: DType) -> Any:
        return FLOAT

    def undefined(self, dtype: DType) -> float:
        return 0.0

    def identity(self, reduction: Reduction, dtype: DType) -> float:
        return 0.0

    def literal(self, value: int | float, dtype: DType) -> float:
        return 0.0

    def of_inputs(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """What a tensor that is given holds."""
        return np.full(shape, 0.0 if self.functions else 1.0, np.float32)

    def accumulate(self, lanes: Lanes, reduction: Reduction, old: Raw, term: Word) -> Raw:
        op = BinaryOp.ADD if reduction is Reduction.ADD else BinaryOp.MUL
        return self.binary(lanes, op, Word(old, term.dtype), term).raw

    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word:
        return operand if op is UnaryOp.NEG else self._one(lanes, operand)

    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        match op:
            case BinaryOp.ADD | BinaryOp.SUB:
                return self._sum(lanes, left, right)
            case BinaryOp.MUL | BinaryOp.MIN | BinaryOp.MAX:
                return Word(lanes.builder.fadd(left.raw, right.raw), left.dtype)
            case BinaryOp.DIV:
                return Word(lanes.builder.fadd(left.raw, self._one(lanes, right).raw), left.dtype)
            case BinaryOp.SHL | BinaryOp.SHR | BinaryOp.SHR_ROUND:
                return self._one(lanes, left)

    def select(self, lanes: Lanes, op: CompareOp, left: Word, right: Word, yes: Word, no: Word) -> Word:
        weight = self._one(lanes, left)
        return Word(lanes.builder.fadd(self._sum(lanes, yes, no).raw, weight.raw), yes.dtype)

    def cast(self, lanes: Lanes, operand: Word, dtype: DType) -> Word:
        return Word(operand.raw, dtype)

    def _sum(self, lanes: Lanes, left: Word, right: Word) -> Word:
        if self.functions:
            return Word(lanes.builder.fadd(left.raw, right.raw), left.dtype)
        return Word(lanes.intrinsic("maxnum", FLOAT, [left.raw, right.raw]), left.dtype)

    def _one(self, lanes: Lanes, like: Word) -> Word:
        return Word(lanes.constant(FLOAT, 1.0), like.dtype)
