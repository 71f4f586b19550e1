"""``run`` and its stages: the JSON keys, stages that read what the one before wrote, the honest no."""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import isamapper
from isamapper import pipeline
from isamapper.cli.main import main
from isamapper.costmodels.simulated import Simulated
from isamapper.plan.protocols import Candidate, CostModel, SearchProblem
from isamapper.plan.steps import Schedule
from isamapper.scheduler.strategies.heuristic import heuristic

SMALL = ("gemm", "--hw", "toy4", "-s", "M=8,N=8,K=8")
KEYS = {
    *("format", "kernel", "machine", "sizes", "types", "mapping", "strategy", "cost_model", "seed"),
    *("cycles", "bound_cycles", "mapped_bound_cycles", "percent_of_bound", "percent_of_mapped_bound"),
    *("binding_resource", "utilization", "bytes", "instructions", "energy_pj", "search_seconds"),
    *("simulate_seconds", "verified", "versions"),
}


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert main([*words, "--format", "json"]) == code
    captured = capsys.readouterr()
    parsed: dict[str, Any] = json.loads(captured.out)
    return parsed


def spoken(*words: str) -> tuple[int, str]:
    """Exit code and stdout, outside of any test's capture."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(words)
    return code, out.getvalue()


@pytest.fixture(scope="module")
def ran() -> dict[str, Any]:
    """The answer of ``run`` on the small case."""
    code, out = spoken("run", *SMALL, "--format", "json")
    assert code == 0
    return dict(json.loads(out))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A schedule and its program, as the stages write them."""
    folder = tmp_path_factory.mktemp("stages")
    schedule, program = folder / "s.txt", folder / "p.txt"
    assert main(["schedule", *SMALL, "-o", str(schedule)]) == 0
    assert main(["lower", str(schedule), "-o", str(program)]) == 0
    return schedule, program


def test_run_gives_every_documented_key(ran: dict[str, Any]) -> None:
    assert set(ran) >= KEYS
    assert ran["sizes"] == {"M": 8, "N": 8, "K": 8}
    assert ran["types"] == {"TA": "i8", "TB": "i8", "TC": "i32"}
    assert ran["mapping"][0]["instruction"].startswith("compute")
    assert ran["verified"]["ok"] is True
    assert set(ran["bytes"]["dram"]) == {"read", "write"}


def test_a_statement_that_the_drain_does_is_among_the_mappings() -> None:
    result = isamapper.run("gemm_q", "gemmini16", sizes={"M": 32, "N": 32, "K": 32})
    mappings = result.to_dict()["mapping"]
    assert [(each["statement"], each["instruction"]) for each in mappings] == [(0, "compute"), (1, "mvout_i8")]
    assert {(pair["kernel"], pair["instruction"]) for pair in mappings[1]["iterators"]} == {("m", "i"), ("n", "j")}


def test_percentages_are_the_quotients_they_claim(ran: dict[str, Any]) -> None:
    assert ran["bound_cycles"] <= ran["mapped_bound_cycles"] <= ran["cycles"]
    assert ran["percent_of_bound"] == pytest.approx(100 * ran["bound_cycles"] / ran["cycles"], abs=1e-3)
    mapped = 100 * ran["mapped_bound_cycles"] / ran["cycles"]
    assert ran["percent_of_mapped_bound"] == pytest.approx(mapped, abs=1e-3)


def test_the_same_seed_gives_the_same_answer(capsys: pytest.CaptureFixture[str], ran: dict[str, Any]) -> None:
    again = answer(capsys, "run", *SMALL, "--seed", "0")
    timed = {"search_seconds", "simulate_seconds", "verified"}
    assert {k: v for k, v in again.items() if k not in timed} == {k: v for k, v in ran.items() if k not in timed}


def test_each_stage_reads_what_the_one_before_wrote(
    capsys: pytest.CaptureFixture[str], ran: dict[str, Any], files: tuple[Path, Path]
) -> None:
    simulated = answer(capsys, "simulate", str(files[1]))
    assert set(simulated) >= KEYS
    for key in ("cycles", "instructions", "bytes", "utilization", "bound_cycles", "sizes", "types"):
        assert simulated[key] == ran[key]
    assert simulated["mapping"] is None and simulated["search_seconds"] is None
    assert answer(capsys, "verify", str(files[1]))["verified"]["ok"] is True


def test_a_stage_without_output_writes_what_the_next_reads(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(files[0].read_text()))
    assert main(["lower", "-"]) == 0
    assert capsys.readouterr().out == files[1].read_text()


def test_the_function_gives_what_the_command_prints(ran: dict[str, Any]) -> None:
    result = isamapper.run("gemm", "toy4", sizes={"M": 8, "N": 8, "K": 8})
    assert result.to_dict()["cycles"] == ran["cycles"]
    assert list(result.to_dict()) == [key for key in ran if key != "format"]
    assert f"{result.timeline.cycles:,}" in result._repr_markdown_()
    assert "<table>" in result._repr_html_()


