"""Prime fields: what programs and kernels are executed in to see that they are the same polynomials.

Operators mean (docs/reference/verification.md says it at length):

- ``+ - *`` the field's; casts nothing, but those that round floats their operand times a random function of it; whole
  literals and coarse binary fractions (0.5) themselves, other literals random elements;
- ``max`` a + b - v + u (a - v)(b - v): commutative, associative, with identity v, which is what infinities and extreme
  integers stand for; in the idempotent variant the one that a random order puts first; ``min`` of integers the same
  with a v and u of its own, of floats -max(-a, -b);
- ``a / b`` of floats is a times a random function of b; ``abs``, ``sigmoid``, ``tanh`` and ``rsqrt`` of floats are made
  of ``max``, ``exp``, ``sqrt`` and quotients (``mapper/algebra/spellings.py`` has the formulas); all else are random
  functions of their arguments.

Random elements are not written into the code: they lie behind the run's state, so one compiled body serves any seed.
What does not belong here: how residues are stored and added (``small_field.py``, ``large_field.py``).
"""

from __future__ import annotations

from abc import abstractmethod
from collections import abc
from typing import Any

import numpy as np

from isamapper.ir.nodes import BinaryOp, CompareOp, Kernel, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.sim.functional.code import STATE_FIELDS
from isamapper.sim.functional.domain import Domain, Word
from isamapper.sim.functional.lanes import INDEX, Lanes, Raw, index
from isamapper.verify.casts import rounds
from isamapper.verify.choices import (
    EXTREMA,
    Name,
    literal_name,
    neutral_name,
    opposite_of,
    random_residue,
    random_word,
    residue_of,
)
from isamapper.verify.respelled import respelled

_GOLDEN = -7046029254386353131  # 2**64 / golden ratio, as a signed number


