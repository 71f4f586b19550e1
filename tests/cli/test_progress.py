"""Progress: on a terminal after a while, nowhere else."""

from __future__ import annotations

import io
import time

import pytest

from isamapper.cli.progress import Progress, progress_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_drawn_where_stderr_is_no_terminal() -> None:
    stream = io.StringIO()
    with Progress(stream, patience_seconds=0.0) as progress:
        progress("search")
        time.sleep(0.01)
    assert stream.getvalue() == ""


def test_nothing_is_drawn_before_patience_ends() -> None:
    stream = Terminal()
    with Progress(stream) as progress:
        progress("search")
    assert stream.getvalue() == ""


def test_the_line_is_cleared_at_the_end() -> None:
    stream = Terminal()
    with Progress(stream, patience_seconds=0.0) as progress:
        progress("search")
        while not stream.getvalue():
            time.sleep(0.001)
    assert "search" in stream.getvalue() or "working" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_what_was_done_before_counts_for_no_rate() -> None:
    assert progress_line("bench", 4, 8, 12.0, 4.0, before=2) == "bench 4/8, 0.5/s, 8 s left"
    assert progress_line("bench", 2, 8, 12.0, 4.0, before=2) == "bench 2/8, 12 s"


def test_what_came_out_does_not_begin_the_stage_anew() -> None:
    stream = Terminal()
    with Progress(stream, patience_seconds=0.0) as progress:
        progress("tasks", 0, 4, "")
        time.sleep(0.05)
        progress("tasks", 2, 4, "gap 3 %")
        while "gap 3 %" not in stream.getvalue():
            time.sleep(0.001)
    last = stream.getvalue().split("\r")[-2]
    assert float(last.split(", ")[1].removesuffix("/s")) <= 2 / 0.05


@pytest.mark.parametrize(
    ("done", "total", "line"),
    [
        (0, None, "bench, 12 s"),
        (0, 8, "bench 0/8, 12 s"),
        (2, 8, "bench 2/8, 0.5/s, 12 s left"),
    ],
)
def test_rate_and_time_left_are_given_once_they_are_known(done: int, total: int | None, line: str) -> None:
    assert progress_line("bench", done, total, 12.0, 4.0) == line
