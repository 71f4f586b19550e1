"""Values, accesses and affine functions as text; the counterpart of ``bind_value.py`` and ``bind_index.py``.

A literal is written bare where its sibling, or the tensor assigned to, gives it the data type it has; elsewhere with a
cast, which reads back as the literal.
"""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.ir.affine import Affine, Extent
from isamapper.ir.literals import print_number
from isamapper.ir.nodes import (
    Access,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    Constant,
    Constraint,
    Expression,
    Load,
    Select,
    Unary,
    UnaryOp,
)
from isamapper.ir.types import DType

_STRENGTH = {
    BinaryOp.SHL: 1,
    BinaryOp.SHR: 1,
    BinaryOp.ADD: 2,
    BinaryOp.SUB: 2,
    BinaryOp.MUL: 3,
    BinaryOp.DIV: 3,
}
_UNARY_STRENGTH = 4
_ATOM = 5
_LOOSE = 0
"""Padded reads are bracketed inside operators: ``(x[i - 1] else 0) * y`` reads better."""

Dtypes = abc.Mapping[str, DType]


# Affine functions


def print_affine(function: Affine, steps: abc.Sequence[tuple[str, int]] = ()) -> str:
    """``16*mo + mi - 1``: iterators by name, rotations, ``steps`` (the ``$d`` of a window), the constant last."""
    terms = [*function.terms, *steps]
    terms += [(f"rotate({print_affine(each.value)}, {each.modulus})", factor) for each, factor in function.rotations]
    terms.sort(key=lambda term: term[1] < 0)
    if function.constant > 0 and terms and terms[0][1] < 0:
        return str(function.constant) + _signed(terms)
    if not terms:
        return str(function.constant)
    text = _signed(terms)
    text = text[3:] if terms[0][1] > 0 else f"-{text[3:]}"
    if not function.constant:
        return text
    return f"{text} {'+' if function.constant > 0 else '-'} {abs(function.constant)}"


def _signed(terms: abc.Sequence[tuple[str, int]]) -> str:
    """`` + a - 2*b``."""
    return "".join(
        f" {'+' if factor > 0 else '-'} {name if abs(factor) == 1 else f'{abs(factor)}*{name}'}"
        for name, factor in terms
    )


def print_extent(value: Extent) -> str:
    """One bound, or ``min(…)`` of several."""
    bounds = [print_affine(bound) for bound in value.bounds]
    return bounds[0] if len(bounds) == 1 else f"min({', '.join(bounds)})"


def print_constraint(condition: Constraint) -> str:
    """``left <= right`` with every coefficient positive."""
    function = condition.function
    positive, negative = _halves(function)
    if condition.equality:
        return f"{print_affine(positive)} == {print_affine(negative)}"
    if negative.is_constant and not positive.is_constant:
        return f"{print_affine(positive)} >= {print_affine(negative)}"
    if positive.constant == 0 and negative.constant == 1 and not negative.is_constant:
        return f"{print_affine(negative - 1)} < {print_affine(positive)}"
    return f"{print_affine(negative)} <= {print_affine(positive)}"


def _halves(function: Affine) -> tuple[Affine, Affine]:
    """Functions with positive coefficients whose difference is ``function``."""
    positive = Affine(
        tuple(term for term in function.terms if term[1] > 0),
        max(0, function.constant),
        tuple(term for term in function.rotations if term[1] > 0),
    )
    return positive, positive - function


# Values


def print_access(access: Access) -> str:
    """``tensor[indices] else otherwise``; a tensor without axes is its name."""
    indices = ", ".join(print_affine(index) for index in access.map.results)
    text = f"{access.tensor}[{indices}]" if access.map.results else access.tensor
    if access.otherwise is None:
        return text
    return f"{text if access.map.results else f'{text}[]'} else {print_number(access.otherwise)}"


def print_value(expression: Expression, expected: DType | None, dtypes: Dtypes) -> str:
    """The text of ``expression`` where literals of type ``expected`` may stand bare."""
    return _print(expression, expected, dtypes)[0]


