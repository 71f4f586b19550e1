"""The tables of ``bench search``: strategies beside the exhaustive one."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, document, table


def search_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per strategy: how far from the exhaustive one, how near to a proof, how long."""
    heads = (
        "strategy",
        "scheduled",
        "ratio (median)",
        "ratio (most)",
        "within 3 %",
        "gap (median)",
        "seconds (median)",
    )
    rows = [
        (
            name,
            f"{each['scheduled']} of {each['problems']}",
            _ratio(each["median_ratio_to_exhaustive"]),
            _ratio(each["greatest_ratio_to_exhaustive"]),
            str(each["within_3_percent"]),
            "-" if each["median_gap_percent"] is None else f"{each['median_gap_percent']:.2f} %",
            "-" if each["median_search_seconds"] is None else f"{each['median_search_seconds']:.2f} s",
        )
        for name, each in answer["summary"].items()
    ]
    return document(table(heads, rows))


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
