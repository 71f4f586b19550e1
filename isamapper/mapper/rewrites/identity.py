"""Identity operands: a sum, a least or a greatest value becomes a product or a sum with the neutral element.

Before:
    y[m] += x[m, n]
After ``identity statement 0``:
    y[m] += x[m, n] * 1

so that an instruction with two operands does it, one of them filled with the constant. Least and greatest values take
 ``+ 0``.
Legal always: ``x * 1`` and ``x + 0`` are ``x``.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import dtype_of
from isamapper.ir.nodes import Binary, BinaryOp, Kernel, Reduction
from isamapper.ir.walk import sites
from isamapper.mapper.algebra.polynomial import literal
from isamapper.mapper.rewrites.edit import replaced, spans, tensors_at
from isamapper.mapper.rewrites.reader import statement_of
from isamapper.plan.step_reader import StepReader

_NEUTRAL = {
    Reduction.ADD: (BinaryOp.MUL, 1),
    Reduction.MIN: (BinaryOp.ADD, 0),
    Reduction.MAX: (BinaryOp.ADD, 0),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The step: statement ``statement`` takes the neutral element as a second operand."""

    statement: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"identity operand of statement {self.statement}"
        assign = statements(kernel)[self.statement].assign
        if assign.reduction not in _NEUTRAL:
            reason = "only sums, least and greatest values take an identity operand"
            return Rejection("RW042", subject, reason, spans(assign))
        op, value = _NEUTRAL[assign.reduction]
        if isinstance(assign.value, Binary) and assign.value.op is op:
            return Rejection("RW043", subject, f"its value has two operands of '{op.value}' already", spans(assign))
        tensors = tensors_at(kernel, self.statement)
        dtype = dtype_of(assign.value, {name: tensor.dtype for name, tensor in tensors.items()})
        path = sites(kernel)[self.statement].place.path
        return replaced(kernel, path, [replace(assign, value=Binary(op, assign.value, literal(value, dtype)))])

    def text(self, kernel: Kernel) -> str:
        """``identity statement 0``."""
        return f"identity statement {self.statement}"


def read(words: StepReader, kernel: Kernel) -> Identity:
    """The step after its first word."""
    return Identity(statement_of(words, kernel))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Identity]:
    """The one way."""
    yield Identity(statement)
