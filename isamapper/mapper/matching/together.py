"""A quick look at relations for instructions with windows: which of them no placement can make sound.

Two instruction iterators that move an operand's index alike, as ``q`` and ``f`` in ``x[q + f]``, meet: one step of the
innermost digit in one is one step of the innermost digit in the other, so both must move the kernel's access alike.
Where every digit is a whole kernel iterator, this holds for all of them, from the inside out.
What does not belong here: the test itself (``delta.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import TypeAlias

from isamapper.mapper.matching.delta import Role
from isamapper.mapper.matching.relation import Relation

Direction: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Meeting:
    """Instruction iterators ``one`` and ``other`` move a read alike; ``steps`` are the kernel iterators' in it."""

    one: str
    other: str
    steps: abc.Mapping[str, Direction]


def meetings(roles: abc.Sequence[Role], lanes: abc.Sequence[str], iterators: abc.Sequence[str]) -> tuple[Meeting, ...]:
    """Every pair of instruction iterators that moves a read alike."""
    found = []
    for role in roles:
        inside = {lane: tuple(i.coefficient(lane) for i in role.needle.map.results) for lane in lanes}
        outside = {name: tuple(i.coefficient(name) for i in role.subject.map.results) for name in iterators}
        if not role.is_target:
            found += [
                Meeting(one, other, outside)
                for one, other in combinations(lanes, 2)
                if inside[one] == inside[other] and any(inside[one])
            ]
    return tuple(found)


def may_meet(relation: Relation, met: abc.Sequence[Meeting]) -> bool:
    """Whether no pair of iterators that meet makes the relation unsound for sure."""
    for each in met:
        first = [name for name, lane in relation if lane == each.one]
        second = [name for name, lane in relation if lane == each.other]
        if not first or not second:
            continue
        pairs = [_alike(each.steps[one], each.steps[other]) for one, other in product(first, second)]
        whole = all(sum(name == other for other, _ in relation) == 1 for name in (*first, *second))
        if not (all(pairs) if whole else any(pairs)):
            return False
    return True


def meet_inside(met: abc.Sequence[Meeting], innermost: abc.Mapping[str, str]) -> bool:
    """Whether the innermost digits of instruction iterators that meet move the access alike."""
    return all(
        each.one not in innermost
        or each.other not in innermost
        or _alike(each.steps[innermost[each.one]], each.steps[innermost[each.other]])
        for each in met
    )


@lru_cache(maxsize=4096)
def _alike(one: Direction, other: Direction) -> bool:
    """Whether both point the same way, or nowhere."""
    if not any(one) or not any(other):
        return not any(one) and not any(other)
    same = all(a * d == b * c for (a, b), (c, d) in combinations(list(zip(one, other, strict=True)), 2))
    return same and sum(a * b for a, b in zip(one, other, strict=True)) > 0
