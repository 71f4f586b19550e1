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

GRU_APART = """kernel gru(x: f32[B, I], h: f32[B, H], const wr: f32[I, H], const wz: f32[I, H], const wn: f32[I, H],
    const ur: f32[H, H], const uz: f32[H, H], const un: f32[H, H]) -> (y: f32[B, H])
  sizes B=3, I=8, H=8
{
  local r: f32[B, H]
  local z: f32[B, H]
  local n: f32[B, H]
  local m: f32[B, H]
  for b < B, j < H {
    r[b, j] = 0
    z[b, j] = 0
    n[b, j] = 0
    m[b, j] = 0
  }
  for b < B, j < H, k < I {
    r[b, j] += x[b, k] * wr[k, j]
    z[b, j] += x[b, k] * wz[k, j]
    n[b, j] += x[b, k] * wn[k, j]
  }
  for b < B, j < H, k < H {
    r[b, j] += h[b, k] * ur[k, j]
    z[b, j] += h[b, k] * uz[k, j]
    m[b, j] += h[b, k] * un[k, j]
  }
  for b < B, j < H {
    r[b, j] = sigmoid(r[b, j])
    z[b, j] = sigmoid(z[b, j])
  }
  for b < B, j < H { n[b, j] = tanh(n[b, j] + r[b, j] * m[b, j]) }
  for b < B, j < H { y[b, j] = n[b, j] + z[b, j] * (h[b, j] - n[b, j]) }
}"""

LSTM_WITHOUT_BIAS = LSTM.replace("    u: f32[4, 8, 8] @pad, bias: f32[4, 8] @pad)", "    u: f32[4, 8, 8] @pad)")
for _gate in range(4):
    LSTM_WITHOUT_BIAS = LSTM_WITHOUT_BIAS.replace(f" + bias[{_gate}, n]", "")

LSTM_APART = """kernel lstm(x: f32[T, B, I], h0: f32[B, H], c0: f32[B, H], const wi: f32[I, H], const wf: f32[I, H],
    const wg: f32[I, H], const wo: f32[I, H], const ui: f32[H, H], const uf: f32[H, H], const ug: f32[H, H],
    const uo: f32[H, H]) -> (h: f32[T+1, B, H], c: f32[T+1, B, H])
  sizes T=2, B=3, I=8, H=8
{
  local i: f32[B, H]
  local f: f32[B, H]
  local g: f32[B, H]
  local o: f32[B, H]
  for b < B, j < H {
    h[0, b, j] = h0[b, j]
    c[0, b, j] = c0[b, j]
  }
  for t < T {
    for b < B, j < H {
      i[b, j] = 0
      f[b, j] = 0
      g[b, j] = 0
      o[b, j] = 0
    }
    for b < B, j < H, k < I {
      i[b, j] += x[t, b, k] * wi[k, j]
      f[b, j] += x[t, b, k] * wf[k, j]
      g[b, j] += x[t, b, k] * wg[k, j]
      o[b, j] += x[t, b, k] * wo[k, j]
    }
    for b < B, j < H, k < H {
      i[b, j] += h[t, b, k] * ui[k, j]
      f[b, j] += h[t, b, k] * uf[k, j]
      g[b, j] += h[t, b, k] * ug[k, j]
      o[b, j] += h[t, b, k] * uo[k, j]
    }
    for b < B, j < H {
      c[t+1, b, j] = sigmoid(f[b, j]) * c[t, b, j] + sigmoid(i[b, j]) * tanh(g[b, j])
      h[t+1, b, j] = sigmoid(o[b, j]) * tanh(c[t+1, b, j])
    }
  }
}"""
