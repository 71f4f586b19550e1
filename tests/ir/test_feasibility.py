"""The Omega test against enumeration."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.ir.affine import Affine, affine, evaluate, rotate, variable
from isamapper.ir.feasibility import box, feasible
from isamapper.ir.nodes import Constraint

NAMES = "wxyz"


def holds(constraint: Constraint, point: dict[str, int]) -> bool:
    value = evaluate(constraint.function, point)
    return value == 0 if constraint.equality else value >= 0


@st.composite
def systems(draw: st.DrawFn) -> tuple[dict[str, int], list[Constraint]]:
    names = NAMES[: draw(st.integers(1, 4))]
    extents = {name: draw(st.integers(1, 6)) for name in names}

    def function() -> Affine:
        coefficient = st.integers(-12, 12)
        return affine([(name, draw(coefficient)) for name in names], draw(st.integers(-20, 20)))

    constraints = [Constraint(function(), draw(st.booleans())) for _ in range(draw(st.integers(0, 4)))]
    if draw(st.booleans()):
        rotated = rotate(variable(names[0], 3) + 1, draw(st.integers(2, 4)))
        constraints.append(Constraint(rotated - draw(st.integers(0, 3)), True))
    return extents, constraints


@given(systems())
@settings(max_examples=400, deadline=None)
def test_answers_are_those_of_enumeration(case: tuple[dict[str, int], list[Constraint]]) -> None:
    extents, constraints = case
    points = (dict(zip(extents, point, strict=True)) for point in product(*map(range, extents.values())))
    expected = any(all(holds(constraint, point) for constraint in constraints) for point in points)
    assert feasible([*box(extents), *constraints]) is expected


def test_large_boxes_cost_nothing() -> None:
    x, y = variable("x"), variable("y")
    apart = [Constraint(x - y - 1), Constraint(y - x)]
    assert feasible([*box({"x": 10**12, "y": 10**12}), *apart]) is False


def test_parity_needs_no_search() -> None:
    odd = Constraint(variable("x", 2) - variable("y", 2) - 1, equality=True)
    assert feasible([*box({"x": 10**9, "y": 10**9}), odd]) is False


def test_the_dark_shadow_misses_what_the_cases_find() -> None:
    # 3y = 2x + 1 in disguise: only inequalities with coefficients 2 and 3
    x, y = variable("x"), variable("y")
    close = [Constraint(y * 3 - x * 2 - 1), Constraint(x * 2 - y * 3 + 1), Constraint(y * 5 - x * 3 - 2)]
    assert feasible([*box({"x": 4, "y": 4}), *close]) is True


@pytest.mark.parametrize("budget", [0, 1])
def test_a_spent_budget_is_told_apart_from_no(budget: int) -> None:
    x, y, z = (variable(name) for name in "xyz")
    hard = [Constraint(x * 7 - y * 5 - z * 3), Constraint(y * 5 + z * 3 - x * 7 + 1), Constraint(z * 11 - x * 4 - 9)]
    assert feasible([*box({"x": 50, "y": 50, "z": 50}), *hard], budget) is None
