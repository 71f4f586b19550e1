"""What simulations were compared with, for people."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, count, document, percent, table


def gemmini_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per layer, then errors and rank correlations of both programs."""
    rows = [
        (
            row["id"],
            " ".join(f"{name}{size}" for name, size in row["layer"].items()),
            *(
                cell
                for program in (row["mapped"], row["default"])
                for cell in (
                    count(program["measured_cycles"]),
                    count(program["cycles"]),
                    f"{program['error_percent']:+.1f} %",
                )
            ),
        )
        for row in answer["rows"]
        if "refused" not in row
    ]
    refused = [(row["id"], str(row["line"]), _reason(row)) for row in answer["rows"] if "refused" in row]
    heads = ("id", "layer", "mapped: measured", "simulated", "error", "default: measured", "simulated", "error")
    skipped = table(("id", "line", "not simulated"), refused) if refused else None
    return document(table(heads, rows), skipped, *_summary(answer["summary"]))


def _reason(row: abc.Mapping[str, Any]) -> str:
    more = f" (and {row['more_findings']} more)" if row["more_findings"] else ""
    return f"{row['refused']}{more}"


def _summary(summary: abc.Mapping[str, Any]) -> abc.Iterator[Any]:
    found = {"all rows": summary, **({"cross-validated": summary["cross_validated"]} if _folds(summary) else {})}
    lines = [
        (
            name,
            percent(each["mapped"]["mape_percent"]),
            _correlation(each["mapped"]),
            percent(each["default"]["mape_percent"]),
            _correlation(each["default"]),
            percent(each["winner_named_percent"]),
        )
        for name, each in found.items()
    ]
    yield table(("", "mapped: error", "Spearman", "default: error", "Spearman", "winner named"), lines)


def _correlation(errors: abc.Mapping[str, Any]) -> str:
    return "-" if errors["spearman"] is None else f"{errors['spearman']:.3f}"


def _folds(summary: abc.Mapping[str, Any]) -> bool:
    return "cross_validated" in summary


def tpuv1_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per application and weight bandwidth."""
    rows = [
        (
            row["application"],
            row["layers"],
            str(row["batch"]),
            row["weight_bandwidth"],
            count(row["cycles"]),
            f"{row['tops']:.2f}",
            f"{row['published_tops']:.1f}",
            f"{row['error_percent']:+.1f} %",
        )
        for row in answer["rows"]
    ]
    heads = ("application", "layers", "batch", "weights at", "cycles", "TOPS", "published", "error")
    return document(table(heads, rows))
