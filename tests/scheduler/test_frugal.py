"""Fewer bytes for as good as the same cycles: who is looked at, and when that ends."""

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
from isamapper.scheduler.improving.frugal import TRIED, frugal
from isamapper.scheduler.improving.judging import Judged
from isamapper.scheduler.space.candidates import prospects_of, subject_of
from isamapper.scheduler.space.found import Prospect


@pytest.fixture(scope="module")
def nest() -> Nest:
    machine = load_machine("ws16")
    kernel, _ = resolve("gemm", machine, {"M": 32, "N": 32, "K": 32})
    found = prospects_of(subject_of(machine, kernel, statements(kernel)[0]))
    assert not isinstance(found, Rejection) and isinstance(found[0].nest, Nest)
    return found[0].nest


def _tried(nest: Nest, rows: abc.Sequence[tuple[float, float, float]]) -> list[float]:
    """Cycles asked for, in order, of rows of (estimate, bytes, cycles), beside a best of 1000 cycles and 100 bytes."""
    marks = {index: replace(nest, order=(str(index),)) for index in range(len(rows))}
    answers = {marks[index].order: row[2] for index, row in enumerate(rows)}
    prospects = [
        Prospect(estimate, moved, 0.0, "way", {}, partial(marks.__getitem__, index))
        for index, (estimate, moved, _) in enumerate(rows)
    ]
    known = [Judged(1000.0, 100.0, nest)]
    return [each.cycles for each in frugal(prospects, known, lambda each: answers[each.order], lambda: False)]


def test_the_fewest_bytes_come_first_and_as_good_a_one_ends_it(nest: Nest) -> None:
    rows = [(1001.0, 80.0, 1001.0), (1010.0, 50.0, 1050.0), (1001.0, 60.0, 1002.0)]
    assert _tried(nest, rows) == [1050.0, 1002.0]


def test_hardly_fewer_bytes_or_many_more_cycles_are_not_worth_a_look(nest: Nest) -> None:
    assert _tried(nest, [(1000.0, 98.0, 1000.0), (1030.0, 10.0, 1000.0)]) == []


def test_a_few_are_enough(nest: Nest) -> None:
    assert len(_tried(nest, [(1010.0, float(moved), 1100.0) for moved in range(10, 20)])) == TRIED
