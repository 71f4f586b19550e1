"""The loops that statements must share: what remains of a kernel when every other loop is a statement's own.

A loop is shared where distributing it over its statements, or moving it inwards, would change the meaning:
- it carries a dependence from a statement to itself or to one that stands before it in the text;
- it carries any dependence and a shared loop stands inside it;
- the trip count of a shared loop depends on it.
Accumulations of one operator may change places and do not count.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TypeAlias

from isamapper.ir.affine import Extent
from isamapper.ir.analysis import Statement
from isamapper.ir.dependence import Dependence, dependences
from isamapper.ir.nodes import Kernel, Loop
from isamapper.ir.walk import Place, Site, sites, walk


@dataclass(frozen=True, slots=True)
class Leaf:
    """One statement with all its remaining loops."""

    statement: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A loop that its members run inside."""

    loop: str
    extent: Extent
    members: tuple[Part, ...]


Part: TypeAlias = Leaf | Shared


def skeleton(kernel: Kernel) -> tuple[Part, ...]:
    """The shared loops of ``kernel`` with its statements as leaves, in textual order."""
    shared = shared_loops(kernel)
    chains = [(tuple(loop for loop in site.place.loops if loop in shared), site.index) for site in sites(kernel)]
    return _parts(chains, tuple(node for node, _ in _loops(kernel)))


def shared_iterators(kernel: Kernel, statement: Statement) -> tuple[str, ...]:
    """Names of the shared loops around ``statement``, outermost first."""
    shared = shared_loops(kernel)
    pairs = zip(statement.iterators, statement.loops, strict=True)
    return tuple(iterator.name for iterator, loop in pairs if loop in shared)


@lru_cache(maxsize=256)
def shared_loops(kernel: Kernel) -> frozenset[int]:
    """Numbers (textual order) of the loops that must be shared."""
    found, loops = sites(kernel), _loops(kernel)
    carried: dict[int, list[Dependence]] = {}
    for dependence in dependences(kernel):
        loop = _carrier(found, dependence)
        if loop is not None and not dependence.reorderable:
            carried.setdefault(loop, []).append(dependence)
    shared = {loop for loop, those in carried.items() if any(d.source >= d.sink for d in those)}
    while True:
        inside = [loops[loop] for loop in shared]
        around = {loop for _, place in inside for loop in place.loops if loop in carried}
        around |= {
            loop
            for node, place in inside
            for loop, name in zip(place.loops, place.iterators, strict=True)
            if name in node.extent.names
        }
        if around <= shared:
            return frozenset(shared)
        shared |= around


def _loops(kernel: Kernel) -> tuple[tuple[Loop, Place], ...]:
    """Every loop with its place, by number."""
    return tuple((node, place) for node, place in walk(kernel) if isinstance(node, Loop))


def _carrier(found: tuple[Site, ...], dependence: Dependence) -> int | None:
    """The number of the loop that carries ``dependence``, or None where textual order does."""
    loops = found[dependence.source].place.loops[dependence.level : dependence.level + 1]
    others = found[dependence.sink].place.loops[dependence.level : dependence.level + 1]
    return loops[0] if loops and loops == others else None


def _parts(chains: abc.Sequence[tuple[tuple[int, ...], int]], loops: tuple[Loop, ...]) -> tuple[Part, ...]:
    parts: list[Part] = []
    for head, group in groupby(chains, key=lambda chain: chain[0][:1]):
        members = list(group)
        if not head:
            parts.extend(Leaf(statement) for _, statement in members)
            continue
        loop = loops[head[0]]
        inner = _parts([(chain[1:], statement) for chain, statement in members], loops)
        parts.append(Shared(loop.iterator, loop.extent, inner))
    return tuple(parts)
