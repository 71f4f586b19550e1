"""Partial sums: a reduction is done for each value of one digit first, and over that digit last.

Before:
    y[m] += x[m, k] * w[k]                          k < 64
After ``partial statement 0: k by 16``:
    for m, k < 16, k1 < 4 { t[m, k] += x[m, k + 16*k1] * w[k + 16*k1] }
    for m, k < 16 { y[m] += t[m, k] }

so that a reduction iterator may lie where the instruction keeps results apart (the lanes of a vector). Legal where the
iterator is summed over by loops of the statement's own, and the digit's extent divides it.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import variable
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import dtype_of, loads
from isamapper.ir.nodes import Assign, Kernel
from isamapper.mapper.rewrites.edit import (
    Names,
    Nest,
    loops_around,
    names_in,
    own_nest,
    reindexed,
    replaced,
    spans,
    temporary,
    tensors_at,
)
from isamapper.mapper.rewrites.reader import iterator_of, statement_of, with_accesses
from isamapper.plan.step_reader import StepReader

WIDTHS = (16, 8, 4)
"""Extents that are proposed for the digit; the text of a step may give any."""


@dataclass(frozen=True, slots=True)
class Partial:
    """The step: ``iterator`` of statement ``statement`` is reduced over last in its inner digit of extent ``width``."""

    statement: int
    iterator: str
    width: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"partial sums over '{self.iterator}' in statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        assign = nest.statement.assign
        if assign.reduction is None:
            return Rejection("RW010", subject, "the statement reduces nothing", spans(assign))
        if any(access.tensor == assign.target.tensor for access in loads(assign.value)):
            return Rejection("RW011", subject, f"it reads its own target '{assign.target.tensor}'", spans(assign))
        if self.iterator not in nest.own or self.iterator in names_in(assign.target):
            return Rejection(
                "RW056", subject, f"the statement does not reduce over '{self.iterator}' alone", spans(assign)
            )
        if self.width < 2 or nest.extents[self.iterator] % self.width:
            reason = f"{self.width} does not divide the extent {nest.extents[self.iterator]} of '{self.iterator}'"
            return Rejection("RW057", subject, reason, spans(assign))
        return self._applied(kernel, nest)

    def _applied(self, kernel: Kernel, nest: Nest) -> Kernel:
        assign, names = nest.statement.assign, Names(kernel)
        outer, blocks = names.fresh(self.iterator), nest.extents[self.iterator] // self.width
        digits = {self.iterator: variable(self.iterator) + variable(outer, self.width)}
        value = assign.value
        if blocks > 1:
            value = with_accesses(value, lambda _, access: reindexed(access, digits))
        kept = {name: size for name, size in nest.extents.items() if name in names_in(assign.target)}
        held = {**kept, self.iterator: self.width}
        summed = {name: size for name, size in nest.extents.items() if name not in held}
        if blocks > 1:
            summed[outer] = blocks
        dtypes = {name: tensor.dtype for name, tensor in tensors_at(kernel, self.statement).items()}
        made = temporary(
            (names.fresh("t"), dtype_of(value, dtypes)), value, held, summed, assign.reduction, nest.around
        )
        last = loops_around(held, Assign(assign.target, made.load, assign.reduction, assign.span))
        return replaced(kernel, nest.path, (made.nest, last), [made.tensor])

    def text(self, kernel: Kernel) -> str:
        """``partial statement 0: k by 16``."""
        return f"partial statement {self.statement}: {self.iterator} by {self.width}"


def read(words: StepReader, kernel: Kernel) -> Partial:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterator = iterator_of(words, kernel, statement)
    words.expect("by")
    return Partial(statement, iterator, words.number())


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Partial]:
    """The widest proposed digit of every iterator that is summed over."""
    found = statements(kernel)[statement]
    kept = names_in(found.assign.target)
    if found.assign.reduction is None:
        return
    for iterator in found.iterators:
        width = next((width for width in WIDTHS if iterator.extent % width == 0), None)
        if width is not None and iterator.name not in kept:
            yield Partial(statement, iterator.name, width)
