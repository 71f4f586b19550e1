"""Rebuilding expressions with their loads replaced; what changes nothing returns the same object."""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from typing import assert_never

from isamapper.ir.nodes import Binary, Cast, Clamp, Constant, Expression, Load, Select, Unary


def map_loads(expression: Expression, function: abc.Callable[[Load], Expression]) -> Expression:
    """``expression`` with every load, left to right, replaced by what ``function`` makes of it."""
    match expression:
        case Constant():
            return expression
        case Load():
            return function(expression)
        case Unary(_, operand) | Cast(_, operand) | Clamp(operand):
            changed = map_loads(operand, function)
            return expression if changed is operand else replace(expression, operand=changed)
        case Binary(_, left, right):
            first, second = map_loads(left, function), map_loads(right, function)
            same = first is left and second is right
            return expression if same else replace(expression, left=first, right=second)
        case Select(_, left, right, if_true, if_false):
            parts = [map_loads(part, function) for part in (left, right, if_true, if_false)]
            if all(new is old for new, old in zip(parts, (left, right, if_true, if_false), strict=True)):
                return expression
            return replace(expression, left=parts[0], right=parts[1], if_true=parts[2], if_false=parts[3])
        case _:
            assert_never(expression)
