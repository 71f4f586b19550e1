"""The statement view of a kernel: every assign with its iterators, their kinds, and its conditions.

What does not belong here: finding dependences (``ir/dependence.py``) and places in the text (``ir/walk.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

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


def statements(kernel: Kernel) -> tuple[Statement, ...]:
    """Every assign of ``kernel`` in textual order."""
    return tuple(_statement(site) for site in sites(kernel))


def _statement(site: Site) -> Statement:
    place = site.place
    target = frozenset().union(*(index.names for index in site.assign.target.map.results))
    iterators = tuple(
        Iterator(name, extent, IteratorKind.PARALLEL if name in target else IteratorKind.REDUCTION)
        for name, extent in zip(place.iterators, place.extents, strict=True)
    )
    return Statement(site.index, iterators, place.conditions, site.assign, place.exclusions, place.loops)
