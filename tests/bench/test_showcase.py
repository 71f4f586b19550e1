"""Matrix products hidden in other computations: found, scheduled, and verified on a matrix instruction."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.bench.showcase import Case, cases, is_matrix_instruction, measure
from isamapper.cli.main import main
from isamapper.hwdesc.loader import load_machine

QUICK = ("prefix sum", "batched einsum")
"""Those of which every run of the tests makes sure; the rest take a minute or two together."""


def assert_on_a_matrix_instruction(case: Case) -> None:
    (row,) = measure([case])["rows"]
    assert row["failure"] is None, row
    assert row["products"]


@pytest.mark.parametrize("case", [each for each in cases() if each.computation in QUICK], ids=lambda c: c.computation)
def test_a_quick_one(case: Case) -> None:
    assert_on_a_matrix_instruction(case)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [each for each in cases() if each.computation not in QUICK], ids=lambda c: c.computation
)
def test_every_computation(case: Case) -> None:
    assert_on_a_matrix_instruction(case)


def test_a_matrix_instruction_sums_over_what_both_operands_have() -> None:
    machine = load_machine("gemmini16_f32")
    names = {each.name for each in machine.instructions if is_matrix_instruction(each)}
    assert names == {"compute", "compute_first", "compute_at", "compute_at_first"}
    assert not any(is_matrix_instruction(each) for each in load_machine("avx512").instructions)


def test_the_table_says_what_made_the_product_visible(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "showcase", "--only", "prefix"]) == 0
    shown = capsys.readouterr().out
    assert "prefix sum" in shown and "mask" in shown
    assert "1 of 1 are verified on a matrix instruction" in shown


def test_an_unknown_computation_suggests_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "showcase", "--only", "prefixsum"]) == 2
    assert "did you mean 'prefix_sum'?" in capsys.readouterr().err


@pytest.mark.slow
def test_the_page_shows_what_the_bench_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "showcase"]) == 0
    page = (Path(__file__).parents[2] / "docs" / "showcase.md").read_text(encoding="utf-8")
    assert f"```text\n{capsys.readouterr().out}```" in page


def test_the_page_lists_every_computation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "showcase.md").read_text(encoding="utf-8")
    assert all(f"\n{case.computation}  " in page for case in cases())
