"""Collecting: products that share a factor become one product with a sum.

Before:
    y[m] += x[m, k] * a[k] + x[m, k] * b[k]
After ``collect statement 0``:
    y[m] += x[m, k] * (a[k] + b[k])

Legal in the ring of the data type: for integers exactly, for floats as real arithmetic. It undoes an expansion
and leaves fewer products.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import dtype_of
from isamapper.ir.nodes import Binary, BinaryOp, Expression, Kernel
from isamapper.ir.types import DType
from isamapper.ir.walk import sites
from isamapper.mapper.algebra.polynomial import (
    Monomial,
    Polynomial,
    factors,
    linear_combination,
    literal,
    polynomial_of,
    product_of,
)
from isamapper.mapper.rewrites.edit import replaced, spans, tensors_at
from isamapper.mapper.rewrites.reader import statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Collect:
    """The step: common factors of statement ``statement`` leave their sums."""

    statement: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"collecting in statement {self.statement}"
        assign = statements(kernel)[self.statement].assign
        parts = polynomial_of(assign.value)
        if _common(parts) is None:
            return Rejection("RW063", subject, "no factor stands in two of its products", spans(assign))
        dtypes = {name: tensor.dtype for name, tensor in tensors_at(kernel, self.statement).items()}
        value = _collected(parts, dtype_of(assign.value, dtypes))
        if value == assign.value:
            return Rejection("RW063", subject, "its factors are collected as it is", spans(assign))
        path = sites(kernel)[self.statement].place.path
        return replaced(kernel, path, [replace(assign, value=value)])

    def text(self, kernel: Kernel) -> str:
        """``collect statement 0``."""
        return f"collect statement {self.statement}"


def read(words: StepReader, kernel: Kernel) -> Collect:
    """The step after its first word."""
    return Collect(statement_of(words, kernel))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Collect]:
    """The one way: the factor that most products share first."""
    yield Collect(statement)


def _common(parts: Polynomial) -> Expression | None:
    """The atom in most monomials, the first of those; None where no two share one."""
    counts: dict[Expression, int] = {}
    for monomial in parts:
        for atom, _ in monomial:
            counts[atom] = counts.get(atom, 0) + 1
    most = max(counts.values(), default=0)
    return next(atom for atom, count in counts.items() if count == most) if most > 1 else None


def _collected(parts: Polynomial, dtype: DType) -> Expression:
    atom = _common(parts)
    if atom is None:
        return linear_combination([(_monomial(each, dtype), c) for each, c in parts.items()], dtype)
    inside = {_without(each, atom): c for each, c in parts.items() if atom in dict(each)}
    outside = {each: c for each, c in parts.items() if atom not in dict(each)}
    product = Binary(BinaryOp.MUL, atom, _collected(inside, dtype))
    if not outside:
        return product
    return Binary(BinaryOp.ADD, product, _collected(outside, dtype))


def _monomial(monomial: Monomial, dtype: DType) -> Expression:
    return product_of(factors(monomial)) if monomial else literal(1, dtype)


def _without(monomial: Monomial, atom: Expression) -> Monomial:
    """One power of ``atom`` less."""
    lowered = ((each, power - 1 if each == atom else power) for each, power in monomial)
    return tuple((each, power) for each, power in lowered if power)