class Residues(Domain):
    """A prime field. ``idempotent`` chooses what ``min`` and ``max`` mean, ``spelled`` how instructions are read."""

    prime: int

    def __init__(self, *, idempotent: bool = False, spelled: bool = False) -> None:
        self.idempotent = idempotent
        self.spelled = spelled
        self._slots: dict[Name, int] = {}

    # What a field must say

    @abstractmethod
    def stored(self, residue: int) -> int | float:
        """A residue (any integer) as stored."""

    @abstractmethod
    def bits(self, residue: int) -> int:
        """The bits of a residue as stored, as a signed 64-bit number."""

    @abstractmethod
    def add(self, lanes: Lanes, left: Word, right: Word) -> Word: ...

    @abstractmethod
    def subtract(self, lanes: Lanes, left: Word, right: Word) -> Word: ...

    @abstractmethod
    def multiply(self, lanes: Lanes, left: Word, right: Word) -> Word: ...

    @abstractmethod
    def number(self, lanes: Lanes, word: Word) -> tuple[Raw, Raw]:
        """A word as a 64-bit integer from 0 below the prime (anything where undefined), and where it is undefined."""

    @abstractmethod
    def of_hash(self, lanes: Lanes, hashed: Raw, undefined: Raw, dtype: DType) -> Word:
        """A residue from 64 random bits, undefined where ``undefined``."""

    @abstractmethod
    def random_inputs(self, random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Random residues as stored."""

    @abstractmethod
    def unequal(self, one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Where residues differ; where ``one`` is undefined nothing does."""

    @abstractmethod
    def text(self, stored: Any) -> str:
        """A stored residue for people."""

    def meaning(self, kernel: Kernel) -> Kernel:
        return respelled(kernel) if self.spelled else kernel

    # Random elements

    def slot(self, name: Name) -> int:
        """Where, behind the state, the random element for ``name`` lies."""
        return STATE_FIELDS + self._slots.setdefault(name, len(self._slots))

    def extra_state(self, seed: int) -> np.ndarray[Any, Any]:
        values = [
            random_word(seed, name) if name[0] == "function" else self.bits(self.element_of(name, seed))
            for name in self._slots
        ]
        return np.array(values, np.int64)

    def element_of(self, name: Name, seed: int) -> int:
        """The random residue for ``name``."""
        opposite = opposite_of(name)
        if opposite is not None:
            return -self.element_of(opposite, seed) % self.prime
        if name[0] == "neutral" and self.idempotent:  # the element that the order puts last
            factor, shift = (self.element_of((what, name[1]), seed) for what in ("factor", "shift"))
            return -shift * pow(factor, -1, self.prime) % self.prime
        return random_residue(seed, name, self.prime)

    def _read(self, lanes: Lanes, name: Name) -> Raw:
        """64 bits from behind the state (every function's last argument)."""
        state = lanes.builder.function.args[-1]
        address = lanes.builder.gep(state, [index(self.slot(name))], source_etype=INDEX)
        return lanes.builder.load(address, typ=INDEX)

    def random_element(self, lanes: Lanes, name: Name, dtype: DType) -> Word:
        """The random element for ``name`` in every lane."""
        raw = self._read(lanes, name)
        element = self.element(dtype)
        return self.lift(lanes.splat(raw if element == INDEX else lanes.builder.bitcast(raw, element)), dtype)

    # Literals and identities

    def literal(self, value: int | float, dtype: DType) -> int | float:
        return self.stored(residue_of(value, self.prime))

    def constant(self, lanes: Lanes, value: int | float, dtype: DType) -> Word:
        name = literal_name(value, dtype)
        if name is not None:
            return self.random_element(lanes, name, dtype)
        return self.fixed(lanes, residue_of(value, self.prime), dtype)

    def fixed(self, lanes: Lanes, residue: int, dtype: DType) -> Word:
        """The same residue in every lane, whatever the seed."""
        return self.lift(lanes.constant(self.element(dtype), self.stored(residue)), dtype)

    def identity(self, reduction: Reduction, dtype: DType, seed: int = 0) -> int | float:
        match reduction:
            case Reduction.ADD:
                return self.stored(0)
            case Reduction.MUL:
                return self.stored(1)
            case _:
                return self.stored(self.element_of(neutral_name(reduction, dtype), seed))

    def identity_word(self, lanes: Lanes, reduction: Reduction, dtype: DType) -> Word:
        if reduction in EXTREMA:
            return self.random_element(lanes, neutral_name(reduction, dtype), dtype)
        return self.fixed(lanes, 0 if reduction is Reduction.ADD else 1, dtype)

    # Operators

    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word:
        match op:
            case UnaryOp.NEG:
                return self._negated(lanes, operand)
            case UnaryOp.ABS if operand.dtype.is_float:
                return self.extremum(lanes, BinaryOp.MAX, operand, self._negated(lanes, operand))
            case UnaryOp.RSQRT:
                return self.function(lanes, "inverse", [self.function(lanes, UnaryOp.SQRT.value, [operand])])
            case UnaryOp.SIGMOID:
                return self._sigmoid(lanes, operand)
            case UnaryOp.TANH:
                twice = self._sigmoid(lanes, self.add(lanes, operand, operand))
                one = self.fixed(lanes, 1, operand.dtype)
                return self.subtract(lanes, self.add(lanes, twice, twice), one)
            case _:
                return self.function(lanes, op.value, [operand])

    def _negated(self, lanes: Lanes, operand: Word) -> Word:
        return self.subtract(lanes, self.fixed(lanes, 0, operand.dtype), operand)

    def _sigmoid(self, lanes: Lanes, operand: Word) -> Word:
        exponential = self.unary(lanes, UnaryOp.EXP, self._negated(lanes, operand))
        return self.function(lanes, "inverse", [self.add(lanes, self.fixed(lanes, 1, operand.dtype), exponential)])

    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        match op:
            case BinaryOp.ADD:
                return self.add(lanes, left, right)
            case BinaryOp.SUB:
                return self.subtract(lanes, left, right)
            case BinaryOp.MUL:
                return self.multiply(lanes, left, right)
            case BinaryOp.MIN | BinaryOp.MAX:
                return self.extremum(lanes, op, left, right)
            case BinaryOp.DIV if left.dtype.is_float:
                return self.multiply(lanes, left, self.function(lanes, "inverse", [right]))
            case BinaryOp.SHL | BinaryOp.SHR | BinaryOp.SHR_ROUND:
                return self._shifted(lanes, op, left, right)
            case _:
                return self.function(lanes, op.value, [left, right])

    def _shifted(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        """A random function, but for shifts by nothing, which change nothing."""
        found = self.function(lanes, op.value, [left, right])
        count, missing = self.number(lanes, right)
        nothing = lanes.builder.icmp_signed("==", count, lanes.constant(INDEX, 0))
        nothing = lanes.builder.and_(nothing, lanes.builder.not_(missing))
        return self.lift(lanes.builder.select(nothing, self.settle(lanes, left), found.raw), left.dtype)

    def select(self, lanes: Lanes, op: CompareOp, left: Word, right: Word, yes: Word, no: Word) -> Word:
        """``no + (yes - no) * f(left, right)`` with a random function ``f`` for each comparison."""
        weight = self.function(lanes, op.value, [left, right])
        return self.add(lanes, no, self.multiply(lanes, self.subtract(lanes, yes, no), weight))

    def cast(self, lanes: Lanes, operand: Word, dtype: DType) -> Word:
        """Nothing, but for what rounds floats: the value times a random function of it, so that zero stays zero."""
        if rounds(operand.dtype, dtype):
            factor = self.function(lanes, f"to {dtype.name}", [operand])
            operand = self.multiply(lanes, operand, factor)
        return Word(operand.raw, dtype, operand.magnitude)

    def extremum(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        """``min`` or ``max`` as the head of this file says."""
        if op is BinaryOp.MIN and left.dtype.is_float:
            turned = (self._negated(lanes, left), self._negated(lanes, right))
            return self._negated(lanes, self.extremum(lanes, BinaryOp.MAX, *turned))
        if self.idempotent:
            return self._first_in_order(lanes, op, left, right)
        neutral = self.random_element(lanes, ("neutral", op.value), left.dtype)
        factor = self.random_element(lanes, ("bend", op.value), left.dtype)
        from_left = self.subtract(lanes, left, neutral)
        bent = self.multiply(lanes, self.multiply(lanes, from_left, self.subtract(lanes, right, neutral)), factor)
        return self.add(lanes, self.add(lanes, from_left, right), bent)

    def _first_in_order(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        factor = self.random_element(lanes, ("factor", op.value), left.dtype)
        shift = self.random_element(lanes, ("shift", op.value), left.dtype)
        first, second = (
            self.number(lanes, self.add(lanes, self.multiply(lanes, word, factor), shift)) for word in (left, right)
        )
        greater = lanes.builder.icmp_signed(">=", first[0], second[0])
        keep = lanes.builder.and_(lanes.builder.or_(greater, first[1]), lanes.builder.not_(second[1]))
        one, other = self.settle(lanes, left), self.settle(lanes, right)
        return self.lift(lanes.builder.select(keep, one, other), left.dtype)

    def function(self, lanes: Lanes, name: str, arguments: abc.Sequence[Word]) -> Word:
        """A random function of the arguments' residues; undefined where one of them is."""
        builder = lanes.builder
        hashed, undefined = lanes.splat(self._read(lanes, ("function", name))), None
        for word in arguments:
            number, missing = self.number(lanes, word)
            undefined = missing if undefined is None else builder.or_(undefined, missing)
            spread = builder.mul(number, lanes.constant(INDEX, _GOLDEN))
            hashed = _mix(lanes, builder.xor(hashed, spread))
        return self.of_hash(lanes, hashed, undefined, arguments[0].dtype)


def _mix(lanes: Lanes, raw: Raw) -> Raw:
    """The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014)."""
    builder = lanes.builder
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685), (31, None)):
        raw = builder.xor(raw, builder.lshr(raw, lanes.constant(INDEX, shift)))
        if factor is not None:
            raw = builder.mul(raw, lanes.constant(INDEX, factor))
    return raw
