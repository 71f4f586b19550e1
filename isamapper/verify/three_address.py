"""Kernels with one operator per statement, so that values computed in one step and in several compare alike.

y[i] = i8(max(s[i], 0))        becomes        local t0 = max(s[i], 0);  y[i] = i8(t0)
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from isamapper.ir.affine import AccessMap
from isamapper.ir.expressions import dtype_of, operands
from isamapper.ir.nodes import (
    Access,
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
from isamapper.ir.types import DType


def three_address(kernel: Kernel) -> Kernel:
    """``kernel`` with every inner operator of every assign written to a local of its own."""
    types = {tensor.name: tensor.dtype for tensor in kernel.tensors}
    return replace(kernel, body=_block(kernel.body, types))


def _block(nodes: tuple[Node, ...], types: dict[str, DType]) -> tuple[Node, ...]:
    here = dict(types)
    return tuple(new for node in nodes for new in _node(node, here))


def _node(node: Node, types: dict[str, DType]) -> tuple[Node, ...]:
    match node:
        case Assign():
            return _assign(node, types)
        case Loop() | Prepare():
            return (replace(node, body=_block(node.body, types)),)
        case Guard(_, body, otherwise):
            return (replace(node, body=_block(body, types), otherwise=_block(otherwise, types)),)
        case Allocate(tensor):
            types[tensor.name] = tensor.dtype
            return (node,)
        case Invoke():
            return (node,)
        case _:
            assert_never(node)


def _assign(assign: Assign, types: dict[str, DType]) -> tuple[Node, ...]:
    before: list[Node] = []
    rewritten = _flat if assign.reduction is None else _leaf
    value = rewritten(assign.value, types, before)
    return (*before, replace(assign, value=value))


def _leaf(expression: Expression, types: dict[str, DType], before: list[Node]) -> Expression:
    """A load with the value of ``expression``; what computes it goes to ``before``.

    Literals too: an instruction may have them in memory where the kernel has them in its text.
    """
    if isinstance(expression, Load):
        return expression
    flat = _flat(expression, types, before)
    name = f"%{len(types)}"
    tensor = Tensor(name, dtype_of(expression, types), ())
    types[name] = tensor.dtype
    access = Access(name, AccessMap(()))
    before.extend((Allocate(tensor), Assign(access, flat)))
    return Load(access)


def _flat(expression: Expression, types: dict[str, DType], before: list[Node]) -> Expression:
    """``expression`` with leaves for operands."""
    parts = [_leaf(part, types, before) for part in operands(expression)]
    match expression:
        case Constant() | Load():
            return expression
        case Unary() | Cast() | Clamp():
            return replace(expression, operand=parts[0])
        case Binary():
            return replace(expression, left=parts[0], right=parts[1])
        case Select():
            return replace(expression, left=parts[0], right=parts[1], if_true=parts[2], if_false=parts[3])
        case _:
            assert_never(expression)
