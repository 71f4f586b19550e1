"""The ways to read one statement: with its reduction, or with the target's former value as one more leaf.

    c[i] += a[i] * b[i]            natural
    c[i] = c[i] + a[i] * b[i]      explicit: what an instruction with a separate destination computes

so that three-operand and in-place instructions match accumulations and the other way round.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, Reduction, Tensor
from isamapper.mapper.algebra.terms import Leaf, Node, Term, join, term_of

FORMER = -1
"""The leaf number of the value that the target had before."""


@dataclass(frozen=True, slots=True)
class View:
    """``target reduction= term``; iterators in ``outside`` must stay around the instruction."""

    reduction: Reduction | None
    term: Term
    outside: frozenset[str] = frozenset()


def natural_view(statement: Statement, tensors: abc.Sequence[Tensor]) -> View:
    """The statement as written; ``c = c + e`` counts as ``c += e``."""
    assign = statement.assign
    term = term_of(assign.value, {tensor.name: tensor for tensor in tensors})
    if assign.reduction is not None:
        return View(assign.reduction, term)
    if isinstance(term, Node) and term.op in {each.value for each in Reduction}:
        for position, part in enumerate(term.parts):
            if isinstance(part, Leaf) and _same(statement.accesses[part.access], assign.target):
                rest = term.parts[:position] + term.parts[position + 1 :]
                value = rest[0] if len(rest) == 1 else Node(term.op, term.dtype, rest)
                return View(Reduction(term.op), value)
    return View(None, term, _repeats(statement))


def explicit_view(view: View, statement: Statement) -> View | None:
    """The accumulation with the former value as a leaf; None where there is none."""
    if view.reduction is None:
        return None
    return View(None, join(view.reduction, Leaf(FORMER, view.term.dtype), view.term), _repeats(statement))


def single_view(view: View, statement: Statement, *, fresh: bool) -> View | None:
    """An accumulation that adds one value to the identity is an assignment: all iterators that repeat run once."""
    extents = {each.name: each.extent for each in statement.iterators}
    repeats = any(extents[name] > 1 for name in _repeats(statement))
    if view.reduction is None or not fresh or repeats or not _is_injective_by_shape(statement.assign.target):
        return None
    return View(None, view.term)


def _repeats(statement: Statement) -> frozenset[str]:
    """Iterators that meet the same target element again."""
    target = frozenset(name for index in statement.assign.target.map.results for name, _ in index.terms)
    return frozenset(each.name for each in statement.iterators) - target


def _is_injective_by_shape(target: Access) -> bool:
    return all(len(index.terms) <= 1 for index in target.map.results)


def _same(one: Access, other: Access) -> bool:
    return one.tensor == other.tensor and one.map == other.map
