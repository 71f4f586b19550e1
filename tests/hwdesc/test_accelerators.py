"""Every accelerator of the library does a matrix product and what else it was made for: searched, timed, verified."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.mapper.scheduled import scheduled_mappings
from isamapper.pipeline import find_schedule, schedule_program
from isamapper.sim.timing import simulate

SLOW = pytest.mark.slow
GEMM = {"M": 8, "N": 16, "K": 16}

PRODUCTS = {
    "gemmini8": "compute",
    "gemmini32": "compute",
    "gemmini16_os": "compute",
    "nvdla_full": "stripe",
    "nvdla_small": "stripe",
    "eyeriss": "row",
    "plasticine": "dot",
    "plasticine_rnn": "dot8",
    "brainwave": "mv_mul",
    "rapid": "matmul_fp16",
    "mlu100": "matmul_f16",
    "hexagon": "vrmpy",
    "v100_sm": "wmma.mma",
    "h100_sm": "mma.m16n8k16",
    "v100": "wmma.mma",
    "a100": "mma.m16n8k16",
    "h100": "mma.m16n8k16",
    "ascend910": "mmad",
    "sapphire_rapids": "tdpbssd",
    "graviton3": "fmla",
}
"""The beginning of the name of the instruction that does the product at the machine's own types."""

OTHERS = [
    ("gemmini16_os", "gemm_q", {}, {"M": 16, "N": 16, "K": 16}, ("compute", "mvout_i8")),
    ("nvdla_small", "gemm_q", {}, {"M": 8, "N": 8, "K": 16}, ("stripe", "sdp_i8")),
    ("nvdla_full", "conv2d", {}, {"C": 16, "K": 8, "H": 4, "W": 4}, ("stripe",)),
    ("eyeriss", "conv1d", {}, {"C": 2, "K": 4, "W": 6}, ("row",)),
    ("plasticine", "add", {}, {"M": 2, "N": 32}, ("map_add",)),
    ("brainwave", "gemv", {}, {"M": 24, "K": 16}, ("mv_mul",)),
    ("rapid", "gemm", {"TA": "fp8_e4m3", "TB": "fp8_e4m3"}, GEMM, ("matmul_hfp8",)),
    ("rapid", "gemm", {"TA": "i4", "TB": "i4", "TC": "i32"}, GEMM, ("matmul_int4",)),
    ("mlu100", "gemm", {"TA": "i8", "TB": "i8", "TC": "i32"}, GEMM, ("matmul_i8",)),
    ("hexagon", "gemm_q", {"TA": "u8"}, {"M": 2, "N": 32, "K": 16}, ("vrmpy", "vpack.store")),
]


QUICK = ("gemmini16_os", "nvdla_small", "plasticine_rnn", "brainwave")
"""Kinds of machines that the others repeat; all are tried where there is time."""


@pytest.mark.parametrize("machine", [each if each in QUICK else pytest.param(each, marks=SLOW) for each in PRODUCTS])
def test_does_a_matrix_product(machine: str) -> None:
    result = isamapper.run("gemm", machine, sizes=GEMM)
    assert result.certificate.ok
    assert result.search is not None
    (mapping,) = scheduled_mappings(result.search.schedule)
    assert mapping.instruction.startswith(PRODUCTS[machine])


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "kernel", "types", "sizes", "instructions"), OTHERS)
def test_does_what_else_it_was_made_for(
    machine: str, kernel: str, types: dict[str, str], sizes: dict[str, int], instructions: tuple[str, ...]
) -> None:
    result = isamapper.run(kernel, machine, sizes=sizes, types=types)
    assert result.certificate.ok
    assert result.search is not None
    used = [mapping.instruction for mapping in scheduled_mappings(result.search.schedule)]
    assert len(used) == len(instructions)
    assert all(name.startswith(wanted) for name, wanted in zip(used, instructions, strict=True)), used


def test_elements_of_a_grid_have_parts_of_what_they_share_whatever_the_cost_model() -> None:
    found = find_schedule("gemm", "eyeriss", sizes={"M": 64, "N": 64, "K": 64}, cost_model="analytic")
    assert simulate(schedule_program(found.schedule)).cycles


def test_the_planar_data_processor_pools() -> None:
    text = "kernel pool(x: i8[8, 32, 32]) -> (y: i8[8, 16, 16]) { for c < 8, h < 16, w < 16, r < 2, s < 2 { BODY } }"
    kernel = isamapper.kernel(text.replace("BODY", "y[c, h, w] max= x[c, 2*h + r, 2*w + s]"))
    result = isamapper.run(kernel, "nvdla_full")
    assert result.certificate.ok and result.search is not None
    assert [mapping.instruction for mapping in scheduled_mappings(result.search.schedule)] == ["pdp_max"]


@pytest.mark.slow
def test_an_lstm_cell_is_a_chain_of_products_and_pointwise_operations_on_brainwave() -> None:
    result = isamapper.run("lstm_cell", "brainwave", sizes={"B": 1, "I": 8, "H": 8})
    assert result.certificate.ok
    assert result.search is not None
    used = {mapping.instruction for mapping in scheduled_mappings(result.search.schedule)}
    assert {"vv_add", "vv_mul", "v_sigm", "v_tanh"} <= used
    assert not any(name.startswith("host") for name in used)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("machine", "kernel", "sizes", "some"),
    [
        ("brainwave", "gru", {"T": 2, "B": 1, "I": 8, "H": 8}, {"vv_a_sub_b", "v_sigm", "v_tanh"}),
        ("rapid", "gru", {"T": 2, "B": 1, "I": 8, "H": 8}, {"sfu_sub", "sfu_sigmoid", "sfu_tanh"}),
        ("rapid", "softmax", {"M": 8, "N": 16}, {"sfu_row_max_first", "sfu_row_sum_first", "sfu_reciprocal"}),
    ],
)
def test_gates_and_softmax_stay_on_the_accelerator(
    machine: str, kernel: str, sizes: dict[str, int], some: set[str]
) -> None:
    result = isamapper.run(kernel, machine, sizes=sizes)
    assert result.certificate.ok
    assert result.search is not None
    used = {mapping.instruction for mapping in scheduled_mappings(result.search.schedule)}
    assert some <= used
    assert {name for name in used if name.startswith("host")} <= {"host_copy.f16"}  # a given state, where it is short
