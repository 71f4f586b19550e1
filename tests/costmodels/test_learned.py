"""A cost model that learns from simulated schedules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isamapper import find_schedule
from isamapper.cli.main import main
from isamapper.diagnostics.source import SourceError

pytest.importorskip("lightgbm")

from isamapper.bench.fit import fit, measure, problems, spearman
from isamapper.costmodels.features import NAMES
from isamapper.costmodels.learned import VARIABLE, Learned, load_model, rounded


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A small model, learned from a few products on two machines."""
    asked = problems(["gemm", "gemm_tb"], ["toy4", "ws16"], ["gemm_tb"], "ws16", count=4, samples=12, seed=1)
    report, text = fit(asked, seed=1)
    path = tmp_path_factory.mktemp("model") / "model.txt"
    path.write_text(text, encoding="utf-8")
    return report, path


def test_the_report_judges_kernels_and_machines_that_were_held_out(answer: tuple[dict[str, Any], Path]) -> None:
    report, _ = answer
    assert {row["held_out"] for row in report["rows"]} == {"kernel", "machine"}
    assert all(row["machine"] == "ws16" for row in report["rows"] if row["held_out"] == "machine")
    assert all(row["kernel"] == "gemm_tb" for row in report["rows"] if row["held_out"] == "kernel")
    for row in report["rows"]:
        for model in ("analytic", "learned"):
            assert -1 <= row[model]["spearman"] <= 1 and row[model]["regret_percent"] >= 0
    json.dumps(report)


def test_a_model_reads_back_and_predicts_near_the_truth(answer: tuple[dict[str, Any], Path]) -> None:
    _, path = answer
    model = Learned(path)
    found = find_schedule("gemm", "toy4", sizes={"M": 64, "N": 64, "K": 64})
    assert model.cycles(found.schedule) == pytest.approx(found.cost_cycles, rel=0.5)
    assert model.cycles(found.schedule) == model.cycles(found.schedule)


def test_the_same_seed_learns_the_same(answer: tuple[dict[str, Any], Path]) -> None:
    asked = problems(["gemm"], ["toy4"], [], "toy4", count=0, samples=6, seed=3)
    assert asked == problems(["gemm"], ["toy4"], [], "toy4", count=0, samples=6, seed=3)
    first, second = measure(asked[0]), measure(asked[0])
    assert first == second
    assert all(len(row) == len(NAMES) and np.isfinite(row).all() for row in first.rows)


def test_a_strategy_can_use_it(answer: tuple[dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(answer[1]))
    found = find_schedule("gemm", "toy4", sizes={"M": 16, "N": 16, "K": 16}, cost_model="learned")
    assert found.cost_model == "learned"


def test_differences_within_the_error_are_no_differences() -> None:
    assert rounded(1000.0, 0.1) == rounded(1010.0, 0.1)
    assert rounded(1000.0, 0.1) < rounded(1200.0, 0.1)
    assert rounded(1000.0, 0.0) == 1000.0


@pytest.mark.parametrize("text", ["", "tree\n", "tree\nisamapper: {}\n", 'tree\nisamapper: {"features": ["old"]}\n'])
def test_a_file_that_is_no_model_is_the_users_mistake(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        load_model(path)
    assert caught.value.diagnostics[0].code == "COST001"
    with pytest.raises(SourceError):
        load_model(tmp_path / "none.txt")


def test_a_damaged_tree_is_the_users_mistake(answer: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    text = answer[1].read_text(encoding="utf-8")
    path = tmp_path / "m.txt"
    path.write_text("no trees here" + text[text.rindex("\nisamapper: ") :], encoding="utf-8")
    with pytest.raises(SourceError):
        load_model(path)


def test_too_few_schedules_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["fit", "--kernels", "gemm", "--machines", "toy4", "--hold-out", "conv1d", "--problems", "0"]
    assert main(words) == 2
    assert "COST002" in capsys.readouterr().err


def test_rank_correlation_is_spearmans() -> None:
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 9.0])) == pytest.approx(1.0)
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([9.0, 4.0, 2.0])) == pytest.approx(-1.0)
    tied = spearman(np.array([1.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert tied == pytest.approx(0.9486832980505138)  # by hand: ranks 1.5 1.5 3 4 against 1 2 3 4
