"""Timings of single instructions beside known ones, for people."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, Text, document, table

_MEASURES = ("latency_cycles", "chained_latency_cycles", "interval_cycles")


def instructions_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per known timing, then how many of each kind are reproduced."""
    rows = [
        (
            row["core"],
            row["instruction"],
            *(_pair(row, key) for key in _MEASURES),
            row["mark"],
            _state(row),
        )
        for row in answer["rows"]
    ]
    heads = ("core", "instruction", "latency", "in a chain", "every", "known", "simulated")
    summary = answer["summary"]
    counts = ", ".join(
        f"{each['reproduced']} of {each['rows']} {mark}" for mark, each in summary.items() if isinstance(each, dict)
    )
    return document(table(heads, rows), Text(f"reproduced: {counts}", strong=True))


def _pair(row: abc.Mapping[str, Any], key: str) -> str:
    """What is known, and what is simulated where that differs."""
    known, found = row[key], row[f"simulated_{key}"]
    if known is None:
        return "-" if found is None else f"({found:g})"
    return f"{known:g}" if found == known else f"{known:g}, not {'simulated' if found is None else f'{found:g}'}"


def _state(row: abc.Mapping[str, Any]) -> str:
    if row["machine"] is None:
        return "no machine describes it"
    where = f"{row['machine_instruction']} on {row['machine']}"
    return where if row["reproduced"] else f"NOT AS {where}"
