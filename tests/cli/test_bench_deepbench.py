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
        (("--search", "heuristik"), "PLG001"),
        (("--cost", "simulatd"), "PLG001"),
        (("--html", "nowhere/page.html"), "CLI010"),
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


def test_problems_of_one_file_alone_are_named_and_nothing_in_common_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"{name}.jsonl" for name in ("before", "after", "other")]
    problems = (("m", "s/0"), ("m", "s/1")), (("m", "s/1"), ("m", "s/2")), (("n", "s/1"),)
    for file, names in zip(files, problems, strict=True):
        rows = (
            {"suite": "s", "problem": name, "machine": machine, "failure": None, "cycles": 5} for machine, name in names
        )
        file.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    assert run("compare", str(files[0]), str(files[1])) == ExitCode.DONE
    said = capsys.readouterr().out
    assert "only before, not compared: m/s/0" in said
    assert "only after, not compared: m/s/2" in said
    assert run("compare", str(files[0]), str(files[2])) == ExitCode.WRONG_INPUT
    assert "error[BEN004]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes", [{"cycles": None}, {"cycles": "12"}, {"cycles": 0}, {"cycles": True}, {"machine": 5}]
)
def test_rows_that_nobody_measured_are_refused(
    changes: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.jsonl"
    whole = {"suite": "s", "problem": "s/0", "machine": "m", "failure": None, "cycles": 5}
    file.write_text(json.dumps({**whole, **changes}) + "\n", encoding="utf-8")
    assert run("compare", str(file), str(file)) == ExitCode.WRONG_INPUT
    assert f"row 1 of '{file}' has no '{next(iter(changes))}' that can be used" in capsys.readouterr().err
    file.write_text(json.dumps(whole) + "\n", encoding="utf-8")
    assert run("deepbench", "--from", str(file)) == ExitCode.WRONG_INPUT
    assert "has no 'family' that can be used" in capsys.readouterr().err


def test_exported_rows_are_reported_without_schedules(quick: None, tmp_path: Path) -> None:
    file, copy = (str(tmp_path / name) for name in ("r.jsonl", "copy.jsonl"))
    words = ("--suite", "gemm-device", "--limit", "1", "--hw", "toy4")
    assert run("deepbench", *words, "--results", file, "--export", copy) == ExitCode.DONE
    assert "detail" not in json.loads(Path(copy).read_text(encoding="utf-8"))
    assert run("deepbench", "--from", copy, "--format", "json") == ExitCode.DONE


def test_a_proof_that_was_asked_for_and_not_found_is_exit_code_3(quick: None, tmp_path: Path) -> None:
    words = ("--suite", "gemm-device", "--limit", "1", "--hw", "toy4", "--results", str(tmp_path / "r.jsonl"))
    assert run("deepbench", *words, "--require-optimal") == ExitCode.NOT_PROVED
