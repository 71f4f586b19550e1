"""Fixed, stepped, split and fused lanes: whatever digits lie inside them, padding makes no difference."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection
from isamapper.ir.parser import parse_kernel
from isamapper.plan.nest import Digit
from tests.plan.lab import lab
from tests.plan.nests import random_compare, schedule_of
from tests.plan.strategies import loop_digits, nests

GEMM = """
kernel gemm(a: i8[M, K], const b: i8[K, N], c: inout i32[M, N]) sizes M=1, N=1, K=1 {
  c[m, n] += i32(a[m, k]) * i32(b[k, n])
}
"""
PIXELS = """
kernel pixels(x: i8[H, W, A, B], f: i8[A, B, K]) -> (y: i32[H, W, K]) sizes H=1, W=1, A=1, B=1, K=1 {
  y[h, w, k] += i32(x[h, w, a, b]) * i32(f[a, b, k])
}
"""


def digits_for(data: st.DataObject, sizes: dict[str, int], bound: dict[str, list[Digit]]) -> tuple[Digit, ...]:
    found: list[Digit] = []
    for name, size in sizes.items():
        found += data.draw(loop_digits(name.lower(), size, bound.get(name.lower(), [])))
    return tuple(found)


def run(data: st.DataObject, *arguments: object, **options: object) -> None:
    machine, kernel, *_ = arguments
    nest = data.draw(nests(*arguments, **options))  # type: ignore[arg-type]
    if isinstance(nest, Rejection):
        event(nest.reason)
    assume(not isinstance(nest, Rejection))
    random_compare(schedule_of(machine, kernel, nest))  # type: ignore[arg-type]


@pytest.mark.parametrize("prepared", [False, True])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_sum_split_over_two_lanes(prepared: bool, data: st.DataObject) -> None:
    sizes = {name: data.draw(st.integers(1, 11), label=name) for name in "MNK"}
    first, second = data.draw(st.sampled_from([("p", "t"), ("t", "p")]))
    extents = {"p": 2, "t": 4}
    k = [Digit("k1_", "k", extents[first], first), Digit("k0_", "k", extents[second], second)]
    digits = digits_for(data, sizes, {"n": [Digit("n0_", "n", 4, "j")], "k": k})
    paths = {1: ("spad",), 2: ("dram", "spad") if prepared else ("spad",), 0: ("acc",)}
    sigma = {"a": 1, "b": 2, "c": 0}
    run(data, lab(), parse_kernel(GEMM, sizes), "quads", sigma, digits, paths, prepared={2} if prepared else ())


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_lanes_that_come_in_steps(data: st.DataObject) -> None:
    sizes = {name: data.draw(st.integers(1, 13), label=name) for name in "MNK"}
    m, k = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 8))
    bound = {"m": [Digit("m0_", "m", m, "i")], "n": [Digit("n0_", "n", 4, "j")], "k": [Digit("k0_", "k", k, "p")]}
    paths = {1: ("spad",), 2: ("spad",), 0: ("acc",)}
    sigma = {"a": 1, "w": 2, "c": 0}
    run(data, lab(), parse_kernel(GEMM, sizes), "stepped", sigma, digits_for(data, sizes, bound), paths)


@pytest.mark.parametrize("instruction", ["compute", "narrow"])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_two_iterators_fused_in_one_lane(instruction: str, data: st.DataObject) -> None:
    sizes = {name: data.draw(st.integers(1, 5), label=name) for name in "HWABK"}
    i, p = (
        data.draw(st.sampled_from([(2, 2), (1, 3), (2, 1), (4, 1)])),
        data.draw(st.sampled_from([(2, 2), (1, 4), (4, 1)])),
    )
    lane = "k" if instruction == "compute" else "p"
    bound = {
        "h": [Digit("h0_", "h", i[0], "i")],
        "w": [Digit("w0_", "w", i[1], "i")],
        "a": [Digit("a0_", "a", p[0], lane)],
        "b": [Digit("b0_", "b", p[1], lane)],
        "k": [Digit("k0_", "k", 4, "j")],
    }
    paths = {1: ("spad",), 2: ("spad", "weights"), 0: ("acc",)}
    sigma = {"a": 1, "w": 2, "c": 0}
    digits = digits_for(data, sizes, bound)
    run(data, lab(), parse_kernel(PIXELS, sizes), instruction, sigma, digits, paths, first=f"{instruction}_first")


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_vectors_with_a_broadcast_operand(data: st.DataObject) -> None:
    """An operand that does not move along the lane holds one element everywhere."""
    sizes = {name: data.draw(st.integers(1, 9), label=name) for name in "MNK"}
    name = data.draw(st.sampled_from("mn"))
    bound = {name: [Digit(f"{name}0_", name, data.draw(st.integers(1, 4)), "i")]}
    sigma = {"a": 1, "b": 2, "c": 0}
    paths = {1: ("spad",), 2: ("spad",), 0: ("acc",)}
    run(data, lab(), parse_kernel(GEMM, sizes), "fma", sigma, digits_for(data, sizes, bound), paths)


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_lanes_left_empty(data: st.DataObject) -> None:
    """A matrix product with one row, one column or one term: the lane's other steps work on padding."""
    sizes = {name: data.draw(st.integers(1, 6), label=name) for name in "MNK"}
    filled = data.draw(st.sets(st.sampled_from("mnk"), max_size=2))
    lanes = {"m": ("i", 4), "n": ("j", 4), "k": ("p", 4)}
    bound = {name: [Digit(f"{name}0_", name, extent, lane)] for name, (lane, extent) in lanes.items() if name in filled}
    paths = {1: ("spad",), 2: ("spad", "weights"), 0: ("acc",)}
    sigma = {"a": 1, "w": 2, "c": 0}
    run(data, lab(), parse_kernel(GEMM, sizes), "narrow", sigma, digits_for(data, sizes, bound), paths)
