"""Skewing: the sum of two iterators in an index becomes an iterator of its own.

Before (a convolution):                                     p < 8, r < 3
    y[p] += x[p + r] * w[r]
After ``skew statement 0: r with p``:
    for p < 8, q < 10 { y[p] += x[q] * (w[q - p] else 0) }
Before (sliding-window attention, correlation):
    s[p, r] += a[p, c] * b[p + r, c]
After ``skew statement 0: r with p``:
    for p < 8, q < 10, c { t[p, q] += a[p, c] * b[q, c] }
    for p < 8, r < 3 { s[p, r] = t[p, p + r] }

Legal where points outside the band ``0 <= q - p < R`` add nothing (a factor is read outside its tensor there) or are
not taken over (the target holds the iterator).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Assign, Kernel, Load, Reduction
from isamapper.mapper.rewrites.edit import (
    Names,
    loops_around,
    names_in,
    reindexed,
    replaced,
    spans,
    temporary,
    tensors_at,
    writes_whole,
)
from isamapper.mapper.rewrites.product import Product, bounded_axis, product_statement, zero_outside
from isamapper.mapper.rewrites.reader import iterator_of, statement_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Skew:
    """The step: ``stride * origin + iterator`` becomes an iterator in the place of ``iterator``."""

    statement: int
    iterator: str
    origin: str

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"skewing of '{self.iterator}' in statement {self.statement}"
        product = product_statement(kernel, self.statement, subject)
        if isinstance(product, Rejection):
            return product
        assign = product.nest.statement.assign
        stride = self._stride(product)
        if stride is None:
            reason = f"no index holds '{self.iterator}' beside a multiple of '{self.origin}' alone"
            return Rejection("RW052", subject, reason, spans(assign))
        found = self._loads(kernel, product, stride)
        if isinstance(found, str):
            return Rejection("RW053", subject, found, spans(assign))
        return self._skewed(kernel, product, stride, found)

    def text(self, kernel: Kernel) -> str:
        """``skew statement 0: r with p``."""
        return f"skew statement {self.statement}: {self.iterator} with {self.origin}"

    def _stride(self, product: Product) -> int | None:
        """How far the origin moves the window, by the first index that holds both."""
        if not {self.iterator, self.origin} <= set(product.nest.own):
            return None
        for access in product.loads:
            for index in access.map.results:
                if index.coefficient(self.iterator) == 1 and index.coefficient(self.origin) > 0:
                    return index.coefficient(self.origin)
        return None

    def _loads(self, kernel: Kernel, product: Product, stride: int) -> list[Access] | str:
        """The loads along the new iterator, or what stands in the way."""
        tensors, extents = tensors_at(kernel, self.statement), product.nest.extents
        moved = {self.iterator: variable(self._name(kernel)) - variable(self.origin, stride)}
        box = {**product.nest.around, **self._extents(kernel, product, stride), self.origin: extents[self.origin]}
        guarded = self.iterator in names_in(product.nest.statement.assign.target)
        found = []
        for number, access in enumerate(product.loads, 1):
            axis = bounded_axis(access, tensors[access.tensor], self.iterator, extents[self.iterator])
            guarded = guarded or (axis is not None and number in product.vanishing)
            changed = zero_outside(reindexed(access, moved), tensors[access.tensor], box)
            if changed is None:
                return f"'{access.tensor}' would be read outside, where it counts as {access.otherwise}"
            found.append(changed)
        return found if guarded else f"no factor is indexed by '{self.iterator}' alone, from end to end"

    def _name(self, kernel: Kernel) -> str:
        return Names(kernel).fresh("q")

    def _extents(self, kernel: Kernel, product: Product, stride: int) -> dict[str, int]:
        extents = product.nest.extents
        reach = stride * (extents[self.origin] - 1) + extents[self.iterator]
        return {
            self._name(kernel) if name == self.iterator else name: reach if name == self.iterator else size
            for name, size in extents.items()
        }

    def _skewed(self, kernel: Kernel, product: Product, stride: int, found: list[Access]) -> Kernel:
        nest, assign = product.nest, product.nest.statement.assign
        value = with_accesses(assign.value, lambda number, _: found[number - 1])
        extents = self._extents(kernel, product, stride)
        if self.iterator not in names_in(assign.target):
            last = loops_around(extents, Assign(assign.target, value, assign.reduction, assign.span))
            return replaced(kernel, nest.path, [last])
        fresh, names = self._name(kernel), Names(kernel)
        kept = {name for name in names_in(assign.target) if name != self.iterator} | {fresh, self.origin}
        held = {name: size for name, size in extents.items() if name in kept}
        summed = {name: size for name, size in extents.items() if name not in kept}
        made = temporary((names.fresh("t"), product.dtype), value, held, summed, Reduction.ADD, nest.around)
        back = {fresh: variable(self.origin, stride) + variable(self.iterator)}
        load = Load(reindexed(made.load.access, back))
        own = {name: size for name, size in nest.extents.items() if name in (*kept, self.iterator)}
        once = self.origin in names_in(assign.target) and writes_whole(kernel, nest)
        reduction = None if once else assign.reduction
        last = loops_around(own, Assign(assign.target, load, reduction, assign.span))
        return replaced(kernel, nest.path, (made.nest, last), [made.tensor])


def read(words: StepReader, kernel: Kernel) -> Skew:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterator = iterator_of(words, kernel, statement)
    words.expect("with")
    return Skew(statement, iterator, iterator_of(words, kernel, statement))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Skew]:
    """Every pair of iterators that meet in an index of a load, where windows overlap."""
    found = statements(kernel)[statement]
    extents = {each.name: each.extent for each in found.iterators}
    pairs = {
        (iterator, origin): None
        for access in found.accesses[1:]
        for index in access.map.results
        for iterator, step in index.terms
        for origin, stride in index.terms
        if step == 1 and 0 < stride < extents[iterator] and extents[origin] > 1 and iterator != origin
    }
    for iterator, origin in pairs:
        yield Skew(statement, iterator, origin)
