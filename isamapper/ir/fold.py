"""Constant folding: parts of an expression without loads become the literal that they are worth.

    s[i] = t[i] * rsqrt(64.0)        before
    s[i] = t[i] * 0.125              after

The value is the one the interpreter would compute, in the part's own data type. What has no value (a division by zero)
stays as it is. What changes nothing returns the same object.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from isamapper.ir import numeric
from isamapper.ir.expressions import compile_expression, dtype_of, operands
from isamapper.ir.nodes import (
    Allocate,
    Assign,
    Binary,
    Cast,
    Clamp,
    Constant,
    Expression,
    Guard,
    Invoke,
    Load,
    Loop,
    Node,
    Prepare,
    Select,
    Unary,
)


def fold_block(body: tuple[Node, ...]) -> tuple[Node, ...]:
    """``body`` with every expression folded."""
    folded = tuple(_node(node) for node in body)
    return body if all(new is old for new, old in zip(folded, body, strict=True)) else folded


def _node(node: Node) -> Node:
    match node:
        case Assign(_, value):
            folded = fold(value)
            return node if folded is value else replace(node, value=folded)
        case Loop(_, _, body) | Prepare(body):
            inner = fold_block(body)
            return node if inner is body else replace(node, body=inner)
        case Guard(_, body, otherwise):
            first, second = fold_block(body), fold_block(otherwise)
            return node if first is body and second is otherwise else replace(node, body=first, otherwise=second)
        case Allocate() | Invoke():
            return node
        case _:
            assert_never(node)


def fold(expression: Expression) -> Expression:
    """``expression`` with its constant parts computed."""
    if isinstance(expression, Constant | Load):
        return expression
    parts = operands(expression)
    folded = tuple(fold(part) for part in parts)
    rebuilt: Expression = expression
    if any(new is not old for new, old in zip(folded, parts, strict=True)):
        rebuilt = _with(expression, folded)
    if not all(isinstance(part, Constant) for part in folded):
        return rebuilt
    try:
        with numeric.quiet():
            value = compile_expression(rebuilt, {})(())
    except ArithmeticError:
        return rebuilt
    dtype = dtype_of(rebuilt, {})
    return Constant(float(value) if dtype.is_float else int(value), dtype, expression.span)


def _with(expression: Expression, parts: tuple[Expression, ...]) -> Expression:
    match expression:
        case Unary() | Cast() | Clamp():
            return replace(expression, operand=parts[0])
        case Binary():
            return replace(expression, left=parts[0], right=parts[1])
        case Select():
            return replace(expression, left=parts[0], right=parts[1], if_true=parts[2], if_false=parts[3])
        case Constant() | Load():
            return expression
        case _:
            assert_never(expression)
