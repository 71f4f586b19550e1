"""How a diagnostic looks."""

from __future__ import annotations

import re

from isamapper.diagnostics.source import Diagnostic, Source, Span
from isamapper.report.diagnostics import render_diagnostics

SOURCE = Source("acc.yaml", "name: acc\nmemories:\n\t- {sizze: 3}\n")


def span(word: str) -> Span:
    start = SOURCE.text.index(word)
    return Span(SOURCE, start, start + len(word))


def test_a_finding_with_place_and_help() -> None:
    finding = Diagnostic("HW012", "unknown field 'sizze'", span("sizze"), "did you mean 'size'?")
    assert render_diagnostics([finding]) == (
        "error[HW012]: unknown field 'sizze'\n"
        " --> acc.yaml:3:5\n"
        "  |\n"
        "3 | \t- {sizze: 3}\n"
        "  | \t   ^^^^^\n"
        "help: did you mean 'size'?\n"
    )


def test_a_finding_without_a_place() -> None:
    assert render_diagnostics([Diagnostic("CLI010", "cannot write 'x'")]) == "error[CLI010]: cannot write 'x'\n"


def test_a_span_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    finding = Diagnostic("HW001", "too long", Span(SOURCE, 6, 15))
    assert "1 | name: acc\n  |       ^^^\n" in render_diagnostics([finding])


def test_a_span_at_the_end_of_the_text_has_one_caret() -> None:
    end = len(SOURCE.text)
    assert render_diagnostics([Diagnostic("HW001", "ends early", Span(SOURCE, end, end))]).endswith("4 |\n  | ^\n")


def test_notes_point_elsewhere() -> None:
    finding = Diagnostic("HW002", "given twice", span("memories"), notes=(("first given here", span("name")),))
    shown = render_diagnostics([finding])
    assert "note: first given here\n --> acc.yaml:1:1\n" in shown


def test_two_findings_are_parted_by_a_blank_line() -> None:
    finding = Diagnostic("CLI010", "x")
    assert render_diagnostics([finding, finding]) == "error[CLI010]: x\n\nerror[CLI010]: x\n"


def test_colour_changes_no_word() -> None:
    finding = Diagnostic("HW012", "unknown field 'sizze'", span("sizze"), "did you mean 'size'?")
    coloured = render_diagnostics([finding], colour=True)
    assert coloured != render_diagnostics([finding])
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render_diagnostics([finding])


def test_a_very_long_line_is_quoted_around_the_place() -> None:
    text = "x" * 1000 + "HERE" + "y" * 1000
    shown = render_diagnostics([Diagnostic("HW001", "long", Span(Source("long.yaml", text), 1000, 1004))])
    quoted, carets = shown.splitlines()[3:5]
    assert len(quoted) < 180
    assert quoted[carets.index("^") :].startswith("HERE")
    assert carets.count("^") == 4
