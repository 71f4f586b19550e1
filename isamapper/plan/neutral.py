"""Which value of one operand makes a statement's contribution nothing, whatever its other operands are.

    acc += a * b       a = 0 (or b = 0)
    best max= x        x = the least value of its data type
    total += exp(x)    x = -inf

What does not belong here: where such values are needed (``padding.py``).
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from isamapper.ir.expressions import loads
from isamapper.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    Constant,
    Expression,
    Load,
    Reduction,
    Select,
    Unary,
    UnaryOp,
)
from isamapper.ir.numeric import identity
from isamapper.ir.types import DType

Number: TypeAlias = int | float


def neutral_value(assign: Assign, access: int, dtype: DType) -> Number | None:
    """A value of ``dtype`` that access number ``access`` (1: the first load) may have; None where there is none."""
    if assign.reduction is None:
        return None
    least, greatest = (_plain(identity(way, dtype)) for way in (Reduction.MAX, Reduction.MIN))
    if _rises_with(assign.value, dtype):
        match assign.reduction:
            case Reduction.MAX:
                return least
            case Reduction.MIN:
                return greatest
            case _:
                pass
    wanted = {Reduction.ADD: 0, Reduction.MUL: 1}.get(assign.reduction)
    for candidate in (0, 1, least, greatest):
        if wanted is not None and _known(assign.value, access, candidate)[0] == wanted:
            return candidate
    return None


def _plain(value: object) -> Number:
    number = float(str(value))
    return int(number) if number.is_integer() else number


def _rises_with(value: Expression, loaded: DType) -> bool:
    """Whether ``value`` never falls where its only load, of type ``loaded``, rises."""
    match value:
        case Load():
            return True
        case Cast(dtype, operand):
            keeps_order = dtype.is_float or loaded.is_float or (dtype.kind is loaded.kind and dtype.bits >= loaded.bits)
            return keeps_order and _rises_with(operand, loaded)
        case Clamp(operand) | Unary(UnaryOp.ROUND | UnaryOp.FLOOR, operand):
            return _rises_with(operand, loaded)
        case _:
            return False


def _known(value: Expression, access: int, candidate: Number) -> tuple[Number | None, int]:
    """What ``value`` is where access number ``access`` is ``candidate``, None where that depends on other accesses.

    Loads are counted down from ``access`` to 1, left to right; the second result is what is left.
    """
    match value:
        case Constant(number):
            return number, access
        case Load():
            return (candidate if access == 1 else None), access - 1
        case Cast(dtype, operand):
            known, access = _known(operand, access, candidate)
            return (known if known in (0, 1) or dtype.is_float else None), access
        case Unary(op, operand):
            known, access = _known(operand, access, candidate)
            return _unary(op, known), access
        case Clamp(operand, low, high):
            known, access = _known(operand, access, candidate)
            return (None if known is None else min(max(known, low), high)), access
        case Binary(op, left, right):
            one, access = _known(left, access, candidate)
            other, access = _known(right, access, candidate)
            return _binary(op, one, other), access
        case Select():
            return None, access - len(loads(value))
        case _:
            assert_never(value)


def _unary(op: UnaryOp, known: Number | None) -> Number | None:
    if known is None:
        return None
    match op:
        case UnaryOp.NEG:
            return -known
        case UnaryOp.ABS:
            return abs(known)
        case UnaryOp.EXP:
            return {float("-inf"): 0, 0: 1}.get(known)
        case UnaryOp.TANH | UnaryOp.ERF | UnaryOp.SQRT | UnaryOp.ROUND | UnaryOp.FLOOR:
            return 0 if known == 0 else None
        case _:
            return None


def _binary(op: BinaryOp, one: Number | None, other: Number | None) -> Number | None:
    if op is BinaryOp.MUL and 0 in (one, other):
        return 0
    if one is None or other is None:
        return None
    match op:
        case BinaryOp.ADD:
            return one + other
        case BinaryOp.SUB:
            return one - other
        case BinaryOp.MUL:
            return one * other
        case BinaryOp.MIN:
            return min(one, other)
        case BinaryOp.MAX:
            return max(one, other)
        case _:
            return None
