"""The delta-test: when taking two points of an instruction for the same operand element is right.

Rules of this file (docs/reference/mapping.md has the definition):
- where every operand's map is injective at the instruction's extents, the test falls apart into single pairs of a
  kernel iterator and an instruction iterator (flat packed indices such as ``4*i + t`` are injective, so they need no
  delinearising), plus injectivity of the kernel's target on the bound iterators;
- other instructions are judged at their real extents, over the digits of one placement (:class:`Digit`).

Everything is decided in exact integers. What does not belong here: choosing placements (``placement.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache

from isamapper.ir.affine import Affine, affine, variable
from isamapper.ir.feasibility import box, feasible
from isamapper.ir.nodes import Access, Constraint
from isamapper.mapper.matching.tallies import agrees
from isamapper.plan.mapping import MappingClass

_BUDGET = 1_000_000


@dataclass(frozen=True, slots=True)
class Role:
    """An operand access of the instruction and the kernel access that plays it."""

    needle: Access
    subject: Access
    is_target: bool


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit of ``iterator`` inside ``lane``: how far both move when it moves by one, and how far it runs."""

    iterator: str
    lane: str
    extent: int
    weight: int
    lane_weight: int


@lru_cache(maxsize=65536)
def moves(access: Access) -> frozenset[str]:
    """Iterators that occur in an access."""
    return frozenset(name for index in access.map.results for name, _ in index.terms)


def is_simple(access: Access, moving: frozenset[str]) -> bool:
    """Whether every index of the access holds at most one of the iterators in ``moving``."""
    return all(sum(name in moving for name, _ in index.terms) <= 1 for index in access.map.results)


def pair_class(roles: abc.Sequence[Role], iterator: str, lane: str) -> MappingClass | None:
    """The class of a single pair; None where it is unsound in every relation."""
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


def injective(access: Access, extents: abc.Mapping[str, int]) -> bool:
    """Whether no two points of the box of ``extents`` (of the iterators named there) meet in one element."""
    return determined(access, extents) == moves(access) & extents.keys()


def determined(access: Access, extents: abc.Mapping[str, int]) -> frozenset[str]:
    """Iterators whose value follows from the element, for points of the box of ``extents``."""
    present = moves(access) & extents.keys()
    if all(sum(name in present for name, _ in index.terms) <= 1 for index in access.map.results):
        return present
    return _determined(access, tuple((name, extents[name]) for name in sorted(present)))


@lru_cache(maxsize=65536)
def _determined(access: Access, extents: tuple[tuple[str, int], ...]) -> frozenset[str]:
    reach = dict(extents)
    rows = [affine((name, value) for name, value in index.terms if name in reach) for index in access.map.results]
    bounds = _difference_box(reach)
    return frozenset(name for name in reach if not _reaches(rows, variable(name), bounds))


def sound(role: Role, digits: abc.Sequence[Digit], extents: abc.Mapping[str, int]) -> bool:
    """The delta-test of one operand over the points of one call; ``extents`` are those of the kernel iterators."""
    counted = _counted(role, digits, extents)
    if counted is not None:
        return counted
    names = [f"d{number}" for number in range(len(digits))]
    inside = _rows(role.needle, [(digit.lane, digit.lane_weight) for digit in digits], names)
    outside = _rows(role.subject, [(digit.iterator, digit.weight) for digit in digits], names)
    bounds = _differences_of_points(digits, names, extents)
    if any(_reaches(inside, row, bounds) for row in outside):
        return False
    return not role.is_target or not any(_reaches(outside, row, bounds) for row in inside)


