"""Pictures from the command line: files that are written, and what is said where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.cli.main import main

SMALL = ("gemm", "--hw", "toy4", "-s", "M=4,N=4,K=4", "--cost", "analytic")


def test_run_and_simulate_write_the_same_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, program = tmp_path / "run.html", tmp_path / "simulate.html", tmp_path / "program.txt"
    assert main(["run", *SMALL, "--html", str(first)]) == 0
    schedule = tmp_path / "schedule.txt"
    assert main(["schedule", *SMALL, "-o", str(schedule)]) == 0
    assert main(["lower", str(schedule), "-o", str(program)]) == 0
    assert main(["simulate", str(program), "--html", str(second)]) == 0
    capsys.readouterr()
    one, two = first.read_text("utf-8"), second.read_text("utf-8")
    assert one.startswith("<!doctype html>") and "gemm on toy4" in one
    data = [page[page.index("id=data>") : page.index("</script>")] for page in (one, two)]
    assert data[0] == data[1]


def test_hw_show_draws_a_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hw", "show", "toy4", "--svg", str(tmp_path / "toy4.svg")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "toy4.svg").read_text("utf-8").startswith("<svg ")
    assert main(["hw", "show", "toy4", "--svg", "-"]) == 0
    assert capsys.readouterr().out == (tmp_path / "toy4.svg").read_text("utf-8")


@pytest.mark.parametrize("words", [("run", *SMALL, "--html"), ("hw", "show", "toy4", "--svg")])
def test_a_file_that_cannot_be_written_is_the_users_mistake(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, str(tmp_path / "no" / "file")]) == 2
    assert "cannot write" in capsys.readouterr().err
