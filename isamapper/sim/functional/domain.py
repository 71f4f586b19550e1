"""What a domain of values must say so that the code generator can compute in it.

The generator walks loops, windows and invocations; a :class:`Domain` gives the scalars: true data types
(``native.py``), which elements are defined (``definedness.py``), who wrote an element (``writers.py``), or a prime
field (``verify/residues.py``). Everything a domain is asked for is elementwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from isamapper.ir.nodes import BinaryOp, CompareOp, Kernel, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.sim.functional.lanes import Lanes, Raw


@dataclass(frozen=True, slots=True)
class Word:
    """A value on its way through an expression: code, data type, and (in a field) a bound of its magnitude."""

    raw: Raw
    dtype: DType
    magnitude: int = 0


class Domain(ABC):
    """Scalars for the code generator. Values in memory and in loops are *settled*: plain elements of the storage."""

    name: str
    joins: bool = False
    """Whether every operator and reduction is the bitwise "or" of what it is given, and only stores are checked."""
    chunk: int | None = None
    """How many terms may be added to a settled value before it must be settled (None: any number)."""
    checks_loads: bool = False
    """Whether loading an undefined element stops the run: :meth:`is_undefined` is asked at every load."""
    checks_stores: bool = False
    """The same, asked once per stored value: it is undefined where anything that it was made of was."""
    counts_invocations: bool = False
    """Whether the run's state counts invocations and stops at a given one."""

    def meaning(self, kernel: Kernel) -> Kernel:
        """What is executed for an instruction that means ``kernel``."""
        return kernel

    @abstractmethod
    def storage(self, dtype: DType) -> np.dtype[Any]:
        """The array type that holds ``dtype`` while the code runs."""

    @abstractmethod
    def element(self, dtype: DType) -> Any:
        """The type of :meth:`storage` in generated code."""

    @abstractmethod
    def undefined(self, dtype: DType) -> int | float | None:
        """What an element holds before it is written (None: anything)."""

    @abstractmethod
    def identity(self, reduction: Reduction, dtype: DType, seed: int = 0) -> int | float:
        """The identity of ``reduction`` as stored."""

    def identity_word(self, lanes: Lanes, reduction: Reduction, dtype: DType) -> Word:
        """The identity of ``reduction`` in generated code."""
        return self.lift(lanes.constant(self.element(dtype), self.identity(reduction, dtype)), dtype)

    def extra_state(self, seed: int) -> np.ndarray[Any, Any]:
        """64-bit numbers that generated code finds behind the state, for domains that choose at random."""
        return np.zeros(0, np.int64)

    @abstractmethod
    def literal(self, value: int | float, dtype: DType) -> int | float:
        """A literal of the text as stored."""

    def is_undefined(self, lanes: Lanes, raw: Raw) -> Raw:
        """Whether a settled value is undefined, one bit per lane."""
        raise ValueError(f"the domain '{self.name}' does not mark undefined values: {raw}")

    def lift(self, raw: Raw, dtype: DType) -> Word:
        """A settled value as a word."""
        return Word(raw, dtype)

    def settle(self, lanes: Lanes, word: Word) -> Raw:
        """A word as a settled value."""
        return word.raw

    def settle_sum(self, lanes: Lanes, raw: Raw, dtype: DType) -> Raw:
        """A settled value to which at most ``chunk`` terms were accumulated, settled again."""
        return raw

    @abstractmethod
    def accumulate(self, lanes: Lanes, reduction: Reduction, old: Raw, term: Word) -> Raw:
        """``old reduction term``; settled only by :meth:`settle_sum`."""

    @abstractmethod
    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word: ...

    @abstractmethod
    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word: ...

    @abstractmethod
    def select(self, lanes: Lanes, op: CompareOp, left: Word, right: Word, yes: Word, no: Word) -> Word: ...

    @abstractmethod
    def cast(self, lanes: Lanes, operand: Word, dtype: DType) -> Word: ...

    def constant(self, lanes: Lanes, value: int | float, dtype: DType) -> Word:
        """A literal as a word."""
        return self.lift(lanes.constant(self.element(dtype), self.literal(value, dtype)), dtype)

    def working_bytes(self, op: UnaryOp | BinaryOp | None, dtype: DType) -> int:
        """The widest value in computing ``op`` (None: a conversion) on ``dtype``: how many lanes are of use."""
        return self.storage(dtype).itemsize

    def divides_checked(self, dtype: DType) -> bool:
        """Whether a division in ``dtype`` must first look for a zero divisor."""
        return False
