"""Whether affine constraints over integers have a common solution: exact, in plain integers, for small systems.

Rules of this file:
- the Omega test (W. Pugh, "The Omega test: a fast and practical integer programming algorithm for dependence
  analysis", Supercomputing 1991): equalities are solved away, then variables are eliminated one by one, exactly where a
  coefficient is 1, through the real and the dark shadow where not, by cases where both shadows disagree;
- the answer is True, False, or None where the number of cases exceeds ``budget``: callers ask isl or assume the worse.

What does not belong here: where the constraints come from (``ir/dependence.py``, ``ir/bounds.py``).
"""

from __future__ import annotations

from collections import abc
from math import gcd
from typing import TypeAlias

from isamapper.ir.affine import Affine, Rotation, affine, variable
from isamapper.ir.nodes import Constraint

_Row: TypeAlias = tuple[tuple[str, int], ...]
"""Coefficients by variable, sorted, none zero."""
_Inequalities: TypeAlias = dict[_Row, int]
"""``row + constant >= 0`` for every entry: of two with one row only the tighter is kept."""


class _Infeasible(Exception):
    """A constraint without variables is false."""


class _Undecided(Exception):
    """The budget is used up."""


def feasible(constraints: abc.Iterable[Constraint], budget: int = 2000) -> bool | None:
    """Whether some integers satisfy all ``constraints``."""
    remaining = [budget]
    equalities: list[tuple[dict[str, int], int]] = []
    inequalities: _Inequalities = {}
    try:
        for constraint in linear(constraints):
            row, value = dict(constraint.function.terms), constraint.function.constant
            if constraint.equality:
                equalities.append((row, value))
            else:
                _add(inequalities, row, value)
        return _eliminate(_solve(equalities, inequalities), remaining)
    except _Infeasible:
        return False
    except _Undecided:
        return None


def box(extents: abc.Mapping[str, int]) -> list[Constraint]:
    """``0 <= name < extent`` for every entry."""
    found: list[Constraint] = []
    for name, extent in extents.items():
        found += [Constraint(variable(name)), Constraint(variable(name, -1) + (extent - 1))]
    return found


def linear(constraints: abc.Iterable[Constraint]) -> list[Constraint]:
    """``constraints`` without rotations: each becomes a remainder with its quotient, two new variables."""
    atoms: dict[Rotation, Affine] = {}
    extra: list[Constraint] = []

    def flat(function: Affine) -> Affine:
        result = affine(function.terms, function.constant)
        for rotation, coefficient in function.rotations:
            if rotation not in atoms:
                remainder, quotient = variable(f"%{len(atoms)}"), variable(f"//{len(atoms)}")
                atoms[rotation] = remainder
                value = flat(rotation.value)
                extra.append(Constraint(value - remainder - quotient * rotation.modulus, equality=True))
                extra.extend((Constraint(remainder), Constraint(-remainder + (rotation.modulus - 1))))
            result = result + atoms[rotation] * coefficient
        return result

    return [Constraint(flat(c.function), c.equality) for c in constraints] + extra


