"""The table of ``bench peers``: simulated cycles over the tiled bound beside what the peers claim."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, Text, count, document, table


def peers_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per workload, then the means; peers in columns as ratio (seconds)."""
    peers = tuple(answer["summary"]["claims"])
    claimed = any(row["claims"] for row in answer["rows"])
    heads = ("workload", "tiled bound", "cycles", "ratio", "processor", "DRAM bytes", "over fewest", "state")
    rows = [
        (
            *_measured(row),
            f"{row['bytes_over_fewest']:.2f}",
            _state(row),
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
            f"{summary['processor_seconds']:.2f} s",
            f"{summary['greatest_bytes_over_fewest']:.2f}",
            *(f"{each['geomean_ratio']:.3f} ({each['seconds']:g} s)" for each in summary["claims"].values()),
        )
    ]
    note = "The peers' figures are their own claims; only the cycles on the left are of programs that ran."
    if any(row["below_bound"] for row in answer["rows"]):
        note += " * below the bound, which holds the second operand still: here the first one is."
    return document(
        table((*heads, *(peers if claimed else ())), rows),
        table(
            ("machine", "verified", "mean ratio", "without the first", "processor", "bytes over fewest", *peers), means
        ),
        Text(note),
    )


def replay_document(answer: abc.Mapping[str, Any]) -> Document:
    """What another tool's loops came to, and the decisions that they fixed."""
    row = answer["row"]
    heads = ("workload", "tiled bound", "cycles", "ratio", "processor", "DRAM bytes", "state")
    fixed = table(("fixed by the file",), [(each,) for each in answer["fixed"]])
    return document(table(heads, [(*_measured(row), _state(row))]), fixed)


def _measured(row: abc.Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["workload"],
        count(row["tiled_bound_cycles"]),
        count(row["cycles"]),
        f"{row['ratio']:.4f}{'*' if row['below_bound'] else ''}",
        f"{row['processor_seconds']:.2f} s",
        f"{row['dram_bytes'] / row['compulsory_dram_bytes']:.2f} x least",
    )


def _state(row: abc.Mapping[str, Any]) -> str:
    return row["failure"] or f"verified ({row['verified_size']}){', optimal' if row['optimal'] else ''}"


def _claim(claim: abc.Mapping[str, float]) -> str:
    return f"{claim['ratio']:.3f} ({claim['seconds']:g} s)"


def _mean(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
