"""The statement view of a kernel: every assign with its iterators, their kinds, and its conditions.

Rules of this file:
- a loop is SEQUENTIAL for every statement in it when it carries a dependence that is not a mere accumulation;
- else it is REDUCTION for the statements whose accumulation it carries, and PARALLEL for the others.

What does not belong here: finding dependences (``ir/dependence.py``), what they forbid (``ir/legality.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from functools import lru_cache

from isamapper.diagnostics.source import Span
from isamapper.ir.dependence import conflicts, declared_depth, meet, reorderable, shared_depth
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
    accesses: tuple[Access, ...] = field(init=False, compare=False, repr=False)
    """The target, then the loads of the value from left to right."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "accesses", (self.assign.target, *loads(self.assign.value)))

    @property
    def written(self) -> tuple[int, ...]:
        """Numbers of the accesses that it writes."""
        return (0,)

    @property
    def reads(self) -> frozenset[str]:
        """Tensors whose elements it reads; an accumulation reads its target."""
        accumulated = (self.assign.target,) if self.assign.reduction is not None else ()
        return frozenset(access.tensor for access in (*accumulated, *loads(self.assign.value)))


def statements(kernel: Kernel) -> tuple[Statement, ...]:
    """Every assign of ``kernel`` in textual order."""
    return _statements(kernel, kernel.span)


@lru_cache(maxsize=1024)
def _statements(kernel: Kernel, span: Span | None) -> tuple[Statement, ...]:
    """``span`` keeps equal kernels of different files apart: their statements stand in different places."""
    del span
    kinds = _kinds(kernel)
    return tuple(_statement(site, kinds) for site in sites(kernel))


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
    for (_, loop), kind in _kinds(kernel).items():
        result[loop] = max(kind, result.get(loop, kind), key=order.index)
    return result


@lru_cache(maxsize=256)
def _kinds(kernel: Kernel) -> dict[tuple[int, int], IteratorKind]:
    """The kind of each (statement, loop around it)."""
    found = sites(kernel)
    written = {site.assign.target.tensor for site in found}
    sequential: set[int] = set()
    reduction: set[tuple[int, int]] = set()
    for source in found:
        for sink in found:
            for pair in conflicts(source, sink, written):
                _carry(source, sink, pair, sequential, reduction)
    return {
        (site.index, loop): _kind(loop in sequential, (site.index, loop) in reduction)
        for site in found
        for loop in site.place.loops
    }


def _carry(
    source: Site, sink: Site, pair: tuple[int, int], sequential: set[int], reduction: set[tuple[int, int]]
) -> None:
    """Adds what the conflicts of one pair of accesses say about the loops; asks only what is not yet known."""
    harmless = reorderable(source, sink, pair)
    for level in range(declared_depth(source, pair), shared_depth(source, sink)):
        loop = source.place.loops[level]
        both = {(source.index, loop), (sink.index, loop)}
        known = loop in sequential or (harmless and both <= reduction)
        if not known and meet(source, sink, pair, level, (level,)):
            if harmless:
                reduction |= both
            else:
                sequential.add(loop)


def _kind(sequential: bool, reduction: bool) -> IteratorKind:
    if sequential:
        return IteratorKind.SEQUENTIAL
    return IteratorKind.REDUCTION if reduction else IteratorKind.PARALLEL
