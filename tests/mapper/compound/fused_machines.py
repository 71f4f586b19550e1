"""Machines with one instruction of several statements each, as somebody might write them down."""

from __future__ import annotations

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine

_HEAD = """
format: 1
name: fused
source: made up for a test
clock_hz: 1000000000
memories:
  - {name: dram, kind: host, latency_cycles: 10, ports: [{name: bus, direction: both, bytes_per_cycle: 32}]}
  - {name: pad, kind: addressed, capacity_bytes: 256KiB}
units: [{name: load, queue_depth: 4}, {name: core, queue_depth: 2}, {name: store, queue_depth: 4}, {name: cpu}]
dispatch: {per_cycle: 1, window: 16}
instructions:
"""

_MOVES = """
  - name: "in_{T}"
    unit: load
    types: {T: [f32, i32, i8]}
    semantics: |
      (p in 1..8, r in 1..64, c in 1..64) (s: T[p, r, c] @dram) -> (d: T[p, r, c] @pad)
        { d[i, j, k] = s[i, j, k] }
    operands: {s: {contiguous: [k], pads: true}, d: {contiguous: [k]}}
    timing: {latency_cycles: 4}
  - name: "out_{T}"
    unit: store
    types: {T: [f32, i32, i8]}
    semantics: "(r in 1..64, c in 1..64) (s: T[r, c] @pad) -> (d: T[r, c] @dram) { d[i, j] = s[i, j] }"
    operands: {s: {contiguous: [j]}, d: {contiguous: [j]}}
    timing: {latency_cycles: 4}
  - name: clear
    unit: core
    semantics: "(r in 1..64, c in 1..64) () -> (d: f32[r, c] @pad) { for i < r, j < c { d[i, j] = 0 } }"
    operands: {d: {contiguous: [j]}}
    timing: {latency_cycles: 2}
"""


def fused_machine(cycles: dict[str, int] | None = None, **semantics: str) -> Machine:
    """A machine with moves between its memories, a fill, and one instruction for each argument.

    ``cycles`` says for which instructions a call does not take 8.
    """
    text = _HEAD + _MOVES
    for name, meaning in semantics.items():
        body = meaning.strip().replace("\n", "\n      ")
        unit = "cpu" if "@pad" not in meaning else "core"
        text += f"  - name: {name}\n    unit: {unit}\n    semantics: |\n      {body}\n"
        text += f"    timing: {{occupies_cycles: {(cycles or {}).get(name, 8)}, latency_cycles: 12}}\n"
    return load_machine(Source("fused.yaml", text))


DENSE = """(s in 1..31) (a: i8[8, 16] @pad, w: i8[16, 8] @pad, b: i32[8] @pad) -> (y: i8[8, 8] @pad) {
  local acc: i32[8, 8]
  local t: i32[8, 8]
  local u: i8[8, 8]
  for i < 8, j < 8 { acc[i, j] = 0 }
  for i < 8, j < 8, k < 16 { acc[i, j] += i32(a[i, k]) * i32(w[k, j]) }
  for i < 8, j < 8 { t[i, j] = acc[i, j] + b[j] }
  for i < 8, j < 8 { u[i, j] = i8(clamp(shr_round(t[i, j], s), -128, 127)) }
  for i < 8, j < 8 { y[i, j] = u[i, j] }
}"""

REQUANTISE = """(s in 0..31) (x: i32[8, 16] @pad, m: i32[16] @pad) -> (y: i8[8, 16] @pad) {
  local t: i32[8, 16]
  for i < 8, j < 16 { t[i, j] = x[i, j] * m[j] }
  for i < 8, j < 16 { y[i, j] = i8(clamp(shr_round(t[i, j], s), -128, 127)) }
}"""

SOFTMAX = """(r in 1..8, c in 1..32) (x: f32[r, c] @pad) -> (y: f32[r, c] @pad) {
  local m: f32[r]
  local e: f32[r, c]
  local z: f32[r]
  for i < r, j < c { m[i] max= x[i, j] }
  for p < r, q < c { e[p, q] = exp(x[p, q] - m[p]) }
  for i < r, j < c { z[i] += e[i, j] }
  for i < r, j < c { y[i, j] = e[i, j] / z[i] }
}"""

