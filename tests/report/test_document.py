"""Documents as plain text and on a terminal."""

from __future__ import annotations

import re

from isamapper.report.document import Bars, Facts, Heading, Text, document, size, table
from isamapper.report.plain import bar, render_plain
from isamapper.report.terminal import render_terminal

EXAMPLE = document(
    Heading("gemm"),
    Facts((("cycles", "1,024"), ("bound", "1,000"))),
    table(("unit", "busy"), [("mac", 1000), ("load", 24)]),
    Bars((("mac", (0.5, 0.25), "50.0 %"), ("load", (0.0,), "0.0 %")), "busy"),
    None,
    Text("verified", strong=True),
)


def test_plain_text_aligns_numbers_to_the_right() -> None:
    assert "unit  busy\n----  ----\nmac   1000\nload    24\n" in render_plain(EXAMPLE)


def test_plain_text_has_no_trailing_blanks_and_ends_with_one_line_feed() -> None:
    shown = render_plain(EXAMPLE)
    assert not re.search(r"[ \t]\n", shown)
    assert shown.endswith("verified\n")


def test_the_terminal_says_the_same_words() -> None:
    plain, terminal = render_plain(EXAMPLE), re.sub(r"\x1b\[[\d;]*m", "", render_terminal(EXAMPLE, 100))
    assert set(re.findall(r"[\w,.%]+", plain)) <= set(re.findall(r"[\w,.%]+", terminal))


def test_a_share_above_nothing_shows_at_least_one_block() -> None:
    assert bar((0.0001,), 10) == "█·········"
    assert bar((0.0,), 10) == "·" * 10
    assert bar((1.0,), 10) == "█" * 10


def test_shares_follow_each_other_and_never_exceed_the_width() -> None:
    assert bar((0.5, 0.3), 10) == "█████▒▒▒··"
    assert bar((0.999, 0.001), 10) == "█" * 10


def test_sizes_are_in_the_largest_unit_that_keeps_them_whole() -> None:
    assert [size(value) for value in (262144, 1000, 2**31, None)] == ["256 KiB", "1000 B", "2 GiB", "unbounded"]
