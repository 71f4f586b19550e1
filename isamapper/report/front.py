"""Fronts of two objectives, for people and as JSON."""

from __future__ import annotations

from collections import abc

from isamapper.report.document import Document, document, table
from isamapper.scheduler.strategies.pareto import Point


def front_dict(
    points: abc.Sequence[Point], objectives: tuple[str, str], texts: abc.Sequence[str], files: abc.Sequence[str]
) -> dict[str, object]:
    """The JSON object of ``schedule --objective X,Y`` (docs/json.md), ``format`` apart."""
    first = points[0].schedule
    rows = [
        {
            objectives[0]: point.first,
            objectives[1]: point.second,
            "quantities": dict(point.quantities),
            "file": files[number] if files else None,
            "schedule": texts[number],
        }
        for number, point in enumerate(points)
    ]
    head = {"kernel": first.kernel.name, "machine": first.machine.name, "sizes": dict(first.kernel.sizes)}
    return {**head, "objectives": list(objectives), "front": rows}


def front_document(points: abc.Sequence[Point], objectives: tuple[str, str], files: abc.Sequence[str]) -> Document:
    """A line per schedule: both objectives, and whatever else was measured."""
    others = [name for name, _ in points[0].quantities if name not in objectives]
    rows = []
    for number, point in enumerate(points):
        known = dict(point.quantities)
        values = [_figure(value) for value in (point.first, point.second, *(known[name] for name in others))]
        rows.append([str(number + 1), *values, *([files[number]] if files else [])])
    return document(table(("schedule", *objectives, *others, *(["file"] if files else [])), rows))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.6g}"