def _add(inequalities: _Inequalities, row: abc.Mapping[str, int], value: int) -> None:
    """Adds ``row + value >= 0``, divided by its common factor (which rounds the constant down: exact in integers)."""
    items = sorted((name, coefficient) for name, coefficient in row.items() if coefficient)
    if not items:
        if value < 0:
            raise _Infeasible
        return
    divisor = gcd(*(coefficient for _, coefficient in items))
    key = tuple((name, coefficient // divisor) for name, coefficient in items)
    value //= divisor
    opposite = inequalities.get(tuple((name, -coefficient) for name, coefficient in key))
    if opposite is not None and opposite + value < 0:
        raise _Infeasible
    inequalities[key] = min(value, inequalities.get(key, value))


# Equalities


def _solve(equalities: list[tuple[dict[str, int], int]], inequalities: _Inequalities) -> _Inequalities:
    """The inequalities that remain when every equality is solved for a variable and put into the others."""
    while equalities:
        row, value = equalities.pop()
        row = {name: coefficient for name, coefficient in row.items() if coefficient}
        if not row:
            if value:
                raise _Infeasible
            continue
        divisor = gcd(*row.values())
        if value % divisor:
            raise _Infeasible
        row = {name: coefficient // divisor for name, coefficient in row.items()}
        pivot = min(row, key=lambda name: (abs(row[name]), name))
        sign = 1 if row[pivot] > 0 else -1
        unit = abs(row[pivot])
        # pivot = -sum(others // unit), plus a new variable of the same name that takes the remainders where unit > 1
        replacement = {name: -sign * (c // unit) for name, c in row.items() if name != pivot}
        offset = -sign * (value // divisor // unit)
        if unit > 1:
            replacement[pivot] = 1
            equalities.append((row, value // divisor))
        equalities = [(_substituted(r, pivot, replacement), v + r.get(pivot, 0) * offset) for r, v in equalities]
        inequalities = _substitute_all(inequalities, pivot, replacement, offset)
    return inequalities


def _substituted(row: abc.Mapping[str, int], pivot: str, replacement: abc.Mapping[str, int]) -> dict[str, int]:
    factor = row.get(pivot, 0)
    result = {name: coefficient for name, coefficient in row.items() if name != pivot}
    if factor:
        for name, coefficient in replacement.items():
            result[name] = result.get(name, 0) + factor * coefficient
    return result


def _substitute_all(
    inequalities: _Inequalities, pivot: str, replacement: abc.Mapping[str, int], offset: int
) -> _Inequalities:
    result: _Inequalities = {}
    for key, value in inequalities.items():
        row = dict(key)
        _add(result, _substituted(row, pivot, replacement), value + row.get(pivot, 0) * offset)
    return result


# Inequalities


def _eliminate(inequalities: _Inequalities, remaining: list[int]) -> bool:
    """Whether the inequalities have an integer solution."""
    while inequalities:
        remaining[0] -= 1
        if remaining[0] < 0:
            raise _Undecided
        name, exact = _choice(inequalities)
        if not exact:
            return _by_shadows(inequalities, name, remaining)
        inequalities = _shadow(inequalities, name, dark=False)
        remaining[0] -= len(inequalities) // 64  # large systems cost more than one step
    return True


def _choice(inequalities: _Inequalities) -> tuple[str, bool]:
    """The variable to eliminate next: an exact one where there is any, of those the one that adds least."""
    lowers: dict[str, list[int]] = {}
    uppers: dict[str, list[int]] = {}
    for key in inequalities:
        for name, coefficient in key:
            (lowers if coefficient > 0 else uppers).setdefault(name, []).append(abs(coefficient))

    def cost(name: str) -> tuple[bool, int, int, str]:
        low, high = lowers.get(name, []), uppers.get(name, [])
        inexact = bool(low and high) and max(low) > 1 and max(high) > 1
        return inexact, len(low) * len(high) - len(low) - len(high), max(low + high), name

    best = min(map(cost, lowers.keys() | uppers.keys()))
    return best[3], not best[0]


def _shadow(inequalities: _Inequalities, name: str, *, dark: bool) -> _Inequalities:
    """The projection along ``name``: the real one, or the dark one, whose every point has an integer above it."""
    result: _Inequalities = {}
    lowers: list[tuple[int, dict[str, int], int]] = []
    uppers: list[tuple[int, dict[str, int], int]] = []
    for key, value in inequalities.items():
        row = dict(key)
        coefficient = row.pop(name, 0)
        if coefficient == 0:
            result[key] = value
        else:
            (lowers if coefficient > 0 else uppers).append((abs(coefficient), row, value))
    for low, low_row, low_value in lowers:
        for high, high_row, high_value in uppers:
            row = {other: high * coefficient for other, coefficient in low_row.items()}
            for other, coefficient in high_row.items():
                row[other] = row.get(other, 0) + low * coefficient
            gap = (low - 1) * (high - 1) if dark else 0
            _add(result, row, high * low_value + low * high_value - gap)
    return result


def _by_shadows(inequalities: _Inequalities, name: str, remaining: list[int]) -> bool:
    try:
        if not _eliminate(_shadow(inequalities, name, dark=False), remaining):
            return False
    except _Infeasible:
        return False
    try:
        if _eliminate(_shadow(inequalities, name, dark=True), remaining):
            return True
    except _Infeasible:
        pass
    return _by_cases(inequalities, name, remaining)


def _by_cases(inequalities: _Inequalities, name: str, remaining: list[int]) -> bool:
    """A solution that the dark shadow misses lies just above some lower bound of ``name`` (the splinters)."""
    lowers = [(dict(key), value) for key, value in inequalities.items() if dict(key).get(name, 0) > 0]
    most = max(-dict(key).get(name, 0) for key in inequalities)
    for row, value in lowers:
        coefficient = row[name]
        for gap in range((most * coefficient - most - coefficient) // most + 1):
            remaining[0] -= 1
            if remaining[0] < 0:
                raise _Undecided
            try:
                if _eliminate(_solve([(row, value - gap)], inequalities), remaining):
                    return True
            except _Infeasible:
                continue
    return False
