"""Thinning: an operand read at every so many elements is copied without those between.

Before:
    y[p] += x[2*p + 4*r] * w[r]                                p < 4, r < 3
After ``thin statement 0: x``:
    for i < 8 { t[i] = x[2*i] }
    y[p] += t[p + 2*r] * w[r]

so that its rows lie one beside the other. Every axis whose index moves by multiples of a number is thinned by the
greatest such number. Legal where the statement has loops of its own and does not write what it reads.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, Affine, affine, variable
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Assign, Direction, Kernel, Load, Node, Tensor
from isamapper.ir.walk import value_range
from isamapper.mapper.rewrites.edit import Names, element, loops_around, own_nest, replaced, spans, tensors_at
from isamapper.mapper.rewrites.reader import load_names, load_of, statement_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Thin:
    """The step: load number ``load`` (from 1) of statement ``statement`` reads a thinned copy."""

    statement: int
    load: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"thinning of an operand of statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        assign = nest.statement.assign
        access = loads(assign.value)[self.load - 1]
        box = {**nest.around, **nest.extents}
        steps = [_step(index, box) for index in access.map.results]
        if max(steps, default=1) < 2:
            return Rejection("RW132", subject, f"'{access.tensor}' is read at neighbouring elements", spans(assign))
        if access.tensor == assign.target.tensor:
            return Rejection("RW011", subject, f"it reads its own target '{access.tensor}'", spans(assign))
        made, fill, moved = _thinned(kernel, self.statement, access, steps, box)
        value = with_accesses(assign.value, lambda number, old: moved if number == self.load else old)
        last = loops_around(nest.extents, Assign(assign.target, value, assign.reduction, assign.span))
        return replaced(kernel, nest.path, (fill, last), [made])

    def text(self, kernel: Kernel) -> str:
        """``thin statement 0: x``."""
        name = load_names(statements(kernel)[self.statement].assign.value)[self.load - 1]
        return f"thin statement {self.statement}: {name}"


def read(words: StepReader, kernel: Kernel) -> Thin:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    return Thin(statement, load_of(words, kernel, statement))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Thin]:
    """Every load of a sum with an axis to thin."""
    found = statements(kernel)[statement]
    box = {each.name: each.extent for each in found.iterators}
    if found.assign.reduction is None:
        return  # a copy would be copied once more
    for number, access in enumerate(loads(found.assign.value), 1):
        if any(_step(index, box) > 1 for index in access.map.results):
            yield Thin(statement, number)


def _step(index: Affine, box: abc.Mapping[str, int]) -> int:
    """What the index moves by multiples of; 1 where that is nothing to speak of."""
    if index.rotations:
        return 1
    moving = [step for name, step in index.terms if box[name] > 1]
    return abs(math.gcd(*moving)) or 1


def _thinned(
    kernel: Kernel, statement: int, access: Access, steps: abc.Sequence[int], box: abc.Mapping[str, int]
) -> tuple[Tensor, Node, Access]:
    """The copy as a tensor, the nest that fills it, and the access to it."""
    tensor, names = tensors_at(kernel, statement)[access.tensor], Names(kernel)
    loops: dict[str, int] = {}
    source, inside = [], []
    for index, step, size in zip(access.map.results, steps, tensor.shape, strict=True):
        name = names.fresh("j")
        if step == 1:
            loops[name] = size
            source.append(variable(name))
            inside.append(index)
            continue
        low, high = value_range(index, dict(box))
        loops[name] = (high - low) // step + 1
        source.append(variable(name, step) + low)
        least = sum(value * (box[term] - 1) for term, value in index.terms if value < 0)
        inside.append(affine((term, value // step) for term, value in index.terms if box[term] > 1) - least // step)
    made = Tensor(names.fresh("t"), tensor.dtype, tuple(loops.values()), direction=Direction.LOCAL)
    copied = Assign(element(made.name, loops), Load(Access(tensor.name, AccessMap(tuple(source)), access.otherwise)))
    return made, loops_around(loops, copied), replace(access, tensor=made.name, map=AccessMap(tuple(inside)))
