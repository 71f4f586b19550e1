"""The table of ``bench peers``: simulated cycles over the tiled bound beside what the peers claim."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, Text, count, document, table


def peers_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per workload, then the means; peers in columns as ratio (seconds)."""
    peers = tuple(answer["summary"]["claims"])
    claimed = any(row["claims"] for row in answer["rows"])
    heads = ("workload", "tiled bound", "cycles", "ratio", "search", "DRAM bytes", "state")
    rows = [
        (
            row["workload"],
            count(row["tiled_bound_cycles"]),
            count(row["cycles"]),
            f"{row['ratio']:.4f}",
            f"{row['search_seconds']:.2f} s",
            f"{row['dram_bytes'] / row['compulsory_dram_bytes']:.2f} x least",
            row["failure"] or f"verified ({row['verified_size']}){', optimal' if row['optimal'] else ''}",
            *((_claim(row["claims"][peer]) for peer in peers) if claimed else ()),
        )
        for row in answer["rows"]
    ]
    summary = answer["summary"]
    means = [
        (
            answer["machine"],
            f"{summary['verified']} of {summary['workloads']}",
            _mean(summary["geomean_ratio"]),
            _mean(summary["geomean_ratio_without_first"]),
            f"{summary['search_seconds']:.2f} s",
            *(f"{each['geomean_ratio']:.3f} ({each['seconds']:g} s)" for each in summary["claims"].values()),
        )
    ]
    note = "The peers' figures are their own claims; only the cycles on the left are of programs that ran."
    return document(
        table((*heads, *(peers if claimed else ())), rows),
        table(("machine", "verified", "mean ratio", "without the first", "search", *peers), means),
        Text(note),
    )


def _claim(claim: abc.Mapping[str, float]) -> str:
    return f"{claim['ratio']:.3f} ({claim['seconds']:g} s)"


def _mean(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
