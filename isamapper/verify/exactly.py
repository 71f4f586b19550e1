"""A prime field in which rounding off and limits lose nothing, for programs where that is known.

    i8(clamp(shr_round(z, 1), -128, 127))      is z / 2

Part 2 takes it where the kernel that rewrites lead to rounds off exactly (``mapper/rewrites/unscaled.py`` sees that)
and the kernel itself rounds nothing off; that the program loses nothing either is what true types show. What does not
belong here: when this field is taken (``verifier.py``).
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.ir.analysis import statements
from isamapper.ir.expressions import operands
from isamapper.ir.nodes import Assign, Binary, BinaryOp, Cast, Clamp, Constant, Expression, Guard, Kernel, Loop, Node
from isamapper.ir.types import integer_range
from isamapper.verify.small_field import SmallField

_SHIFTS = (BinaryOp.SHR, BinaryOp.SHR_ROUND)


class ExactField(SmallField):
    """Residues modulo 2**24 - 3; instructions that round off and limit to a data type's range divide instead."""

    name = "residues modulo 2**24 - 3, scaled sums divided"

    def meaning(self, kernel: Kernel) -> Kernel:
        return replace(kernel, body=tuple(map(_node, kernel.body)))


def rounds_off(kernel: Kernel) -> bool:
    """Whether the kernel itself shifts or limits values."""
    return any(_loses(statement.assign.value) for statement in statements(kernel))


def _loses(value: Expression) -> bool:
    shifts = isinstance(value, Binary) and value.op in _SHIFTS
    return shifts or isinstance(value, Clamp) or any(map(_loses, operands(value)))


def _node(node: Node) -> Node:
    match node:
        case Assign(_, value):
            return replace(node, value=_divided(value))
        case Loop():
            return replace(node, body=tuple(map(_node, node.body)))
        case Guard(_, body, otherwise):
            return replace(node, body=tuple(map(_node, body)), otherwise=tuple(map(_node, otherwise)))
        case _:
            return node


def _divided(value: Expression) -> Expression:
    """``i8(clamp(shr_round(z, s), -128, 127))`` as z times a power of one half."""
    if not isinstance(value, Cast) or not isinstance(value.operand, Clamp) or not value.dtype.is_integer:
        return value
    limits = value.operand
    if (limits.low, limits.high) != integer_range(value.dtype):
        return value
    inner = limits.operand
    if not isinstance(inner, Binary) or inner.op is not BinaryOp.SHR_ROUND or not isinstance(inner.right, Constant):
        return replace(value, operand=inner)
    half = replace(inner.right, value=2.0 ** -int(inner.right.value))
    return replace(value, operand=Binary(BinaryOp.MUL, inner.left, half))
