"""What a cost model has learned, for people: on kernels and on a machine it has not seen, beside the analytic model."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, Facts, Heading, Text, count, document, table


def fit_document(answer: abc.Mapping[str, Any], path: str | None) -> Document:
    """Rank correlation, regret of the first choice and error per group that was held out, and the verdict."""
    summary = answer["summary"]
    lines = [
        (f"{group}s not seen", model, *(_figure(own[f"{model}_{name}"]) for name in _FIGURES))
        for group in ("kernel", "machine")
        for own in (summary[f"held_out_{group}"],)
        for model in ("analytic", "learned")
    ]
    heads = ("held out", "model", "rank correlation", "regret of the first choice, %", "error, %")
    facts = [
        ("problems", count(summary["problems"])),
        ("schedules", count(summary["candidates"])),
        ("noise", f"{summary['error_percent']:.2f} %: smaller differences are not ranked"),
    ]
    if path is not None:
        facts.append(("model", path))
    return document(
        Heading("a learned cost model"), Facts(tuple(facts)), table(heads, lines), Text(_verdict(summary), strong=True)
    )


_FIGURES = ("spearman", "regret_percent", "error_percent")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _verdict(summary: abc.Mapping[str, Any]) -> str:
    said = []
    for group in ("kernel", "machine"):
        better = summary[f"held_out_{group}"]["better"]
        if better is not None:
            word = "chooses better than" if better else "does not choose better than"
            said.append(f"on {group}s it has not seen, the learned model {word} the analytic one")
    return "; ".join(said) or "nothing was held out"
