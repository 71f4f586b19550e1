"""Gathering a scattered sum: the target's own axes become the iterators, and zeros are put between strided inputs.

Before (a transposed convolution):
    y[2*p + r] += x[p] * w[r]                               p < 4, r < 3, y of 9
After ``gather statement 0: p``:
    for q < 7 { z[q] = 0 }
    for p < 4 { z[2*p] = x[p] }
    for q < 9, r < 3 { y[q] += (z[q - r] else 0) * w[r] }

One iterator per compound axis of the target is solved for. Legal where the value vanishes with a factor that the
iterator alone indexes: points between and beyond the old ones then add nothing.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, Affine, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Assign, Direction, Kernel, Load, Node, Tensor
from isamapper.mapper.algebra.polynomial import literal
from isamapper.mapper.rewrites.edit import (
    Names,
    checked,
    element,
    lone,
    loops_around,
    names_in,
    reindexed,
    replaced,
    spans,
    tensors_at,
)
from isamapper.mapper.rewrites.product import Product, bounded_axis, product_statement, shifted, zero_outside
from isamapper.mapper.rewrites.reader import iterator_of, statement_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Gather:
    """The step: statement ``statement`` runs along its target, instead of along ``iterators``."""

    statement: int
    iterators: tuple[str, ...]

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"gathering of statement {self.statement}"
        product = product_statement(kernel, self.statement, subject)
        if isinstance(product, Rejection):
            return product
        solved = []
        for iterator in self.iterators:
            found = _solved(product, iterator, subject)
            if isinstance(found, Rejection):
                return found
            solved.append(found)
        if len({each.axis for each in solved}) < len(solved):
            where = spans(product.nest.statement.assign)
            return Rejection("RW050", subject, "two of the iterators run along one axis of the target", where)
        return _Gathering(kernel, product, tuple(solved), subject).result()

    def text(self, kernel: Kernel) -> str:
        """``gather statement 0: h, w``."""
        return f"gather statement {self.statement}: {', '.join(self.iterators)}"


def read(words: StepReader, kernel: Kernel) -> Gather:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterators = [iterator_of(words, kernel, statement)]
    while words.accept(","):
        iterators.append(iterator_of(words, kernel, statement))
    return Gather(statement, tuple(iterators))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Gather]:
    """For every compound axis of the target the iterator of the longest stride, where there is one such axis."""
    found = statements(kernel)[statement]
    extents = {each.name: each.extent for each in found.iterators}
    chosen = []
    for index in found.assign.target.map.results:
        if len(index.terms) > 1:
            chosen.append(max(index.terms, key=lambda term: (term[1], extents[term[0]]))[0])
    if chosen and len(set(chosen)) == len(chosen):
        yield Gather(statement, tuple(chosen))


@dataclass(frozen=True, slots=True)
class _Solved:
    """The target's ``axis`` is ``stride * iterator + rest``; ``fresh`` will be the new iterator along it."""

    iterator: str
    axis: int
    stride: int
    rest: Affine


def _solved(product: Product, iterator: str, subject: str) -> _Solved | Rejection:
    target = product.nest.statement.assign.target
    axes = [axis for axis, index in enumerate(target.map.results) if index.coefficient(iterator)]
    where = spans(product.nest.statement.assign)
    if iterator not in product.nest.own or len(axes) != 1 or target.map.results[axes[0]].rotations:
        return Rejection("RW050", subject, f"'{iterator}' runs along no one axis of the target", where)
    index = target.map.results[axes[0]]
    stride = index.coefficient(iterator)
    if stride < 0:
        return Rejection("RW050", subject, f"'{iterator}' runs backwards along the target", where)
    return _Solved(iterator, axes[0], stride, shifted(index, iterator))


