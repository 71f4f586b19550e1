"""Inlining: what a statement computes for one other tensor element goes to where it is read.

Before:
    t[m, k] = a[m, k] - b[k]
    y[m, n] += t[m, k] * w[k, n]
After ``inline statement 0``:
    y[m, n] += (a[m, k] - b[k]) * w[k, n]

Legal where the statement gives every element of a local tensor its value once, reads nothing that is written between it
and the last reader, and shares its loops with no other statement. What is read several times is computed several times.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Assign, Direction, Expression, Kernel, Load
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import sites
from isamapper.mapper.rewrites.edit import Nest, lone, own_nest, reindexed, replaced, spans, tensors_at
from isamapper.mapper.rewrites.reader import statement_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Inline:
    """The step: readers of what statement ``statement`` writes compute it themselves."""

    statement: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel without the statement and its tensor, or why there is none."""
        subject = f"inlining of statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        obstacle = _obstacle(kernel, nest)
        if obstacle is not None:
            return Rejection("RW060", subject, obstacle, spans(nest.statement.assign))
        return _inlined(kernel, nest)

    def text(self, kernel: Kernel) -> str:
        """``inline statement 0``."""
        return f"inline statement {self.statement}"


def read(words: StepReader, kernel: Kernel) -> Inline:
    """The step after its first word."""
    return Inline(statement_of(words, kernel))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Inline]:
    """The one way."""
    yield Inline(statement)


def _obstacle(kernel: Kernel, nest: Nest) -> str | None:
    assign = nest.statement.assign
    name = assign.target.tensor
    tensor = tensors_at(kernel, nest.statement.index)[name]
    if nest.around or assign.reduction is not None:
        return "it stands in a loop with others" if nest.around else "it reduces"
    if tensor.direction is not Direction.LOCAL or tensor not in kernel.tensors:
        return f"'{name}' is no local tensor of the whole kernel"
    names = [lone(index) for index in assign.target.map.results]
    if len(set(names)) < len(names) or tuple(nest.extents.get(n or "", -1) for n in names) != tensor.shape:
        return f"it does not give every element of '{name}' its value once"
    if len(nest.extents) != len(names):
        return f"it does not give every element of '{name}' its value once"
    read = {access.tensor for access in loads(assign.value)}
    readers = [s.index for s in statements(kernel) if any(a.tensor == name for a in s.accesses[1:])]
    if name in read or not readers or min(readers) < nest.statement.index:
        return f"nothing reads '{name}' afterwards"
    for other in statements(kernel):
        if other.index != nest.statement.index and other.assign.target.tensor == name:
            return f"statement {other.index} writes '{name}', too"
        if nest.statement.index < other.index <= max(readers) and other.assign.target.tensor in read:
            return f"statement {other.index} writes '{other.assign.target.tensor}', which it reads"
    padded = [a for s in statements(kernel) for a in s.accesses[1:] if a.tensor == name and a.otherwise is not None]
    return f"'{name}' is read outside its bounds" if padded else None


def _inlined(kernel: Kernel, nest: Nest) -> Kernel:
    assign = nest.statement.assign
    names = [lone(index) or "" for index in assign.target.map.results]

    def computed(load: Load) -> Expression:
        if load.access.tensor != assign.target.tensor:
            return load
        here = dict(zip(names, load.access.map.results, strict=True))
        return with_accesses(assign.value, lambda _, access: reindexed(access, here))

    result = kernel
    for site in sites(kernel):
        if any(access.tensor == assign.target.tensor for access in site.accesses[1:]):
            changed: Assign = replace(site.assign, value=map_loads(site.assign.value, computed))
            result = replaced(result, site.place.path, [changed])
    result = replaced(result, nest.path, [])
    return replace(result, tensors=tuple(each for each in result.tensors if each.name != assign.target.tensor))
