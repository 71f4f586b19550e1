"""The relations rho for a fixed sigma: which kernel iterators may have digits inside which instruction iterators.

By the delta-test of docs/reference/mapping.md: operand elements that an instruction takes for one must be one element
of the kernel's tensor, and target elements must be one on both sides or on neither. Single pairs decide almost
everything; what remains (compound indices) is judged in ``placement.py``.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from isamapper.ir.nodes import Access
from isamapper.plan.mapping import MappingClass

Relation: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs (kernel iterator, instruction iterator)."""


@dataclass(frozen=True, slots=True)
class Role:
    """One operand access of the instruction and the kernel access that plays it."""

    needle: Access
    subject: Access
    is_target: bool


def moves(access: Access) -> frozenset[str]:
    """Iterators that occur in an access."""
    return frozenset(name for index in access.map.results for name, _ in index.terms)


def pair_class(roles: abc.Sequence[Role], iterator: str, lane: str) -> MappingClass | None:
    """The class of the single pair, None where it is unsound in every relation."""
    kind = MappingClass.EXACT
    for role in roles:
        inside, outside = lane in moves(role.needle), iterator in moves(role.subject)
        if outside and not inside:
            return None
        if inside and not outside:
            if role.is_target:
                return None
            kind = MappingClass.BROADCAST
    return kind


def allowed_pairs(
    roles: abc.Sequence[Role], iterators: abc.Sequence[str], lanes: abc.Sequence[str]
) -> dict[str, dict[str, MappingClass]]:
    """Per instruction iterator the kernel iterators that may lie in it, with the pair's class, in the given orders."""
    table: dict[str, dict[str, MappingClass]] = {lane: {} for lane in lanes}
    for lane in lanes:
        for iterator in iterators:
            kind = pair_class(roles, iterator, lane)
            if kind is not None:
                table[lane][iterator] = kind
    return table


def subsets(members: abc.Sequence[str], *, empty: bool) -> abc.Iterator[tuple[str, ...]]:
    """Subsets in the order of their bit masks, the empty one last and only where asked for."""
    for mask in range(1, 1 << len(members)):
        yield tuple(member for bit, member in enumerate(members) if mask >> bit & 1)
    if empty:
        yield ()


def relations(table: abc.Mapping[str, abc.Mapping[str, MappingClass]]) -> abc.Iterator[tuple[Relation, MappingClass]]:
    """All relations whose pairs are in ``table`` and whose instruction iterators are empty only where they must be.

    Exact relations first; a relation with at least one broadcast pair is of class broadcast.
    """
    exact = {
        lane: {name: kind for name, kind in row.items() if kind is MappingClass.EXACT} for lane, row in table.items()
    }
    for relation in _relations(exact):
        yield relation, MappingClass.EXACT
    for relation in _relations(table):
        if any(table[lane][iterator] is MappingClass.BROADCAST for iterator, lane in relation):
            yield relation, MappingClass.BROADCAST


def _relations(table: abc.Mapping[str, abc.Mapping[str, MappingClass]]) -> abc.Iterator[Relation]:
    choices = [list(subsets(tuple(row), empty=not row)) for row in table.values()]
    for chosen in product(*choices):
        yield tuple(sorted((name, lane) for lane, names in zip(table, chosen, strict=True) for name in names))
