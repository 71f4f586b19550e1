"""Masks: a sum over part of a box becomes a product with ones and zeros over the whole box.

Before:
    for m < 8, n < 8, i < n + 1 { y[m, n] += x[m, i] }
After ``mask statement 0``:
    for n < 8, i < 8 { u[n, i] = 0 }
    for n < 8, i < 8 { if n >= i { u[n, i] = 1 } }
    for m < 8, n < 8, i < 8 { y[m, n] += x[m, i] * u[n, i] }

so that scans and triangular sums are matrix products. Legal for sums whose value can be computed everywhere in the box;
a read that would leave its tensor takes 0.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.expressions import dtype_of
from isamapper.ir.nodes import (
    Access,
    Assign,
    Binary,
    BinaryOp,
    Constraint,
    Expression,
    Guard,
    Kernel,
    Load,
    Reduction,
    Tensor,
)
from isamapper.ir.walk import value_range, walk
from isamapper.mapper.algebra.polynomial import literal
from isamapper.mapper.rewrites.edit import (
    Names,
    Nest,
    checked,
    element,
    loops_around,
    nest_of,
    replaced,
    spans,
    tensors_at,
)
from isamapper.mapper.rewrites.reader import statement_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Mask:
    """The step: statement ``statement`` runs over its whole box, times a mask."""

    statement: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"mask of statement {self.statement}"
        nest = nest_of(kernel, self.statement)
        statement = nest.statement
        where = spans(statement.assign)
        if statement.assign.reduction is not Reduction.ADD:
            return Rejection("RW062", subject, "the statement sums nothing", where)
        conditions = _own_conditions(kernel, nest)
        if not conditions or statement.exclusions:
            reason = "an 'else' stands around it" if statement.exclusions else "it runs over its whole box as it is"
            return Rejection("RW044", subject, reason, where)
        outside = {name for test in conditions for name in test.function.names} - set(nest.own)
        if outside:
            reason = f"its conditions depend on '{min(outside)}', a loop around other statements"
            return Rejection("RW044", subject, reason, where)
        return checked(_masked(kernel, nest, conditions), subject, where)

    def text(self, kernel: Kernel) -> str:
        """``mask statement 0``."""
        return f"mask statement {self.statement}"


def read(words: StepReader, kernel: Kernel) -> Mask:
    """The step after its first word."""
    return Mask(statement_of(words, kernel))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Mask]:
    """The one way to mask."""
    yield Mask(statement)


def _own_conditions(kernel: Kernel, nest: Nest) -> tuple[Constraint, ...]:
    """Conditions that stand inside the statement's own loops."""
    around = next(place.conditions for _, place in walk(kernel) if place.path == nest.path)
    return nest.statement.conditions[len(around) :]


def _masked(kernel: Kernel, nest: Nest, conditions: tuple[Constraint, ...]) -> Kernel:
    assign, extents = nest.statement.assign, nest.extents
    tensors = tensors_at(kernel, nest.statement.index)
    dtype = dtype_of(assign.value, {name: tensor.dtype for name, tensor in tensors.items()})
    tested = {name: size for name, size in extents.items() if any(name in test.function.names for test in conditions)}
    mask = Tensor(Names(kernel).fresh("u"), dtype, tuple(tested.values()))
    here = element(mask.name, tested)
    clear = loops_around(tested, Assign(here, literal(0, dtype)))
    fill = loops_around(tested, Guard(conditions, (Assign(here, literal(1, dtype)),)))
    value = _inside(assign.value, {**nest.around, **extents}, tensors)
    product = Assign(assign.target, Binary(BinaryOp.MUL, value, Load(here)), assign.reduction, assign.span)
    return replaced(kernel, nest.path, (clear, fill, loops_around(extents, product)), [mask])


def _inside(value: Expression, box: abc.Mapping[str, int], tensors: abc.Mapping[str, Tensor]) -> Expression:
    """``value`` with a zero where a read leaves its tensor somewhere in the box."""

    def guarded(number: int, access: Access) -> Access:
        ranges = [value_range(index, box) for index in access.map.results]
        shape = tensors[access.tensor].shape
        inside = all(low >= 0 and high < size for (low, high), size in zip(ranges, shape, strict=True))
        return access if inside or access.otherwise is not None else replace(access, otherwise=0)

    return with_accesses(value, guarded)
