"""``bench search``: rows are reproducible, resumed from a store, and held against the exhaustive strategy."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.bench import search
from isamapper.bench.search_summary import held_against, summary_of
from isamapper.diagnostics.source import SourceError


def row(problem: str, strategy: str, cost: float | None, **more: object) -> dict[str, object]:
    known = {"bound_cycles": 100, "proved_cycles": None, "optimal": False, "gap_percent": None, "failure": None}
    took = {"search_seconds": 1.0, "processor_seconds": 1.0, "judged": 3, "fills_instructions": True}
    return {"problem": problem, "strategy": strategy, "cost_cycles": cost, **known, **took, **more}


def test_the_quick_sample_is_a_dozen_products_and_four_convolutions() -> None:
    names = [problem.name for problem in search.quick_problems()]
    assert len(set(names)) == 16 and sum(name.startswith("conv") for name in names) == 4
    assert len(search.problems()) == 108


def test_costs_are_ratios_to_the_reference_and_near_a_bound_or_a_proof() -> None:
    rows = held_against(
        [
            row("a", "exhaustive", 110.0, proved_cycles=109.0, gap_percent=0.92),
            row("a", "random", 132.0),
            row("b", "exhaustive", 200.0, optimal=True, proved_cycles=200.0, gap_percent=0.0),
            row("b", "random", 205.0, fills_instructions=False),
        ],
        "exhaustive",
    )
    assert [each["ratio_to_exhaustive"] for each in rows] == pytest.approx([1.0, 1.2, 1.0, 1.025])
    assert [each["near_bound"] for each in rows] == [True, False, True, True]
    summary = summary_of(rows)
    assert summary["random"]["ratio_to_exhaustive"] == pytest.approx(
        {"least": 1.025, "median": 1.1125, "greatest": 1.2}
    )
    assert summary["random"]["large_problems"] == 1
    assert summary["exhaustive"]["proved_optimal"] == 1 and summary["exhaustive"]["gaps_within_1_percent"] == 2


def test_a_refusal_is_a_row_without_figures() -> None:
    rows = held_against(
        [{"problem": "a", "strategy": "exhaustive", "cost_cycles": None, "failure": "no"}], "exhaustive"
    )
    assert summary_of(rows)["exhaustive"]["scheduled"] == 0


def test_an_unknown_strategy_is_an_error_before_anything_is_measured() -> None:
    with pytest.raises(SourceError, match="unknown strategy 'guess'"):
        search.asked_for(search.problems()[:1], "gemmini16", ["guess"])


def test_rows_come_from_the_store_the_second_time(tmp_path: Path) -> None:
    smallest = min(search.problems()[:88], key=lambda problem: problem["m"] * problem["n"] * problem["k"])
    asked = search.asked_for([smallest], "ws16", ["random"], budget_seconds=None, candidates=2)
    told: list[tuple[str, int, int]] = []
    first = search.measure(asked, store=tmp_path / "rows.sqlite", report=lambda *what: told.append(what))
    assert told[-1] == ("searches", 2, 2)
    again = search.measure(asked, store=tmp_path / "rows.sqlite", report=lambda *what: told.append(what))
    assert told[-1] == ("searches", 2, 2) and again["rows"] == first["rows"]
    assert all(each["bound_cycles"] <= each["cost_cycles"] for each in first["rows"])
    assert [each["judged"] <= 3 for each in first["rows"] if each["strategy"] == "random"] == [True]
    assert first["candidates"] == 2
