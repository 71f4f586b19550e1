"""Sums that are scaled up and rounded off exactly, told apart from those that lose something.

    e[u, l] = 0;  e[2*l, l] = 2
    z[c, l] += i32(x[c, u]) * i32(e[u, l])                     one product that is not zero at most
    t[c, l] = i8(clamp(shr_round(z[c, l], 1), -128, 127))      is x[c, 2*l], whatever x holds

What a sieve (``sieve.py``) makes is seen from the kernel alone: every column of ``e`` has one entry that is not zero,
the same power of two, which the shift takes back, and what was an ``i8`` is one again. Prime fields know neither
rounding nor limits, so they compare with the kernel in which ``e[2*l, l] = 1`` and ``t[c, l] = i8(z[c, l])`` stand.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import (
    Access,
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    Constant,
    Direction,
    Expression,
    Guard,
    Kernel,
    Load,
    Loop,
    Node,
    Reduction,
    Role,
)
from isamapper.ir.types import DType, integer_range
from isamapper.mapper.rewrites.edit import lone, names_in


def unscaled(kernel: Kernel) -> Kernel | None:
    """``kernel`` with all such sums neither scaled nor rounded; None where there are none."""
    found = statements(kernel)
    changed: dict[int, Assign] = {}
    for statement in found:
        made = _exact(kernel, found, statement)
        if made is not None:
            changed.update(made)
    return replace(kernel, body=_Changes(changed).block(kernel.body)) if changed else None


def _exact(kernel: Kernel, every: tuple[Statement, ...], narrowing: Statement) -> dict[int, Assign] | None:
    """What the statement and the ones of the matrix become, if it narrows a sum exactly."""
    taken = _narrowed(narrowing.assign.value)
    if taken is None or narrowing.assign.reduction is not None:
        return None
    dtype, wide, shift = taken
    tensors = {tensor.name: tensor for tensor in kernel.tensors}
    sums = [each for each in every if each.assign.target.tensor == wide.tensor]
    if wide.tensor not in tensors or tensors[wide.tensor].direction is not Direction.LOCAL or len(sums) != 1:
        return None
    factors = _factors(sums[0].assign, tensors[wide.tensor].dtype)
    if factors is None:
        return None
    source, matrix = factors
    known = tensors.get(matrix.tensor)
    if known is None or known.role is not Role.CONST or known.direction is not Direction.LOCAL:
        return None
    read = tensors.get(source.tensor)
    if read is None or read.dtype != dtype or not _holds(tensors[wide.tensor].dtype, dtype, shift):
        return None
    run = _summed(sums[0], matrix)
    filled = [each for each in every if each.assign.target.tensor == matrix.tensor]
    if run is None or len(filled) != 2 or not _picks(filled, run, known.shape, 1 << shift):
        return None
    return {
        filled[1].index: replace(filled[1].assign, value=Constant(1, known.dtype)),
        narrowing.index: replace(narrowing.assign, value=Cast(dtype, Load(wide))),
    }


def _narrowed(value: Expression) -> tuple[DType, Access, int] | None:
    """Data type, sum and shift of ``i8(clamp(shr_round(z, s), -128, 127))``, with or without the shift."""
    if not isinstance(value, Cast) or not isinstance(value.operand, Clamp) or not value.dtype.is_integer:
        return None
    limits, inner, shift = value.operand, value.operand.operand, 0
    if (limits.low, limits.high) != integer_range(value.dtype):
        return None
    if isinstance(inner, Binary) and inner.op is BinaryOp.SHR_ROUND and isinstance(inner.right, Constant):
        shift, inner = int(inner.right.value), inner.left
    return (value.dtype, inner.access, shift) if isinstance(inner, Load) else None


def _factors(assign: Assign, wide: DType) -> tuple[Access, Access] | None:
    """Source and matrix of ``z += i32(x) * i32(e)``."""
    value = assign.value
    if assign.reduction is not Reduction.ADD or not isinstance(value, Binary) or value.op is not BinaryOp.MUL:
        return None
    parts = [each.operand for each in (value.left, value.right) if isinstance(each, Cast) and each.dtype == wide]
    loads = [each.access for each in parts if isinstance(each, Load)]
    return (loads[0], loads[1]) if len(loads) == 2 and loads[0].otherwise in (None, 0) else None


def _holds(wide: DType, dtype: DType, shift: int) -> bool:
    (low, high), (least, most) = integer_range(dtype), integer_range(wide)
    return wide.is_integer and least <= low << shift and high << shift <= most


def _summed(statement: Statement, matrix: Access) -> int | None:
    """The axis of the matrix along which alone the sum goes, every axis having an iterator of its own."""
    names = [lone(index) for index in matrix.map.results]
    held = set(names_in(statement.assign.target))
    summed = [each.name for each in statement.iterators if each.name not in held and each.extent > 1]
    if None in names or len(set(names)) != len(names) or len(summed) != 1 or statement.conditions:
        return None
    return names.index(summed[0]) if summed[0] in names else None


def _picks(filled: list[Statement], axis: int, shape: tuple[int, ...], value: int) -> bool:
    """Whether the first fills the matrix with zeros and the second puts ``value`` once at most along ``axis``."""
    zeros, ones = (each.assign for each in filled)
    if [each.assign.reduction for each in filled] != [None, None] or any(each.conditions for each in filled):
        return False
    values = [each.value for each in (zeros.value, ones.value) if isinstance(each, Constant)]
    others = [index for place, index in enumerate(ones.target.map.results) if place != axis]
    names = [index.terms[0][0] if len(index.terms) == 1 else None for index in others]
    extents = {each.name: each.extent for each in filled[0].iterators}
    cleared = tuple(extents.get(lone(index) or "", 0) for index in zeros.target.map.results)
    own = {each.name for each in filled[1].iterators}
    return (
        values == [0, value]
        and None not in names
        and len(set(names)) == len(names)
        and (set(names) == own and cleared == shape and len(extents) == len(shape))
    )


@dataclass(slots=True)
class _Changes:
    """Statements that become others, by number; ``number`` is that of the next."""

    changed: dict[int, Assign]
    number: int = field(default=0)

    def block(self, body: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(self._node(node) for node in body)

    def _node(self, node: Node) -> Node:
        match node:
            case Assign():
                number, self.number = self.number, self.number + 1
                return self.changed.get(number, node)
            case Loop():
                return replace(node, body=self.block(node.body))
            case Guard(_, body, otherwise):
                first = self.block(body)
                return replace(node, body=first, otherwise=self.block(otherwise))
            case _:
                return node
