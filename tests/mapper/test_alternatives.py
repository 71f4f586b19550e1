"""Covers and equal kernels that a machine can do, best first."""

from __future__ import annotations

import pytest

from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES
from isamapper.mapper import cover, find_mappings
from isamapper.mapper.covers.alternatives import alternatives
from isamapper.mapper.covers.options import moving_cycles
from tests.mapper.machines import ARRAY, ARRAY_F32, EXP, HOST_CAST, HOST_MAC, SUB, machine
from tests.mapper.rewrites.equal import assert_equal

I8 = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}


def test_a_matrix_product_is_found_inside_the_fused_convolution() -> None:
    kernel, target = load_kernel("dwsep_fused"), load_machine("gemmini16_f32")
    best = next(iter(alternatives(kernel, target)))
    assert best.rewrites == ("contract statement 0 as ((x d) p)",)
    found = next(each for each in find_mappings(best.kernel, target, statement=1) if len(each.rho) == 4)
    assert found.instruction == "compute"
    small = load_kernel("dwsep_fused", sizes={"C": 2, "K": 3, "H": 3, "W": 3, "R": 2, "S": 2})
    assert_equal(small, next(iter(alternatives(small, target))).kernel)


def test_alternatives_come_cheapest_first() -> None:
    found = list(alternatives(load_kernel("dwsep_fused"), load_machine("gemmini16_f32")))
    assert [each.busy_cycles for each in found] == sorted(each.busy_cycles for each in found)
    assert len({each.kernel for each in found}) == len(found) == 4


def test_a_wide_intermediate_is_no_matrix_product() -> None:
    kernel = load_kernel("dwsep_fused", types=I8)
    assert not list(alternatives(kernel, load_machine("gemmini16")))
    small = machine(array=ARRAY, host_mac=HOST_MAC, host_cast=HOST_CAST)
    assert not list(alternatives(kernel, small)), "a rewrite moves no product to the host of an array"
    assert list(alternatives(kernel, small, host_products=True))


def test_a_kernel_that_maps_as_it_is_comes_first_unchanged() -> None:
    kernel = load_kernel("gemm")
    found = next(iter(alternatives(kernel, machine(array=ARRAY_F32))))
    assert (found.kernel, found.rewrites) == (kernel, ())


def test_a_cover_has_mappings_for_every_statement() -> None:
    kernel = parse_kernel("""kernel k(x: f32[8, 9], z: f32[8], w: f32[9, 5]) -> (y: f32[8, 5]) {
      local e: f32[8, 9]
      for m < 8, k < 9 { e[m, k] = exp(x[m, k] - z[m]) }
      for m < 8, n < 5, k < 9 { y[m, n] += e[m, k] * w[k, n] } }""")
    found = cover(kernel, machine(array=ARRAY_F32, exp=EXP, sub=SUB))
    assert found.is_complete
    assert [{mapping.instruction for mapping in those} for those in found.mappings] == [{"sub"}, {"exp"}, {"array"}]
    assert found.rewrites == ("split statement 0: t = x[m, k] - z[m]; exp(t)",)
    assert_equal(kernel, found.kernel, exact=False)


def test_shared_loops_are_distributed_before_a_rewrite() -> None:
    kernel = parse_kernel(
        """kernel k(x: f32[8, 9], z: f32[8]) -> (y: f32[8, 9], v: f32[8, 9]) {
      for m < 8, k < 9 { y[m, k] = exp(x[m, k] - z[m]); v[m, k] = exp(x[m, k]) } }""".replace(";", "\n")
    )
    found = cover(kernel, machine(exp=EXP, sub=SUB))
    assert found.is_complete
    assert found.rewrites[0] == "distribute loops over statements"
    assert all(any(mapping.rho for mapping in those) for those in found.mappings)
    assert_equal(kernel, found.kernel, exact=False)


def test_what_cannot_be_covered_is_reported() -> None:
    kernel = parse_kernel("kernel k(x: f32[8]) -> (y: f32[8]) { for m < 8 { y[m] = tanh(x[m]) } }")
    found = cover(kernel, machine(exp=EXP))
    assert [(each.subject, each.reason) for each in found.rejections] == [
        ("statement 0", "no instruction computes 'tanh' on f32")
    ]
    assert not list(alternatives(kernel, machine(exp=EXP)))


def test_elementwise_work_of_every_library_kernel_is_covered_on_a_machine_with_a_host() -> None:
    target = load_machine("gemmini16_f32")
    for name in ("softmax", "gru_cell", "lstm", "gelu", "layernorm", "attention", "bias_relu"):
        assert next(iter(alternatives(load_kernel(name), target)), None) is not None, name


@pytest.mark.parametrize(("kernel", "target"), [("gru", "amx"), ("layernorm", "ascend_cube")])
def test_options_that_disturb_each_other_are_left_out(kernel: str, target: str) -> None:
    """A partial sum names what it makes; the split after it may find that name taken by another statement's option."""
    assert next(alternatives(load_kernel(kernel), load_machine(target)), None) is not None


def test_tensors_that_are_touched_whole_cross_the_home_ports_once() -> None:
    types = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
    gemmini = load_machine("gemmini16")  # 16 bytes a cycle
    product = load_kernel("gemm", {"M": 512, "N": 1, "K": 512}, types)
    assert moving_cycles(product, gemmini) == (512 * 512 + 512 + 4 * 512) / 16
    added = load_kernel("gemm_acc", {"M": 512, "N": 1, "K": 512}, types)
    assert moving_cycles(added, gemmini) == (512 * 512 + 512 + 2 * 4 * 512) / 16
    thinned = parse_kernel("kernel k(x: i8[64]) -> (y: i8[32]) { for i < 32 { y[i] = x[2*i] } }")
    assert moving_cycles(thinned, gemmini) == 32 / 16
    two = parse_kernel(
        "kernel k(x: i8[64]) -> (y: i8[64]) { local t: i8[64] for i < 64 { t[i] = x[i] } for i < 64 { y[i] = t[i] } }"
    )
    assert moving_cycles(two, gemmini) == 0
