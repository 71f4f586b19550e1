"""Sums of products of bytes: by the processor's instruction, and whether they are defined."""

from __future__ import annotations

import numpy as np
import pytest

from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel, parse_program
from isamapper.sim.functional import dots
from isamapper.sim.functional.errors import ExecutionError
from isamapper.sim.functional.run import evaluate, run_body

KINDS = {"i8": np.int8, "u8": np.uint8}


def _random(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Bytes with the extremes well represented."""
    random, info = np.random.default_rng(seed), np.iinfo(KINDS[name])
    values = random.integers(info.min, info.max + 1, shape)
    return np.where(random.random(shape) < 0.3, random.choice([info.min, info.max], shape), values).astype(KINDS[name])


@pytest.mark.parametrize("kinds", [("i8", "i8"), ("u8", "i8"), ("i8", "u8"), ("u8", "u8")])
@pytest.mark.parametrize("sizes", [(16, 16, 16), (1, 16, 4), (9, 20, 7), (17, 33, 66), (3, 64, 3), (8, 16, 300)])
@pytest.mark.parametrize("term", ["i32(a[i, k]) * i32(b[k, j])", "i32(b[k, j]) * i32(a[i, k])"])
def test_products_of_bytes_are_exact(kinds: tuple[str, str], sizes: tuple[int, int, int], term: str) -> None:
    (m, n, k), (first, second) = sizes, kinds
    kernel = parse_kernel(
        f"kernel product(a: {first}[{m}, {k}], b: {second}[{k}, {n}], c: inout i32[{m}, {n}])"
        f" {{ for i < {m}, j < {n}, k < {k} {{ c[i, j] += {term} }} }}"
    )
    a, b = _random(first, (m, k), 1), _random(second, (k, n), 2)
    c = np.full((m, n), 2**31 - 5, np.int32)  # sums wrap
    expected = (c.astype(np.int64) + a.astype(np.int64) @ b.astype(np.int64)).astype(np.int32)
    np.testing.assert_array_equal(evaluate(kernel, {"a": a, "b": b, "c": c})["c"], expected)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_batch_of_products_has_its_own_second_factor_each(rows: int) -> None:
    kernel = parse_kernel(
        f"kernel batch(a: i8[5, {rows}, 9], b: i8[5, 9, 16], c: inout i32[5, {rows}, 16])"
        f" {{ for z < 5, i < {rows}, j < 16, k < 9 {{ c[z, i, j] += i32(a[z, i, k]) * i32(b[z, k, j]) }} }}"
    )
    a, b, c = _random("i8", (5, rows, 9), 1), _random("i8", (5, 9, 16), 2), np.zeros((5, rows, 16), np.int32)
    np.testing.assert_array_equal(evaluate(kernel, {"a": a, "b": b, "c": c})["c"], a.astype(int) @ b.astype(int))


def test_products_are_as_exact_without_the_instruction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dots, "available", lambda: False)
    kernel = parse_kernel(
        "kernel plainly(a: i8[13, 12], b: i8[12, 16], c: inout i32[13, 16])"
        " { for i < 13, j < 16, k < 12 { c[i, j] += i32(a[i, k]) * i32(b[k, j]) } }"
    )
    a, b, c = _random("i8", (13, 12), 5), _random("i8", (12, 16), 6), np.zeros((13, 16), np.int32)
    np.testing.assert_array_equal(evaluate(kernel, {"a": a, "b": b, "c": c})["c"], a.astype(int) @ b.astype(int))


def test_a_convolution_of_bytes_is_exact() -> None:
    """Two reduction loops, of which the inner one moves both factors, and strided rows."""
    kernel = parse_kernel(
        "kernel convolution(x: i8[9, 40], w: i8[3, 8, 16]) -> (y: i32[7, 5, 16])"
        " { for p < 7, q < 5, j < 16, r < 3, s < 8 { y[p, q, j] += i32(x[p + r, 8*q + s]) * i32(w[r, s, j]) } }"
    )
    x, w = _random("i8", (9, 40), 3), _random("i8", (3, 8, 16), 4)
    expected = np.zeros((7, 5, 16), np.int64)
    for p in range(7):
        for q in range(5):
            expected[p, q] = np.einsum("rs,rsj->j", x[p : p + 3, 8 * q : 8 * q + 8].astype(int), w.astype(int))
    np.testing.assert_array_equal(evaluate(kernel, {"x": x, "w": w})["y"], expected)


def _loads(name: str, source: str, hole: tuple[int, int] | None) -> str:
    """Loads a tile row by row, all of it but one element."""
    parts = []
    for row in range(16):
        column = hole[1] if hole and hole[0] == row else None
        stretches = [(0, 16)] if column is None else [(0, column), (column + 1, 15 - column)]
        for start, count in stretches:
            window = f"[{row} + $0, {start} + $1] over [1, {count}]"
            if count:
                parts.append(f"invoke mvin(r = 1, c = {count}) src: {source}{window}, dst: {name}{window}")
    return " ".join(parts)


@pytest.mark.parametrize("hole", [(0, 0), (15, 15), (7, 3), (15, 0), None])
@pytest.mark.parametrize("operand", ["x", "y"])
def test_one_undefined_element_of_a_tile_is_found(operand: str, hole: tuple[int, int] | None) -> None:
    tile = "over [16, 16]"
    body = parse_program(
        f"""kernel hole(a: i8[16, 16] @dram at 0, b: i8[16, 16] @dram at 256) -> (c: i32[16, 16] @dram at 512) {{
          allocate x: i8[16, 16] @spad at 0
          allocate y: i8[16, 16] @spad at 256
          allocate w: i8[16, 16] @weights at 0
          allocate z: i32[16, 16] @acc at 0
          {_loads("x", "a", hole if operand == "x" else None)}
          {_loads("y", "b", hole if operand == "y" else None)}
          invoke preload(k = 16, n = 16) b: y[$0, $1] {tile}, w: w[$0, $1] {tile}
          invoke compute_first(m = 16, k = 16, n = 16) a: x[$0, $1] {tile}, w: w[$0, $1] {tile}, c: z[$0, $1] {tile}
          invoke mvout(r = 16, c = 16) src: z[$0, $1] {tile}, dst: c[$0, $1] {tile}
        }}"""
    )
    inputs = {name: np.ones((16, 16), np.int8) for name in "ab"}
    if hole is None:
        found = run_body(body, load_machine("gemmini16"), inputs, checked=True)["c"]
        np.testing.assert_array_equal(found, np.full((16, 16), 16))
    else:
        with pytest.raises(ExecutionError, match="is read before it is written"):
            run_body(body, load_machine("gemmini16"), inputs, checked=True)
