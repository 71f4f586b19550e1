"""Cuts: a statement does the first iterations of a loop, another one the rest.

Before:
    for g < 3, j < H, i < H { a[g, j] += h[i] * u[g, i, j] }
After ``cut statement 0: g at 2``:
    for g < 2, j < H, i < H { a[g, j] += h[i] * u[g, i, j] }
    for g < 1, j < H, i < H { a[g + 2, j] += h[i] * u[g + 2, i, j] }

What each part reads can then be treated in its own way: weights of the first stay on chip, those of the second are
fetched again. Legal where the loop is the statement's own and its iterations are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import variable
from isamapper.ir.analysis import Iterator, statements
from isamapper.ir.nodes import IteratorKind, Kernel
from isamapper.mapper.rewrites.edit import loops_around, moved, own_nest, replaced, spans
from isamapper.mapper.rewrites.reader import iterator_of, statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Cut:
    """The step: the first ``at`` iterations of ``iterator`` are one statement, the others the next."""

    statement: int
    iterator: str
    at: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"cut of '{self.iterator}' in statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        assign = nest.statement.assign
        if not can_be_cut(kernel, self.statement, self.iterator) or self.iterator not in nest.own:
            reason = f"'{self.iterator}' is no loop of its own whose iterations are independent"
            return Rejection("RW110", subject, reason, spans(assign))
        whole = nest.extents[self.iterator]
        if not 0 < self.at < whole:
            return Rejection("RW110", subject, f"a cut lies between 1 and {whole - 1}", spans(assign))
        rest = moved(assign, {self.iterator: variable(self.iterator) + self.at})
        parts = [
            loops_around({**nest.extents, self.iterator: self.at}, assign),
            loops_around({**nest.extents, self.iterator: whole - self.at}, rest),
        ]
        return replaced(kernel, nest.path, parts)

    def text(self, kernel: Kernel) -> str:
        """``cut statement 0: g at 2``."""
        del kernel
        return f"cut statement {self.statement}: {self.iterator} at {self.at}"


def can_be_cut(kernel: Kernel, statement: int, iterator: str) -> bool:
    """Whether iterations of a loop write different elements and depend on none of each other."""
    found = statements(kernel)[statement]
    kinds = {each.name: each.kind for each in found.iterators}
    return kinds.get(iterator) is IteratorKind.PARALLEL


def iterators(kernel: Kernel, statement: int) -> tuple[Iterator, ...]:
    """What a statement can be cut along."""
    return tuple(each for each in statements(kernel)[statement].iterators if each.kind is IteratorKind.PARALLEL)


def read(words: StepReader, kernel: Kernel) -> Cut:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterator = iterator_of(words, kernel, statement)
    words.expect("at")
    return Cut(statement, iterator, words.number())
