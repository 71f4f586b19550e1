"""Padding: an iterator runs further than the kernel says, over zeros or into cells that nobody reads.

Before:
    y[m] += x[m, k] * w[k]                              k < 13
After ``pad statement 0: k to 16``:
    for m, k < 16 { y[m] += (x[m, k] else 0) * (w[k] else 0) }
Before:
    y[m, n] += x[m, k] * w[k, n]                        n < 13
After ``pad statement 0: n to 16``:
    for m, n < 16, k { t[m, n] += x[m, k] * (w[k, n] else 0) }
    for m, n < 13 { y[m, n] = t[m, n] }

Legal where the value vanishes with a factor that the iterator alone indexes, or the target holds the iterator.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Assign, Kernel, Reduction
from isamapper.mapper.rewrites.edit import (
    Names,
    checked,
    loops_around,
    names_in,
    replaced,
    spans,
    temporary,
    tensors_at,
    writes_whole,
)
from isamapper.mapper.rewrites.product import Product, bounded_axis, product_statement, zero_outside
from isamapper.mapper.rewrites.reader import iterator_of, statement_of, with_accesses
from isamapper.plan.step_reader import StepReader

BLOCK = 16
"""Multiples that are proposed; the text of a step may give any extent."""


@dataclass(frozen=True, slots=True)
class Pad:
    """The step: ``iterator`` of statement ``statement`` runs up to ``extent``."""

    statement: int
    iterator: str
    extent: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"padding of '{self.iterator}' in statement {self.statement}"
        product = product_statement(kernel, self.statement, subject)
        if isinstance(product, Rejection):
            return product
        where = spans(product.nest.statement.assign)
        if self.iterator not in product.nest.own:
            return Rejection("RW046", subject, f"'{self.iterator}' is no loop of its own", where)
        if self.extent <= product.nest.extents[self.iterator]:
            reason = f"'{self.iterator}' runs to {product.nest.extents[self.iterator]} as it is"
            return Rejection("RW057", subject, reason, where)
        found = self._loads(kernel, product)
        if isinstance(found, str):
            return Rejection("RW051", subject, found, where)
        return checked(self._padded(kernel, product, found), subject, where)

    def text(self, kernel: Kernel) -> str:
        """``pad statement 0: k to 80``."""
        return f"pad statement {self.statement}: {self.iterator} to {self.extent}"

    def _loads(self, kernel: Kernel, product: Product) -> list[Access] | str:
        """The loads over the larger box, or what stands in the way."""
        nest, tensors = product.nest, tensors_at(kernel, self.statement)
        box = {**nest.around, **nest.extents, self.iterator: self.extent}
        guarded, found = self.iterator in names_in(nest.statement.assign.target), []
        for number, access in enumerate(product.loads, 1):
            axis = bounded_axis(access, tensors[access.tensor], self.iterator, nest.extents[self.iterator])
            guarded = guarded or (axis is not None and number in product.vanishing)
            changed = zero_outside(access, tensors[access.tensor], box)
            if changed is None:
                return f"'{access.tensor}' would be read outside, where it counts as {access.otherwise}"
            found.append(changed)
        return found if guarded else f"no factor is indexed by '{self.iterator}' alone, from end to end"

    def _padded(self, kernel: Kernel, product: Product, found: list[Access]) -> Kernel:
        nest, assign = product.nest, product.nest.statement.assign
        value = with_accesses(assign.value, lambda number, _: found[number - 1])
        extents = {**nest.extents, self.iterator: self.extent}
        if self.iterator not in names_in(assign.target):
            last = loops_around(extents, Assign(assign.target, value, assign.reduction, assign.span))
            return replaced(kernel, nest.path, [last])
        held = {name: size for name, size in extents.items() if name in names_in(assign.target)}
        summed = {name: size for name, size in extents.items() if name not in held}
        name = Names(kernel).fresh("t"), product.dtype
        made = temporary(name, value, held, summed, Reduction.ADD, nest.around)
        own = {name: size for name, size in nest.extents.items() if name in held}
        reduction = None if writes_whole(kernel, nest) else assign.reduction
        last = loops_around(own, Assign(assign.target, made.load, reduction, assign.span))
        return replaced(kernel, nest.path, (made.nest, last), [made.tensor])


def read(words: StepReader, kernel: Kernel) -> Pad:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterator = iterator_of(words, kernel, statement)
    words.expect("to")
    return Pad(statement, iterator, words.number())


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Pad]:
    """Every iterator that is no multiple of the usual block, up to the next multiple."""
    for iterator in statements(kernel)[statement].iterators:
        if iterator.extent % BLOCK:
            yield Pad(statement, iterator.name, -(-iterator.extent // BLOCK) * BLOCK)
