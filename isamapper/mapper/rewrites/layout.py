"""Layouts: an operand is copied into a tensor of its own, with one axis per iterator in the order wanted.

Before:
    y[k, p] += x[c, p + r] * w[k, c, r]
After ``layout statement 0: x as [c, r, p]``:
    t[c, r, p] = x[c, p + r]
    y[k, p] += t[c, r, p] * w[k, c, r]

Transposed, gathered, flipped and padded operands are all written so. Legal where the statement has loops of its own and
does not write the tensor that it copies.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Assign, Kernel, Load
from isamapper.mapper.rewrites.edit import (
    Names,
    loops_around,
    names_in,
    own_nest,
    replaced,
    spans,
    temporary,
    tensors_at,
)
from isamapper.mapper.rewrites.reader import load_names, load_of, statement_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Layout:
    """The step: load number ``load`` (from 1) of statement ``statement`` is laid out along ``axes``."""

    statement: int
    load: int
    axes: tuple[str, ...]

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"layout of an operand of statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        assign = nest.statement.assign
        access = loads(assign.value)[self.load - 1]
        own = [name for name in names_in(access) if name in nest.own]
        if sorted(own) != sorted(self.axes):
            reason = (
                f"'{access.tensor}' has the iterators {', '.join(own) or 'none'}, not {', '.join(self.axes) or 'none'}"
            )
            return Rejection("RW047", subject, reason, spans(assign))
        if access.tensor == assign.target.tensor:
            return Rejection("RW011", subject, f"it reads its own target '{access.tensor}'", spans(assign))
        dtype = tensors_at(kernel, self.statement)[access.tensor].dtype
        held = {name: nest.extents[name] for name in self.axes}
        made = temporary((Names(kernel).fresh("t"), dtype), Load(access), held)

        def moved(number: int, old: Access) -> Access:
            return made.load.access if number == self.load else old

        last = Assign(assign.target, with_accesses(assign.value, moved), assign.reduction, assign.span)
        return replaced(kernel, nest.path, (made.nest, loops_around(nest.extents, last)), [made.tensor])

    def text(self, kernel: Kernel) -> str:
        """``layout statement 0: x as [c, r, p]``."""
        name = load_names(statements(kernel)[self.statement].assign.value)[self.load - 1]
        return f"layout statement {self.statement}: {name} as [{', '.join(self.axes)}]"


def read(words: StepReader, kernel: Kernel) -> Layout:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    load = load_of(words, kernel, statement)
    words.expect("as")
    words.expect("[")
    axes = tuple(words.words("]"))
    words.expect("]")
    return Layout(statement, load, axes)


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Layout]:
    """Every load with a compound or negative index, laid out in the order in which its axes name the iterators."""
    found = statements(kernel)[statement]
    for number, access in enumerate(loads(found.assign.value), 1):
        plain = all(len(index.terms) <= 1 and all(c > 0 for _, c in index.terms) for index in access.map.results)
        if not plain:
            yield Layout(statement, number, names_in(access))
