"""All relations rho for a fixed sigma, by class, saturated or not.

Rules of this file:
- pairs that are unsound by themselves are left out first; what remains unsound is so because of other pairs (compound
  indices, room for digits, extents that must be met exactly) and is judged on whole relations;
- a relation is saturated iff no empty instruction iterator could take a pair soundly in the relation's own class;
- nothing is capped, nothing is stored: relations come one by one in a stable order, exact ones first.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from isamapper.plan.mapping import MappingClass

Relation: TypeAlias = tuple[tuple[str, str], ...]
"""Sorted pairs (kernel iterator, instruction iterator)."""
Row: TypeAlias = abc.Mapping[str, MappingClass]
Judge: TypeAlias = abc.Callable[[Relation], bool]


@dataclass(frozen=True, slots=True)
class Space:
    """What relations are made of.

    ``table`` gives per instruction iterator the kernel iterators that may lie in it, with the class of the pair.
    ``room`` bounds the number of digits in it. ``judge`` decides whole relations; None: all are sound.
    """

    table: abc.Mapping[str, Row]
    room: abc.Mapping[str, int]
    judge: Judge | None


def relations(space: Space, *, every: bool = False) -> abc.Iterator[tuple[Relation, MappingClass]]:
    """The sound relations of the classes exact and broadcast; the saturated ones only, unless ``every``."""
    exact = {
        lane: {name: kind for name, kind in row.items() if kind is MappingClass.EXACT}
        for lane, row in space.table.items()
    }
    for relation in _relations(exact, space, every):
        yield relation, MappingClass.EXACT
    if any(kind is MappingClass.BROADCAST for row in space.table.values() for kind in row.values()):
        for relation in _relations(space.table, space, every):
            if any(space.table[lane][name] is MappingClass.BROADCAST for name, lane in relation):
                yield relation, MappingClass.BROADCAST


def _relations(table: abc.Mapping[str, Row], space: Space, every: bool) -> abc.Iterator[Relation]:
    judge = space.judge
    choices = [
        tuple(subsets(tuple(row), space.room[lane], empty=every or judge is not None or not row))
        for lane, row in table.items()
    ]
    for chosen in product(*choices):
        relation = tuple(sorted((name, lane) for lane, names in zip(table, chosen, strict=True) for name in names))
        if judge is None or (judge(relation) and (every or _saturated(relation, table, judge))):
            yield relation


def _saturated(relation: Relation, table: abc.Mapping[str, Row], judge: Judge) -> bool:
    filled = {lane for _, lane in relation}
    return not any(
        judge(tuple(sorted((*relation, (name, lane)))))
        for lane, row in table.items()
        if lane not in filled
        for name in row
    )


def subsets(members: abc.Sequence[str], room: int, *, empty: bool) -> abc.Iterator[tuple[str, ...]]:
    """Subsets of at most ``room`` members in the order of their bit masks, the empty one last and only if asked for."""
    for mask in range(1, 1 << len(members)):
        if mask.bit_count() <= room:
            yield tuple(member for bit, member in enumerate(members) if mask >> bit & 1)
    if empty:
        yield ()
