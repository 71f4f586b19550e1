"""Questions about one expression: its loads, its data type, and the function it computes.

What does not belong here: rewriting (``mapper/rewrites``) and the meaning of single operators (``ir/numeric.py``).
"""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.ir import numeric
from isamapper.ir.nodes import Access, Binary, BinaryOp, Cast, Clamp, Constant, Expression, Load, Select, Unary
from isamapper.ir.types import DType

Function = abc.Callable[[abc.Sequence[numeric.Value]], numeric.Value]


def operands(expression: Expression) -> tuple[Expression, ...]:
    """The expression's direct parts, left to right."""
    match expression:
        case Constant() | Load():
            return ()
        case Unary(_, operand) | Cast(_, operand) | Clamp(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Select(_, left, right, if_true, if_false):
            return (left, right, if_true, if_false)
        case _:
            assert_never(expression)


def loads(expression: Expression) -> tuple[Access, ...]:
    """Every access the expression reads, left to right, repeated ones repeatedly."""
    if isinstance(expression, Load):
        return (expression.access,)
    return tuple(access for operand in operands(expression) for access in loads(operand))


def dtype_of(expression: Expression, tensors: abc.Mapping[str, DType]) -> DType:
    """The expression's data type, given those of the tensors; trusts that operands agree (the verifier checks)."""
    match expression:
        case Constant(_, dtype) | Cast(dtype):
            return dtype
        case Load(access):
            return tensors[access.tensor]
        case Unary(_, operand) | Clamp(operand):
            return dtype_of(operand, tensors)
        case Binary(_, left):
            return dtype_of(left, tensors)
        case Select(_, _, _, if_true):
            return dtype_of(if_true, tensors)
        case _:
            assert_never(expression)


def compile_expression(expression: Expression, tensors: abc.Mapping[str, DType]) -> Function:
    """The function from the values of :func:`loads` (in that order; scalars or arrays that broadcast) to the value.

    Both branches of a select are computed.
    """
    counter = [0]
    return _compile(expression, tensors, counter)


def _compile(expression: Expression, tensors: abc.Mapping[str, DType], counter: list[int]) -> Function:
    match expression:
        case Constant(value, dtype):
            literal = numeric.constant(value, dtype)
            return lambda values: literal
        case Load():
            index = counter[0]
            counter[0] += 1
            return lambda values: values[index]
        case _:
            parts = [_compile(operand, tensors, counter) for operand in operands(expression)]
            return _apply(expression, dtype_of(operands(expression)[0], tensors), parts)


def _apply(expression: Unary | Cast | Clamp | Binary | Select, dtype: DType, parts: abc.Sequence[Function]) -> Function:
    """The operator at the root of ``expression`` on its compiled ``parts``; ``dtype`` is the first part's."""
    first, second = parts[0], parts[-1]
    match expression:
        case Unary(op):
            one = numeric.unary(op, dtype)
            return lambda values: one(first(values))
        case Cast(target):
            convert = numeric.cast(target)
            return lambda values: convert(first(values))
        case Clamp(_, low, high):
            least, greatest = numeric.constant(low, dtype), numeric.constant(high, dtype)
            lower, upper = numeric.binary(BinaryOp.MIN, dtype), numeric.binary(BinaryOp.MAX, dtype)
            return lambda values: lower(upper(first(values), least), greatest)
        case Binary(binary_op):
            two = numeric.binary(binary_op, dtype)
            return lambda values: two(first(values), second(values))
        case Select(compare_op):
            holds = numeric.COMPARE[compare_op]
            return lambda values: numeric.select(
                holds(first(values), parts[1](values)), parts[2](values), second(values)
            )
        case _:
            assert_never(expression)
