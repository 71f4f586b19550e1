"""How one diagnostic looks: places, carets under what is meant, notes, hints."""

from __future__ import annotations

import re

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.render import WIDEST_LINE, render
from isamapper.diagnostics.source import Diagnostic, Source, Span


def at(text: str, word: str, name: str = "k.isam") -> Span:
    start = text.index(word)
    return Span(Source(name, text), start, start + len(word))


def shown(text: str, word: str) -> list[str]:
    return render(Diagnostic("IR001", "m", at(text, word))).splitlines()[3:]


def test_a_finding_shows_place_line_carets_and_help() -> None:
    text = "name: acc\n" * 7 + "    sizze: 3\n"
    finding = Diagnostic("HW012", "unknown field 'sizze'", at(text, "sizze", "acc.yaml"), "did you mean 'size'?")
    assert render(finding) == (
        "error[HW012]: unknown field 'sizze'\n"
        " --> acc.yaml:8:5\n"
        "  |\n"
        "8 |     sizze: 3\n"
        "  |     ^^^^^\n"
        "help: did you mean 'size'?"
    )


def test_line_numbers_of_two_digits_widen_the_margin() -> None:
    text = "x\n" * 11 + "yy\n"
    assert render(Diagnostic("IR001", "m", at(text, "yy"))) == (
        "error[IR001]: m\n  --> k.isam:12:1\n   |\n12 | yy\n   | ^^"
    )


def test_a_finding_without_a_place_is_one_line() -> None:
    assert render(Diagnostic("CLI010", "cannot write 'x'")) == "error[CLI010]: cannot write 'x'"


def test_a_warning_says_so() -> None:
    assert render(Diagnostic("IR048", "m", severity="warning")) == "warning[IR048]: m"


def test_tabs_keep_the_carets_in_place() -> None:
    assert shown("\tif\tfoo\n", "foo") == ["1 | \tif\tfoo", "  | \t  \t^^^"]


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    assert shown("日本 foo\n", "foo") == ["1 | 日本 foo", "  |      ^^^"]
    assert shown("e\u0301 foo\n", "foo") == ["1 | e\u0301 foo", "  |   ^^^"]
    assert shown("a 日本 b\n", "日本") == ["1 | a 日本 b", "  |   ^^^^"]


def test_a_span_over_several_lines_is_marked_to_the_end_of_the_first() -> None:
    assert shown("ab cd\nef\n", "cd\nef") == ["1 | ab cd", "  |    ^^"]


def test_a_span_at_the_end_of_the_text_has_one_caret() -> None:
    source = Source("k.isam", "ab\n")
    assert render(Diagnostic("IR001", "m", Span(source, 3, 3))).splitlines()[-2:] == ["2 |", "  | ^"]


def test_line_ends_of_other_systems_are_not_shown() -> None:
    assert shown("ab\r\ncd\r\n", "cd") == ["2 | cd", "  | ^^"]


def test_a_long_line_is_cut_around_the_span() -> None:
    line, carets = shown("x" * 300 + " foo " + "y" * 300, "foo")
    assert len(line) <= WIDEST_LINE + len("1 | ")
    assert line.startswith("1 | …") and line.endswith("…")
    start = carets.index("^")
    assert line[start : start + 3] == "foo"


def test_notes_show_their_own_place() -> None:
    text = "one\ntwo\n"
    finding = Diagnostic("HW002", "given twice", at(text, "two"), notes=(("first here", at(text, "one")), ("so", None)))
    assert render(finding).splitlines()[5:] == [
        "note: first here",
        " --> k.isam:1:1",
        "  |",
        "1 | one",
        "  | ^^^",
        "note: so",
    ]


def test_colour_changes_no_word() -> None:
    finding = Diagnostic("HW012", "m", at("a foo", "foo"), "h", (("n", at("a foo", "a")),))
    coloured = render(finding, color=True)
    assert coloured != render(finding)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(finding)


def test_the_nearest_name_is_suggested() -> None:
    assert did_you_mean("gem", ["gemv", "gemm", "conv2d"]) == "did you mean 'gemm'?"
    assert did_you_mean("k", ["M", "N", "K"]) == "did you mean 'K'?"


def test_without_a_near_name_a_few_are_listed() -> None:
    assert did_you_mean("zzz", ["b", "a"]) == "known: a, b"
    assert did_you_mean("zzz", []) is None
    assert did_you_mean("zzz", [f"n{number:02}" for number in range(20)]) == (
        "known: n00, n01, n02, n03, n04, n05, n06, n07, n08, n09, n10, n11, …"
    )
