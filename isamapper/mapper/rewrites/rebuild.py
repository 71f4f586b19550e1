"""Terms back to expressions, and whether two terms are equal.

What does not belong here: the normal form itself (``terms.py``).
"""

from __future__ import annotations

from collections import abc
from typing import TypeAlias, assert_never

from isamapper.ir.expressions import loads
from isamapper.ir.nodes import (
    Access,
    Binary,
    BinaryOp,
    Cast,
    CompareOp,
    Constant,
    Expression,
    Select,
    Tensor,
    Unary,
    UnaryOp,
)
from isamapper.mapper.algebra.terms import ASSOCIATIVE, Leaf, Literal, Node, Setting, Term, identity_of, term_of

Canonical: TypeAlias = tuple[object, ...]

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


def canonical(expression: Expression, tensors: abc.Mapping[str, Tensor]) -> Canonical:
    """A value that is the same for expressions equal modulo regrouping, reordering and identities (``x * 1``)."""
    return _canonical(term_of(expression, tensors), loads(expression))


def _canonical(term: Term, accesses: tuple[Access, ...]) -> Canonical:
    match term:
        case Leaf(access, dtype):
            return ("load", dtype.name, accesses[access - 1])
        case Literal(value, dtype):
            return ("constant", dtype.name, value)
        case Setting():
            raise ValueError("a setting is no part of a kernel")
        case Node(op, dtype, parts):
            inner = [_canonical(part, accesses) for part in parts]
            if op in ASSOCIATIVE:
                identity = ("constant", dtype.name, identity_of(op, dtype))
                inner = sorted((each for each in inner if each != identity), key=repr)
                if len(inner) == 1:
                    return inner[0]
            return (op, dtype.name, *inner)
        case _:
            assert_never(term)
