"""What the DeepBench harness measured, for people on a terminal: a line per problem, then per suite."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, Table, Text, count, document, percent, table

Row = abc.Mapping[str, Any]


def deepbench_document(answer: abc.Mapping[str, Any]) -> Document:
    """Every problem with cycles, bounds and its best baseline; then what each suite amounts to."""
    summary = answer["summary"]
    tables = (_problems(answer["rows"]), _recurrences(answer["rows"]), _suites(summary), _speedups(summary))
    return document(*tables, _published(summary), _note(answer))


def _problems(rows: abc.Sequence[Row]) -> Table:
    cells = [
        (
            row["machine"],
            row["problem"],
            shape_text(row),
            count(row.get("cycles")),
            percent(row.get("percent_of_bound")),
            row.get("binding_resource", "-"),
            *_best_rival(row),
            row["failure"] or f"verified ({row['verified_size']})",
        )
        for row in rows
    ]
    heads = ("machine", "problem", "shape", "cycles", "of bound", "bound by", "best baseline", "speed-up", "state")
    return table(heads, cells)


WORK = ("products", "elementwise", "weights fetched again", "inputs and states moved")
"""Kinds of work in a step of a recurrence, as rows name them."""


def _recurrences(rows: abc.Sequence[Row]) -> Table | None:
    """Where the cycles of a step go, and what stays on chip from step to step."""
    own = [row for row in rows if row.get("step_cycles")]
    cells = [
        (
            row["machine"],
            row["problem"],
            *(f"{row['step_cycles'][name]:,.0f}" if name in row["step_cycles"] else "-" for name in ("all", *WORK)),
            "; ".join(row.get("on_chip", ())) or "nothing stays",
        )
        for row in own
    ]
    heads = ("machine", "problem", "a later step", *(f"{name} alone" for name in WORK), "on chip")
    return table(heads, cells) if cells else None


def shape_text(row: Row) -> str:
    """The problem's own figures, as its list gives them."""
    values = row.get("parameters", {})
    match row["family"]:
        case "gemm":
            letters = "".join("T" if values.get(key) else "N" for key in ("a_t", "b_t"))
            return f"{values.get('m_corrected', values.get('m'))} x {values.get('n')} x {values.get('k')} {letters}"
        case "rnn":
            return f"{values.get('cell')} h={values.get('hidden')} b={values.get('batch')} t={values.get('timesteps')}"
        case _:
            image = f"{values.get('w')}x{values.get('h')}x{values.get('c')} n={values.get('n')} k={values.get('k')}"
            return f"{image} {values.get('s_filter_w')}x{values.get('r_filter_h')}/{values.get('stride_w')}"


def _best_rival(row: Row) -> tuple[str, str]:
    """The fastest baseline that applies, and how many times its cycles ours are."""
    done = [(each["speedup"], name) for name, each in row["baselines"].items() if each.get("speedup")]
    return (min(done)[1], f"{min(done)[0]:.2f}") if done else ("-", "-")


def _suites(summary: abc.Mapping[str, abc.Mapping[str, Any]]) -> Table:
    cells = [
        (
            machine,
            suite,
            f"{figures['verified']} of {figures['problems']}",
            str(figures["verified_at_real_size"]),
            percent(figures["geomean_percent_of_bound"]),
            percent(figures["least_percent_of_bound"]),
            percent(figures["geomean_percent_of_mapped_bound"]),
            f"{figures['search_seconds']:.0f} s",
        )
        for machine, suites in summary.items()
        for suite, figures in suites.items()
    ]
    heads = ("machine", "suite", "verified", "at real size", "of bound (mean)", "least", "of mapped bound", "search")
    return table(heads, cells)


def _speedups(summary: abc.Mapping[str, abc.Mapping[str, Any]]) -> Table | None:
    cells = [
        (
            machine,
            suite,
            name,
            f"{figures['geomean']:.3f}",
            f"{figures['least']:.2f} to {figures['most']:.2f}",
            f"{figures['at_least_twice']} of {figures['compared']}",
            str(figures["not_applicable"]),
        )
        for machine, suites in summary.items()
        for suite, each in suites.items()
        for name, figures in each["speedups"].items()
        if figures["compared"]
    ]
    heads = ("machine", "suite", "faster than", "mean", "range", "twice or more", "not applicable")
    return table(heads, cells) if cells else None


def published_cells(summary: abc.Mapping[str, abc.Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Our times beside published ones, a line for every suite and precision; those of other precisions are marked."""
    return [
        (
            machine,
            suite,
            each["device"],
            each["precision"] + ("" if each["same_precision"] else " (not ours)"),
            str(each["problems"]),
            f"{each['geomean_time_ratio']:.2f}",
            percent(each["mean_absolute_percent_error"]),
        )
        for machine, suites in summary.items()
        for suite, figures in suites.items()
        for each in figures["published"]
    ]


PUBLISHED_HEADS = ("machine", "suite", "device", "precision", "problems", "our time over theirs", "mean error")


def _published(summary: abc.Mapping[str, abc.Mapping[str, Any]]) -> Table | None:
    cells = published_cells(summary)
    return table(PUBLISHED_HEADS, cells) if cells else None


def _note(answer: abc.Mapping[str, Any]) -> Text | None:
    below = sum(suites["all"]["below_official_precision"] for suites in answer["summary"].values())
    if not below:
        return None
    return Text(f"{below} problems ran below the official minimum precision: the machine's own types are narrower")


def compare_document(answer: abc.Mapping[str, Any]) -> Document:
    """What changed between two result files, and the verdict."""
    summary = answer["summary"]
    changed = [row for row in answer["rows"] if row["state"] != "same"]
    cells = [
        (
            row["machine"],
            row["problem"],
            count(row["before_cycles"]),
            count(row["after_cycles"]),
            "-" if row["ratio"] is None else f"{row['ratio']:.4f}",
            row["state"] + (f": {row['reason']}" if row["reason"] else ""),
        )
        for row in changed
    ]
    heads = ("machine", "problem", "before", "after", "ratio", "state")
    mean = "-" if summary["geomean_ratio"] is None else f"{summary['geomean_ratio']:.4f}"
    verdict = (
        f"{summary['compared']} problems compared: {summary['regressions']} regressions beyond "
        f"{summary['threshold_percent']:g} %, {summary['improvements']} improvements, mean ratio {mean}"
    )
    alone = [_alone("before", summary["only_before"]), _alone("after", summary["only_after"])]
    return document(table(heads, cells) if cells else None, *alone, Text(verdict, strong=True))


NAMED = 12
"""Problems of one file alone that are named."""


def _alone(file: str, names: abc.Sequence[str]) -> Text | None:
    """What only one of two result files has: nothing is said of it by the comparison."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return Text(f"only {file}, not compared: {', '.join(names[:NAMED])}{more}") if names else None
