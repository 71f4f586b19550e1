"""Operands that several iterators walk: small convolutions, strided ones, packed dot products."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.plan.needle import accesses_of
from isamapper.plan.walkers import has_walkers, is_walked, walkers
from isamapper.result import Result

HEAD = """
format: 1
name: tapper
source: made up for tests
clock_hz: 1000000000
memories:
  - {name: dram, kind: host, latency_cycles: 20, ports: [{name: bus, direction: both, bytes_per_cycle: 16}]}
  - {name: spad, kind: addressed, capacity_bytes: 32KiB, ports: [{name: r, direction: read, bytes_per_cycle: 256}, {name: w, direction: write, bytes_per_cycle: 32}]}
  - {name: acc, kind: addressed, capacity_bytes: 8KiB, ports: [{name: rw, direction: both, bytes_per_cycle: 256}]}
units: [{name: load, queue_depth: 4}, {name: mac, queue_depth: 4}, {name: store, queue_depth: 2}]
dispatch: {per_cycle: 1, window: 16}
instructions:
  - name: mvin
    unit: load
    semantics: "(r in 1..16, c in 1..64) (src: f32[r, c] @dram) -> (dst: f32[r, c] @spad) { for i < r, j < c { dst[i, j] = src[i, j] } }"
    operands: {src: {contiguous: [j], pads: true, pad_value: 0}, dst: {contiguous: [j]}}
    timing: {latency_cycles: 2}
  - name: gather
    unit: load
    semantics: "(r in 1..16, c in 1..16) (src: f32[r, c] @dram) -> (dst: f32[r, c] @spad) { for i < r, j < c { dst[i, j] = src[i, j] } }"
    operands: {src: {contiguous: [], pads: true, pad_value: 0}, dst: {contiguous: [j]}}
    timing: {latency_cycles: 16}
  - name: mvout
    unit: store
    semantics: "(r in 1..16, c in 1..64) (src: f32[r, c] @acc) -> (dst: f32[r, c] @dram) { for i < r, j < c { dst[i, j] = src[i, j] } }"
    operands: {src: {contiguous: [j]}, dst: {contiguous: [j]}}
    timing: {latency_cycles: 2}
  - name: clear
    unit: store
    semantics: "(r in 1..16, c in 1..64) () -> (dst: f32[r, c] @acc) { for i < r, j < c { dst[i, j] = 0 } }"
    operands: {dst: {contiguous: [j]}}
    timing: {occupies_cycles: r, latency_cycles: r + 1}
"""  # noqa: E501

TAPS = "(x: f32[18] @spad, w: f32[3] @spad, y: inout f32[16] @acc) { for q < 16, f < 3 { y[q] += x[q + f] * w[f] } }"
NARROW = (
    "(m in 1..16) (x: f32[m + 2] @spad, w: f32[3] @spad, y: inout f32[m] @acc)"
    " { for q < m, f < 3 { y[q] += x[q + f] * w[f] } }"
)
STRIDED = (
    "(x: f32[33] @spad, w: f32[3] @spad, y: inout f32[16] @acc) { for q < 16, f < 3 { y[q] += x[2*q + f] * w[f] } }"
)
CHANNELS = (
    "(m in 1..16) (x: f32[4, m + 2] @spad, w: f32[8, 4, 3] @spad, y: inout f32[8, m] @acc)"
    " { for o < 8, q < m, i < 4, f < 3 { y[o, q] += x[i, q + f] * w[o, i, f] } }"
)
SQUARE = (
    "(x: f32[6, 10] @spad, w: f32[3, 3] @spad, y: inout f32[4, 8] @acc)"
    " { for q < 4, p < 8, f < 3, g < 3 { y[q, p] += x[q + f, p + g] * w[f, g] } }"
)
PACKED = (
    "(x: f32[64] @spad, w: f32[4] @spad, y: inout f32[16] @acc) { for q < 16, t < 4 { y[q] += x[4*q + t] * w[t] } }"
)


def machine(meaning: str, contiguous: str | None = None) -> Machine:
    dense = f"x: {{contiguous: [{contiguous}]}}, " if contiguous else ""
    text = f"""{HEAD}
  - name: convolve
    unit: mac
    semantics: "{meaning}"
    operands: {{{dense}y: {{accumulates: true}}}}
    timing: {{occupies_cycles: 3, latency_cycles: 8}}
"""
    return load_machine(Source("tapper.yaml", text))


def check(result: Result, instruction: str = "convolve") -> None:
    assert result.certificate.ok, result.certificate
    assert instruction in dict(result.timeline.instructions)


TAPPED = """
kernel taps(a: f32[W + S - 1], const b: f32[S]) -> (o: f32[W]) sizes W={W}, S={S}
{{ for i < W, t < S {{ o[i] += a[i + t] * b[t] }} }}
"""


@pytest.mark.parametrize(("W", "S"), [(50, 3), (17, 7), (20, 1)])
def test_a_window_slides_over_ragged_tiles_and_taps(W: int, S: int) -> None:
    check(isamapper.run(isamapper.kernel(TAPPED.format(W=W, S=S)), machine(TAPS)))


def test_a_window_is_narrowed_where_a_parameter_allows() -> None:
    check(isamapper.run(isamapper.kernel(TAPPED.format(W=37, S=3)), machine(NARROW)))


def test_padding_of_the_kernel_fills_the_halo() -> None:
    check(isamapper.run("conv1d", machine(NARROW), sizes={"C": 3, "K": 5, "W": 20}))


def test_a_strided_window_meets_a_strided_convolution() -> None:
    check(isamapper.run("conv1d", machine(STRIDED), sizes={"C": 3, "K": 5, "W": 20, "stride": 2}))


def test_flat_packed_operands_gather_what_they_hold_apart() -> None:
    check(isamapper.run(isamapper.kernel(TAPPED.format(W=50, S=3)), machine(PACKED)))


def test_axes_name_their_iterators() -> None:
    semantics = machine(SQUARE, "p").instruction("convolve").semantics
    assert walkers(semantics, "x") == ((("f", 1), ("q", 1)), (("g", 1), ("p", 1)))
    assert is_walked(semantics, "x")
    assert not is_walked(semantics, "w")
    assert has_walkers(semantics, "y")
    assert len(accesses_of(semantics, "x")) == 1


def test_a_square_instruction_takes_a_convolution_over_two_axes() -> None:
    check(isamapper.run("conv2d", machine(SQUARE, "p"), sizes={"C": 1, "K": 2, "H": 5, "W": 9}))


def test_channels_stand_beside_the_window() -> None:
    check(isamapper.run("conv1d", machine(CHANNELS, "q"), sizes={"C": 5, "K": 9, "W": 21, "dilation": 2}))


@pytest.mark.parametrize(("meaning", "contiguous"), [(TAPS, None), (CHANNELS, "q")])
def test_a_product_of_matrices_on_a_convolution(meaning: str, contiguous: str | None) -> None:
    check(isamapper.run("gemm", machine(meaning, contiguous), sizes={"M": 5, "N": 6, "K": 7}))
