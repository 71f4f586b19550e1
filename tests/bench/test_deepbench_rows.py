"""A measured row and what is made of rows: summary, terminal, page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest

from isamapper.bench.deepbench.anchors import anchors_of, device_of, devices
from isamapper.bench.deepbench.measure import EVENTS, Options, _stretch, measure
from isamapper.bench.deepbench.problems import Problem, chosen_problems
from isamapper.bench.deepbench.store import Row
from isamapper.bench.deepbench.summary import figures_of, summary_of
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.types import DTYPES
from isamapper.report.deepbench import deepbench_document, shape_text
from isamapper.report.html import page
from isamapper.report.plain import render_plain

GEMM = Problem(
    "gemm-server",
    900,
    "gemm",
    False,
    (("m", 20), ("n", 4), ("k", 24), ("a_t", 0), ("b_t", 0), ("flops", 3840)),
)
CELL = Problem(
    "rnn-device",
    901,
    "rnn",
    False,
    (
        *(("cell", "vanilla"), ("hidden", 8), ("batch", 1), ("timesteps", 3)),
        *(("fwd_flops_recurrent_only", 384), ("fwd_flops_with_input_gemm", 768)),
    ),
)


@cache
def rows() -> tuple[Row, ...]:
    options = Options(baselines=("library-tiler", "unfused-steps"))
    return tuple(measure(problem, "gemmini16", options, f"key {problem.number}") for problem in (GEMM, CELL))


def test_a_row_says_what_was_found_and_how_sure_it_is() -> None:
    product = rows()[0]
    assert (product["kernel"], product["sizes"]) == ("gemm_acc", {"M": 20, "N": 4, "K": 24})
    assert (product["failure"], product["verified"], product["verified_size"]) == (None, True, "real")
    assert product["bound_cycles"] <= product["cycles"]
    assert product["packed"] == ["a"]
    assert product["tflops"] == pytest.approx(3840 / product["seconds"] / 1e12)
    assert product["baselines"]["library-tiler"]["cycles"] > 0
    assert product["baselines"]["unfused-steps"] == {"failure": "it has no sequential loop"}
    assert product["detail"]["timeline"]["events"]


def test_recurrences_have_both_counts_of_operations() -> None:
    cell = rows()[1]
    assert (cell["flops"], cell["flops_with_input"]) == (384, 768)
    assert cell["tflops_with_input"] == pytest.approx(2 * cell["tflops"])
    assert cell["cycles_per_step"] == pytest.approx(cell["cycles"] / 3)
    assert cell["baselines"]["library-tiler"]["failure"] == "a library routine does one statement at a time"


def test_a_problem_that_cannot_be_done_is_a_row_with_the_reason() -> None:
    row = measure(GEMM, "gemmini16", Options(types=(("TA", DTYPES["fp8_e5m2"]),)), "k")
    assert row["failure"]
    assert figures_of([row])["verified"] == 0
    assert "0 of 1" in render_plain(deepbench_document({"rows": [row], "summary": summary_of([row])}))
    assert "cannot do" in page([row], summary_of([row]))


def test_the_summary_counts_verified_rows_and_their_means() -> None:
    figures = summary_of(rows())["gemmini16"]
    assert list(figures) == ["gemm-server", "rnn-device", "gemm inference", "gemm inference n <= 4", "all"]
    assert (figures["all"]["problems"], figures["all"]["verified"]) == (2, 2)
    speedup = figures["gemm-server"]["speedups"]["library-tiler"]
    assert (speedup["compared"], speedup["least"]) == (1, rows()[0]["baselines"]["library-tiler"]["speedup"])


def test_the_terminal_says_problem_bound_and_state() -> None:
    text = render_plain(deepbench_document({"rows": rows(), "summary": summary_of(rows())}))
    assert re.search(r"gemmini16 +gemm-server/900 +20 x 4 x 24 NN .* verified \(real\)", text)
    assert "vanilla h=8 b=1 t=3" in text


class Page(HTMLParser):
    """Tags that are opened and closed, and everything that a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.fetched += [str(value) for key, value in attrs if key in ("src", "href")]
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_is_well_formed() -> None:
    parsed = Page()
    text = page(rows(), summary_of(rows()))
    parsed.feed(text)
    assert parsed.open == []
    assert parsed.fetched == []
    assert "url(" not in text
    assert "@import" not in text
    assert parsed.found.count("details") == 2
    assert {"svg", "circle", "path", "rect", "pre", "script"} <= set(parsed.found)
    assert "table.sortable > tbody[data-words]" in text  # tables behind a row have bodies, too, but no words


