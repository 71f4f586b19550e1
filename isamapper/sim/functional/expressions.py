"""Code for the value of an expression, of one width, given how an access is read."""

from __future__ import annotations

from collections import abc
from typing import TypeAlias, assert_never

from isamapper.ir.nodes import (
    Access,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    Constant,
    Expression,
    Load,
    Select,
    Unary,
)
from isamapper.sim.functional.code import Code, Failure, Site
from isamapper.sim.functional.domain import Word
from isamapper.sim.functional.lanes import Lanes

Read: TypeAlias = abc.Callable[[Access], Word]


def value_of(code: Code, lanes: Lanes, expression: Expression, read: Read, site: Site) -> Word:
    """The value of ``expression``; both branches of a select are computed."""
    domain = code.domain
    match expression:
        case Constant(value, dtype):
            return domain.constant(lanes, value, dtype)
        case Load(access):
            return read(access)
        case Unary(op, operand):
            return domain.unary(lanes, op, value_of(code, lanes, operand, read, site))
        case Binary(binary_op, left, right):
            first = value_of(code, lanes, left, read, site)
            second = value_of(code, lanes, right, read, site)
            return _binary(code, lanes, binary_op, first, second, site)
        case Select(compare_op, left, right, if_true, if_false):
            parts = [value_of(code, lanes, part, read, site) for part in (left, right, if_true, if_false)]
            return domain.select(lanes, compare_op, parts[0], parts[1], parts[2], parts[3])
        case Cast(dtype, operand):
            return domain.cast(lanes, value_of(code, lanes, operand, read, site), dtype)
        case Clamp(operand, low, high):
            word = value_of(code, lanes, operand, read, site)
            least = domain.constant(lanes, low, word.dtype)
            greatest = domain.constant(lanes, high, word.dtype)
            return domain.binary(lanes, BinaryOp.MIN, domain.binary(lanes, BinaryOp.MAX, word, least), greatest)
        case _:
            assert_never(expression)


def _binary(code: Code, lanes: Lanes, op: BinaryOp, left: Word, right: Word, site: Site) -> Word:
    if op is BinaryOp.DIV and code.domain.divides_checked(left.dtype):
        zero = lanes.constant(code.domain.element(right.dtype), 0)
        code.fail_if(lanes.any(lanes.builder.icmp_signed("==", right.raw, zero)), Failure.ZERO_DIVISOR, site)
    return code.domain.binary(lanes, op, left, right)
