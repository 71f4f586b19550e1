"""A kernel as real arithmetic, nearly: every float data type replaced by f64."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

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
    Kernel,
    Load,
    Loop,
    Node,
    Prepare,
    Select,
    Tensor,
    Unary,
)
from isamapper.ir.types import DTYPES, DType


def widened(kernel: Kernel) -> Kernel:
    """``kernel`` in f64: the same loops, the same order, roundings 2**29 times finer than those of f32."""
    return replace(kernel, tensors=tuple(map(_tensor, kernel.tensors)), body=_block(kernel.body))


def _dtype(dtype: DType) -> DType:
    return DTYPES["f64"] if dtype.is_float else dtype


def _tensor(tensor: Tensor) -> Tensor:
    return replace(tensor, dtype=_dtype(tensor.dtype))


def _block(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple(map(_node, nodes))


def _node(node: Node) -> Node:
    match node:
        case Assign(_, value):
            return replace(node, value=_value(value))
        case Loop() | Prepare():
            return replace(node, body=_block(node.body))
        case Guard(_, body, otherwise):
            return replace(node, body=_block(body), otherwise=_block(otherwise))
        case Allocate(tensor):
            return replace(node, tensor=_tensor(tensor))
        case Invoke():
            return node
        case _:
            assert_never(node)


def _value(expression: Expression) -> Expression:
    match expression:
        case Constant(_, dtype):
            return replace(expression, dtype=_dtype(dtype))
        case Load():
            return expression
        case Cast(dtype, operand):
            return replace(expression, dtype=_dtype(dtype), operand=_value(operand))
        case Unary(_, operand) | Clamp(operand):
            return replace(expression, operand=_value(operand))
        case Binary(_, left, right):
            return replace(expression, left=_value(left), right=_value(right))
        case Select(_, left, right, yes, no):
            return replace(expression, left=_value(left), right=_value(right), if_true=_value(yes), if_false=_value(no))
        case _:
            assert_never(expression)
