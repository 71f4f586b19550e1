"""Result files: whatever is killed, whole lines stay; resumed runs take what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isamapper.bench.deepbench import harness
from isamapper.bench.deepbench.compare import compare
from isamapper.bench.deepbench.harness import measure_all, tasks_of
from isamapper.bench.deepbench.measure import Options
from isamapper.bench.deepbench.problems import Problem, chosen_problems
from isamapper.bench.deepbench.store import Appender, read_existing, read_rows
from isamapper.diagnostics.source import SourceError
from isamapper.report.deepbench import compare_document
from isamapper.report.plain import render_plain

PROBLEMS = chosen_problems(["gemm-device"], limit=3)


def row(problem: str, cycles: int | None, failure: str | None = None, machine: str = "m") -> dict[str, Any]:
    return {
        "suite": "s",
        "problem": problem,
        "machine": machine,
        "cycles": cycles,
        "failure": failure,
        "key": f"{machine}/{problem}",
    }


def test_a_line_that_was_cut_off_is_dropped_and_what_follows_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "new" / "r.jsonl"
    Appender(file)(row("a", 1))
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"suite": "s", "prob')
    assert [each["problem"] for each in read_rows(file)] == ["a"]
    Appender(file)(row("b", 2))
    assert [each["problem"] for each in read_rows(file)] == ["a", "b"]


def test_a_last_row_without_its_end_that_is_whole_counts_and_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(json.dumps(row("a", 1)), encoding="utf-8")
    assert [each["problem"] for each in read_rows(file)] == ["a"]
    Appender(file)(row("b", 2))
    assert [each["problem"] for each in read_rows(file)] == ["a", "b"]


def test_the_last_row_of_a_key_counts(tmp_path: Path) -> None:
    append = Appender(tmp_path / "r.jsonl")
    for cycles in (1, 2):
        append(row("a", cycles))
    assert [each["cycles"] for each in read_rows(tmp_path / "r.jsonl")] == [2]


@pytest.mark.parametrize("text", ["[1]\n", "{}\n", "no json\n", '{"suite": 1}\n'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"line 1 of '.*' is no measured row"):
        read_rows(file)


def test_a_missing_file_is_an_error_only_where_rows_are_needed(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "none.jsonl") == []
    with pytest.raises(SourceError, match="does not exist"):
        read_existing(tmp_path / "none.jsonl")
    with pytest.raises(SourceError, match="cannot write results"):
        Appender(tmp_path)


def test_an_interrupted_run_measures_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    stop_at = 2

    def measure(problem: Problem, machine: str, options: Options, key: str) -> dict[str, Any]:
        if len(measured) == stop_at:
            raise KeyboardInterrupt
        measured.append(problem.name)
        return {**row(problem.name, 1, machine=machine), "key": key}

    monkeypatch.setattr(harness, "measure", measure)
    file, tasks = tmp_path / "r.jsonl", tasks_of(PROBLEMS, ["toy4"], Options())
    with pytest.raises(KeyboardInterrupt):
        measure_all(tasks, Options(), file)
    stop_at = 99
    found = measure_all(tasks, Options(), file)
    assert measured == [each["problem"] for each in found] == [problem.name for problem in PROBLEMS]
    assert measure_all(tasks, Options(), file, fresh=True) == found
    assert len(measured) == 2 * len(PROBLEMS)


def test_other_options_are_other_answers() -> None:
    (one,) = tasks_of(PROBLEMS[:1], ["toy4"], Options())
    for options in (
        Options(seed=1),
        Options(strategy="x"),
        Options(baselines=("im2col",)),
        Options(budget_seconds=1.0),
    ):
        assert tasks_of(PROBLEMS[:1], ["toy4"], options)[0].key != one.key
    assert tasks_of(PROBLEMS[:1], ["vta"], Options())[0].key != one.key
    assert tasks_of(PROBLEMS[1:2], ["toy4"], Options())[0].key != one.key


def test_a_broken_problem_costs_no_other_and_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(problem: Problem, machine: str, options: Options, key: str) -> dict[str, Any]:
        if problem.number == 1:
            raise ZeroDivisionError("by zero")
        return {**row(problem.name, 1, machine=machine), "key": key}

    monkeypatch.setattr(harness, "measure", measure)
    file = tmp_path / "r.jsonl"
    found = measure_all(tasks_of(PROBLEMS, ["toy4"], Options()), Options(), file)
    assert [each["failure"] for each in found] == [None, "internal error: ZeroDivisionError: by zero", None]
    assert len(read_rows(file)) == 2


def test_regressions_are_what_is_slower_than_the_threshold_or_no_longer_works() -> None:
    before = [row("a", 100), row("b", 100), row("c", 100), row("d", None, "no"), row("e", 5), row("x", 1)]
    after = [row("a", 101), row("b", 102), row("c", None, "broke"), row("d", 7), row("e", 4), row("y", 1)]
    answer = compare(before, after, 1.0)
    states = {each["problem"]: each["state"] for each in answer["rows"]}
    assert states == {"a": "same", "b": "slower", "c": "broken", "d": "mended", "e": "faster"}
    assert answer["summary"]["regressions"] == 2
    assert (answer["summary"]["only_before"], answer["summary"]["only_after"]) == (["m/x"], ["m/y"])
    assert "2 regressions beyond 1 %" in render_plain(compare_document(answer))
    assert json.dumps(answer)
