"""A campaign for people: its rows, what failed, and which rows no other beats."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Block, Document, Facts, Heading, Text, count, document, percent, table

Row = abc.Mapping[str, Any]
_FACTS = ("kernel", "machine", "strategy", "cost_model", "seed")


def sweep_document(
    answer: abc.Mapping[str, Any], store: str, front: abc.Sequence[int] = (), axes: str = ""
) -> Document:
    """The table of rows, with what is the same in all of them said once; ``front`` marks rows with a star."""
    rows, summary = answer["rows"], answer["summary"]
    flat = [_facts(row) for row in rows]
    same = {name for name in dict.fromkeys(n for each in flat for n in each) if len({e.get(name) for e in flat}) == 1}
    names = [name for name in dict.fromkeys(n for each in flat for n in each) if name not in same]
    common = tuple((name, str(flat[0][name])) for name in flat[0] if name in same) if flat else ()
    heads = (
        *names,
        "cycles",
        "of bound",
        "of mapped bound",
        "DRAM bytes",
        "bound by",
        "state",
        *(["front"] if front else []),
    )
    lines = [
        (*(each.get(name, "") for name in names), *_figures(row), *(["*" if number in front else ""] if front else []))
        for number, (row, each) in enumerate(zip(rows, flat, strict=True))
    ]
    return document(
        Heading(_headline(summary)),
        Facts((*common, ("store", store), *((("front", axes),) if front else ()))),
        table(heads, lines) if lines else Text("nothing was done"),
        _failures(rows),
    )


def _headline(summary: abc.Mapping[str, Any]) -> str:
    done = f"{summary['done']} of {summary['tasks']} tasks, {summary['read_from_store']} from the store"
    failed = f", {summary['failed']} failed" if summary["failed"] else ""
    return f"{done}{failed}, {summary['seconds']:.1f} s" + (", interrupted" if summary["interrupted"] else "")


def _facts(row: Row) -> dict[str, object]:
    """What was asked for, one name each; sizes and settings by their own names."""
    facts = {name: row[name] for name in _FACTS}
    return {**facts, **row["sizes"], **row["settings"]}


def _figures(row: Row) -> tuple[str, ...]:
    if "cycles" not in row:
        return ("-", "-", "-", "-", "-", "failed")
    state = "verified" if row["failure"] is None else "NOT VERIFIED"
    return (
        count(row["cycles"]),
        percent(row["percent_of_bound"]),
        percent(row["percent_of_mapped_bound"]),
        count(row["dram_bytes"]),
        row["binding_resource"],
        state,
    )


def _failures(rows: abc.Iterable[Row]) -> Block | None:
    reasons = dict.fromkeys(f"{row['kernel']} on {row['machine']}: {row['failure']}" for row in rows if row["failure"])
    return Text("\n".join(reasons), strong=True) if reasons else None


def doubling_document(answer: abc.Mapping[str, Any]) -> Document:
    """What each doubled resource gives, the best first."""
    summary = answer["summary"]
    lines = [
        (row["resource"], " ".join(row["settings"]), count(row["cycles"]), _times(row["speedup"]), row["failure"] or "")
        for row in answer["rows"]
    ]
    binding = f"{count(summary['cycles'])} cycles; the bound is set by {summary['binding_resource']}"
    return document(
        Heading(f"{summary['kernel']} on {summary['machine']}: {binding}"),
        table(("twice", "setting", "cycles", "speed-up", ""), lines),
    )


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}x"
