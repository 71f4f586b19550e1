"""Bounds: known values, and no program comes below them."""

from __future__ import annotations

import pytest

from isamapper.costmodels.bounds import capacity_bytes_bound, memory_bounds, touched_elements, work_bound
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES

INT8 = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}


def test_work_of_a_product_is_its_operations_over_array_and_host_together() -> None:
    kernel = load_kernel("gemm", {"M": 160, "N": 64, "K": 32}, INT8)
    cycles = work_bound(load_machine("gemmini16"), kernel)
    array = 160 * 64 * 32 / 256  # 16 x 16 x 16 multiply-accumulates in 16 cycles
    assert 0.99 * array < cycles <= array  # the host unit could do a little of it meanwhile


def test_compulsory_bytes_share_one_bus() -> None:
    kernel = load_kernel("gemm", {"M": 16, "N": 32, "K": 64}, INT8)
    found = memory_bounds(load_machine("gemmini16"), kernel, kernel)
    assert found["dram port"] == (16 * 64 + 64 * 32 + 4 * 16 * 32) / 16


@pytest.mark.parametrize(
    ("text", "touched"),
    [
        ("x[h + r]", 10),  # a window of 8 + 3 - 1
        ("x[2*h]", 6),  # every other element, two of them outside
        ("x[2*h + 3*r]", 10),
        ("x[h]", 8),
    ],
)
def test_touched_elements_are_counted_once(text: str, touched: int) -> None:
    kernel = parse_kernel(
        "kernel k(x: f32[11]) -> (y: f32[8, 3]) { for h < 8, r < 3 { y[h, r] = " + text + " else 0 } }"
    )
    statement = statements(kernel)[0]
    extents = {iterator.name: iterator.extent for iterator in statement.iterators}
    assert touched_elements(statement.accesses[1], (11,), extents) == touched


def test_small_products_have_no_capacity_bound_and_large_ones_do() -> None:
    machine = load_machine("gemmini16")
    small = load_kernel("gemm", {"M": 64, "N": 64, "K": 64}, INT8)
    large = load_kernel("gemm", {"M": 8192, "N": 8192, "K": 8192}, INT8)
    assert capacity_bytes_bound(machine, small) == 0
    held = (256 + 64) * 1024 + 512
    assert capacity_bytes_bound(machine, large) == pytest.approx(2 * 8192**3 / held**0.5 - 2 * held)


def test_guarded_work_is_not_counted_in_full() -> None:
    kernel = parse_kernel(
        "kernel k(x: f32[64]) -> (y: f32[64]) { for i < 64 { if i <= 3 { y[i] = x[i] + x[i] } else { y[i] = x[i] } } }"
    )
    assert work_bound(load_machine("toy4"), kernel) == 0