MOMENTS = """(r in 1..8) (x: f32[r, 16] @pad) -> (s: f32[r] @pad, q: f32[r] @pad) {
  for i < r, j < 16 { s[i] += x[i, j] }
  for i < r, j < 16 { q[i] += x[i, j] * x[i, j] }
}"""

MULTIPLY_AND_SCALE = """(a: f32[8, 8] @pad, w: f32[8, 8] @pad, c: inout f32[8, 8] @pad, g: f32[8, 8] @pad)
  -> (d: f32[8, 8] @pad) {
  for i < 8, j < 8, k < 8 { c[i, j] += a[i, k] * w[k, j] }
  for i < 8, k < 8 { d[i, k] = a[i, k] * g[i, k] }
}"""

LSTM = """(b in 1..4) (x: f32[b, 8] @pad, h: f32[b, 8] @pad, c: f32[b, 8] @pad, w: f32[4, 8, 8] @pad,
    u: f32[4, 8, 8] @pad, bias: f32[4, 8] @pad) -> (hn: f32[b, 8] @pad, cn: f32[b, 8] @pad) {
  local g: f32[4, b, 8]
  for q < 4, r < b, n < 8, k < 8 { g[q, r, n] += x[r, k] * w[q, k, n] }
  for q < 4, r < b, n < 8, k < 8 { g[q, r, n] += h[r, k] * u[q, k, n] }
  local i: f32[b, 8]
  local f: f32[b, 8]
  local z: f32[b, 8]
  local o: f32[b, 8]
  local s: f32[b, 8]
  for r < b, n < 8 {
    i[r, n] = sigmoid(g[0, r, n] + bias[0, n])
    f[r, n] = sigmoid(g[1, r, n] + bias[1, n])
    z[r, n] = tanh(g[2, r, n] + bias[2, n])
    o[r, n] = sigmoid(g[3, r, n] + bias[3, n])
    s[r, n] = f[r, n] * c[r, n] + i[r, n] * z[r, n]
    cn[r, n] = s[r, n]
    hn[r, n] = o[r, n] * tanh(s[r, n])
  }
}"""

GRU = """(b in 1..4) (x: f32[b, 8] @pad, h: f32[b, 8] @pad, w: f32[3, 8, 8] @pad, u: f32[3, 8, 8] @pad,
    bi: f32[3, 8] @pad, bh: f32[3, 8] @pad) -> (y: f32[b, 8] @pad) {
  local gi: f32[3, b, 8]
  local gh: f32[3, b, 8]
  for q < 3, r < b, n < 8, k < 8 { gi[q, r, n] += x[r, k] * w[q, k, n] }
  for q < 3, r < b, n < 8, k < 8 { gh[q, r, n] += h[r, k] * u[q, k, n] }
  local z: f32[b, 8]
  local c: f32[b, 8]
  for r < b, n < 8 { z[r, n] = sigmoid(gi[1, r, n] + bi[1, n] + gh[1, r, n] + bh[1, n]) }
  for r < b, n < 8 {
    c[r, n] = tanh(gi[2, r, n] + bi[2, n]
            + sigmoid(gi[0, r, n] + bi[0, n] + gh[0, r, n] + bh[0, n]) * (gh[2, r, n] + bh[2, n]))
  }
  for r < b, n < 8 { y[r, n] = (1 - z[r, n]) * c[r, n] + z[r, n] * h[r, n] }
}"""

HOST_RELU = "(a: i8[8] @dram) -> (c: i8[8] @dram) { for l < 8 { c[l] = max(a[l], 0) } }"
HOST_DENSE = "(a: i8[8] @dram, b: i8[8] @dram, c: inout i32[8] @dram) { for l < 8 { c[l] += i32(a[l]) * i32(b[l]) } }"
