"""``map`` and ``explain``: what fits and in how many ways, what does not and why."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from isamapper.cli.main import main


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert main([*words, "--format", "json"]) == code
    parsed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return parsed


def test_both_operand_orders_of_a_product_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "map", "gemm", "--hw", "toy4", "--instruction", "compute")
    assert [mapping["operands"] for mapping in found["mappings"]] == [
        {"a": "a[m, k]", "w": "b[k, n]", "c": "c[m, n]"},
        {"a": "b[k, n]", "w": "a[m, k]", "c": "c[m, n]"},
    ]
    assert found["complete"] is True
    assert found["mappings"][0]["labels"]["criteria"] == ["full", "amos", "strict"]


def test_a_product_of_three_is_mapped_after_a_rewrite(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "map", "dwsep_fused", "--hw", "gemmini16_f32", "-s", "H=8,W=8", "--criterion", "strict")
    assert {mapping["rewrites"][0].split(" ")[0] for mapping in found["mappings"]} == {"contract", "split"}
    assert {"compute", "compute_first"} <= {mapping["instruction"] for mapping in found["mappings"]}


def test_the_intermediate_that_does_not_fit_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "dwsep_fused", "--hw", "gemmini16", "-t", "TA=i8,TB=i8"]) == 1
    assert "the 18-bit intermediate" in capsys.readouterr().out


def test_no_mapping_is_an_honest_no_with_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "map", "gemm", "--hw", "toy4", "-t", "TA=f64,TB=f64,TC=f64", code=1)
    assert found["mappings"] == []
    assert all(rejection["reason"] and rejection["code"].startswith("MAP") for rejection in found["rejections"])


def test_explain_says_why_one_instruction_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "gemm", "--hw", "toy4", "--instruction", "preload"]) == 0
    shown = capsys.readouterr().out
    assert "'preload' only moves or fills; the kernel accumulates with '+='" in shown
    assert "--> gemm.isam:" in shown and "--> toy4.yaml:" in shown


def test_instructions_with_one_reason_are_shown_with_the_place_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "gemm", "--hw", "gemmini16_f32", "-s", "K=65"]) == 0
    group = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert group[0] == "compute, compute_first, compute_at, compute_at_first:"
    kernel, machine = (line.strip() for line in group[2:4])
    assert kernel.startswith("--> gemm.isam:")
    assert machine.startswith("--> gemmini16_f32.yaml:") and machine.count(", ") == 3


@pytest.mark.parametrize(
    ("words", "code", "place"),
    [
        (("--instruction", "computer"), "RUN002", "1:44"),
        (("--statement", "3"), "RUN001", "1:42"),
        (("--criterion", "loose"), "CLI001", "1:42"),
    ],
)
def test_a_wrong_restriction_is_shown_where_it_stands(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str, place: str
) -> None:
    assert main(["map", "gemm", "--hw", "toy4", *words]) == 2
    error = capsys.readouterr().err
    assert f"error[{code}]" in error and f" --> command line:{place}\n" in error


def test_explain_of_a_code_gives_its_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "CLI007"]) == 0
    assert capsys.readouterr().out.startswith("CLI007: a size or a type is given twice\n")


def test_explain_of_an_unknown_code_suggests_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "CLI077"]) == 2
    assert "did you mean 'CLI007'?" in capsys.readouterr().err


def test_explain_of_a_kernel_needs_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "gemm"]) == 2
    assert "error[CLI003]: missing --hw" in capsys.readouterr().err


def test_the_table_has_a_line_for_every_operand_order_and_says_what_it_costs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["map", "gemm", "--hw", "toy4", "--instruction", "compute"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()[4:]
    words = ["mapping, the best way", "ways", "criterion", "access", "copies", "waste", "utilisation", "reuse"]
    assert [word.strip() for word in head.split("  ") if word] == words
    assert [re.split(r"\s{2,}", row)[0] for row in rows] == [
        "compute(a, b): k in k, m in i, n in j",
        "compute(b, a): k in k, m in j, n in i",
    ]
    assert [re.split(r"\s{2,}", row)[1:] for row in rows] == [
        ["1", "strict", "direct", "-", "0 %", "100 %", "4 4 4"],
        ["1", "strict", "layout copy", "b, a, c", "0 %", "100 %", "4 4 4"],
    ]


def test_every_way_has_a_line_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["map", "conv1d", "--hw", "toy4", "--instruction", "compute"]
    assert main(words) == 0
    best = capsys.readouterr().out.splitlines()
    assert main([*words, "--ways"]) == 0
    every = capsys.readouterr().out.splitlines()
    listed = [line for line in every if line.startswith("compute(")]
    ways = [int(re.split(r"\s{2,}", line)[1]) for line in best if line.startswith("compute(")]
    assert len(listed) == sum(ways) > len(ways)


def test_all_equal_kernels_are_mapped_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["map", "depthwise", "--hw", "gemmini16_f32", "-s", "C=4,H=4,W=4", "--instruction", "compute"]
    few, many = (answer(capsys, *words, *more)["mappings"] for more in ((), ("--rewrites",)))
    assert any(rewrite.startswith("diagonal") for each in many for rewrite in each["rewrites"])
    assert len(many) > len(few)


def test_a_search_that_stops_at_its_bound_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["map", "dwsep_fused", "--hw", "gemmini16_f32", "-s", "H=4,W=4"]
    assert main(words) == 0
    assert "statement 0: the search over equal kernels stopped at its bound of 32" in capsys.readouterr().out


def test_an_einsum_is_named_by_its_subscripts(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--hw", "gemmini16_f32", "--instruction", "compute"]
    found = answer(capsys, "map", "mk,kn->mn", *words, "-s", "m=32,N=8")
    assert found["sizes"] == {"M": 32, "K": 64, "N": 8}
    found = answer(capsys, "map", "einsum:...ij[2,3,4],jk[4,5]", *words)
    assert found["sizes"] == {"A": 2, "I": 3, "J": 4, "K": 5}
