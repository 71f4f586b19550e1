"""What the benches measured, for people."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, Text, count, document, percent, table


def smoke_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per product and machine, then the means."""
    rows = [
        (
            row["machine"],
            row["kernel"],
            " x ".join(str(value) for value in row["sizes"].values()),
            count(row.get("cycles")),
            percent(row.get("percent_of_bound")),
            percent(row.get("percent_of_mapped_bound")),
            row.get("binding_resource", "-"),
            row["failure"] or f"verified ({row['verified_size']})",
        )
        for row in answer["rows"]
    ]
    means = [
        (
            machine,
            f"{summary['verified']} of {summary['products']}",
            percent(summary["geomean_percent_of_bound"]),
            percent(summary["geomean_percent_of_mapped_bound"]),
            percent(summary["least_percent_of_bound"]),
        )
        for machine, summary in answer["summary"].items()
    ]
    heads = ("machine", "kernel", "M x N x K", "cycles", "of bound", "of mapped bound", "bound by", "state")
    return document(
        table(heads, rows),
        table(("machine", "verified", "of bound (mean)", "of mapped bound (mean)", "of bound (least)"), means),
    )


def simulator_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per stream and engine."""
    rows = [
        (
            row["stream"],
            row["engine"],
            count(row["instructions"]),
            count(row["cycles"]),
            f"{row['seconds']:.3f} s",
            count(row["instructions_per_second"]),
        )
        for row in answer["rows"]
    ]
    heads = ("stream", "engine", "instructions", "cycles", "time", "instructions per second")
    return document(table(heads, rows))


def bad_input_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per malformed input with its message, then the count."""
    rows = [
        (row["group"], row["case"], "ok" if row["ok"] else "NOT OK", row["place"] or "-", row["message"] or "-")
        for row in answer["rows"]
    ]
    summary = answer["summary"]
    verdict = f"{summary['ok']} of {summary['cases']} malformed inputs get exit code 2 and a located message"
    return document(table(("group", "case", "state", "place", "message"), rows), Text(verdict, strong=True))


def showcase_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per computation: what made its products visible, where they lie, and whether it verifies."""
    rows = [
        (
            row["computation"],
            ", ".join(dict.fromkeys(rewrite.split(" ")[0] for rewrite in row["rewrites"])) or "-",
            "; ".join(dict.fromkeys(_product(product) for product in row["products"])) or "-",
            count(row["cycles"]),
            row["failure"] or "verified",
        )
        for row in answer["rows"]
    ]
    summary = answer["summary"]
    verdict = f"{summary['verified']} of {summary['computations']} are verified on a matrix instruction"
    heads = ("computation", "rewrites", "products: iterators in those of the instruction", "cycles", "state")
    return document(table(heads, rows), Text(verdict, strong=True))


def _product(product: abc.Mapping[str, Any]) -> str:
    return ", ".join(product["iterators"])
