"""Expansion: a sum of products under a sum becomes a sum of each, every one over the iterators it has.

Before:
    d[m, n] += (a[m, k] - b[n, k]) * (a[m, k] - b[n, k])
After ``expand statement 0``:
    t[m] += a[m, k] * a[m, k]
    t1[m, n] += a[m, k] * b[n, k]
    t2[n] += b[n, k] * b[n, k]
    d[m, n] = t[m] + t2[n] - t1[m, n] * 2

Legal in the ring of the data type: for integers exactly, for floats as real arithmetic. An iterator that is summed and
that a part does not have multiplies the part by its extent.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.expressions import dtype_of, loads
from isamapper.ir.nodes import Assign, Expression, Kernel, Reduction
from isamapper.mapper.algebra.polynomial import (
    Monomial,
    factors,
    linear_combination,
    literal,
    polynomial_of,
    product_of,
)
from isamapper.mapper.rewrites.edit import (
    Names,
    Nest,
    Temporary,
    loops_around,
    names_in,
    own_nest,
    replaced,
    spans,
    temporary,
    tensors_at,
    uses,
    writes_whole,
)
from isamapper.mapper.rewrites.reader import statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Expand:
    """The step: expand statement ``statement``."""

    statement: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel with a statement for every product, or why there is none."""
        subject = f"expansion of statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        assign = nest.statement.assign
        if assign.reduction is not Reduction.ADD:
            return Rejection("RW062", subject, "the statement sums nothing", spans(assign))
        if any(access.tensor == assign.target.tensor for access in loads(assign.value)):
            return Rejection("RW011", subject, f"it reads its own target '{assign.target.tensor}'", spans(assign))
        parts = polynomial_of(assign.value)
        if len(parts) < 2 and set(parts.values()) <= {1}:
            return Rejection("RW063", subject, "its value is a single product", spans(assign))
        return _expanded(kernel, nest, parts)

    def text(self, kernel: Kernel) -> str:
        """``expand statement 0``."""
        return f"expand statement {self.statement}"


def read(words: StepReader, kernel: Kernel) -> Expand:
    """The step after its first word."""
    return Expand(statement_of(words, kernel))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Expand]:
    """The one way to expand."""
    yield Expand(statement)


def _expanded(kernel: Kernel, nest: Nest, parts: abc.Mapping[Monomial, int]) -> Kernel:
    assign = nest.statement.assign
    dtypes = {name: tensor.dtype for name, tensor in tensors_at(kernel, nest.statement.index).items()}
    dtype, names = dtype_of(assign.value, dtypes), Names(kernel)
    kept = {name: size for name, size in nest.extents.items() if name in names_in(assign.target)}
    made: list[Temporary] = []
    terms: list[tuple[Expression, int]] = []
    for monomial, coefficient in parts.items():
        value = product_of(factors(monomial)) if monomial else literal(1, dtype)
        used = uses(value)
        held = {name: size for name, size in kept.items() if name in used}
        summed = {name: size for name, size in nest.extents.items() if name in used and name not in kept}
        rest = math.prod(size for name, size in nest.extents.items() if name not in used and name not in kept)
        if summed:
            one = temporary((names.fresh("t"), dtype), value, held, summed, Reduction.ADD, nest.around)
            made.append(one)
            value = one.load
        terms.append((value, coefficient * rest))
    reduction = None if writes_whole(kernel, nest) else Reduction.ADD
    last = loops_around(kept, Assign(assign.target, linear_combination(terms, dtype), reduction, assign.span))
    return replaced(kernel, nest.path, (*(each.nest for each in made), last), [each.tensor for each in made])
