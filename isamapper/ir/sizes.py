"""Integer expressions over named sizes: shapes and extents of templates, cycle counts of instructions.

What does not belong here: text (the grammar builds these nodes) and iterators (those are :mod:`isamapper.ir.affine`).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias, assert_never

from isamapper.diagnostics.source import Span


class SizeOp(Enum):
    ADD = "+"
    SUB = "-"
    MUL = "*"
    FLOORDIV = "//"
    CEILDIV = "ceildiv"
    MOD = "%"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class SizeConstant:
    value: int
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SizeName:
    name: str
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SizeBinary:
    op: SizeOp
    left: SizeExpression
    right: SizeExpression
    span: Span | None = field(default=None, compare=False)


SizeExpression: TypeAlias = SizeConstant | SizeName | SizeBinary


def size_names(expression: SizeExpression) -> frozenset[str]:
    """Names that occur in ``expression``."""
    match expression:
        case SizeConstant():
            return frozenset()
        case SizeName(name):
            return frozenset((name,))
        case SizeBinary(_, left, right):
            return size_names(left) | size_names(right)
        case _:
            assert_never(expression)


def evaluate_size(expression: SizeExpression, sizes: abc.Mapping[str, int]) -> int:
    """Value of ``expression``; KeyError for an unbound name, ZeroDivisionError for a zero divisor."""
    match expression:
        case SizeConstant(value):
            return value
        case SizeName(name):
            return sizes[name]
        case SizeBinary(op, left, right):
            return _apply(op, evaluate_size(left, sizes), evaluate_size(right, sizes))
        case _:
            assert_never(expression)


def _apply(op: SizeOp, left: int, right: int) -> int:
    match op:
        case SizeOp.ADD:
            return left + right
        case SizeOp.SUB:
            return left - right
        case SizeOp.MUL:
            return left * right
        case SizeOp.FLOORDIV:
            return left // right
        case SizeOp.CEILDIV:
            return -(-left // right)
        case SizeOp.MOD:
            return left % right
        case SizeOp.MIN:
            return min(left, right)
        case SizeOp.MAX:
            return max(left, right)
        case _:
            assert_never(op)
