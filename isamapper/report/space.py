"""The size of a decision space, for people."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, Text, count, document, table

SHOWN = 12
"""Families listed per statement."""


def space_document(answer: abc.Mapping[str, Any]) -> Document:
    """The totals, then every statement's largest families."""
    rows = []
    for statement in answer["statements"]:
        families = sorted(statement["families"], key=lambda each: -each["schedules"])
        for family in families[:SHOWN]:
            line = (family["family"], count(family["schedules"]), count(family["undominated"]))
            rows.append((str(statement["statement"]), *line))
        if len(families) > SHOWN:
            left = families[SHOWN:]
            more = (f"{len(left)} more", count(sum(f["schedules"] for f in left)))
            rows.append((str(statement["statement"]), *more, count(sum(f["undominated"] for f in left))))
    totals = f"{count(answer['schedules'])} schedules, {count(answer['undominated'])} of them not dominated by another"
    rows_of = table(("statement", "family", "schedules", "not dominated"), rows)
    return document(Text(totals, strong=True), rows_of, *_cuts(answer["statements"]))


def _cuts(statements: abc.Iterable[abc.Mapping[str, Any]]) -> abc.Iterator[Text]:
    """In how many ways statements are cut over grids, where there are grids."""
    for each in statements:
        if "cuts" in each:
            sums = f", {count(each['cuts_of_sums'])} of them cut its sum" if each["cuts_of_sums"] else ""
            yield Text(f"statement {each['statement']}: {count(each['cuts'])} ways to cut it over grids{sums}")
