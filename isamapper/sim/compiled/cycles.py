"""Compiled cycle counts: expressions over an instruction's parameters."""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeExpression, SizeName, SizeOp
from isamapper.sim.compiled.text import Function, Value


def cycles(fn: Function, expression: SizeExpression, parameters: abc.Mapping[str, Value]) -> Value:
    """The value of ``expression``; divisors are positive for all parameters, which the machine's loader checks."""
    match expression:
        case SizeConstant(value):
            return value
        case SizeName(name):
            return parameters[name]
        case SizeBinary(op, left, right):
            return _apply(fn, op, cycles(fn, left, parameters), cycles(fn, right, parameters))
        case _:
            assert_never(expression)


def _apply(fn: Function, op: SizeOp, left: Value, right: Value) -> Value:
    match op:
        case SizeOp.ADD:
            return fn.add(left, right)
        case SizeOp.SUB:
            return fn.sub(left, right)
        case SizeOp.MUL:
            return fn.mul(left, right)
        case SizeOp.FLOORDIV:
            return fn.floor_divide(left, right)
        case SizeOp.CEILDIV:
            return fn.ceil_divide(left, right)
        case SizeOp.MOD:
            return fn.modulo(left, right)
        case SizeOp.MIN:
            return fn.minimum(left, right)
        case SizeOp.MAX:
            return fn.maximum(left, right)
        case _:
            assert_never(op)
