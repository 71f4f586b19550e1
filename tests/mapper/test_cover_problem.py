"""Two ways of solving the same problem: everything looked at, and CP-SAT. They agree on costs, and on all solutions."""

from __future__ import annotations

from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.mapper.covers import cpsat
from isamapper.mapper.covers.cover_problem import Choice, CoverProblem, exhaustive, wrong_with


@st.composite
def problems(draw: st.DrawFn) -> CoverProblem:
    """Up to six statements, up to ten choices, some of which exclude each other."""
    count = draw(st.integers(1, 6))
    members = st.frozensets(st.integers(0, count - 1), min_size=1, max_size=4)
    choices = draw(st.lists(st.builds(Choice, members, st.integers(0, 20)), min_size=1, max_size=10))
    number = st.integers(0, len(choices) - 1)
    pairs = draw(st.frozensets(st.tuples(number, number).filter(lambda pair: pair[0] < pair[1]), max_size=4))
    return CoverProblem(tuple(range(count)), tuple(choices), pairs)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_the_cheapest_cover_costs_the_same_however_it_is_found(problem: CoverProblem) -> None:
    one, other = next(exhaustive(problem), None), next(cpsat.solutions(problem), None)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert wrong_with(problem, one) is None
        assert problem.cost(one) == problem.cost(other)


@settings(max_examples=40, deadline=None)
@given(problems())
def test_both_ways_list_the_same_covers_by_rising_cost(problem: CoverProblem) -> None:
    one, other = list(islice(exhaustive(problem), 30)), list(islice(cpsat.solutions(problem), 30))
    assert [problem.cost(each) for each in one] == [problem.cost(each) for each in other]
    if len(one) < 30:
        assert set(one) == set(other)


def test_a_statement_without_a_choice_has_no_cover() -> None:
    problem = CoverProblem((0, 1), (Choice(frozenset((0,)), 1),))
    assert list(exhaustive(problem)) == []
    assert list(cpsat.solutions(problem)) == []


def test_what_is_wrong_with_a_cover_is_said() -> None:
    choices = (Choice(frozenset((0, 1)), 3), Choice(frozenset((1,)), 1), Choice(frozenset((0,)), 1))
    problem = CoverProblem((0, 1), choices, frozenset({(1, 2)}))
    assert wrong_with(problem, (0,)) is None
    assert wrong_with(problem, (0, 1)) == "statement 1 is done 2 times"
    assert wrong_with(problem, (1,)) == "statement 0 is done 0 times"
    assert wrong_with(problem, (1, 2)) == "choices 1 and 2 exclude each other"
