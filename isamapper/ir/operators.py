"""Indices and values written with Python's operators, for the builder.

A number beside a value takes its data type; nothing else is converted, and mixing data types is found when the kernel
is verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from isamapper.ir.affine import Affine, constant
from isamapper.ir.literals import literal_of, named_dtype
from isamapper.ir.nodes import (
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    CompareOp,
    Constant,
    Constraint,
    Expression,
    Select,
    Unary,
    UnaryOp,
)
from isamapper.ir.types import DType


@dataclass(frozen=True, slots=True)
class Index:
    """An affine function of iterators; ``==`` compares functions, :meth:`equals` makes a condition."""

    function: Affine

    def __add__(self, other: Index | int) -> Index:
        return Index(self.function + index_of(other))

    __radd__ = __add__

    def __sub__(self, other: Index | int) -> Index:
        return Index(self.function - index_of(other))

    def __rsub__(self, other: int) -> Index:
        return Index(constant(other) - self.function)

    def __mul__(self, factor: int) -> Index:
        return Index(self.function * factor)

    __rmul__ = __mul__

    def __neg__(self) -> Index:
        return Index(-self.function)

    def __le__(self, other: Index | int) -> Constraint:
        return Constraint(index_of(other) - self.function)

    def __lt__(self, other: Index | int) -> Constraint:
        return Constraint(index_of(other) - self.function - 1)

    def __ge__(self, other: Index | int) -> Constraint:
        return Constraint(self.function - index_of(other))

    def __gt__(self, other: Index | int) -> Constraint:
        return Constraint(self.function - index_of(other) - 1)

    def equals(self, other: Index | int) -> Constraint:
        """The condition that both are equal."""
        return Constraint(self.function - index_of(other), equality=True)


def index_of(index: Index | int) -> Affine:
    """The affine function of an index or a number."""
    return constant(index) if isinstance(index, int) else index.function


class Value:
    """A typed expression; ``+ - * /`` and unary minus make larger ones."""

    def __init__(self, node: Expression, dtype: DType) -> None:
        self.node = node
        self.dtype = dtype

    def __add__(self, other: Operand) -> Value:
        return _binary(BinaryOp.ADD, self, other)

    def __radd__(self, other: float) -> Value:
        return _binary(BinaryOp.ADD, _literal(other, self.dtype), self)

    def __sub__(self, other: Operand) -> Value:
        return _binary(BinaryOp.SUB, self, other)

    def __rsub__(self, other: float) -> Value:
        return _binary(BinaryOp.SUB, _literal(other, self.dtype), self)

    def __mul__(self, other: Operand) -> Value:
        return _binary(BinaryOp.MUL, self, other)

    def __rmul__(self, other: float) -> Value:
        return _binary(BinaryOp.MUL, _literal(other, self.dtype), self)

    def __truediv__(self, other: Operand) -> Value:
        return _binary(BinaryOp.DIV, self, other)

    def __rtruediv__(self, other: float) -> Value:
        return _binary(BinaryOp.DIV, _literal(other, self.dtype), self)

    def __lshift__(self, count: int) -> Value:
        return _binary(BinaryOp.SHL, self, count)

    def __rshift__(self, count: int) -> Value:
        return _binary(BinaryOp.SHR, self, count)

    def __neg__(self) -> Value:
        return apply("neg", self)

    def cast(self, dtype: DType | str) -> Value:
        """The value as ``dtype``; itself where it is that already."""
        target = named_dtype(dtype)
        return self if target == self.dtype else Value(Cast(target, self.node), target)


Operand: TypeAlias = Value | int | float


def apply(function: str, value: Value) -> Value:
    """``exp``, ``tanh``, ``abs``, … of a value; ValueError for an unknown function."""
    return Value(Unary(UnaryOp(function), value.node), value.dtype)


def minimum(left: Value, right: Operand) -> Value:
    """The lesser of both."""
    return _binary(BinaryOp.MIN, left, right)


def maximum(left: Value, right: Operand) -> Value:
    """The greater of both."""
    return _binary(BinaryOp.MAX, left, right)


def shr_round(value: Value, count: int) -> Value:
    """``value / 2**count``, rounded to nearest, halves to even."""
    return _binary(BinaryOp.SHR_ROUND, value, count)


def clamp(value: Value, low: float, high: float) -> Value:
    """``value`` limited to ``low`` … ``high``."""
    bounds = (_number(low, value.dtype), _number(high, value.dtype))
    return Value(Clamp(value.node, *bounds), value.dtype)


def select(left: Value, comparison: str, right: Operand, if_true: Value, if_false: Operand) -> Value:
    """``if_true`` where ``left comparison right`` (one of ``< <= > >= == !=``) holds, else ``if_false``."""
    compared = (left.node, expression_of(right, left.dtype))
    chosen = (if_true.node, expression_of(if_false, if_true.dtype))
    return Value(Select(CompareOp(comparison), *compared, *chosen), if_true.dtype)


def expression_of(value: Operand, dtype: DType) -> Expression:
    """The expression of a value, or of a number as ``dtype``."""
    return value.node if isinstance(value, Value) else _literal(value, dtype).node


def _binary(op: BinaryOp, left: Value, right: Operand) -> Value:
    return Value(Binary(op, left.node, expression_of(right, left.dtype)), left.dtype)


def _literal(value: float, dtype: DType) -> Value:
    return Value(Constant(_number(value, dtype), dtype), dtype)


def _number(value: float, dtype: DType) -> int | float:
    number = literal_of(value, dtype)
    if number is None:
        raise ValueError(f"{value} is no value of {dtype}")
    return number
