"""``bench deepbench`` and ``bench compare`` on the command line: choosing, storing, reporting, refusing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from isamapper.bench.deepbench import harness
from isamapper.bench.deepbench.measure import Options
from isamapper.bench.deepbench.problems import Problem
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.main import main

FIGURES: dict[str, Any] = {
    "cycles": 120,
    "seconds": 1e-6,
    "bound_cycles": 100,
    "mapped_bound_cycles": 110,
    "percent_of_bound": 83.3,
    "percent_of_mapped_bound": 91.7,
    "binding_resource": "work",
    "search_seconds": 0.1,
    "simulate_seconds": 0.1,
    "verified": True,
    "verified_size": "real",
    "failure": None,
    "precision": {"multiply": "i8", "accumulate": "i32", "meets_official": True},
    "baselines": {},
    "anchors": [],
}


def row(problem: Problem, machine: str, key: str, **changes: Any) -> dict[str, Any]:
    head = {"suite": problem.suite, "problem": problem.name, "family": problem.family, "machine": machine, "key": key}
    return {**head, "parameters": dict(problem.values), **FIGURES, "detail": {"kernel": "long"}, **changes}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(problem: Problem, machine: str, options: Options, key: str) -> dict[str, Any]:
        return row(problem, machine, key)

    monkeypatch.setattr(harness, "measure", measure)


def run(*words: str) -> int:
    return main(["bench", *words])


def test_the_answer_is_one_object_without_the_details(
    quick: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.jsonl"
    words = ("--suite", "gemm-device", "--limit", "2", "--hw", "toy4", "--hw", "vta", "--results", str(file))
    assert run("deepbench", *words, "--format", "json") == ExitCode.DONE
    answer = json.loads(capsys.readouterr().out)
    assert (answer["bench"], len(answer["rows"]), list(answer["summary"])) == ("deepbench", 4, ["toy4", "vta"])
    assert "detail" not in answer["rows"][0]
    assert len(file.read_text(encoding="utf-8").splitlines()) == 4


def test_rows_are_exported_and_reported_from_a_file(
    quick: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, table = tmp_path / "r.jsonl", tmp_path / "r.csv"
    assert run("deepbench", "--suite", "gemm-device", "--limit", "1", "--hw", "toy4", "--results", str(file)) == 0
    assert run("deepbench", "--from", str(file), "--export", str(table)) == ExitCode.DONE
    assert "gemm-device/0" in capsys.readouterr().out
    head, line = table.read_text(encoding="utf-8").splitlines()
    assert "percent_of_bound" in head.split(",")
    assert "gemm-device/0" in line


def test_what_is_meant_is_listed_without_measuring(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("deepbench", "--suite", "rnn-device", "--list") == ExitCode.DONE
    assert capsys.readouterr().out == "rnn-device/0\nrnn-device/1\nrnn-device/2\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--suite", "gem"), "BEN001"),
        (("--filter", "nothing/*"), "BEN002"),
        (("--from", "missing.jsonl"), "BEN003"),
        (("--baseline", "libary"), "PLG001"),
        (("--hw", "toy5"), "HW"),
        (("--limit", "x"), "CLI004"),
        (("-t", "TA=i9"), "CLI006"),
        (("--export", "r.xls"), "SWP003"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_measured(
    words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("deepbench", *words) == ExitCode.WRONG_INPUT
    assert f"error[{code}" in capsys.readouterr().err


def test_a_regression_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    base = {"suite": "s", "problem": "s/0", "machine": "m", "failure": None}
    for file, cycles in zip(files, (100, 104), strict=True):
        file.write_text(json.dumps({**base, "cycles": cycles}) + "\n", encoding="utf-8")
    names = [str(file) for file in files]
    assert run("compare", *names) == ExitCode.NO
    assert "1 regressions beyond 1 %" in capsys.readouterr().out
    assert run("compare", *names, "--threshold", "5") == ExitCode.DONE
    assert run("compare", *reversed(names), "--format", "json") == ExitCode.DONE
    assert run("compare", *names, "--threshold", "-1") == ExitCode.WRONG_INPUT
