"""Figures of rows by their names, for fronts of two of them."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.hwdesc.shapes import byte_count
from isamapper.scheduler.strategies.pareto import front

__all__ = ["figure", "front"]


def figure(row: abc.Mapping[str, Any], name: str) -> float | None:
    """A figure of a row: one of its keys, a size, or the value of a setting (``128KiB`` counts as bytes).

    ``edp`` is energy times delay in picojoules times seconds. None where the row has no such number.
    """
    if name == "edp":
        energy, seconds = row.get("energy_pj"), row.get("seconds")
        return None if energy is None or seconds is None else float(energy) * float(seconds)
    for place in (row, row.get("sizes", {}), row.get("settings", {})):
        if name in place:
            return _number(place[name])
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        counted = byte_count(value)
        if counted is not None:
            return float(counted)
        try:
            return float(value)
        except ValueError:
            return None
    return None
