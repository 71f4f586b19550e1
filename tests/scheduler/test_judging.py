"""Which prospects are judged: what is expected to take least, told from the errors of those judged before."""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from functools import partial

import pytest

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.pipeline import resolve
from isamapper.plan.nest import Nest
from isamapper.scheduler.improving.judging import chosen, judge
from isamapper.scheduler.space.candidates import prospects_of, subject_of
from isamapper.scheduler.space.found import Prospect


@pytest.fixture(scope="module")
def nest() -> Nest:
    machine = load_machine("ws16")
    kernel, _ = resolve("gemm", machine, {"M": 32, "N": 32, "K": 32})
    found = prospects_of(subject_of(machine, kernel, statements(kernel)[0]))
    assert not isinstance(found, Rejection) and isinstance(found[0].nest, Nest)
    return found[0].nest


def _judged(nest: Nest, rows: abc.Sequence[tuple[float, float, str, float]], count: int = 6) -> list[float]:
    """Cycles judged of rows of (estimate, bytes, trait, cycles), in the order in which they are asked for."""
    marks = {index: replace(nest, order=(str(index),)) for index in range(len(rows))}
    answers = {marks[index].order: row[3] for index, row in enumerate(rows)}
    prospects = [
        Prospect(estimate, moved, 0.0, "way", {trait: 4.0}, partial(marks.__getitem__, index))
        for index, (estimate, moved, trait, _) in enumerate(rows)
    ]
    return [each.cycles for each in judge(prospects, lambda each: answers[each.order], count, 0.0, lambda: False)]


def test_after_a_nest_that_disappoints_one_unlike_it_is_next(nest: Nest) -> None:
    rows = [(1000.0, 10.0, "a", 1200.0), (1002.0, 20.0, "a", 1201.0), (1004.0, 30.0, "b", 1010.0)]
    assert _judged(nest, rows)[:2] == [1200.0, 1010.0]


def test_no_more_are_judged_than_are_expected_to_gain(nest: Nest) -> None:
    assert _judged(nest, [(1000.0, 10.0, "a", 1000.0), (1100.0, 10.0, "b", 1000.0)]) == [1000.0]


def test_among_equals_the_one_that_moves_fewest_bytes_is_first(nest: Nest) -> None:
    rows = [(1000.0, 30.0, "a", 1000.0), (1000.5, 10.0, "b", 1000.0)]
    assert _judged(nest, rows, count=1) == [1000.0]
    prospects = [Prospect(1000.0, moved, 999.0, "way", {}, lambda: nest) for moved in (30.0, 10.0)]
    (found,) = judge(prospects, lambda _: 1000.0, 6, 0.0, lambda: False)
    assert found.bytes_moved == 10.0


def test_what_cannot_be_lowered_is_passed_over(nest: Nest) -> None:
    refused = Rejection("SCH030", "'a'", "no copy fits")
    prospects = [Prospect(1.0, 1.0, 0.0, "way", {"a": 1.0}, lambda: refused)]
    assert judge(prospects, lambda _: 1.0, 6, 0.0, lambda: False) == []


def test_fewer_bytes_decide_between_nests_that_take_about_as_long(nest: Nest) -> None:
    found = judge(
        [
            Prospect(1000.0, 30.0, 0.0, "a", {"a": 9.0}, lambda: nest),
            Prospect(990.0, 10.0, 0.0, "b", {"b": 9.0}, lambda: nest),
        ],
        lambda _: 1000.0,
        6,
        100.0,
        lambda: False,
    )
    assert chosen(found).bytes_moved == 10.0
