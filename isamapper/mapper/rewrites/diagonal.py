"""Diagonals: an iterator in which an instruction has two becomes two, and an operand a diagonal matrix.

Before (every channel has a filter of its own):
    y[c, p] += x[c, p + r] * w[c, r]
After ``diagonal statement 0: c in w``:
    for q, c, r { z[q, c, r] = 0 }
    for c, r { z[c, c, r] = w[c, r] }
    for c, p, q, r { y[c, p] += x[q, p + r] * z[q, c, r] }

so that a matrix instruction, which sums over an iterator that the result does not have, does it; most of its work is on
zeros. Legal where the value vanishes with the factor that becomes diagonal.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Assign, Direction, Kernel, Load, Tensor
from isamapper.mapper.algebra.polynomial import literal
from isamapper.mapper.rewrites.edit import (
    Names,
    element,
    loops_around,
    names_in,
    reindexed,
    replaced,
    spans,
    tensors_at,
)
from isamapper.mapper.rewrites.product import Product, product_statement
from isamapper.mapper.rewrites.reader import iterator_of, load_names, load_of, statement_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Diagonal:
    """The step: load number ``load`` (from 1) becomes diagonal in ``iterator``; other loads run along its copy."""

    statement: int
    iterator: str
    load: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"diagonal over '{self.iterator}' in statement {self.statement}"
        product = product_statement(kernel, self.statement, subject)
        if isinstance(product, Rejection):
            return product
        where = spans(product.nest.statement.assign)
        access = product.loads[self.load - 1]
        others = [each for number, each in enumerate(product.loads, 1) if number != self.load]
        if self.iterator not in product.nest.own or self.iterator not in names_in(access):
            return Rejection("RW055", subject, f"'{access.tensor}' does not run along '{self.iterator}'", where)
        if not any(self.iterator in names_in(each) for each in others):
            return Rejection("RW055", subject, f"no other operand runs along '{self.iterator}'", where)
        if self.load not in product.vanishing:
            return Rejection("RW051", subject, f"'{access.tensor}' is no factor of the value", where)
        return self._applied(kernel, product, access)

    def _applied(self, kernel: Kernel, product: Product, access: Access) -> Kernel:
        nest, assign, names = product.nest, product.nest.statement.assign, Names(kernel)
        copy = names.fresh("q")
        used = {name: nest.extents[name] for name in names_in(access) if name in nest.own}
        wide = {copy: used[self.iterator], **used}
        dtype = tensors_at(kernel, self.statement)[access.tensor].dtype
        made = Tensor(names.fresh("z"), dtype, tuple(wide.values()), direction=Direction.LOCAL)
        on_diagonal = AccessMap(tuple(variable(name) for name in (self.iterator, *used)))
        clear = loops_around(wide, Assign(element(made.name, wide), literal(0, dtype)))
        fill = loops_around(used, Assign(Access(made.name, on_diagonal), Load(access)))

        def moved(number: int, old: Access) -> Access:
            return element(made.name, wide) if number == self.load else reindexed(old, {self.iterator: variable(copy)})

        value = with_accesses(assign.value, moved)
        extents = {**nest.extents, copy: used[self.iterator]}
        last = loops_around(extents, Assign(assign.target, value, assign.reduction, assign.span))
        return replaced(kernel, nest.path, (clear, fill, last), [made])

    def text(self, kernel: Kernel) -> str:
        """``diagonal statement 0: c in w``."""
        name = load_names(statements(kernel)[self.statement].assign.value)[self.load - 1]
        return f"diagonal statement {self.statement}: {self.iterator} in {name}"


def read(words: StepReader, kernel: Kernel) -> Diagonal:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterator = iterator_of(words, kernel, statement)
    words.expect("in")
    return Diagonal(statement, iterator, load_of(words, kernel, statement))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Diagonal]:
    """Every iterator that the target and two loads have, in each of these loads."""
    found = statements(kernel)[statement]
    for iterator in found.iterators:
        if iterator.extent > 1 and iterator.name in names_in(found.assign.target):
            users = [n for n, access in enumerate(found.accesses) if n and iterator.name in names_in(access)]
            if len(users) > 1:
                yield from (Diagonal(statement, iterator.name, number) for number in users)
