"""The tables of ``bench search``: strategies beside the exhaustive one."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, document, table

HEADS = (
    "strategy",
    "scheduled",
    "cycles / exhaustive",
    "within 3 %",
    "proved",
    "gap",
    "gap within 1 %",
    "near the bound",
    "seconds",
    "judged",
)


def search_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per strategy: how far from the exhaustive one, how near to a proof and to the bound, how long.

    Spreads are median (least to greatest); ``near the bound``: large problems within 3 % of bound or proven optimum.
    """
    return document(table(HEADS, [_line(name, each) for name, each in answer["summary"].items()]))


def _line(name: str, each: abc.Mapping[str, Any]) -> tuple[str, ...]:
    return (
        name,
        f"{each['scheduled']} of {each['problems']}",
        _spread(each["ratio_to_exhaustive"], 4),
        str(each["within_3_percent_of_exhaustive"]),
        str(each["proved_optimal"]),
        _spread(each["gap_percent"], 2, " %"),
        str(each["gaps_within_1_percent"]),
        f"{each['large_within_3_percent_of_bound']} of {each['large_problems']}",
        _spread(each["search_seconds"], 2),
        _spread(each["candidates_judged"], 0),
    )


def _spread(values: abc.Mapping[str, float] | None, digits: int, unit: str = "") -> str:
    if values is None:
        return "-"
    least, median, greatest = (f"{values[name]:.{digits}f}" for name in ("least", "median", "greatest"))
    return f"{median}{unit} ({least} to {greatest})"