def _print(expression: Expression, expected: DType | None, dtypes: Dtypes) -> tuple[str, int]:
    """Text and how strongly it binds."""
    match expression:
        case Constant(value, dtype):
            text = print_number(value)
            if dtype != expected:
                return f"{dtype}({text})", _ATOM
            return text, _UNARY_STRENGTH if text[0] == "-" else _ATOM
        case Load(access):
            return print_access(access), _ATOM if access.otherwise is None else _LOOSE
        case Unary(op, operand):
            return _unary(op, operand, expected, dtypes)
        case Cast(dtype, operand):
            return f"{dtype}({print_value(operand, None, dtypes)})", _ATOM
        case Clamp(operand, low, high):
            inner = print_value(operand, expected, dtypes)
            return f"clamp({inner}, {print_number(low)}, {print_number(high)})", _ATOM
        case Binary():
            return _binary(expression, dtypes)
        case Select(op, left, right, if_true, if_false):
            first, second = _siblings(left, right, dtypes)
            yes, no = _chosen(if_true, if_false, expected, dtypes)
            return f"select({first[0]} {op.value} {second[0]}, {yes[0]}, {no[0]})", _ATOM
        case _:
            assert_never(expression)


def _unary(op: UnaryOp, operand: Expression, expected: DType | None, dtypes: Dtypes) -> tuple[str, int]:
    text, strength = _print(operand, expected, dtypes)
    if op is not UnaryOp.NEG or isinstance(operand, Constant):  # a bare -3 is the literal
        return f"{op.value}({text})", _ATOM
    return f"-{_bracketed(text, strength, _UNARY_STRENGTH)}", _UNARY_STRENGTH


def _binary(expression: Binary, dtypes: Dtypes) -> tuple[str, int]:
    op = expression.op
    if op in (BinaryOp.SHL, BinaryOp.SHR, BinaryOp.SHR_ROUND):
        left = _print(expression.left, None, dtypes)
        right = _count(expression.right, dtypes)
    else:
        left, right = _siblings(expression.left, expression.right, dtypes)
    if op not in _STRENGTH:
        return f"{op.value}({left[0]}, {right[0]})", _ATOM
    strength = _STRENGTH[op]
    least = _UNARY_STRENGTH if strength == 1 else strength  # sums inside shifts are bracketed for the reader
    first, second = _bracketed(*left, least), _bracketed(*right, strength + 1)
    return f"{first} {op.value} {second}", strength


def _count(expression: Expression, dtypes: Dtypes) -> tuple[str, int]:
    """The count of a shift, a bare integer."""
    if isinstance(expression, Constant):
        return print_number(expression.value), _ATOM
    return _print(expression, None, dtypes)


def _bracketed(text: str, strength: int, least: int) -> str:
    return text if strength >= least else f"({text})"


def _siblings(left: Expression, right: Expression, dtypes: Dtypes) -> tuple[tuple[str, int], tuple[str, int]]:
    """Both sides; a side made of literals takes its data type from the other, or the left states it."""
    if not _is_literal(left):
        return _print(left, None, dtypes), _print(right, _dtype(left, dtypes), dtypes)
    if not _is_literal(right):
        return _print(left, _dtype(right, dtypes), dtypes), _print(right, None, dtypes)
    return _print(left, None, dtypes), _print(right, _dtype(left, dtypes), dtypes)


def _chosen(
    yes: Expression, no: Expression, expected: DType | None, dtypes: Dtypes
) -> tuple[tuple[str, int], tuple[str, int]]:
    """The branches of a select; where both are literals they take the type expected of the whole."""
    if _is_literal(yes) and _is_literal(no):
        return _print(yes, expected, dtypes), _print(no, expected, dtypes)
    return _siblings(yes, no, dtypes)


def _is_literal(expression: Expression) -> bool:
    """Whether the text of ``expression`` has no data type of its own."""
    match expression:
        case Constant():
            return True
        case Unary(_, operand) | Clamp(operand):
            return _is_literal(operand)
        case Select(_, _, _, if_true, if_false):
            return _is_literal(if_true) and _is_literal(if_false)
        case Load() | Cast() | Binary():
            return False
        case _:
            assert_never(expression)


def _dtype(expression: Expression, dtypes: Dtypes) -> DType | None:
    """The data type of ``expression``, None where it reads a tensor nobody described."""
    match expression:
        case Constant(_, dtype) | Cast(dtype):
            return dtype
        case Load(access):
            return dtypes.get(access.tensor)
        case Unary(_, operand) | Clamp(operand) | Binary(_, operand):
            return _dtype(operand, dtypes)
        case Select(_, _, _, if_true):
            return _dtype(if_true, dtypes)
        case _:
            assert_never(expression)
