"""The criteria of the literature, as labels on exact mappings.

- ``full``: every exact mapping;
- ``amos``: the relation is the union of the match points it contains, a match point giving each non-empty instruction
  iterator exactly one kernel iterator, no two of them in one kernel index (S. Zheng et al., "AMOS: enabling automatic
  mapping for tensor computations on spatial accelerators with hardware abstraction", ISCA 2022, matching by software
  iterations, as restated in docs/reference/mapping.md);
- ``strict``: no kernel index holds two bound iterators.

Judged with unit axes kept: a mapping listed without them has a label iff one of its twins with them has it.
"""

from __future__ import annotations

from collections import abc
from functools import lru_cache

from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access
from isamapper.plan.mapping import MappingClass

CRITERIA = ("full", "amos", "strict")
"""Names of the criteria, from the widest to the narrowest."""


def criteria_of(
    statement: Statement,
    relation: abc.Sequence[tuple[str, str]],
    kind: MappingClass,
    units: abc.Mapping[str, abc.Sequence[str]],
) -> tuple[str, ...]:
    """The criteria that a relation satisfies, widest first.

    ``units`` gives per instruction iterator the unit axes that a twin may put there (empty where they are kept).
    """
    return criteria_given(shared_indices(statement.accesses), relation, kind, units)


def criteria_given(
    shared: frozenset[frozenset[str]],
    relation: abc.Sequence[tuple[str, str]],
    kind: MappingClass,
    units: abc.Mapping[str, abc.Sequence[str]],
) -> tuple[str, ...]:
    """As :func:`criteria_of`, where the pairs of iterators that share an index are known."""
    if kind is not MappingClass.EXACT:
        return ()
    found = ["full"]
    if is_union_of_match_points(relation, units, shared):
        found.append("amos")
    if is_strict(relation, units, shared):
        found.append("strict")
    return tuple(found)


def is_union_of_match_points(
    relation: abc.Sequence[tuple[str, str]],
    units: abc.Mapping[str, abc.Sequence[str]],
    shared: frozenset[frozenset[str]],
) -> bool:
    """Whether every pair lies in a match point of the relation, extended by unit axes."""
    rows: dict[str, list[str]] = {lane: list(names) for lane, names in units.items()}
    for name, lane in relation:
        rows.setdefault(lane, []).append(name)
    lanes = [lane for lane, names in rows.items() if names]
    covered: set[tuple[str, str]] = set()
    for name, lane in relation:
        if (name, lane) in covered:
            continue
        point = _match_point([(name,) if each == lane else tuple(rows[each]) for each in lanes], (), shared)
        if point is None:
            return False
        covered.update(zip(point, lanes, strict=True))
    return True


def is_strict(
    relation: abc.Sequence[tuple[str, str]],
    units: abc.Mapping[str, abc.Sequence[str]],
    shared: frozenset[frozenset[str]],
) -> bool:
    """Whether no index holds two bound iterators, with a unit axis in every instruction iterator left empty."""
    bound = tuple(dict.fromkeys(name for name, _ in relation))
    if any(frozenset((one, other)) in shared for one in bound for other in bound if one != other):
        return False
    filled = {lane for _, lane in relation}
    empty = [tuple(names) for lane, names in units.items() if lane not in filled and names]
    return _match_point(empty, bound, shared) is not None


def _match_point(
    choices: abc.Sequence[tuple[str, ...]], taken: tuple[str, ...], shared: frozenset[frozenset[str]]
) -> tuple[str, ...] | None:
    """One iterator of each choice such that no two, nor one and a taken one, share an index; the first such."""
    if not choices:
        return ()
    for name in choices[0]:
        if all(name == other or frozenset((name, other)) not in shared for other in taken):
            rest = _match_point(choices[1:], (*taken, name), shared)
            if rest is not None:
                return (name, *rest)
    return None


@lru_cache(maxsize=4096)
def shared_indices(accesses: tuple[Access, ...]) -> frozenset[frozenset[str]]:
    """Pairs of iterators that stand in one index of some access."""
    return frozenset(
        frozenset((one, other))
        for access in accesses
        for index in access.map.results
        for one, _ in index.terms
        for other, _ in index.terms
        if one != other
    )
