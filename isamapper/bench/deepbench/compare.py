"""Two result files against each other: what got slower by more than a threshold, what no longer works."""

from __future__ import annotations

from collections import abc
from typing import Any, TypeAlias

from isamapper.bench.deepbench.store import Row
from isamapper.bench.smoke import geometric_mean

Name: TypeAlias = tuple[str, str]


def compare(before: abc.Sequence[Row], after: abc.Sequence[Row], threshold_percent: float) -> dict[str, Any]:
    """Rows of problems that both files have, by machine and problem, and a summary.

    A regression is more cycles by over ``threshold_percent`` of what they were, or a failure where there was none.
    """
    old, new = _by_name(before), _by_name(after)
    shared = [name for name in old if name in new]
    rows = [_compared(name, old[name], new[name], threshold_percent) for name in shared]
    ratios = [row["ratio"] for row in rows if row["ratio"] is not None]
    return {
        "bench": "deepbench-compare",
        "rows": rows,
        "summary": {
            "threshold_percent": threshold_percent,
            "compared": len(rows),
            "only_before": sorted("/".join(name) for name in old if name not in new),
            "only_after": sorted("/".join(name) for name in new if name not in old),
            "geomean_ratio": geometric_mean(ratios),
            "regressions": sum(row["state"] in ("slower", "broken") for row in rows),
            "improvements": sum(row["state"] in ("faster", "mended") for row in rows),
        },
    }


def _by_name(rows: abc.Iterable[Row]) -> dict[Name, Row]:
    """The last row of each machine and problem."""
    return {(row["machine"], row["problem"]): row for row in rows}


def _compared(name: Name, old: Row, new: Row, threshold_percent: float) -> dict[str, Any]:
    machine, problem = name
    head = {
        "machine": machine,
        "problem": problem,
        "before_cycles": old.get("cycles"),
        "after_cycles": new.get("cycles"),
    }
    failures = (old.get("failure"), new.get("failure"))
    if any(failures):
        state = "failing" if all(failures) else "broken" if failures[1] else "mended"
        return {**head, "ratio": None, "state": state, "reason": failures[1]}
    ratio = new["cycles"] / max(old["cycles"], 1)
    limit = threshold_percent / 100
    state = "slower" if ratio > 1 + limit else "faster" if ratio < 1 - limit else "same"
    return {**head, "ratio": round(ratio, 6), "state": state, "reason": None}
