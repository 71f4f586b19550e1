"""Measured DeepBench problems as one HTML page that needs nothing else: no network, no other files.

What does not belong here: plots (``html_plots.py``), a problem in full (``html_detail.py``), looks (``html_style.py``).
"""

from __future__ import annotations

from collections import abc
from html import escape
from typing import Any

from isamapper.report.deepbench import PUBLISHED_HEADS, published_cells, shape_text
from isamapper.report.html_detail import detail
from isamapper.report.html_plots import bound_plot, roofline, speedup_plot
from isamapper.report.html_style import SCRIPT, sheet

Row = abc.Mapping[str, Any]

HEADS = (
    ("machine", False),
    ("problem", False),
    ("shape", False),
    ("cycles", True),
    ("% of bound", True),
    ("% of mapped bound", True),
    ("bound by", False),
    ("best baseline", True),
    ("TFLOPS", True),
    ("state", False),
)
"""Columns of the table of problems, and whether they hold numbers."""

WORDS = ("machine", "suite", "baseline", "verified", "twice or more")
"""Columns of the other tables that hold words."""


def page(rows: abc.Sequence[Row], summary: abc.Mapping[str, abc.Mapping[str, Any]]) -> str:
    """The whole document; ``rows`` and ``summary`` as ``bench deepbench`` gives them."""
    machines = list(dict.fromkeys(row["machine"] for row in rows))
    parts = [
        "<h1>DeepBench</h1>",
        f"<p class=note>{len(rows)} problems on {escape(', '.join(machines))}. {escape(_versions(rows))}</p>",
        "<h2>Summary</h2>" + _summary(summary),
        "<h2>Share of the bound</h2>" + bound_plot(rows),
    ]
    speedups = speedup_plot(rows)
    if speedups:
        parts.append("<h2>Speed-up over baselines</h2>" + _baselines(summary) + speedups)
    published = _published(summary)
    if published:
        parts.append("<h2>Published times</h2>" + published)
    for title, own in _rooflines(rows):
        parts.append(f"<h2>Roofline of {escape(title)}</h2>" + roofline(own))
    parts.append("<h2>Problems</h2>" + _table(rows))
    body = "".join(parts)
    meta = "<meta charset=utf-8><meta name=viewport content='width=device-width'>"
    head = f"{meta}<title>DeepBench</title><style>{sheet()}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}<script>{SCRIPT}</script></body></html>\n"


def _versions(rows: abc.Sequence[Row]) -> str:
    first = next((row for row in rows if "versions" in row), None)
    if first is None:
        return ""
    names = " ".join(f"{name} {version}" for name, version in first["versions"].items() if version)
    return f"{names}, code {first['code']}, seed {first['seed']}"


def _rooflines(rows: abc.Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Problems of each machine and precision: what shares a roof."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row["failure"] is None:
            title = f"{row['machine']}, {row['precision']['multiply']} to {row['precision']['accumulate']}"
            groups.setdefault(title, []).append(row)
    return list(groups.items())


def _summary(summary: abc.Mapping[str, abc.Mapping[str, Any]]) -> str:
    lines = []
    for machine, suites in summary.items():
        for suite, figures in suites.items():
            cells = (
                _cell(machine),
                _cell(suite),
                _cell(f"{figures['verified']} of {figures['problems']}", figures["verified"]),
                _number(figures["verified_at_real_size"], "d"),
                _number(figures["geomean_percent_of_bound"], ".2f"),
                _number(figures["least_percent_of_bound"], ".2f"),
                _number(figures["geomean_percent_of_mapped_bound"], ".2f"),
                _number(figures["search_seconds"], ".1f"),
            )
            lines.append(f"<tr>{''.join(cells)}</tr>")
    heads = (
        "machine",
        "suite",
        "verified",
        "at real size",
        "% of bound (mean)",
        "least",
        "% of mapped bound",
        "search s",
    )
    return f"<table><thead><tr>{''.join(map(_head, heads))}</tr></thead>{''.join(lines)}</table>"


def _baselines(summary: abc.Mapping[str, abc.Mapping[str, Any]]) -> str:
    lines = []
    for machine, suites in summary.items():
        for suite, figures in suites.items():
            for name, each in figures["speedups"].items():
                cells = (
                    *(_cell(word) for word in (machine, suite, name)),
                    _number(each["geomean"], ".3f"),
                    _number(each["least"], ".3f"),
                    _number(each["most"], ".3f"),
                    _cell(f"{each['at_least_twice']} of {each['compared']}", each["at_least_twice"]),
                )
                lines.append(f"<tr>{''.join(cells)}</tr>" if each["compared"] else "")
    heads = ("machine", "suite", "baseline", "mean", "least", "most", "twice or more")
    return f"<table><thead><tr>{''.join(map(_head, heads))}</tr></thead>{''.join(lines)}</table>"


def _published(summary: abc.Mapping[str, abc.Mapping[str, Any]]) -> str:
    """Our times beside those that were measured on the devices that machines describe."""
    cells = published_cells(summary)
    lines = "".join(f"<tr>{''.join(_cell(cell) for cell in line)}</tr>" for line in cells)
    heads = "".join(f"<th>{escape(head)}</th>" for head in PUBLISHED_HEADS)
    return f"<table><thead><tr>{heads}</tr></thead>{lines}</table>" if cells else ""


def _table(rows: abc.Sequence[Row]) -> str:
    heads = "".join(
        f"<th data-sort tabindex=0{' class=n' if numbers else ''}>{escape(head)}</th>" for head, numbers in HEADS
    )
    box = "<label>filter: words of machine, problem, shape <input id=filter></label>"
    lines = "".join(_line(row) for row in rows)
    return f"{box}<table class=sortable><thead><tr>{heads}</tr></thead>{lines}</table>"


def _line(row: Row) -> str:
    """A problem's figures in one row, everything else in the next; both move together."""
    rivals = [each["speedup"] for each in row["baselines"].values() if each.get("speedup")]
    state = row["failure"] or f"verified ({row['verified_size']})"
    more = f"<details><summary>more about {escape(row['problem'])}</summary>{detail(row)}</details>"
    cells = (
        _cell(row["machine"]),
        _cell(row["problem"]),
        _cell(shape_text(row)),
        _number(row.get("cycles"), ",d"),
        _number(row.get("percent_of_bound"), ".2f"),
        _number(row.get("percent_of_mapped_bound"), ".2f"),
        _cell(row.get("binding_resource", "-")),
        _number(min(rivals, default=None), ".2f"),
        _number(row.get("tflops"), ".4g"),
        _cell(state),
    )
    words = " ".join((row["machine"], row["problem"], shape_text(row), row.get("kernel", ""), state)).lower()
    bad = " class=bad" if row["failure"] else ""
    full = f"<tr class=more><td colspan={len(HEADS)}>{more}</td></tr>"
    return f'<tbody data-words="{escape(words)}"><tr{bad}>{"".join(cells)}</tr>{full}</tbody>'


def _head(words: str) -> str:
    """The head of a column; those of numbers, which are named after what they count, stand to the right."""
    return f"<th{'' if words in WORDS else ' class=n'}>{escape(words)}</th>"


def _cell(words: str, value: float | None = None) -> str:
    given = "" if value is None else f' data-value="{value}"'
    return f"<td{given}>{escape(words)}</td>"


def _number(value: float | None, form: str) -> str:
    """A number in ``form``, sorted by its value; an empty one last."""
    return (
        '<td class=n data-value="">-</td>' if value is None else f'<td class=n data-value="{value}">{value:{form}}</td>'
    )