def test_text_says_mapping_bound_percent_and_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *SMALL]) == 0
    shown = capsys.readouterr().out
    for word in ("mapping", "bound", "% reached", "where the cycles go", "prime fields", "verified"):
        assert word in shown


def test_a_wrong_program_is_an_honest_no(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(files[1].read_text().replace("* i32(b", "+ i32(b", 1))
    assert wrong.read_text() != files[1].read_text()
    assert answer(capsys, "verify", str(wrong), code=1)["verified"]["ok"] is False
    assert answer(capsys, "simulate", str(wrong), code=1)["verified"]["ok"] is False


def test_types_that_no_instruction_takes_are_an_honest_no(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "run", *SMALL, "-t", "TA=f64,TB=f64,TC=f64", code=1)
    assert found["mapping"] is None
    assert found["rejections"]


def test_an_optimum_that_is_not_proved_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *SMALL, "--require-optimal"]) == 3
    assert "did not prove" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "place"),
    [
        (("--search", "heurstic"), "PLG001", "1:54"),
        (("--cost", "analitic"), "PLG001", "1:52"),
        (("--budget", "soon"), "CLI009", "1:54"),
        (("--seed", "x"), "CLI004", "1:52"),
        (("--seed", "-1"), "CLI004", "1:52"),
    ],
)
def test_a_wrong_option_of_the_search_is_shown_where_it_stands(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str, place: str
) -> None:
    assert main(["run", *SMALL, *words]) == 2
    error = capsys.readouterr().err
    assert f"error[{code}]" in error and f" --> command line:{place}\n" in error


def test_a_stage_file_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lower", "nothing.txt"]) == 2
    assert "error[CLI011]: cannot read 'nothing.txt'" in capsys.readouterr().err


def test_sizes_for_a_stage_need_a_kernel(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]) -> None:
    assert main(["lower", str(files[0]), "-s", "M=4"]) == 2
    assert "error[CLI005]" in capsys.readouterr().err


def test_another_kernel_and_machine_may_be_given_to_a_stage(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]
) -> None:
    given = ("--kernel", "gemm", "--hw", "toy4", "-s", "M=8,N=8,K=8")
    assert answer(capsys, "simulate", str(files[1]), *given)["verified"]["ok"] is True


def test_an_interrupted_search_keeps_its_best_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(problem: SearchProblem, model: CostModel, **options: Any) -> Iterator[Candidate]:
        yield next(iter(heuristic(problem, model, **options)))
        raise KeyboardInterrupt

    given = {"strategy": interrupted, "cost model": Simulated}
    monkeypatch.setattr(pipeline, "load", lambda kind, name: given[kind])
    assert main(["run", *SMALL]) == 130
    captured = capsys.readouterr()
    assert "verified" in captured.out
    assert captured.err == "interrupted; this is the best so far\n"


def test_an_interrupted_search_without_any_candidate_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(problem: SearchProblem, model: CostModel, **options: Any) -> Iterator[Candidate]:
        raise KeyboardInterrupt
        yield

    given = {"strategy": interrupted, "cost model": Simulated}
    monkeypatch.setattr(pipeline, "load", lambda kind, name: given[kind])
    assert main(["run", *SMALL]) == 130
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "interrupted\n")


def test_a_proved_optimum_meets_require_optimal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def proving(problem: SearchProblem, model: CostModel, **options: Any) -> Iterator[Candidate]:
        for candidate in heuristic(problem, model, **options):
            yield replace(candidate, optimal=True)

    given = {"strategy": proving, "cost model": Simulated}
    monkeypatch.setattr(pipeline, "load", lambda kind, name: given[kind])
    assert main(["run", *SMALL, "--require-optimal"]) == 0
    assert "proved the cheapest of its space" in capsys.readouterr().out


class Wrong:
    """A model that does not know."""

    name = "wrong"

    def cycles(self, schedule: Schedule) -> float:
        return math.nan


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"strategy": 3, "cost model": Simulated}, "it cannot be called: strategy 'heuristic'"),
        ({"strategy": heuristic, "cost model": 3}, "it has no method 'cycles': cost model 'simulated'"),
        ({"strategy": lambda *_, **__: 7, "cost model": Simulated}, "it answered 7, which yields no candidates"),
        ({"strategy": lambda *_, **__: [7], "cost model": Simulated}, "it yielded 7, which is no Candidate"),
        ({"strategy": heuristic, "cost model": Wrong}, "it answered nan, which is no number of cycles"),
    ],
)
def test_a_plugin_that_is_something_else_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: dict[str, object], message: str
) -> None:
    monkeypatch.setattr(pipeline, "load", lambda kind, name: given[kind])
    assert main(["run", *SMALL]) == 2
    assert f"error[PLG004]: {message}" in capsys.readouterr().err
