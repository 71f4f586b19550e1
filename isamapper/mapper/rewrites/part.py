"""Parting: a sum of several things becomes several sums.

Before:
    y[m, n] += x[m, k] * w[k, n] - z[m, k] * v[k, n]
After ``part statement 0``:
    t[m, n]  += x[m, k] * w[k, n]
    t1[m, n] += z[m, k] * v[k, n]
    y[m, n]   = t[m, n] - t1[m, n]

(``+=`` where ``y`` has a value before.) Legal in the ring of the data type where the statement has loops of its own.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Assign, Binary, BinaryOp, Expression, Kernel, Reduction
from isamapper.mapper.rewrites.edit import (
    Names,
    loops_around,
    names_in,
    own_nest,
    replaced,
    spans,
    temporary,
    tensors_at,
    writes_whole,
)
from isamapper.mapper.rewrites.reader import statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Part:
    """The step: the terms that statement ``statement`` sums are summed apart."""

    statement: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"parting of statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        assign, extents = nest.statement.assign, nest.extents
        terms = _terms(assign.value)
        held = {name: size for name, size in extents.items() if name in names_in(assign.target)}
        summed = {name: size for name, size in extents.items() if name not in held}
        where = spans(assign)
        if assign.reduction is not Reduction.ADD or not any(size > 1 for size in summed.values()):
            return Rejection("RW062", subject, "the statement sums nothing", where)
        if len(terms) < 2 or not all(loads(term) for _, term in terms):
            return Rejection("RW103", subject, "it does not sum several things", where)
        if assign.target.tensor in {access.tensor for access in loads(assign.value)}:
            return Rejection("RW011", subject, f"it reads its own target '{assign.target.tensor}'", where)
        dtype = tensors_at(kernel, self.statement)[assign.target.tensor].dtype
        names = Names(kernel)
        made = [
            temporary((names.fresh("t"), dtype), term, held, summed, Reduction.ADD, nest.around) for _, term in terms
        ]
        value: Expression = made[0].load
        for (op, _), each in zip(terms[1:], made[1:], strict=True):
            value = Binary(op, value, each.load)
        reduction = None if writes_whole(kernel, nest) else Reduction.ADD
        last = loops_around(held, Assign(assign.target, value, reduction, assign.span))
        return replaced(kernel, nest.path, [*(each.nest for each in made), last], [each.tensor for each in made])

    def text(self, kernel: Kernel) -> str:
        """``part statement 0``."""
        del kernel
        return f"part statement {self.statement}"

    def parts(self, kernel: Kernel) -> int:
        """How many sums the step makes of the statement."""
        return len(_terms(statements(kernel)[self.statement].assign.value))


def read(words: StepReader, kernel: Kernel) -> Part:
    """The step after its first word."""
    return Part(statement_of(words, kernel))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Part]:
    """The one way."""
    yield Part(statement)


def _terms(value: Expression) -> list[tuple[BinaryOp, Expression]]:
    """What is added up, with ``+`` or ``-`` before it; the first is always added."""
    if isinstance(value, Binary) and value.op in (BinaryOp.ADD, BinaryOp.SUB):
        left, right = _terms(value.left), _terms(value.right)
        if value.op is BinaryOp.SUB:
            right = [(BinaryOp.ADD if op is BinaryOp.SUB else BinaryOp.SUB, term) for op, term in right]
        return [*left, *right]
    return [(BinaryOp.ADD, value)]
