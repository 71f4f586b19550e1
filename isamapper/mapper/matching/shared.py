"""One enumeration of relations for all instructions to which a statement looks the same.

What relations there are depends on which kernel iterators may lie in which instruction iterator, and how many: not on
names, data types, memories or timing, and on extents only as far as digits fit. Where whole relations are judged, it
depends on the form of the instruction's statement as well. Instructions that agree in this share the enumeration.

An enumeration remembers ``KEPT`` relations at most and begins anew beyond: memory does not grow with their number.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TypeAlias

from isamapper.mapper.matching.needle import Needle
from isamapper.mapper.matching.relation import Relation, Space, relations
from isamapper.mapper.matching.sigma import Match, Subject
from isamapper.plan.mapping import MappingClass

KEPT = 512
"""Relations that one enumeration remembers."""

Found: TypeAlias = tuple[Relation, MappingClass]


@dataclass(frozen=True, slots=True)
class _Form:
    """What an enumeration depends on, with a space that has it; instruction iterators are numbered."""

    rows: tuple[tuple[tuple[tuple[str, MappingClass], ...], int], ...]
    judged: tuple[object, ...] | None
    every: bool
    space: Space = field(compare=False)


def shared_relations(
    space: Space, subject: Subject, needle: Needle, match: Match, *, every: bool, symbolic: bool
) -> abc.Iterator[Found]:
    """As :func:`relations`, from the enumeration of whatever instruction had the same form before."""
    rows = tuple((tuple(row.items()), min(space.room[lane], len(row))) for lane, row in space.table.items())
    judged = None if space.judge is None else _judged(subject, needle, match, symbolic)
    enumeration = _enumeration(_Form(rows, judged, every, space))
    names = dict(zip(enumeration.lanes, space.table, strict=True))
    if all(one == other for one, other in names.items()):
        yield from enumeration.all()
        return
    for relation, kind in enumeration.all():
        yield tuple(sorted((name, names.get(lane, lane)) for name, lane in relation)), kind


@lru_cache(maxsize=128)
def _enumeration(form: _Form) -> _Enumeration:
    return _Enumeration(form)


def enumerations() -> tuple[int, int]:
    """How many enumerations were begun, and how many instructions found theirs begun already."""
    info = _enumeration.cache_info()
    return info.misses, info.hits


def forget() -> None:
    """Begins every enumeration anew, for measurements."""
    _enumeration.cache_clear()


class _Enumeration:
    """The relations of a form, each found once as long as they are few."""

    def __init__(self, form: _Form) -> None:
        self.lanes = tuple(form.space.table)
        self._space, self._every = form.space, form.every
        self._known: list[Found] = []
        self._rest = relations(form.space, every=form.every)

    def all(self) -> abc.Iterator[Found]:
        """Every relation in order, in the instruction iterators of the first who asked."""
        place = 0
        while place < KEPT:
            if place == len(self._known):
                following = next(self._rest, None)
                if following is None:
                    return
                self._known.append(following)
            yield self._known[place]
            place += 1
        yield from islice(relations(self._space, every=self._every), KEPT, None)


def _judged(subject: Subject, needle: Needle, match: Match, symbolic: bool) -> tuple[object, ...]:
    """What judges look at."""
    number = {lane.name: place for place, lane in enumerate(needle.iterators)}
    accesses, subjects = needle.statement.accesses, subject.statement.accesses
    roles = tuple((accesses.index(role.needle), subjects.index(role.subject), role.is_target) for role in match.roles)
    cells = tuple(sorted(number[lane] for lane in match.padding.cells))
    exact = tuple(sorted(number[lane] for lane in match.padding.exact_only))
    return (subject.statement, _needle_form(needle), roles, match.outside, cells, exact, match.constants, symbolic)


@lru_cache(maxsize=4096)
def _needle_form(needle: Needle) -> tuple[object, ...]:
    """The statement with operands and iterators numbered, and the extents that the iterators may take."""
    number = {lane.name: place for place, lane in enumerate(needle.iterators)}
    operands = list(dict.fromkeys(access.tensor for access in needle.statement.accesses))
    accesses = tuple(
        (
            operands.index(access.tensor),
            tuple(
                (tuple(sorted((number[name], step) for name, step in index.terms)), index.constant)
                for index in access.map.results
            ),
        )
        for access in needle.statement.accesses
    )
    sizes = tuple((lane.extent, lane.low, lane.step) for lane in needle.iterators)
    return accesses, sizes, needle.view