def _counted(role: Role, digits: abc.Sequence[Digit], extents: abc.Mapping[str, int]) -> bool | None:
    """The delta-test by looking at every point; None where there are too many."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(digit.iterator for digit in digits))}
    reach = dict.fromkeys(numbers, 0)
    for digit in digits:
        reach[digit.iterator] += digit.weight * (digit.extent - 1)
    walks = [
        (
            digit.extent,
            tuple(index.coefficient(digit.lane) * digit.lane_weight for index in role.needle.map.results),
            tuple(index.coefficient(digit.iterator) * digit.weight for index in role.subject.map.results),
            numbers[digit.iterator],
            digit.weight,
        )
        for digit in digits
    ]
    limits = {numbers[name]: extents[name] for name, most in reach.items() if most >= extents[name]}
    return agrees(walks, limits, both_ways=role.is_target)


def agree(one: Role, other: Role, digits: abc.Sequence[Digit]) -> bool:
    """Whether two reads of one operand never take one of its elements for two of the tensor's.

    Linear parts of the kernel's maps must be equal, for every iterator has digits outside the call as well.
    """
    if one.needle.map == other.needle.map:
        return one.subject.map == other.subject.map
    if _linear(one.subject) != _linear(other.subject):
        return False
    names = [f"d{number}" for number in range(len(digits))]
    reach = {name: digit.extent for name, digit in zip(names, digits, strict=True)}
    # both reads at points x and y: the difference x - y is all that matters where the linear parts are equal
    if _linear(one.needle) != _linear(other.needle):
        return _agree_apart(one, other, digits)
    lanes = [(digit.lane, digit.lane_weight) for digit in digits]
    iterators = [(digit.iterator, digit.weight) for digit in digits]
    inside = _shifted(_rows(one.needle, lanes, names), one.needle, other.needle)
    outside = _shifted(_rows(one.subject, iterators, names), one.subject, other.subject)
    bounds = _difference_box(reach)
    return not any(_reaches(inside, row, bounds) or _reaches(inside, -row, bounds) for row in outside)


def _agree_apart(one: Role, other: Role, digits: abc.Sequence[Digit]) -> bool:
    """As :func:`agree` where the two needle maps have different linear parts: points x and y vary apart."""
    first = [f"x{number}" for number in range(len(digits))]
    second = [f"y{number}" for number in range(len(digits))]
    lanes = [(digit.lane, digit.lane_weight) for digit in digits]
    iterators = [(digit.iterator, digit.weight) for digit in digits]
    inside = _differences(_rows(one.needle, lanes, first), _rows(other.needle, lanes, second), one.needle, other.needle)
    outside = _differences(
        _rows(one.subject, iterators, first), _rows(other.subject, iterators, second), one.subject, other.subject
    )
    reach = {name: digit.extent for names in (first, second) for name, digit in zip(names, digits, strict=True)}
    bounds = box(reach)
    return not any(_reaches(inside, row, bounds) or _reaches(inside, -row, bounds) for row in outside)


def _rows(access: Access, members: abc.Sequence[tuple[str, int]], names: abc.Sequence[str]) -> list[Affine]:
    """The linear part of the access over the digits called ``names``."""
    return [
        affine(
            (name, index.coefficient(member) * weight) for name, (member, weight) in zip(names, members, strict=True)
        )
        for index in access.map.results
    ]


def _linear(access: Access) -> tuple[tuple[tuple[str, int], ...], ...]:
    return tuple(index.terms for index in access.map.results)


def _shifted(rows: abc.Sequence[Affine], one: Access, other: Access) -> list[Affine]:
    return [
        row + (left.constant - right.constant)
        for row, left, right in zip(rows, one.map.results, other.map.results, strict=True)
    ]


def _differences(first: abc.Sequence[Affine], second: abc.Sequence[Affine], one: Access, other: Access) -> list[Affine]:
    return _shifted([left - right for left, right in zip(first, second, strict=True)], one, other)


def _reaches(zero: abc.Sequence[Affine], goal: Affine, bounds: abc.Sequence[Constraint]) -> bool:
    """Whether integers within ``bounds`` make every ``zero`` vanish and ``goal`` at least 1."""
    if goal.is_constant and goal.constant < 1:
        return False
    vanish = [Constraint(row, equality=True) for row in zero]
    return feasible([*vanish, Constraint(goal - 1), *bounds], _BUDGET) is not False


def _difference_box(reach: abc.Mapping[str, int]) -> list[Constraint]:
    """Differences of two points of a box."""
    return [Constraint(variable(name, sign) + (extent - 1)) for name, extent in reach.items() for sign in (1, -1)]


def _differences_of_points(
    digits: abc.Sequence[Digit], names: abc.Sequence[str], extents: abc.Mapping[str, int]
) -> list[Constraint]:
    """Differences of two points whose kernel iterators stay below their extents.

    Where the digits of an iterator reach beyond its extent, both points are written out: their difference is not a box.
    """
    bounds = _difference_box({name: digit.extent for name, digit in zip(names, digits, strict=True)})
    for iterator in dict.fromkeys(digit.iterator for digit in digits):
        members = [(name, digit) for name, digit in zip(names, digits, strict=True) if digit.iterator == iterator]
        if sum(digit.weight * (digit.extent - 1) for _, digit in members) < extents[iterator]:
            continue
        for point in ("x", "y"):
            bounds += box({f"{point}{name}": digit.extent for name, digit in members})
            value = affine((f"{point}{name}", -digit.weight) for name, digit in members)
            bounds.append(Constraint(value + (extents[iterator] - 1)))
        bounds += [
            Constraint(affine([(f"x{name}", 1), (f"y{name}", -1), (name, -1)]), equality=True) for name, _ in members
        ]
    return bounds
