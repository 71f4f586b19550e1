"""One byte per element: 1 where it is undefined. Reading such an element stops the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from isamapper.ir.nodes import BinaryOp, CompareOp, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.sim.functional.domain import Domain, Word
from isamapper.sim.functional.lanes import Lanes, Raw

_BYTE = ir.IntType(8)


@dataclass(frozen=True, slots=True)
class Definedness(Domain):
    """Which elements hold a value. ``precise`` looks at every load, so that the operand can be named; it is slower."""

    precise: bool = False

    name = "definedness"

    @property
    def checks_loads(self) -> bool:  # type: ignore[override]
        return self.precise

    @property
    def checks_stores(self) -> bool:  # type: ignore[override]
        return not self.precise

    @property
    def joins(self) -> bool:  # type: ignore[override]
        return not self.precise

    def storage(self, dtype: DType) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def element(self, dtype: DType) -> Any:
        return _BYTE

    def undefined(self, dtype: DType) -> int:
        return 1

    def identity(self, reduction: Reduction, dtype: DType, seed: int = 0) -> int:
        return 0

    def literal(self, value: int | float, dtype: DType) -> int:
        return 0

    def all_defined(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """What a tensor that is given holds."""
        return np.zeros(shape, np.uint8)

    def is_undefined(self, lanes: Lanes, raw: Raw) -> Raw:
        return lanes.builder.icmp_unsigned("!=", raw, lanes.constant(_BYTE, 0))

    def accumulate(self, lanes: Lanes, reduction: Reduction, old: Raw, term: Word) -> Raw:
        return lanes.builder.or_(old, term.raw)

    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word:
        return operand

    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        return Word(lanes.builder.or_(left.raw, right.raw), left.dtype)

    def select(self, lanes: Lanes, op: CompareOp, left: Word, right: Word, yes: Word, no: Word) -> Word:
        first = self.binary(lanes, BinaryOp.ADD, left, right)
        return self.binary(lanes, BinaryOp.ADD, self.binary(lanes, BinaryOp.ADD, yes, no), first)

    def cast(self, lanes: Lanes, operand: Word, dtype: DType) -> Word:
        return Word(operand.raw, dtype)