class _Gathering:
    """Builds the kernel: inputs with zeros in between, then the sum along the target."""

    def __init__(self, kernel: Kernel, product: Product, solved: tuple[_Solved, ...], subject: str) -> None:
        self.kernel, self.product, self.solved, self.subject = kernel, product, solved, subject
        self.names = Names(kernel)
        self.tensors = tensors_at(kernel, product.nest.statement.index)
        self.nodes: list[Node] = []
        self.made: list[Tensor] = []
        extents = product.nest.extents
        shape = self.tensors[product.nest.statement.assign.target.tensor].shape
        self.fresh = {each.iterator: self.names.fresh("q") for each in solved}
        axis = {each.iterator: each.axis for each in solved}
        self.extents = {
            self.fresh.get(name, name): shape[axis[name]] if name in axis else size for name, size in extents.items()
        }

    def result(self) -> Kernel | Rejection:
        assign = self.product.nest.statement.assign
        changed: dict[int, Access] = {}
        guarded: set[str] = set()
        for number, access in enumerate(self.product.loads, 1):
            found = self._load(number, access, guarded)
            if found is None:
                reason = f"'{access.tensor}' is read at indices that cannot be spread along the target"
                return Rejection("RW051", self.subject, reason, spans(assign))
            changed[number] = found
        missing = [each.iterator for each in self.solved if each.iterator not in guarded]
        if missing:
            reason = f"no factor is indexed by '{missing[0]}' alone, from end to end"
            return Rejection("RW051", self.subject, reason, spans(assign))
        value = with_accesses(assign.value, lambda number, _: changed[number])
        results = list(assign.target.map.results)
        for each in self.solved:
            results[each.axis] = variable(self.fresh[each.iterator])
        target = replace(assign.target, map=AccessMap(tuple(results)))
        nest = loops_around(self.extents, Assign(target, value, assign.reduction, assign.span))
        made = replaced(self.kernel, self.product.nest.path, (*self.nodes, nest), self.made)
        return checked(made, self.subject, spans(assign))

    def _load(self, number: int, access: Access, guarded: set[str]) -> Access | None:
        """The access along the new iterators; fills in ``guarded`` which old ones it accounts for."""
        own = [each for each in self.solved if each.iterator in names_in(access)]
        if not own:
            return access
        tensor = self.tensors[access.tensor]
        box = {**self.product.nest.around, **self.product.nest.extents}
        axes = [bounded_axis(access, tensor, each.iterator, box[each.iterator]) for each in own]
        used = [index for index in access.map.results if lone(index) not in {each.iterator for each in own}]
        if None in axes or any(index.coefficient(each.iterator) for index in used for each in own):
            return None
        if number in self.product.vanishing:
            guarded.update(each.iterator for each in own)
        if any(each.stride > 1 for each in own):
            tensor, access = self._spread(
                tensor, access, {a: e.stride for a, e in zip(axes, own, strict=True) if a is not None}
            )
        moved = {e.iterator: variable(self.fresh[e.iterator]) - e.rest for e in own}
        return zero_outside(reindexed(access, moved), tensor, {**self.product.nest.around, **self.extents})

    def _spread(self, tensor: Tensor, access: Access, strides: abc.Mapping[int, int]) -> tuple[Tensor, Access]:
        """A copy of the tensor with zeros between its elements along ``strides``."""
        shape = tuple((size - 1) * strides.get(axis, 1) + 1 for axis, size in enumerate(tensor.shape))
        made = Tensor(self.names.fresh("z"), tensor.dtype, shape, direction=Direction.LOCAL)
        loops = {self.names.fresh(f"i{axis}"): size for axis, size in enumerate(tensor.shape)}
        wide = dict(zip(loops, shape, strict=True))
        spread = tuple(variable(name, strides.get(axis, 1)) for axis, name in enumerate(loops))
        self.nodes += [
            loops_around(wide, Assign(element(made.name, loops), literal(0, tensor.dtype))),
            loops_around(loops, Assign(Access(made.name, AccessMap(spread)), Load(element(tensor.name, loops)))),
        ]
        self.made.append(made)
        return made, replace(access, tensor=made.name)
