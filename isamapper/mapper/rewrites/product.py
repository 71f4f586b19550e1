"""What embeddings ask of a statement: a sum of products, which vanishes where one factor does.

Before:
    y[p] += f32(x[p + r]) * f32(w[r])
the load ``x[p + r]`` is a factor, and so is ``w[r]``: a zero in the place of either adds nothing to ``y``.
What does not belong here: products of any number of operands and their trees (``contraction.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import Affine, variable
from isamapper.ir.expressions import dtype_of, loads
from isamapper.ir.nodes import (
    Access,
    Binary,
    BinaryOp,
    Cast,
    Expression,
    Kernel,
    Load,
    Reduction,
    Tensor,
    Unary,
    UnaryOp,
)
from isamapper.ir.types import DType
from isamapper.ir.walk import value_range
from isamapper.mapper.rewrites.edit import Nest, lone, own_nest, spans, tensors_at


@dataclass(frozen=True, slots=True)
class Product:
    """A sum of products with loops of its own; ``vanishing`` numbers (from 1) the loads that are factors."""

    nest: Nest
    dtype: DType
    vanishing: frozenset[int]

    @property
    def loads(self) -> tuple[Access, ...]:
        """The loads of the value, left to right."""
        return loads(self.nest.statement.assign.value)


def product_statement(kernel: Kernel, statement: int, subject: str) -> Product | Rejection:
    """The statement as a sum of products, or why it is none."""
    nest = own_nest(kernel, statement, subject)
    if isinstance(nest, Rejection):
        return nest
    assign = nest.statement.assign
    if assign.reduction is not Reduction.ADD:
        return Rejection("RW062", subject, "the statement sums nothing", spans(assign))
    if any(access.tensor == assign.target.tensor for access in loads(assign.value)):
        return Rejection("RW011", subject, f"it reads its own target '{assign.target.tensor}'", spans(assign))
    dtypes = {name: tensor.dtype for name, tensor in tensors_at(kernel, statement).items()}
    return Product(nest, dtype_of(assign.value, dtypes), frozenset(_vanishing(assign.value, 1)))


def _vanishing(value: Expression, first: int) -> set[int]:
    """Loads, numbered from ``first``, whose zero makes the value zero."""
    match value:
        case Load():
            return {first}
        case Cast(_, operand) | Unary(UnaryOp.NEG, operand):
            return _vanishing(operand, first)
        case Binary(BinaryOp.MUL, left, right):
            return _vanishing(left, first) | _vanishing(right, first + len(loads(left)))
    return set()


def zero_outside(access: Access, tensor: Tensor, box: dict[str, int]) -> Access | None:
    """The access with 0 read where it leaves its tensor in the box; None where it reads another value there."""
    ranges = [value_range(index, box) for index in access.map.results]
    if all(low >= 0 and high < size for (low, high), size in zip(ranges, tensor.shape, strict=True)):
        return access
    if access.otherwise is None:
        return replace(access, otherwise=0)
    return access if access.otherwise == 0 else None


def bounded_axis(access: Access, tensor: Tensor, iterator: str, extent: int) -> int | None:
    """The axis that ``iterator`` alone runs along from end to end: reading beyond it leaves the tensor."""
    for axis, (index, size) in enumerate(zip(access.map.results, tensor.shape, strict=True)):
        if lone(index) == iterator and size == extent:
            return axis
    return None


def shifted(function: Affine, name: str) -> Affine:
    """``function`` without its term in ``name``."""
    return function - variable(name, function.coefficient(name))
