"""Data types: nothing is converted silently, and every operator is defined for what it is given."""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.diagnostics.source import Diagnostic, Span
from isamapper.ir.expressions import dtype_of, operands
from isamapper.ir.literals import literal_of, print_number
from isamapper.ir.nodes import (
    Access,
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    Constant,
    Expression,
    Load,
    Select,
    Unary,
    UnaryOp,
)
from isamapper.ir.rules.subject import Subject, tensor_at
from isamapper.ir.types import DType

_ANY_TYPE = (UnaryOp.NEG, UnaryOp.ABS, UnaryOp.ROUND, UnaryOp.FLOOR)
_SHIFTS = (BinaryOp.SHL, BinaryOp.SHR, BinaryOp.SHR_ROUND)

_Dtypes = abc.Mapping[str, DType]


def types_agree(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every operator's parts have one type, which it is defined for; the value has the target's."""
    for site in subject.sites:
        tensors = {access.tensor: tensor_at(site.place, access.tensor) for access in site.accesses}
        dtypes = {name: tensor.dtype for name, tensor in tensors.items() if tensor is not None}
        if len(dtypes) < len(tensors):
            continue  # reported by accesses_fit_their_tensors
        for access in site.accesses:
            yield from _outside(access, dtypes, access.span or site.assign.span)
        yield from _expression(site.assign.value, dtypes, site.assign.span)
        yield from _target(site.assign, dtypes)


def _target(assign: Assign, dtypes: _Dtypes) -> abc.Iterator[Diagnostic]:
    target, value = dtypes[assign.target.tensor], dtype_of(assign.value, dtypes)
    if target != value:
        help = f"convert it: {target}(…)"
        yield Diagnostic("IR110", f"'{assign.target.tensor}' is {target} but its value is {value}", assign.span, help)


def _outside(access: Access, dtypes: _Dtypes, span: Span | None) -> abc.Iterator[Diagnostic]:
    if access.otherwise is not None:
        yield from _literal(access.otherwise, dtypes[access.tensor], span)


def _literal(value: float, dtype: DType, span: Span | None) -> abc.Iterator[Diagnostic]:
    if literal_of(value, dtype) is None:
        yield Diagnostic("IR111", f"{print_number(value)} is not a value of {dtype}", span)


def _expression(expression: Expression, dtypes: _Dtypes, outer: Span | None) -> abc.Iterator[Diagnostic]:
    span = expression.span or outer
    for operand in operands(expression):
        yield from _expression(operand, dtypes, span)
    match expression:
        case Constant(value, dtype):
            yield from _literal(value, dtype, span)
        case Load() | Cast():
            return
        case Unary(op, operand):
            dtype = dtype_of(operand, dtypes)
            if dtype.is_integer and op not in _ANY_TYPE:
                yield Diagnostic("IR112", f"'{op.value}' is defined for floats, not {dtype}", span)
        case Clamp(operand, low, high):
            dtype = dtype_of(operand, dtypes)
            yield from _literal(low, dtype, span)
            yield from _literal(high, dtype, span)
            if low > high:
                yield Diagnostic("IR111", f"clamp from {print_number(low)} to {print_number(high)} is empty", span)
        case Binary(op, left, right) if op in _SHIFTS:
            yield from _shift(op, left, right, dtypes, span)
        case Binary(binary_op, left, right):
            yield from _same(f"'{binary_op.value}'", left, right, dtypes, span)
        case Select(_, left, right, if_true, if_false):
            yield from _same("the comparison of 'select'", left, right, dtypes, span)
            yield from _same("'select'", if_true, if_false, dtypes, span)
        case _:
            assert_never(expression)


def _same(
    what: str, left: Expression, right: Expression, dtypes: _Dtypes, span: Span | None
) -> abc.Iterator[Diagnostic]:
    one, other = dtype_of(left, dtypes), dtype_of(right, dtypes)
    if one != other:
        yield Diagnostic("IR113", f"{what} mixes {one} and {other}", span, f"convert one side: {one}(…) or {other}(…)")


def _shift(
    op: BinaryOp, left: Expression, right: Expression, dtypes: _Dtypes, span: Span | None
) -> abc.Iterator[Diagnostic]:
    dtype = dtype_of(left, dtypes)
    if dtype.is_float:
        yield Diagnostic("IR112", f"'{op.value}' is defined for integers, not {dtype}", span)
    if not isinstance(right, Constant) or right.dtype.is_float or right.value < 0:
        yield Diagnostic("IR114", f"the count of '{op.value}' must be an integer from 0, known before the run", span)
