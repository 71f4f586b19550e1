"""The official lists: how many, which kernels they are, what is chosen from them."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from isamapper.bench.deepbench.kernels import kernel_of, work_of
from isamapper.bench.deepbench.precision import precision_of
from isamapper.bench.deepbench.problems import QUICK, SUITES, Problem, chosen_problems, suite_problems
from isamapper.diagnostics.source import SourceError
from isamapper.frontends.library import library_kernels, load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Direction, Role
from isamapper.ir.types import DTYPES

COUNTS = {
    "gemm-train": 160,
    "gemm-server": 75,
    "gemm-device": 13,
    "sparse-server": 24,
    "sparse-device": 8,
    "rnn-train": 53,
    "rnn-server": 69,
    "rnn-device": 3,
    "conv-train": 94,
    "conv-server": 107,
    "conv-device": 16,
    "conv-train-data": 94,
    "conv-train-weights": 94,
}


def named(name: str) -> Problem:
    return chosen_problems([], patterns=[name])[0]


def test_the_lists_are_complete() -> None:
    assert {suite.name: len(suite_problems(suite.name)) for suite in SUITES} == COUNTS
    assert len(chosen_problems(["gemm"])) == 248
    assert len(chosen_problems(["rnn"])) == 125
    assert len(chosen_problems(["conv"])) == 217
    assert len(chosen_problems([])) == sum(COUNTS.values())


def test_every_problem_is_a_kernel_of_the_library() -> None:
    toy = load_machine("toy4")
    assert {kernel_of(problem, toy)[0] for problem in chosen_problems([])} <= set(library_kernels())


def test_the_quick_dozen_has_every_family_and_every_transpose() -> None:
    found = chosen_problems([], quick=True)
    assert len(found) == len(QUICK) == 12
    assert {problem.family for problem in found} == {"gemm", "rnn", "conv"}
    transposes = {(problem["a_t"], problem["b_t"]) for problem in found if problem.suite == "gemm-train"}
    assert transposes == {(0, 0), (1, 0), (0, 1)}


def test_quick_takes_two_of_suites_that_the_dozen_leaves_out() -> None:
    assert [problem.name for problem in chosen_problems(["rnn-train"], quick=True)] == ["rnn-train/0", "rnn-train/1"]


def test_patterns_and_limits_choose() -> None:
    found = chosen_problems(["gemm-device"], patterns=["*/1", "gemm-device/1?"], limit=2)
    assert [problem.name for problem in found] == ["gemm-device/1", "gemm-device/10"]


def test_an_unknown_suite_and_an_empty_choice_are_refused() -> None:
    with pytest.raises(SourceError) as caught:
        chosen_problems(["gemm-trian"])
    assert caught.value.diagnostics[0].code == "BEN001"
    assert caught.value.diagnostics[0].help == "did you mean 'gemm-train'?"
    with pytest.raises(SourceError) as caught:
        chosen_problems([], patterns=["gemm-train/999"])
    assert caught.value.diagnostics[0].code == "BEN002"


def test_products_are_row_major_as_the_lists_number_them() -> None:
    name, sizes = kernel_of(named("gemm-server/1"), load_machine("toy4"))
    assert (name, sizes) == ("gemm_acc", {"M": 35, "N": 700, "K": 2048})
    for key, kernel in (("a_t", "gemm_acc_ta"), ("b_t", "gemm_acc_tb")):
        transposed = next(problem for problem in suite_problems("gemm-train") if problem[key])
        assert kernel_of(transposed, load_machine("toy4"))[0] == kernel


def test_c_is_read_and_written_and_only_inference_knows_its_weights() -> None:
    machine = load_machine("gemmini16")
    training, inference = (work_of(named(name), machine) for name in ("gemm-train/0", "gemm-device/2"))
    for work in (training, inference):
        (c,) = (tensor for tensor in work.kernel.tensors if tensor.name == "c")
        assert c.direction is Direction.INOUT
    assert (training.packed, inference.packed) == ((), ("a",))
    assert all(tensor.role is Role.PLAIN for tensor in training.kernel.tensors)


def test_precision_is_the_machines_own_and_said_to_be_below_the_official_minimum() -> None:
    machine = load_machine("gemmini16")
    training, inference = (precision_of(work_of(named(name), machine)) for name in ("gemm-train/0", "gemm-device/2"))
    assert (training["multiply"], training["accumulate"], training["meets_official"]) == ("i8", "i32", False)
    assert inference["meets_official"] is True
    given = {name: DTYPES[word] for name, word in (("TA", "f16"), ("TB", "f16"), ("TC", "f32"))}
    assert precision_of(work_of(named("gemm-train/0"), machine, given))["meets_official"] is True


def test_operations_are_counted_as_the_lists_count_them() -> None:
    machine = load_machine("gemmini16")
    product, cell = (work_of(named(name), machine) for name in ("gemm-device/2", "rnn-server/0"))
    assert (product.flops, product.flops_with_input) == (2 * 3072 * 1 * 1024, None)
    assert (cell.flops, cell.flops_with_input) == (52428800, 104857600)
    assert cell.name == "lstm_skip_q"
    assert work_of(named("rnn-server/0"), load_machine("gemmini16_f32")).name == "lstm_skip"


def test_sparse_products_are_dense_at_their_corrected_size() -> None:
    work = work_of(named("sparse-server/1"), load_machine("gemmini16"))
    assert dict(work.kernel.sizes)["M"] == 7680
    assert work.flops == 2 * 7680 * 2 * 2560


@pytest.mark.parametrize(
    ("problem", "kernel"),
    [
        ("conv-train-data/0", "conv2d_backward_data_s2"),
        ("conv-train-data/37", "conv1x1_backward_data_s2"),
        ("conv-train-data/8", "conv2d_backward_data_s1"),
        ("conv-train-weights/0", "conv2d_backward_weights"),
    ],
)
def test_gradients_are_kernels_of_their_own(problem: str, kernel: str) -> None:
    work = work_of(named(problem), load_machine("gemmini16"))
    assert work.name == kernel
    sizes = dict(work.kernel.sizes)
    assert (sizes["HI"], sizes["WI"]) == (work.problem["h"], work.problem["w"])


def test_windows_of_one_point_are_products_over_the_flat_image() -> None:
    """Padding needs rows and columns; so does every larger window. With strides the points that are met come first."""
    machine = load_machine("toy4")
    assert kernel_of(named("conv-device/1"), machine) == ("conv1x1_forward", {"N": 1, "C": 64, "K": 256, "P": 56 * 56})
    strided = {"N": 1, "C": 256, "K": 128, "HI": 56, "WI": 56, "pad": 0, "stride": 2}
    assert kernel_of(named("conv-device/3"), machine) == ("conv1x1_forward_strided", strided)
    padded = next(p for p in suite_problems("conv-train") if p["r_filter_h"] == 1 and p["pad_w"])
    assert kernel_of(padded, machine)[1]["pad"] == 3
    assert work_of(named("conv-device/1"), machine).packed == ("w",)
    for suite, kernel in (("conv-train-data", "backward_data"), ("conv-train-weights", "backward_weights")):
        found = next(p for p in suite_problems(suite) if kernel_of(p, machine)[0] == f"conv1x1_{kernel}")
        assert found["r_filter_h"] == found["stride_w"] == 1


@pytest.mark.parametrize("suite", ["conv-server", "conv-train", "conv-train-data", "conv-train-weights"])
def test_windows_of_stride_1_have_a_spelling_with_rows_and_columns_on_one_axis(suite: str) -> None:
    """It computes the same bytes from the same bytes, and weights are known where they were."""
    machine = load_machine("gemmini16")
    for problem in suite_problems(suite)[:20]:
        work = work_of(problem, machine)
        wide = problem["r_filter_h"] > 1 and problem["stride_w"] == 1
        flat_ones = [(name, kernel) for name, kernel in work.spellings if name.endswith("_flat")]
        assert len(flat_ones) == wide
        assert work.problem.training or not any(name.endswith("_windows") for name, _ in work.spellings)
        for _, flat in work.spellings:
            ours = {t.name: (prod(t.shape), t.role, t.dtype) for t in work.kernel.tensors}
            assert {t.name: (prod(t.shape), t.role, t.dtype) for t in flat.tensors if t.name in ours} == ours


def test_gradients_with_respect_to_weights_begin_with_the_plain_product() -> None:
    work = work_of(named("conv-train-weights/22"), load_machine("gemmini16"))
    assert [name for name, _ in work.candidates] == [
        "conv2d_backward_weights_windows",
        "conv2d_backward_weights",
        "conv2d_backward_weights_flat",
    ]
    strided = work_of(named("conv-train-weights/12"), load_machine("gemmini16"))
    assert [name for name, _ in strided.spellings] == ["conv2d_backward_weights_windows"]


@pytest.mark.parametrize("pad", [0, 1, 2, 3])
@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (3, 2), (5, 4)])
def test_gradients_of_stride_2_are_those_with_zeros_put_between(pad: int, rows: int, columns: int) -> None:
    sizes = {"N": 1, "C": 1, "K": 2, "HI": 7, "WI": 6, "R": rows, "S": columns, "pad": pad}
    phases = load_kernel("conv2d_backward_data_s2", sizes)
    zeros = load_kernel("conv2d_backward_data", {**sizes, "stride": 2})
    random = np.random.default_rng(pad)
    given = {t.name: random.integers(-4, 5, t.shape).astype(np.float32) for t in phases.tensors if t.name != "dx"}
    assert np.array_equal(interpret(phases, given)["dx"], interpret(zeros, given)["dx"])
