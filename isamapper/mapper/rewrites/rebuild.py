"""Terms back to expressions, and the numbers in them.

What does not belong here: the normal form itself (``terms.py``).
"""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.ir.nodes import (
    Binary,
    BinaryOp,
    Cast,
    CompareOp,
    Constant,
    Expression,
    Select,
    Unary,
    UnaryOp,
)
from isamapper.mapper.algebra.terms import Leaf, Literal, Node, Setting, Term

_BINARY = frozenset(op.value for op in BinaryOp)


def expression_of(term: Term, leaves: abc.Mapping[int, Expression]) -> Expression:
    """The expression of ``term``; ``leaves`` gives the expression that each leaf number stands for."""
    match term:
        case Leaf(access):
            return leaves[access]
        case Literal(value, dtype):
            return Constant(value, dtype)
        case Setting():
            raise ValueError("a setting is no part of a kernel")
        case Node():
            return _node(term, leaves)
        case _:
            assert_never(term)


def _node(node: Node, leaves: abc.Mapping[int, Expression]) -> Expression:
    if node.op in _BINARY:
        first, *rest = node.parts
        result = expression_of(first, leaves)
        for part in rest:
            result = _joined(node.op, result, part, leaves)
        return result
    parts = [expression_of(part, leaves) for part in node.parts]
    if node.op == "cast":
        return Cast(node.dtype, parts[0])
    if node.op.startswith("select "):
        left, right, if_true, if_false = parts
        return Select(CompareOp(node.op.removeprefix("select ")), left, right, if_true, if_false)
    return Unary(UnaryOp(node.op), parts[0])


def _joined(op: str, left: Expression, part: Term, leaves: abc.Mapping[int, Expression]) -> Expression:
    if op == "+" and isinstance(part, Node) and part.op == "neg":
        return Binary(BinaryOp.SUB, left, expression_of(part.parts[0], leaves))
    return Binary(BinaryOp(op), left, expression_of(part, leaves))


def replaced_literal(term: Term, number: Literal, by: Term) -> Term:
    """``term`` with ``by`` in place of every ``number``; the same object where it holds none."""
    match term:
        case Literal():
            return by if repr(term) == repr(number) else term  # 0.0 is no -0.0
        case Node(op, dtype, parts):
            made = tuple(replaced_literal(part, number, by) for part in parts)
            return term if all(new is old for new, old in zip(made, parts, strict=True)) else Node(op, dtype, made)
        case Leaf() | Setting():
            return term
        case _:
            assert_never(term)


def literals_of(term: Term) -> tuple[Literal, ...]:
    """The numbers in ``term``, left to right."""
    match term:
        case Literal():
            return (term,)
        case Node():
            return tuple(literal for part in term.parts for literal in literals_of(part))
        case Leaf() | Setting():
            return ()
        case _:
            assert_never(term)
