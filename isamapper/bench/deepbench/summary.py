"""What rows amount to: per machine and suite, means, speed-ups and what failed. Rows in, plain JSON values out."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.bench.deepbench.store import Row
from isamapper.bench.smoke import geometric_mean

FEW_COLUMNS = 4
"""Products with so few columns (n of the list) are counted apart: they are bound by memory."""


def summary_of(rows: abc.Sequence[Row]) -> dict[str, Any]:
    """Per machine, per suite (and for all suites of a family together): the figures of :func:`figures_of`."""
    return {
        machine: {name: figures_of(group) for name, group in _groups(own).items()}
        for machine, own in grouped(rows, "machine").items()
    }


def grouped(rows: abc.Iterable[Row], key: str) -> dict[str, list[Row]]:
    """Rows by the value of a key, in the order of the first of each."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row[key]), []).append(row)
    return found


def _groups(rows: abc.Sequence[Row]) -> dict[str, list[Row]]:
    groups = grouped(rows, "suite")
    inference = [row for row in rows if row["suite"] in ("gemm-server", "gemm-device")]
    few = [row for row in inference if row["parameters"]["n"] <= FEW_COLUMNS]
    extra = {"gemm inference": inference, f"gemm inference n <= {FEW_COLUMNS}": few, "all": list(rows)}
    return {**groups, **{name: group for name, group in extra.items() if group}}


def figures_of(rows: abc.Sequence[Row]) -> dict[str, Any]:
    """Counts, means over what verified, and per baseline the speed-up's mean and range."""
    good = [row for row in rows if row["failure"] is None]
    names = sorted({name for row in good for name in row["baselines"]})
    return {
        "problems": len(rows),
        "verified": len(good),
        "verified_at_real_size": sum(row["verified_size"] == "real" for row in good),
        "below_official_precision": sum(not row["precision"]["meets_official"] for row in good),
        "geomean_percent_of_bound": _mean(good, "percent_of_bound"),
        "least_percent_of_bound": min((row["percent_of_bound"] for row in good), default=None),
        "geomean_percent_of_mapped_bound": _mean(good, "percent_of_mapped_bound"),
        "seconds": sum(row["seconds"] for row in good),
        "search_seconds": sum(row["search_seconds"] for row in good),
        "simulate_seconds": sum(row["simulate_seconds"] for row in good),
        "speedups": {name: _speedups(good, name) for name in names},
        "published": _published(good),
    }


def _published(rows: abc.Sequence[Row]) -> list[dict[str, Any]]:
    """Our times against those of each device and precision: how far off they are, and to which side."""
    groups: dict[tuple[str, str, bool], list[float]] = {}
    for anchor in (anchor for row in rows for anchor in row["anchors"]):
        key = anchor["device"], anchor["precision"], anchor.get("same_precision", False)
        groups.setdefault(key, []).append(anchor["percent_error"])
    return [
        {
            "device": device,
            "precision": precision,
            "same_precision": same,
            "problems": len(errors),
            "mean_absolute_percent_error": sum(map(abs, errors)) / len(errors),
            "geomean_time_ratio": geometric_mean([max(1 + error / 100, 1e-9) for error in errors]),
        }
        for (device, precision, same), errors in sorted(groups.items())
    ]


def _mean(rows: abc.Sequence[Row], key: str) -> float | None:
    return geometric_mean([max(row[key], 1e-9) for row in rows if row[key] is not None])


def _speedups(rows: abc.Sequence[Row], name: str) -> dict[str, Any]:
    """Over the problems that the baseline can do; it is slower where the speed-up is above 1."""
    compared = [row["baselines"][name] for row in rows if name in row["baselines"]]
    values = [each["speedup"] for each in compared if each["failure"] is None and each["speedup"]]
    return {
        "compared": len(values),
        "not_applicable": len(compared) - len(values),
        "geomean": geometric_mean(values),
        "least": min(values, default=None),
        "most": max(values, default=None),
        "at_least_twice": sum(value >= 2 for value in values),
    }
