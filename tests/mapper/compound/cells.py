"""Recurrent cells as instructions, cut in other places than the library's kernels, and one in another order."""

from __future__ import annotations

from tests.mapper.compound.fused_machines import LSTM

_PRODUCTS = """  for q < 4, r < b, n < 8, k < 8 { g[q, r, n] += x[r, k] * w[q, k, n] }
  for q < 4, r < b, n < 8, k < 8 { g[q, r, n] += h[r, k] * u[q, k, n] }"""

LSTM_ONE_LOOP = LSTM.replace(
    _PRODUCTS,
    """  for q < 4, r < b, n < 8, k < 8 {
    g[q, r, n] += x[r, k] * w[q, k, n]
    g[q, r, n] += h[r, k] * u[q, k, n]
  }""",
)

LSTM_FROM_BIAS = LSTM.replace(_PRODUCTS, "  for q < 4, r < b, n < 8 { g[q, r, n] = bias[q, n] }\n" + _PRODUCTS)
for _gate in range(4):
    LSTM_FROM_BIAS = LSTM_FROM_BIAS.replace(f" + bias[{_gate}, n]", "")

LSTM_REST = """(b in 1..4) (g: f32[4, b, 8] @pad, bias: f32[4, 8] @pad, c: f32[b, 8] @pad)
    -> (hn: f32[b, 8] @pad, cn: f32[b, 8] @pad) {
  for r < b, n < 8 {
    cn[r, n] = sigmoid(g[1, r, n] + bias[1, n]) * c[r, n]
             + sigmoid(g[0, r, n] + bias[0, n]) * tanh(g[2, r, n] + bias[2, n])
    hn[r, n] = sigmoid(g[3, r, n] + bias[3, n]) * tanh(cn[r, n])
  }
}"""

GATES = """(b in 1..4) (x: f32[b, 8] @pad, h: f32[b, 8] @pad, w: f32[4, 8, 8] @pad, u: f32[4, 8, 8] @pad)
    -> (g: f32[4, b, 8] @pad) {
  for q < 4, r < b, n < 8, k < 8 { g[q, r, n] += x[r, k] * w[q, k, n] }
  for q < 4, r < b, n < 8, k < 8 { g[q, r, n] += h[r, k] * u[q, k, n] }
}"""

GRU_RESET_FIRST = """(b in 1..4) (x: f32[b, 8] @pad, h: f32[b, 8] @pad, w: f32[3, 8, 8] @pad, u: f32[3, 8, 8] @pad)
    -> (y: f32[b, 8] @pad) {
  local gi: f32[3, b, 8]
  local gh: f32[2, b, 8]
  local gc: f32[b, 8]
  local z: f32[b, 8]
  local s: f32[b, 8]
  for q < 3, r < b, n < 8, k < 8 { gi[q, r, n] += x[r, k] * w[q, k, n] }
  for q < 2, r < b, n < 8, k < 8 { gh[q, r, n] += h[r, k] * u[q, k, n] }
  for r < b, n < 8 { s[r, n] = sigmoid(gi[0, r, n] + gh[0, r, n]) * h[r, n] }
  for r < b, n < 8, k < 8 { gc[r, n] += s[r, k] * u[2, k, n] }
  for r < b, n < 8 { z[r, n] = sigmoid(gi[1, r, n] + gh[1, r, n]) }
  for r < b, n < 8 { y[r, n] = (1 - z[r, n]) * tanh(gi[2, r, n] + gc[r, n]) + z[r, n] * h[r, n] }
}"""

GRU_KERNEL_RESET_FIRST = """kernel gru(x: f32[T, B, I], h0: f32[B, H], const w: f32[3, I, H], const u: f32[3, H, H])
    -> (h: f32[T+1, B, H])
  sizes T=3, B=3, I=8, H=8
{
  local gx: f32[T, 3, B, H]
  local gh: f32[T, 2, B, H]
  local gc: f32[T, B, H]
  local r: f32[T, B, H]
  local z: f32[T, B, H]
  local c: f32[T, B, H]
  for b < B, j < H { h[0, b, j] = h0[b, j] }
  for b < B, t < T, g < 3, j < H, i < I { gx[t, g, b, j] += x[t, b, i] * w[g, i, j] }
  for t < T sequential {
    for g < 2, b < B, j < H, i < H { gh[t, g, b, j] += h[t, b, i] * u[g, i, j] }
    for b < B, j < H {
      r[t, b, j] = sigmoid(gx[t, 0, b, j] + gh[t, 0, b, j])
      z[t, b, j] = sigmoid(gx[t, 1, b, j] + gh[t, 1, b, j])
    }
    for b < B, j < H, i < H { gc[t, b, j] += r[t, b, i] * h[t, b, i] * u[2, i, j] }
    for b < B, j < H {
      c[t, b, j] = tanh(gx[t, 2, b, j] + gc[t, b, j])
      h[t+1, b, j] = (1 - z[t, b, j]) * c[t, b, j] + z[t, b, j] * h[t, b, j]
    }
  }
}"""
