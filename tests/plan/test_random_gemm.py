"""Whatever the splits, orders, attachments and overlap: the program computes what the kernel says."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection, Source
from isamapper.ir.parser import parse_kernel
from isamapper.plan.nest import Digit
from isamapper.plan.text import parse_program_file, parse_schedule, print_program, print_schedule
from tests.plan.lab import lab
from tests.plan.nests import random_compare, schedule_of
from tests.plan.strategies import loop_digits, nests

GEMM = """
kernel gemm(a: i8[M, K], b: i8[K, N]) -> (c: i32[M, N]) sizes M=1, N=1, K=1 {
  c[m, n] += i32(a[m, k]) * i32(b[k, n])
}
"""
UPDATE = """
kernel update(a: i8[M, K], b: i8[K, N], c: inout i32[M, N]) sizes M=1, N=1, K=1 {
  c[m, n] += i32(a[m, k]) * i32(b[k, n])
}
"""
SIGMA = {"a": 1, "w": 2, "c": 0}
STARTS = ("first", "init", "update")


@st.composite
def gemm_digits(draw: st.DrawFn, sizes: dict[str, int], blocks: dict[str, int], k: str) -> tuple[Digit, ...]:
    found: list[Digit] = []
    for (name, lane), size in zip((("m", "i"), ("n", "j"), ("k", k)), "MNK", strict=True):
        found += draw(loop_digits(name, sizes[size], [Digit(f"{name}0", name, blocks[size], lane)]))
    return tuple(found)


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("instruction", ["compute", "narrow"])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_random_gemm(instruction: str, start: str, levels: int, data: st.DataObject) -> None:
    machine = lab()
    sizes = {name: data.draw(st.integers(1, 11), label=name) for name in "MNK"}
    kernel = parse_kernel(UPDATE if start == "update" else GEMM, sizes)
    narrow = instruction == "narrow"
    blocks = {name: data.draw(st.integers(1, 4)) if narrow or name == "M" else 4 for name in "MNK"}
    digits = data.draw(gemm_digits(sizes, blocks, "p" if narrow else "k"))
    paths = {1: ("spad",), 2: ("spad", "weights"), 0: ("acc",)}
    if int(levels) == 2:
        paths = {access: ("l2", *memories) for access, memories in paths.items()}
    first = f"{instruction}_first" if start == "first" else None
    fills = None if start != "init" else ("zero", {"dst": 0}, {"i": ("m0",), "j": ("n0",)})
    nest = data.draw(nests(machine, kernel, instruction, SIGMA, digits, paths, first=first, init=fills))
    if isinstance(nest, Rejection):
        event(nest.reason)
    assume(not isinstance(nest, Rejection))
    assert not isinstance(nest, Rejection)
    schedule = schedule_of(machine, kernel, nest)
    program = random_compare(schedule)
    assert parse_schedule(Source("s", print_schedule(schedule)), lambda _: machine) == schedule
    assert parse_program_file(Source("p", print_program(program)), lambda _: machine) == program
