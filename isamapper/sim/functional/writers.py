"""Who wrote an element: each holds the ordinal of the invocation that wrote it last (0: what came before them all).

The run's state counts invocations from 1 and can stop at a given one, so an ordinal becomes an instruction with the
values of the loops around it, and the memory just before it can be looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from isamapper.ir.nodes import BinaryOp, CompareOp, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.sim.functional.code import Field
from isamapper.sim.functional.domain import Domain, Word
from isamapper.sim.functional.lanes import Lanes, Raw

NOTHING = -1
_ORDINAL = ir.IntType(64)


class Writers(Domain):
    """Ordinals of invocations."""

    name = "writers"
    counts_invocations = True

    def storage(self, dtype: DType) -> np.dtype[Any]:
        return np.dtype(np.int64)

    def element(self, dtype: DType) -> Any:
        return _ORDINAL

    def undefined(self, dtype: DType) -> int:
        return NOTHING

    def identity(self, reduction: Reduction, dtype: DType, seed: int = 0) -> int:
        return 0

    def literal(self, value: int | float, dtype: DType) -> int:
        return 0

    def settle(self, lanes: Lanes, word: Word) -> Raw:
        return self._now(lanes)

    def accumulate(self, lanes: Lanes, reduction: Reduction, old: Raw, term: Word) -> Raw:
        return self._now(lanes)

    def _now(self, lanes: Lanes) -> Raw:
        """The ordinal in the run's state, which is every function's last argument."""
        state = lanes.builder.function.args[-1]
        field = lanes.builder.gep(state, [ir.Constant(_ORDINAL, Field.ORDINAL)], source_etype=_ORDINAL)
        return lanes.splat(lanes.builder.load(field, typ=_ORDINAL))

    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word:
        return operand

    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        return left

    def select(self, lanes: Lanes, op: CompareOp, left: Word, right: Word, yes: Word, no: Word) -> Word:
        return yes

    def cast(self, lanes: Lanes, operand: Word, dtype: DType) -> Word:
        return Word(operand.raw, dtype)
