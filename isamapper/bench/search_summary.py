"""What is made of the rows of ``bench search``: ratios to the reference, and per strategy the figures of all problems.

What does not belong here: searching (``search.py``) and tables for people (``report/search.py``).
"""

from __future__ import annotations

import statistics
from collections import abc
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]

NEAR = 1.03
"""Within 3 % of the optimum or of a bound."""
CLOSE_PERCENT = 1.0
"""A gap that counts as a proof."""


def held_against(rows: abc.Sequence[Row], reference: str) -> list[Row]:
    """Rows with their ratio to the reference's on the same problem, and whether they are near a bound or the best."""
    best = {row["problem"]: row for row in rows if row["strategy"] == reference}
    return [{**row, **_ratios(row, best.get(row["problem"]))} for row in rows]


def _ratios(row: Row, reference: Row | None) -> Row:
    cost = row["cost_cycles"]
    if cost is None or reference is None or not reference["cost_cycles"]:
        return {"ratio_to_exhaustive": None, "near_bound": None}
    limit = max(reference["bound_cycles"], reference["proved_cycles"] or 0)
    if reference["optimal"]:
        limit = max(limit, reference["cost_cycles"])
    return {"ratio_to_exhaustive": cost / reference["cost_cycles"], "near_bound": cost <= limit * NEAR}


def summary_of(rows: abc.Sequence[Row]) -> dict[str, Any]:
    """Per strategy the figures of all its problems."""
    names = dict.fromkeys(row["strategy"] for row in rows)
    return {name: _strategy([row for row in rows if row["strategy"] == name]) for name in names}


def _strategy(rows: abc.Sequence[Row]) -> dict[str, Any]:
    good = [row for row in rows if row["failure"] is None]
    ratios = [row["ratio_to_exhaustive"] for row in good if row["ratio_to_exhaustive"]]
    gaps = [row["gap_percent"] for row in good if row["gap_percent"] is not None]
    large = [row for row in good if row["fills_instructions"] and row["near_bound"] is not None]
    near = sum(row["near_bound"] for row in large)
    return {
        "problems": len(rows),
        "scheduled": len(good),
        "ratio_to_exhaustive": _spread(ratios),
        "within_3_percent_of_exhaustive": sum(ratio <= NEAR for ratio in ratios),
        "proved_optimal": sum(row["optimal"] for row in good),
        "gap_percent": _spread(gaps),
        "gaps_within_1_percent": sum(gap <= CLOSE_PERCENT for gap in gaps),
        "large_problems": len(large),
        "large_within_3_percent_of_bound": near,
        "large_within_3_percent_of_bound_percent": 100 * near / len(large) if large else None,
        "search_seconds": _spread([row["search_seconds"] for row in good]),
        "processor_seconds": _spread([row["processor_seconds"] for row in good]),
        "candidates_judged": _spread([row["judged"] for row in good]),
    }


def _spread(values: abc.Sequence[float]) -> dict[str, float] | None:
    """Least, median and greatest; None of nothing."""
    if not values:
        return None
    return {"least": min(values), "median": statistics.median(values), "greatest": max(values)}
