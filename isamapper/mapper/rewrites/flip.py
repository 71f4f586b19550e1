"""Flips: an iterator runs the other way, so that a stride changes its sign.

Before:
    y[t] += x[t - r + 3] * w[r]                 r < 4
After ``flip statement 0: r``:
    y[t] += x[t + r] * w[3 - r]

Legal where the iterator is the statement's own and carries no order. A layout of the operand that now has the negative
stride (``layout.py``) makes both strides positive.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import constant, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.mapper.rewrites.edit import loops_around, moved, own_nest, replaced, spans
from isamapper.mapper.rewrites.reader import iterator_of, statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Flip:
    """The step: ``iterator`` of statement ``statement`` runs from its end."""

    statement: int
    iterator: str

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"flip of '{self.iterator}' in statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        assign = nest.statement.assign
        if self.iterator not in nest.own:
            return Rejection("RW046", subject, f"'{self.iterator}' is no loop of its own", spans(assign))
        turned = {self.iterator: constant(nest.extents[self.iterator] - 1) - variable(self.iterator)}
        node = loops_around(nest.extents, moved(assign, turned))
        return replaced(kernel, nest.path, [node])

    def text(self, kernel: Kernel) -> str:
        """``flip statement 0: r``."""
        return f"flip statement {self.statement}: {self.iterator}"


def read(words: StepReader, kernel: Kernel) -> Flip:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    return Flip(statement, iterator_of(words, kernel, statement))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Flip]:
    """A flip for every iterator that some access runs along backwards."""
    found = statements(kernel)[statement]
    backwards = {
        name
        for access in found.accesses
        for index in access.map.results
        for name, coefficient in index.terms
        if coefficient < 0
    }
    for iterator in found.iterators:
        if iterator.name in backwards:
            yield Flip(statement, iterator.name)
