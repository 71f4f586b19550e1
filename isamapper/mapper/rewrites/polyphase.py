"""Polyphase: a window that moves in strides becomes one window of stride one per phase.

Before:
    y[p] += x[2*p + r] * w[r]                                   p < 4, r < 3
After ``polyphase statement 0: r by 2``:
    for i < 2, j < 5 { t[i, j] = x[2*j + i] else 0 }
    for p < 4, r < 2, i < 2 { y[p] += t[i, p + r] * (w[2*r + i] else 0) }

so that the operand's rows lie one beside the other. Legal always where the extent of the iterator is a multiple of the
stride, otherwise where the value vanishes with a factor that the iterator alone indexes.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, Affine, affine, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Assign, Direction, Kernel, Load, Node, Tensor
from isamapper.ir.walk import value_range
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
from isamapper.mapper.rewrites.product import Product, bounded_axis, product_statement, zero_outside
from isamapper.mapper.rewrites.reader import iterator_of, statement_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Polyphase:
    """The step: ``iterator`` is written as ``stride`` phases."""

    statement: int
    iterator: str
    stride: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"phases of '{self.iterator}' in statement {self.statement}"
        product = product_statement(kernel, self.statement, subject)
        if isinstance(product, Rejection):
            return product
        where = spans(product.nest.statement.assign)
        if self.iterator not in product.nest.own or self.iterator in names_in(product.nest.statement.assign.target):
            return Rejection("RW056", subject, f"the statement does not reduce over '{self.iterator}'", where)
        if self.stride < 2:
            return Rejection("RW057", subject, "there are no phases of a stride below 2", where)
        return _Phases(kernel, product, self).result(subject)

    def along_rows(self, kernel: Kernel) -> bool:
        """Whether the strides are those of some operand's rows: its innermost axis that anything moves along."""
        found = statements(kernel)[self.statement]
        extents = {each.name: each.extent for each in found.iterators}
        for access in found.accesses[1:]:
            moving = [index for index in access.map.results if any(extents.get(name, 1) > 1 for name, _ in index.terms)]
            if moving and moving[-1].coefficient(self.iterator) and len(moving[-1].terms) > 1:
                return True
        return False

    def text(self, kernel: Kernel) -> str:
        """``polyphase statement 0: r by 2``."""
        return f"polyphase statement {self.statement}: {self.iterator} by {self.stride}"


def read(words: StepReader, kernel: Kernel) -> Polyphase:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterator = iterator_of(words, kernel, statement)
    words.expect("by")
    return Polyphase(statement, iterator, words.number())


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Polyphase]:
    """Every iterator that stands beside a longer stride in an index of a load, where windows overlap.

    One that goes farther than all strides together is no window, but what windows move along: ``x[p + 28*r]``.
    """
    found = statements(kernel)[statement]
    extents = {each.name: each.extent for each in found.iterators}
    pairs = {
        (iterator, stride): None
        for access in found.accesses[1:]
        for index in access.map.results
        for iterator, step in index.terms
        for origin, stride in index.terms
        if step == 1 and 1 < stride < extents[iterator] <= stride * extents[origin] and extents[origin] > 1
        if iterator != origin
    }
    for iterator, stride in pairs:
        yield Polyphase(statement, iterator, stride)


class _Phases:
    """Builds the kernel: a tensor of phases per strided load, then the sum over blocks and phases."""

    def __init__(self, kernel: Kernel, product: Product, step: Polyphase) -> None:
        self.kernel, self.product, self.step = kernel, product, step
        self.names = Names(kernel)
        self.phase = self.names.fresh("i")
        self.tensors = tensors_at(kernel, step.statement)
        extents = product.nest.extents
        blocks = -(-extents[step.iterator] // step.stride)
        self.extents = {**extents, step.iterator: blocks, self.phase: step.stride}
        self.box = {**product.nest.around, **self.extents}
        self.digits = {step.iterator: variable(step.iterator, step.stride) + variable(self.phase)}
        self.nodes: list[Node] = []
        self.made: list[Tensor] = []

    def result(self, subject: str) -> Kernel | Rejection:
        assign, extent = self.product.nest.statement.assign, self.product.nest.extents[self.step.iterator]
        guarded, found = extent % self.step.stride == 0, []
        for number, access in enumerate(self.product.loads, 1):
            axis = bounded_axis(access, self.tensors[access.tensor], self.step.iterator, extent)
            guarded = guarded or (axis is not None and number in self.product.vanishing)
            changed = zero_outside(reindexed(access, self.digits), self.tensors[access.tensor], self.box)
            if changed is None:
                reason = f"'{access.tensor}' would be read outside, where it counts as {access.otherwise}"
                return Rejection("RW053", subject, reason, spans(assign))
            found.append(self._phased(changed))
        if not guarded:
            reason = f"no factor is indexed by '{self.step.iterator}' alone, from end to end"
            return Rejection("RW051", subject, reason, spans(assign))
        value = with_accesses(assign.value, lambda number, _: found[number - 1])
        last = loops_around(self.extents, Assign(assign.target, value, assign.reduction, assign.span))
        return replaced(self.kernel, self.product.nest.path, (*self.nodes, last), self.made)

    def _phased(self, access: Access) -> Access:
        """The access to a tensor of phases, made here; the access itself where no axis has the stride."""
        axis = next((n for n, index in enumerate(access.map.results) if self._strided(index)), None)
        if axis is None:
            return access
        index = access.map.results[axis]
        place = affine((name, value // self.step.stride) for name, value in index.terms if name != self.phase)
        low, high = value_range(place, self.box)
        tensor = self.tensors[access.tensor]
        loops = {self.names.fresh(f"j{n}"): size for n, size in enumerate(tensor.shape)}
        wide = {self.phase: self.step.stride, **loops}
        row = list(loops)[axis]
        wide[row] = high - low + 1
        made = Tensor(self.names.fresh("t"), tensor.dtype, tuple(wide.values()), direction=Direction.LOCAL)
        source = [variable(name) for name in loops]
        source[axis] = (
            variable(row, self.step.stride) + variable(self.phase) + (index.constant + low * self.step.stride)
        )
        read = zero_outside(Access(tensor.name, AccessMap(tuple(source)), access.otherwise), tensor, wide)
        assert read is not None, "what is read outside counts as zero, or there is nothing outside"
        self.nodes.append(loops_around(wide, Assign(element(made.name, wide), Load(read))))
        self.made.append(made)
        inside = list(access.map.results)
        inside[axis] = place - low
        moved = Access(made.name, AccessMap((variable(self.phase), *inside)))
        found = zero_outside(moved, made, self.box)
        assert found is not None
        return found

    def _strided(self, index: Affine) -> bool:
        """Whether the index is the phase and multiples of the stride, of more than the iterator itself."""
        others = [value for name, value in index.terms if name != self.phase]
        return index.coefficient(self.phase) == 1 and len(others) > 1 and all(v % self.step.stride == 0 for v in others)
