"""Spreading the copies of the best nests anew."""

from __future__ import annotations

import pytest

from isamapper.hwdesc.loader import load_machine
from isamapper.pipeline import find_schedule
from isamapper.plan.nest import Nest
from isamapper.plan.steps import replay
from isamapper.scheduler.improving import refining
from isamapper.scheduler.improving.judging import Judged


def found_on_toy() -> Nest:
    """The nest that the search finds for a small product."""
    return replay(find_schedule("gemm", "toy4", sizes={"M": 16, "N": 16, "K": 32}).schedule)[0]


def test_a_better_spread_is_found_unless_there_are_too_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, nest = load_machine("toy4"), found_on_toy()
    judged = [Judged(10_000.0, 0.0, nest)]
    tried = refining.refined(machine, judged, lambda changed: 9_000.0, 1.0, lambda: False)
    assert tried and all(each.nest != nest for each in tried)
    monkeypatch.setattr(refining, "MOST_CALLS", 4 * 4 * 8 - 1)
    assert refining.refined(machine, judged, lambda changed: 9_000.0, 1.0, lambda: False) == []
