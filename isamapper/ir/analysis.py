"""The statement view of a kernel: every assign with its iterators, their kinds, and its conditions.

Rules of this file:
- a loop is SEQUENTIAL for every statement in it when it carries a dependence that is not a mere accumulation;
- else it is REDUCTION for the statements whose accumulation it carries, and PARALLEL for the others.

What does not belong here: finding dependences (``ir/dependence.py``), what they forbid (``ir/legality.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.ir.dependence import dependences
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Assign, Constraint, IteratorKind, Kernel
from isamapper.ir.walk import Site, sites


@dataclass(frozen=True, slots=True)
class Iterator:
    """One loop around a statement: trip count (the greatest, where it varies) and what dependence analysis says."""

    name: str
    extent: int
    kind: IteratorKind


@dataclass(frozen=True, slots=True)
class Statement:
    """One assign: its loops outermost first, and what else must hold where it is executed.

    The iteration domain is the box of the extents, cut by all ``conditions`` (guards and extents that vary) and by
    ``exclusions``: conjunctions none of which may hold (guards in whose ``else`` the assign stands). ``loops``
    numbers the loops in textual order over the kernel: statements with a common prefix share those loops.
    """

    index: int
    iterators: tuple[Iterator, ...]
    conditions: tuple[Constraint, ...]
    assign: Assign
    exclusions: tuple[tuple[Constraint, ...], ...] = ()
    loops: tuple[int, ...] = ()

    @property
    def accesses(self) -> tuple[Access, ...]:
        """The target, then the loads of the value from left to right."""
        return (self.assign.target, *loads(self.assign.value))

    @property
    def reads(self) -> frozenset[str]:
        """Tensors whose elements it reads; an accumulation reads its target."""
        accumulated = (self.assign.target,) if self.assign.reduction is not None else ()
        return frozenset(access.tensor for access in (*accumulated, *loads(self.assign.value)))


def statements(kernel: Kernel) -> tuple[Statement, ...]:
    """Every assign of ``kernel`` in textual order."""
    found = sites(kernel)
    kinds = _kinds(kernel, found)
    return tuple(_statement(site, kinds) for site in found)


def _statement(site: Site, kinds: abc.Mapping[tuple[int, int], IteratorKind]) -> Statement:
    place = site.place
    iterators = tuple(
        Iterator(name, extent, kinds[site.index, loop])
        for name, extent, loop in zip(place.iterators, place.extents, place.loops, strict=True)
    )
    return Statement(site.index, iterators, place.conditions, site.assign, place.exclusions, place.loops)


def iterator_kinds(kernel: Kernel) -> dict[int, IteratorKind]:
    """The kind of every loop that holds a statement, by its number in textual order.

    A loop that is REDUCTION for one of its statements is REDUCTION.
    """
    order = (IteratorKind.PARALLEL, IteratorKind.REDUCTION, IteratorKind.SEQUENTIAL)
    result: dict[int, IteratorKind] = {}
    for (_, loop), kind in sorted(_kinds(kernel, sites(kernel)).items(), key=lambda item: item[0]):
        result[loop] = max(kind, result.get(loop, kind), key=order.index)
    return result


def _kinds(kernel: Kernel, found: tuple[Site, ...]) -> dict[tuple[int, int], IteratorKind]:
    """The kind of each (statement, loop around it)."""
    sequential: set[int] = set()
    reduction: set[tuple[int, int]] = set()
    for dependence in dependences(kernel):
        loops = found[dependence.source].place.loops
        if dependence.level >= len(loops) or dependence.level >= len(found[dependence.sink].place.loops):
            continue
        loop = loops[dependence.level]
        if loop != found[dependence.sink].place.loops[dependence.level]:
            continue
        if dependence.reorderable:
            reduction |= {(dependence.source, loop), (dependence.sink, loop)}
        else:
            sequential.add(loop)
    return {
        (site.index, loop): IteratorKind.SEQUENTIAL
        if loop in sequential
        else IteratorKind.REDUCTION
        if (site.index, loop) in reduction
        else IteratorKind.PARALLEL
        for site in found
        for loop in site.place.loops
    }
