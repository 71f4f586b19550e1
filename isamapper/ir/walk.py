"""Where each assign of a kernel stands: its loops, its conditions, its place in the text.

Rules of this file:
- loops are numbered in textual (preorder) order over the whole kernel, from 0; statements likewise;
- a ``path`` is the sequence of positions from the kernel's body down; the ``else`` of a guard continues the numbering
  of its body, so comparing paths compares textual order; ``prepare`` counts as what it contains;
- iterators of unequal extent are boxed: the extent is the greatest, and conditions cut the box to the true domain.

What does not belong here: dependences (``ir/dependence.py``) and iterator kinds (``ir/analysis.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field, replace
from typing import assert_never

from isamapper.ir.affine import Affine, Extent, variable
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Allocate, Assign, Constraint, Guard, Invoke, Kernel, Loop, Node, Prepare, Tensor

Conjunction = tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Declaration:
    """A tensor with the place of its declaration: its path (a kernel's own: one negative number) and loops around."""

    tensor: Tensor
    path: tuple[int, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands.

    ``loops`` are the enclosing loops' numbers and ``iterators`` their names, outermost first; ``extents`` their
    greatest trip counts. The node is executed at points of that box where all ``conditions`` hold and none of the
    conjunctions in ``exclusions`` does (those are guards whose ``else`` the node stands in). ``scope`` holds the
    declarations seen from here, outermost first.
    """

    path: tuple[int, ...] = ()
    loops: tuple[int, ...] = ()
    iterators: tuple[str, ...] = ()
    extents: tuple[int, ...] = ()
    conditions: Conjunction = ()
    exclusions: tuple[Conjunction, ...] = ()
    scope: tuple[Declaration, ...] = field(default=(), repr=False)

    def declaration(self, name: str) -> Declaration | None:
        """The innermost declaration of ``name`` seen from here."""
        for declaration in reversed(self.scope):
            if declaration.tensor.name == name:
                return declaration
        return None


def walk(kernel: Kernel) -> abc.Iterator[tuple[Node, Place]]:
    """Every node with its place, in textual order, parents before children."""
    counter = [0]
    start = Place(scope=tuple(Declaration(tensor, (-1 - n,), 0) for n, tensor in enumerate(kernel.tensors)))
    yield from _block(kernel.body, start, counter)


def _block(
    body: tuple[Node, ...], place: Place, counter: list[int], first: int = 0
) -> abc.Iterator[tuple[Node, Place]]:
    scope = place.scope
    for position, node in enumerate(unfold(body), first):
        here = replace(place, path=(*place.path, position), scope=scope)
        yield node, here
        match node:
            case Loop(iterator, extent, inner):
                yield from _block(inner, _inside(here, iterator, extent, counter), counter)
            case Guard(conditions, inner, otherwise):
                yield from _block(inner, replace(here, conditions=here.conditions + conditions), counter)
                yield from _block(otherwise, _otherwise(here, conditions), counter, len(inner))
            case Allocate(tensor):
                scope = (*scope, Declaration(tensor, here.path, len(place.loops)))
            case Assign() | Invoke() | Prepare():
                pass
            case _:
                assert_never(node)


def unfold(body: tuple[Node, ...]) -> tuple[Node, ...]:
    """``body`` with preparations replaced by what they do: their allocations live on in the enclosing block."""
    if not any(isinstance(node, Prepare) for node in body):
        return body
    return tuple(inner for node in body for inner in (unfold(node.body) if isinstance(node, Prepare) else (node,)))


def first_write(body: tuple[Node, ...], name: str) -> Assign | None:
    """The textually first assign to the tensor ``name`` in ``body``."""
    for node in body:
        match node:
            case Assign(target):
                if target.tensor == name:
                    return node
            case Loop(_, _, inner) | Prepare(inner):
                if found := first_write(inner, name):
                    return found
            case Guard(_, inner, otherwise):
                if found := first_write(inner + otherwise, name):
                    return found
            case Allocate() | Invoke():
                pass
            case _:
                assert_never(node)
    return None


def _inside(place: Place, iterator: str, extent: Extent, counter: list[int]) -> Place:
    number = counter[0]
    counter[0] += 1
    box = dict(zip(place.iterators, place.extents, strict=True))
    cuts = tuple(Constraint(bound - 1 - variable(iterator)) for bound in extent.bounds if not bound.is_constant)
    return replace(
        place,
        loops=(*place.loops, number),
        iterators=(*place.iterators, iterator),
        extents=(*place.extents, greatest_extent(extent, box)),
        conditions=place.conditions + cuts,
    )


def _otherwise(place: Place, conditions: Conjunction) -> Place:
    """Inside ``else``: one inequality is turned round, anything else is kept as an exclusion."""
    if len(conditions) == 1 and not conditions[0].equality:
        return replace(place, conditions=(*place.conditions, Constraint(-conditions[0].function - 1)))
    return replace(place, exclusions=(*place.exclusions, conditions))


def greatest_extent(extent: Extent, box: abc.Mapping[str, int]) -> int:
    """The greatest value over the box, or an upper bound of it where several bounds compete."""
    return max(0, min(value_range(bound, box)[1] for bound in extent.bounds))


def value_range(function: Affine, box: abc.Mapping[str, int]) -> tuple[int, int]:
    """Least and greatest value of ``function`` where each iterator runs from 0 below ``box[iterator]``.

    Exact without rotations; each rotation counts as its whole range. An empty iterator counts as 0.
    """
    low = high = function.constant
    for name, coefficient in function.terms:
        reach = coefficient * max(0, box[name] - 1)
        low, high = low + min(0, reach), high + max(0, reach)
    for rotation, coefficient in function.rotations:
        reach = coefficient * (rotation.modulus - 1)
        low, high = low + min(0, reach), high + max(0, reach)
    return low, high


def domain(place: Place) -> tuple[Conjunction, ...]:
    """The iteration domain of ``place`` inside its box, as cases of which exactly one holds at each of its points.

    Before: conditions c and the exclusion (a >= 0 and b == 0), where b is nowhere negative.
    After: (c, -a - 1 >= 0), (c, a >= 0, b - 1 >= 0).
    """
    box = dict(zip(place.iterators, place.extents, strict=True))
    cases: list[Conjunction] = [place.conditions]
    for exclusion in place.exclusions:
        cases = [
            (*case, *exclusion[:position], negation)
            for case in cases
            for position, condition in enumerate(exclusion)
            for negation in _negations(condition, box)
        ]
    return tuple(cases)


def _negations(condition: Constraint, box: abc.Mapping[str, int]) -> list[Constraint]:
    """The constraints of which one holds where ``condition`` does not, without those that hold nowhere in the box."""
    sides = [Constraint(-condition.function - 1)]
    if condition.equality:
        sides.append(Constraint(condition.function - 1))
    return [side for side in sides if value_range(side.function, box)[1] >= 0]


@dataclass(frozen=True, slots=True)
class Site:
    """An assign with its number in textual order and its place; ``accesses`` are the target, then the loads."""

    index: int
    assign: Assign
    place: Place
    accesses: tuple[Access, ...]


def sites(kernel: Kernel) -> tuple[Site, ...]:
    """Every assign of ``kernel`` in textual order."""
    found: list[Site] = []
    for node, place in walk(kernel):
        if isinstance(node, Assign):
            found.append(Site(len(found), node, place, (node.target, *loads(node.value))))
    return tuple(found)
