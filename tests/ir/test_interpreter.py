"""The definition of meaning against numpy, and its errors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir import numeric
from isamapper.ir.interpreter import execute, interpret
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.template import bind, parse_template
from isamapper.ir.types import DTYPES
from isamapper.ir.windows import Contents

Array = np.ndarray[Any, Any]


def some(*shape: int, seed: int = 0) -> Array:
    """Small whole numbers: sums of them are exact in every float type used here."""
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(np.float32)


def failure(kernel: Kernel, inputs: Mapping[str, Array]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        interpret(kernel, inputs)
    return caught.value


# Kernels against numpy


def test_matmul_of_bytes_is_exact() -> None:
    kernel = parse_kernel(
        "kernel gemm(a: i8[M, K], b: i8[K, N]) -> (c: i32[M, N]) sizes M=5, N=7, K=9"
        " { for m < M, n < N, k < K { c[m, n] += i32(a[m, k]) * i32(b[k, n]) } }"
    )
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 128, (5, 9)), rng.integers(-128, 128, (9, 7))
    assert np.array_equal(interpret(kernel, {"a": a, "b": b})["c"], a @ b)


def convolution(x: Array, w: Array, height: int, width: int, stride: int, dilation: int, pad: int) -> Array:
    padded = np.pad(x, ((0, 0), (0, 0), (pad, 64), (pad, 64)))
    y = np.zeros((x.shape[0], w.shape[0], height, width), np.float32)
    for h in range(height):
        for v in range(width):
            rows = padded[:, :, h * stride : h * stride + dilation * w.shape[2] : dilation]
            patch = rows[:, :, :, v * stride : v * stride + dilation * w.shape[3] : dilation]
            y[:, :, h, v] = np.einsum("ncrs,kcrs->nk", patch, w)
    return y


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2))
@settings(max_examples=12, deadline=None)
def test_convolution_strided_dilated_and_padded(stride: int, dilation: int, pad: int) -> None:
    kernel = parse_kernel(
        """kernel conv2d(x: f32[N, C, 7, 6], w: f32[K, C, R, S]) -> (y: f32[N, K, H, W])
          sizes N=1, C=2, K=2, H=3, W=3, R=3, S=2, stride=1, dilation=1, pad=0
        { for n < N, k < K, h < H, v < W, c < C, r < R, s < S {
            y[n, k, h, v] += (x[n, c, stride*h + dilation*r - pad, stride*v + dilation*s - pad] else 0) * w[k, c, r, s]
        } }""",
        {"stride": stride, "dilation": dilation, "pad": pad},
    )
    x, w = some(1, 2, 7, 6), some(2, 2, 3, 2, seed=1)
    expected = convolution(x, w, 3, 3, stride, dilation, pad)
    assert np.array_equal(interpret(kernel, {"x": x, "w": w})["y"], expected)


def test_softmax() -> None:
    kernel = parse_kernel(
        """kernel softmax(x: f32[M, N]) -> (y: f32[M, N]) sizes M=3, N=5 {
          local top: f32[M]
          local e: f32[M, N]
          local total: f32[M]
          for m < M, n < N { top[m] max= x[m, n] }
          for m < M, n < N { e[m, n] = exp(x[m, n] - top[m]) }
          for m < M, n < N { total[m] += e[m, n] }
          for m < M, n < N { y[m, n] = e[m, n] / total[m] }
        }"""
    )
    x = some(3, 5)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    assert interpret(kernel, {"x": x})["y"] == pytest.approx(e / e.sum(axis=1, keepdims=True), rel=1e-6)


def test_gated_recurrence_over_time() -> None:
    kernel = parse_kernel(
        """kernel gru(x: f32[T, H], u: f32[H, H], h0: f32[H]) -> (h: f32[T+1, H]) sizes T=4, H=3 {
          local g: f32[T, H]
          for j < H { h[0, j] = h0[j] }
          for t < T {
            for j < H, i < H { g[t, j] += h[t, i] * u[i, j] }
            for j < H { h[t+1, j] = sigmoid(x[t, j]) * h[t, j] + (1 - sigmoid(x[t, j])) * tanh(g[t, j]) }
          }
        }"""
    )
    x, u, h = some(4, 3), some(3, 3, seed=1) / 8, some(3, seed=2)
    states = [h]
    for t in range(4):
        gate = 1 / (1 + np.exp(-x[t]))
        states.append(gate * states[-1] + (1 - gate) * np.tanh(states[-1] @ u))
    assert interpret(kernel, {"x": x, "u": u, "h0": h})["h"] == pytest.approx(np.array(states), rel=1e-5)


def test_integers_wrap_where_their_type_ends() -> None:
    kernel = parse_kernel("kernel f(x: i8[N]) -> (y: i8[N]) sizes N=3 { for n < N { y[n] = x[n] * x[n] + 100 } }")
    assert interpret(kernel, {"x": np.array([1, 5, 12])})["y"].tolist() == [101, 125, -12]


def test_sums_of_bf16_round_at_every_step() -> None:
    kernel = parse_kernel(
        "kernel f(x: bf16[N]) -> (narrow: bf16[], wide: f32[]) sizes N=300"
        " { for n < N { narrow[] += x[n]  wide[] += f32(x[n]) } }"
    )
    result = interpret(kernel, {"x": np.ones(300)})
    assert float(result["narrow"]) == 256  # 256 + 1 rounds back to 256 with 8 bits
    assert float(result["wide"]) == 300


def test_requantisation_rounds_and_saturates() -> None:
    kernel = parse_kernel(
        "kernel f(x: i32[N]) -> (y: i8[N]) sizes N=5 { for n < N { y[n] = i8(clamp(shr_round(x[n], 2), -128, 127)) } }"
    )
    assert interpret(kernel, {"x": np.array([2, 6, -2, 1000, -1000])})["y"].tolist() == [0, 2, 0, 127, -128]


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_elementwise_kernels_compute_what_numpy_does(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["i8", "u8", "i16", "i32", "f32", "f64"]))
    op = data.draw(st.sampled_from(["x[n] + y[n]", "x[n] - y[n]", "x[n] * y[n]", "min(x[n], y[n])", "max(x[n], y[n])"]))
    kernel = parse_kernel(
        f"kernel f(x: {dtype}[5], y: {dtype}[5]) -> (z: {dtype}[5]) {{ for n < 5 {{ z[n] = {op} }} }}"
    )
    numbers = st.lists(st.integers(0, 127), min_size=5, max_size=5)
    x, y = (numeric.cast_array(np.array(data.draw(numbers)), DTYPES[dtype]) for _ in range(2))
    short = {"x[n] + y[n]": x + y, "x[n] - y[n]": x - y, "x[n] * y[n]": x * y}
    expected = short.get(op, np.minimum(x, y) if op.startswith("min") else np.maximum(x, y))
    assert np.array_equal(interpret(kernel, {"x": x, "y": y})["z"], expected)


@pytest.mark.parametrize(
    ("update", "expected"), [("+=", 10.0), ("*=", 24.0), ("min=", 1.0), ("max=", 4.0)], ids=["add", "mul", "min", "max"]
)
def test_results_start_at_the_identity_of_their_first_update(update: str, expected: float) -> None:
    kernel = parse_kernel(f"kernel f(x: f32[4]) -> (y: f32[2]) {{ for n < 4 {{ y[0] {update} x[n] }} }}")
    start = {"+=": 0.0, "*=": 1.0, "min=": np.inf, "max=": -np.inf}[update]
    assert interpret(kernel, {"x": np.array([1, 2, 3, 4])})["y"].tolist() == [expected, start]


def test_the_textually_first_write_decides_how_a_whole_tensor_starts() -> None:
    kernel = parse_kernel(
        "kernel f(x: f32[4]) -> (y: f32[4]) { for n < 2 { y[n] max= x[n] } for n < 4 { y[n] += x[n] } }"
    )
    assert interpret(kernel, {"x": np.array([1, 2, 3, 4])})["y"].tolist() == [2, 4, -np.inf, -np.inf]


def test_inout_tensors_start_with_what_the_caller_gave() -> None:
    kernel = parse_kernel("kernel f(x: f32[3], inout y: f32[3]) { for n < 3 { y[n] += x[n] } }")
    given = np.array([10.0, 20.0, 30.0])
    assert interpret(kernel, {"x": np.ones(3), "y": given})["y"].tolist() == [11, 21, 31]
    assert given.tolist() == [10, 20, 30]


def test_triangular_loops_and_guards_with_else() -> None:
    kernel = parse_kernel(
        """kernel f(x: i32[N, N]) -> (y: i32[N, N]) sizes N=4 {
          for i < N, j < N { if j <= i, i + j >= 2 { y[i, j] = x[i, j] } else { y[i, j] = 0 - x[i, j] } }
        }"""
    )
    x = np.arange(1, 17).reshape(4, 4)
    i, j = np.indices((4, 4))
    assert np.array_equal(interpret(kernel, {"x": x})["y"], np.where((j <= i) & (i + j >= 2), x, -x))


# Errors; ``bind`` makes nodes without the verifier, which would refuse most of these


def unchecked(text: str) -> Kernel:
    return bind(parse_template(Source("f.isam", text)))


@pytest.mark.parametrize(
    ("body", "code", "message", "place", "note"),
    [
        ("y[n] = y[n] + x[n]", "IR304", "element [0] of 'y' is read before it is written", 12, "at n = 0"),
        ("y[n] = x[n+1]", "IR303", "'x' of shape [3] has no element [3]", 12, "at n = 2"),
        ("y[n-1] = x[n]", "IR303", "'y' of shape [3] has no element [-1]", 5, "at n = 0"),
        ("y[n] = x[n] / (x[n] - 1)", "IR305", "integer division by zero", 12, "at n = 1"),
    ],
    ids=["undefined", "read outside", "write outside", "division"],
)
def test_errors_say_where(body: str, code: str, message: str, place: int, note: str) -> None:
    kernel = unchecked("kernel f(x: i32[3]) -> (y: i32[3]) {\n  for n < 3 {\n    " + body + "\n  }\n}")
    error = failure(kernel, {"x": np.array([5, 1, 1])}).diagnostics[0]
    assert (error.code, error.message) == (code, message)
    assert error.span is not None and (error.span.line, error.span.column) == (3, place)
    assert error.notes == ((note, None),)


def test_a_missing_input_is_an_error() -> None:
    kernel = parse_kernel("kernel f(x: f32[3]) -> (y: f32[3]) { for n < 3 { y[n] = x[n] } }")
    assert failure(kernel, {}).diagnostics[0].message == "no value is given for 'x'"


def test_an_input_of_another_shape_is_an_error() -> None:
    kernel = parse_kernel("kernel f(x: f32[3]) -> (y: f32[3]) { for n < 3 { y[n] = x[n] } }")
    message = failure(kernel, {"x": np.ones((3, 1))}).diagnostics[0].message
    assert message == "the value given for 'x' has shape [3, 1], expected [3]"


def test_elements_never_assigned_stay_undefined() -> None:
    kernel = parse_kernel("kernel f(x: f32[3]) -> (y: f32[3]) { for n < 2 { y[n] = x[n] } }")
    given = {"x": Contents(np.ones(3, np.float32), np.ones(3, bool))}
    assert execute(kernel, given)["y"].defined.tolist() == [True, True, False]


# Programs

INSTRUCTIONS = {
    "load": "(r in 1..4, c in 1..4) (src: i8[r, c]) -> (dst: i8[r, c]) { for i < r, j < c { dst[i, j] = src[i, j] } }",
    "mac": "(m in 1..4) (a: i8[m, 4], w: i8[4, 4], c: inout i32[m, 4])"
    " { for i < m, j < 4, k < 4 { c[i, j] += i32(a[i, k]) * i32(w[k, j]) } }",
    "zero": "(m in 1..4) () -> (c: i32[m, 4]) { for i < m, j < 4 { c[i, j] = 0 } }",
    "store": "(m in 1..4) (c: i32[m, 4]) -> (y: i32[m, 4]) { for i < m, j < 4 { y[i, j] = c[i, j] } }",
    "sum": "(x: i32[4]) -> (y: i32[4]) { for i < 4 { y[0] += x[i] } }",
    "shift": "(x: i32[4]) -> (y: i32[4]) { for i < 4 { y[i] = x[i] } }",
}


@cache
def bound(name: str, parameters: tuple[tuple[str, int], ...]) -> Kernel:
    return bind(parse_template(Source(name, INSTRUCTIONS[name])), dict(parameters))


def meaning(name: str, parameters: Mapping[str, int]) -> Kernel:
    return bound(name, tuple(sorted(parameters.items())))


def run(text: str, **inputs: Array) -> dict[str, Array]:
    program = bind(parse_template(Source("p.isam", text)), program=True)
    return interpret(program, inputs, meaning=meaning)


def program_failure(text: str, **inputs: Array) -> str:
    with pytest.raises(SourceError) as caught:
        run(text, **inputs)
    return caught.value.diagnostics[0].message


GEMM = """kernel p(a: i8[6, 8] @dram at 0, b: i8[8, 4] @dram at 64) -> (y: i32[6, 4] @dram at 128) {
  allocate s: i8[2, 4, 4] @spad at 0
  allocate w: i8[4, 4] @weights at 0
  allocate c: i32[4, 4] @acc at 0
  for o < 2 {
    invoke zero(m = min(4, 6 - 4*o)) c: c[$0, $1] over [min(4, 6 - 4*o), 4]
    for k < 2 {
      invoke load(r = min(4, 6 - 4*o), c = 4)
        src: a[4*o + $0, 4*k + $1] over [min(4, 6 - 4*o), 4],
        dst: s[rotate(k, 2), $0, $1] over [min(4, 6 - 4*o), 4]
      invoke load(r = 4, c = 4) src: b[4*k + $0, $1] over [4, 4], dst: w[$0, $1] over [4, 4]
      invoke mac(m = min(4, 6 - 4*o))
        a: s[rotate(k, 2), $0, $1] over [min(4, 6 - 4*o), 4],
        w: w[$0, $1] over [4, 4],
        c: c[$0, $1] over [min(4, 6 - 4*o), 4]
    }
    invoke store(m = min(4, 6 - 4*o))
      c: c[$0, $1] over [min(4, 6 - 4*o), 4],
      y: y[4*o + $0, $1] over [min(4, 6 - 4*o), 4]
  }
}"""


def test_a_tiled_double_buffered_program_multiplies_matrices() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(-128, 128, (6, 8)), rng.integers(-128, 128, (8, 4))
    assert np.array_equal(run(GEMM, a=a, b=b)["y"], a @ b)


def test_windows_broadcast_run_diagonally_and_pad() -> None:
    text = """kernel p(x: i32[4, 4] @m at 0) -> (d: i32[4] @m at 64, e: i32[4] @m at 80, f: i32[4] @m at 96) {
      invoke shift x: x[$0, $0] over [4], y: d[$0] over [4]
      invoke shift x: x[1, 2] over [4], y: e[$0] over [4]
      invoke shift x: x[2 + $0, 3] over [4] else 7, y: f[$0] over [4]
    }"""
    x = np.arange(16).reshape(4, 4)
    result = run(text, x=x)
    assert result["d"].tolist() == [0, 5, 10, 15]
    assert result["e"].tolist() == [6, 6, 6, 6]
    assert result["f"].tolist() == [11, 15, 7, 7]


def test_an_invocation_reads_everything_before_it_writes() -> None:
    text = """kernel p(inout x: i32[5] @m at 0) {
      invoke shift x: x[$0] over [4], y: x[1 + $0] over [4]
    }"""
    assert run(text, x=np.array([1, 2, 3, 4, 5]))["x"].tolist() == [1, 1, 2, 3, 4]


def test_results_of_an_instruction_start_at_their_identity() -> None:
    text = "kernel p(x: i32[4] @m at 0) -> (y: i32[4] @m at 16) { invoke sum x: x[$0] over [4], y: y[$0] over [4] }"
    assert run(text, x=np.array([1, 2, 3, 4]))["y"].tolist() == [10, 0, 0, 0]


def test_prepared_tensors_live_on() -> None:
    text = """kernel p(const w: i32[2, 4] @m at 0) -> (y: i32[4] @m at 64) {
      prepare {
        allocate t: i32[4, 2] @m at 32
        for i < 4, j < 2 { t[i, j] = w[j, i] }
      }
      invoke shift x: t[$0, 1] over [4], y: y[$0] over [4]
    }"""
    assert run(text, w=np.arange(8).reshape(2, 4))["y"].tolist() == [4, 5, 6, 7]


def test_an_allocation_starts_anew_in_every_iteration() -> None:
    text = """kernel p(x: i32[4] @m at 0) -> (y: i32[2, 4] @m at 16) {
      for i < 2 {
        allocate t: i32[4] @m at 64
        if i <= 0 { invoke shift x: x[$0] over [4], y: t[$0] over [4] }
        invoke shift x: t[$0] over [4], y: y[i, $0] over [4]
      }
    }"""
    with pytest.raises(SourceError) as caught:
        run(text, x=np.arange(4))
    error = caught.value.diagnostics[0]
    assert error.message == "element [0] of 'x' is read before it is written"
    assert [note for note, _ in error.notes] == ["at i = 0", "in an invocation of 'shift' at i = 1"]


def test_contents_survive_iterations_of_loops_inside_the_block() -> None:
    text = """kernel p(x: i32[4] @m at 0) -> (y: i32[2, 4] @m at 16) {
      allocate t: i32[4] @m at 64
      for i < 2 {
        if i <= 0 { invoke shift x: x[$0] over [4], y: t[$0] over [4] }
        invoke shift x: t[$0] over [4], y: y[i, $0] over [4]
      }
    }"""
    assert run(text, x=np.arange(4))["y"].tolist() == [[0, 1, 2, 3]] * 2


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ("x: x[1 + $0] over [4], y: y[$0] over [4]", "the window of operand 'x' of 'shift' leaves 'x'"),
        ("x: x[$0] over [4], y: y[1 + $0] over [4]", "the window of operand 'y' of 'shift' leaves 'y'"),
        (
            "x: x[$0] over [4], y: y[0] over [4]",
            "the window of operand 'y' of 'shift', which it writes, names an element twice",
        ),
        ("x: x[$0] over [3], y: y[$0] over [4]", "operand 'x' of 'shift' has shape [4], found [3]"),
        ("x: x[$0] over [4]", "operand 'y' of 'shift' has shape [4], found no window"),
    ],
    ids=["read outside", "write outside", "write twice", "shape", "missing"],
)
def test_windows_that_do_not_fit(windows: str, message: str) -> None:
    text = f"kernel p(x: i32[4] @m at 0) -> (y: i32[4] @m at 16) {{ invoke shift {windows} }}"
    assert program_failure(text, x=np.arange(4)) == message