def test_the_page_shows_mapping_schedule_and_timeline_of_every_problem() -> None:
    text = page(rows(), summary_of(rows()))
    for words in ("Mapping", "Schedule", "Where the cycles go", "Cycle by cycle", "apply 0 call", "kernel gemm_acc("):
        assert words in text
    assert "NaN" not in text


def test_words_of_results_are_no_markup() -> None:
    row = {**rows()[0], "problem": "<b>x</b>", "failure": "a & b < c"}
    assert "<b>x</b>" not in page([row], summary_of([row]))
    json.dumps(rows())


def test_a_machine_describes_the_device_that_its_name_holds() -> None:
    assert "NV_V100" in devices()
    machine = load_machine("toy4")
    problem = chosen_problems(["gemm-train"])[0]
    assert device_of(machine) is None
    assert anchors_of(problem, machine, 1.0) == []
    assert device_of(load_machine("v100")) == device_of(replace(machine, name="v100_f16")) == "NV_V100"
    assert device_of(load_machine("v100_sm")) is None  # an eightieth of it


def test_means_of_published_times_keep_precisions_apart() -> None:
    anchors = [
        {
            "device": "NV_V100",
            "precision": "fp32",
            "same_precision": False,
            "milliseconds": 2.0,
            "percent_error": -50.0,
        },
        {"device": "NV_V100", "precision": "x", "same_precision": True, "milliseconds": 0.5, "percent_error": 100.0},
    ]
    row = {**rows()[0], "anchors": anchors}
    one, other = figures_of([row])["published"]
    assert (one["precision"], one["same_precision"], one["geomean_time_ratio"]) == ("fp32", False, pytest.approx(0.5))
    assert (other["mean_absolute_percent_error"], other["geomean_time_ratio"]) == (100.0, pytest.approx(2.0))
    text = render_plain(deepbench_document({"rows": [row], "summary": summary_of([row])}))
    assert re.search(r"NV_V100 +fp32 \(not ours\) +1 +0.50 +50", text)
    assert "our time over theirs" in page([row], summary_of([row]))


def test_published_times_stand_beside_ours_with_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isamapper.bench.deepbench.anchors.device_of", lambda machine: "NV_V100")
    problem = chosen_problems(["gemm-train"])[0]
    found = anchors_of(problem, load_machine("toy4"), 1e-3, ("f16", "f32"))
    assert {each["precision"]: each["same_precision"] for each in found} == {"fp32": False, "fp16_mul_fp32_acc": True}
    for each in found:
        assert each["percent_error"] == pytest.approx(100 * (1 / each["milliseconds"] - 1), abs=0.01)


@pytest.mark.parametrize("suite", ["rnn-train", "conv-train", "conv-train-data", "conv-train-weights"])
def test_every_family_finds_its_published_times(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isamapper.bench.deepbench.anchors.device_of", lambda machine: "NV_V100")
    found = [anchors_of(problem, load_machine("toy4"), 1.0) for problem in chosen_problems([suite])]
    assert sum(bool(each) for each in found) > 0.7 * len(found)


def test_shapes_read_as_the_lists_give_them() -> None:
    assert shape_text(rows()[0]) == "20 x 4 x 24 NN"
    conv = chosen_problems(["conv-train"])[0]
    assert shape_text({"family": "conv", "parameters": dict(conv.values)}) == "700x161x1 n=4 k=32 20x5/2"


def test_the_stretch_shown_is_the_first_that_most_units_take_part_in() -> None:
    """Copies go before everything else; what is shown begins where the work does."""
    units = ["host"] * 500 + ["load", "array"] * 400 + ["store"]
    assert 500 - EVENTS < _stretch(units) < 500
    assert _stretch(units[:10]) == _stretch([]) == 0
