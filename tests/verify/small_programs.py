"""Correct programs written by hand: a double-buffered matrix product, a padded convolution, a requantised product,
max-pooling, a recurrence. Every ragged edge is there: no extent is a multiple of its tile."""

from __future__ import annotations

from functools import cache

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel, parse_program
from isamapper.plan.program import Program

GEMM = """
kernel gemm(a: i8[M, K], const b: i8[K, N]) -> (c: i32[M, N]) sizes M=10, N=9, K=14 {
  for m < M, n < N, k < K { c[m, n] += i32(a[m, k]) * i32(b[k, n]) }
}"""

GEMM_ON_TOY4 = """
kernel gemm(a: i8[10, 14] @dram at 0, const b: i8[14, 9] @dram at 256) -> (c: i32[10, 9] @dram at 512) {
  prepare {
    allocate packed: i8[3, 14, 4] @dram at 1024
    for po < 3, pk < 14, pj < 4 { packed[po, pk, pj] = b[pk, 4*po + pj] else 0 }
  }
  allocate sa: i8[2, 4, 4] @spad at 0
  allocate sb: i8[2, 4, 4] @spad at 32
  allocate w: i8[2, 4, 4] @weights at 0
  allocate sums: i32[2, 4, 4] @acc at 0
  for mo < 3, no < 3 {
    invoke mvin(r = min(4, 10 - 4*mo), c = 4)
      src: a[4*mo + $0, $1] over [min(4, 10 - 4*mo), 4] else 0, dst: sa[0, $0, $1] over [min(4, 10 - 4*mo), 4]
    invoke mvin(r = 4, c = 4) src: packed[no, $0, $1] over [4, 4] else 0, dst: sb[0, $0, $1] over [4, 4]
    for ko < 4 {
      if 2 - ko >= 0 {
        invoke mvin(r = min(4, 10 - 4*mo), c = 4)
          src: a[4*mo + $0, 4*ko + 4 + $1] over [min(4, 10 - 4*mo), 4] else 0,
          dst: sa[rotate(ko + 1, 2), $0, $1] over [min(4, 10 - 4*mo), 4]
        invoke mvin(r = 4, c = 4)
          src: packed[no, 4*ko + 4 + $0, $1] over [4, 4] else 0, dst: sb[rotate(ko + 1, 2), $0, $1] over [4, 4]
      }
      invoke preload b: sb[rotate(ko, 2), $0, $1] over [4, 4], w: w[rotate(ko, 2), $0, $1] over [4, 4]
      if ko >= 1 {
        invoke compute(m = min(4, 10 - 4*mo))
          a: sa[rotate(ko, 2), $0, $1] over [min(4, 10 - 4*mo), 4], w: w[rotate(ko, 2), $0, $1] over [4, 4],
          c: sums[rotate(no, 2), $0, $1] over [min(4, 10 - 4*mo), 4]
      } else {
        invoke compute_first(m = min(4, 10 - 4*mo))
          a: sa[rotate(ko, 2), $0, $1] over [min(4, 10 - 4*mo), 4], w: w[rotate(ko, 2), $0, $1] over [4, 4],
          c: sums[rotate(no, 2), $0, $1] over [min(4, 10 - 4*mo), 4]
      }
    }
    invoke mvout(r = min(4, 10 - 4*mo), c = min(4, 9 - 4*no))
      src: sums[rotate(no, 2), $0, $1] over [min(4, 10 - 4*mo), min(4, 9 - 4*no)],
      dst: c[4*mo + $0, 4*no + $1] over [min(4, 10 - 4*mo), min(4, 9 - 4*no)]
  }
}"""

CONV = """
kernel conv(x: i8[H, W, C], const f: i8[R, S, C, K]) -> (y: i32[H, W, K]) sizes H=5, W=6, C=8, K=4, R=3, S=3 {
  for h < H, w < W, k < K, r < R, s < S, c < C {
    y[h, w, k] += i32(x[h+r-1, w+s-1, c] else 0) * i32(f[r, s, c, k])
  }
}"""

CONV_ON_TOY4 = """
kernel conv(x: i8[5, 6, 8] @dram at 0, const f: i8[3, 3, 8, 4] @dram at 256) -> (y: i32[5, 6, 4] @dram at 1024) {
  allocate row: i8[2, 4, 4] @spad at 0
  allocate taps: i8[2, 4, 4] @spad at 64
  allocate w: i8[2, 4, 4] @weights at 0
  allocate sums: i32[4, 4] @acc at 0
  for h < 5, wo < 2 {
    for r < 3, s < 3, co < 2 {
      invoke mvin(r = min(4, 6 - 4*wo), c = 4)
        src: x[h + r - 1, 4*wo + s - 1 + $0, 4*co + $1] over [min(4, 6 - 4*wo), 4] else 0,
        dst: row[co, $0, $1] over [min(4, 6 - 4*wo), 4]
      invoke mvin(r = 4, c = 4) src: f[r, s, 4*co + $0, $1] over [4, 4], dst: taps[co, $0, $1] over [4, 4]
      invoke preload b: taps[co, $0, $1] over [4, 4], w: w[co, $0, $1] over [4, 4]
      if 2*s + 6*r + co >= 1 {
        invoke compute(m = min(4, 6 - 4*wo))
          a: row[co, $0, $1] over [min(4, 6 - 4*wo), 4], w: w[co, $0, $1] over [4, 4],
          c: sums[$0, $1] over [min(4, 6 - 4*wo), 4]
      } else {
        invoke compute_first(m = min(4, 6 - 4*wo))
          a: row[co, $0, $1] over [min(4, 6 - 4*wo), 4], w: w[co, $0, $1] over [4, 4],
          c: sums[$0, $1] over [min(4, 6 - 4*wo), 4]
      }
    }
    invoke mvout(r = min(4, 6 - 4*wo), c = 4)
      src: sums[$0, $1] over [min(4, 6 - 4*wo), 4], dst: y[h, 4*wo + $0, $1] over [min(4, 6 - 4*wo), 4]
  }
}"""

LANES8 = """
format: 1
name: lanes8
source: made up for tests
clock_hz: 1000000000
memories:
  - {name: dram, kind: host, ports: [{name: bus, direction: both, bytes_per_cycle: 8}]}
  - {name: bytes, kind: addressed, capacity_bytes: 4KiB}
  - {name: words, kind: addressed, capacity_bytes: 4KiB}
units: [{name: move, queue_depth: 4}, {name: alu, queue_depth: 4}]
instructions:
  - name: load
    unit: move
    semantics: "(n in 1..8) (src: i8[n] @dram) -> (dst: i8[n] @bytes) { for i < n { dst[i] = src[i] } }"
    operands: {src: {contiguous: [], pads: true}}
    timing: {latency_cycles: 1}
  - name: load_words
    unit: move
    semantics: "(n in 1..8) (src: i32[n] @dram) -> (dst: i32[n] @words) { for i < n { dst[i] = src[i] } }"
    timing: {latency_cycles: 1}
  - name: store
    unit: move
    semantics: "(n in 1..8) (src: i8[n] @bytes) -> (dst: i8[n] @dram) { for i < n { dst[i] = src[i] } }"
    timing: {latency_cycles: 1}
  - name: zero
    unit: alu
    semantics: "(n in 1..8) () -> (c: i32[n] @words) { for i < n { c[i] = 0 } }"
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: seven
    unit: alu
    semantics: "(n in 1..8) () -> (c: i32[n] @words) { for i < n { c[i] = 7 } }"
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: store_words
    unit: move
    semantics: "(n in 1..8) (src: i32[n] @words) -> (dst: i32[n] @dram) { for i < n { dst[i] = src[i] } }"
    timing: {latency_cycles: 1}
  - name: subtract
    unit: alu
    semantics: "(n in 1..8) (b: i32[n] @words, c: inout i32[n] @words) { for i < n { c[i] = c[i] - b[i] } }"
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: lowest
    unit: alu
    semantics: "(n in 1..8) () -> (c: i8[n] @bytes) { for i < n { c[i] = -128 } }"
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: mac
    unit: alu
    semantics: >-
      (n in 1..8) (a: i8[n] @bytes, b: i8[] @bytes, c: inout i32[n] @words)
      { for i < n { c[i] += i32(a[i]) * i32(b) } }
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: mac_narrow
    unit: alu
    semantics: >-
      (n in 1..8) (a: i8[n] @bytes, b: i8[] @bytes, c: inout i32[n] @words)
      { for i < n { c[i] += i32(i8(i32(a[i]) * i32(b))) } }
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: add
    unit: alu
    semantics: "(n in 1..8) (b: i32[n] @words, c: inout i32[n] @words) { for i < n { c[i] = c[i] + b[i] } }"
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: relu
    unit: alu
    semantics: "(n in 1..8) (c: inout i32[n] @words) { for i < n { c[i] = max(c[i], 0) } }"
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: max
    unit: alu
    semantics: "(n in 1..8) (a: i8[n] @bytes, c: inout i8[n] @bytes) { for i < n { c[i] = max(c[i], a[i]) } }"
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: min
    unit: alu
    semantics: "(n in 1..8) (a: i8[n] @bytes, c: inout i8[n] @bytes) { for i < n { c[i] = min(c[i], a[i]) } }"
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: narrow
    unit: alu
    semantics: >-
      (n in 1..8) (s: i32[n] @words) -> (d: i8[n] @bytes)
      { for i < n { d[i] = i8(clamp(shr_round(s[i], 5), -128, 127)) } }
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: narrow_wrapping
    unit: alu
    semantics: "(n in 1..8) (s: i32[n] @words) -> (d: i8[n] @bytes) { for i < n { d[i] = i8(shr_round(s[i], 5)) } }"
    timing: {occupies_cycles: 1, latency_cycles: 2}
  - name: narrow_unrounded
    unit: alu
    semantics: >-
      (n in 1..8) (s: i32[n] @words) -> (d: i8[n] @bytes)
      { for i < n { d[i] = i8(clamp(s[i] >> 5, -128, 127)) } }
    timing: {occupies_cycles: 1, latency_cycles: 2}
"""

QUANTISED = """
kernel quantised(a: i8[M, K], const b: i8[K, N], bias: i32[N]) -> (y: i8[M, N]) sizes M=3, N=11, K=5 {
  local s: i32[M, N]
  for m < M, n < N, k < K { s[m, n] += i32(a[m, k]) * i32(b[k, n]) }
  for m < M, n < N { y[m, n] = i8(clamp(shr_round(max(s[m, n] + bias[n], 0), 5), -128, 127)) }
}"""

QUANTISED_ON_LANES8 = """
kernel quantised(a: i8[3, 5] @dram at 0, const b: i8[5, 11] @dram at 64, bias: i32[11] @dram at 128)
  -> (y: i8[3, 11] @dram at 192) {
  allocate va: i8[5] @bytes at 0
  allocate vb: i8[8] @bytes at 8
  allocate vy: i8[8] @bytes at 16
  allocate s: i32[8] @words at 0
  allocate extra: i32[8] @words at 64
  for m < 3, no < 2 {
    invoke load(n = 5) src: a[m, $0] over [5], dst: va[$0] over [5]
    invoke load_words(n = min(8, 11 - 8*no)) src: bias[8*no + $0] over [min(8, 11 - 8*no)],
      dst: extra[$0] over [min(8, 11 - 8*no)]
    invoke zero(n = min(8, 11 - 8*no)) c: s[$0] over [min(8, 11 - 8*no)]
    for k < 5 {
      invoke load(n = min(8, 11 - 8*no)) src: b[k, 8*no + $0] over [min(8, 11 - 8*no)],
        dst: vb[$0] over [min(8, 11 - 8*no)]
      invoke mac(n = min(8, 11 - 8*no)) a: vb[$0] over [min(8, 11 - 8*no)], b: va[k] over [],
        c: s[$0] over [min(8, 11 - 8*no)]
    }
    invoke add(n = min(8, 11 - 8*no)) b: extra[$0] over [min(8, 11 - 8*no)], c: s[$0] over [min(8, 11 - 8*no)]
    invoke relu(n = min(8, 11 - 8*no)) c: s[$0] over [min(8, 11 - 8*no)]
    invoke narrow(n = min(8, 11 - 8*no)) s: s[$0] over [min(8, 11 - 8*no)], d: vy[$0] over [min(8, 11 - 8*no)]
    invoke store(n = min(8, 11 - 8*no)) src: vy[$0] over [min(8, 11 - 8*no)],
      dst: y[m, 8*no + $0] over [min(8, 11 - 8*no)]
  }
}"""

POOL = """
kernel pool(x: i8[H, W]) -> (y: i8[P, Q]) sizes H=7, W=19, P=4, Q=10 {
  for p < P, q < Q, r < 3, s < 3 { y[p, q] max= x[2*p + r - 1, 2*q + s - 1] else -128 }
}"""

POOL_ON_LANES8 = """
kernel pool(x: i8[7, 19] @dram at 0) -> (y: i8[4, 10] @dram at 192) {
  allocate best: i8[2, 8] @bytes at 0
  allocate next: i8[2, 8] @bytes at 16
  for p < 4, qo < 2 {
    invoke lowest(n = min(8, 10 - 8*qo)) c: best[rotate(qo, 2), $0] over [min(8, 10 - 8*qo)]
    for r < 3, s < 3 {
      invoke load(n = min(8, 10 - 8*qo))
        src: x[2*p + r - 1, 16*qo + s - 1 + 2*$0] over [min(8, 10 - 8*qo)] else -128,
        dst: next[rotate(r + s, 2), $0] over [min(8, 10 - 8*qo)]
      invoke max(n = min(8, 10 - 8*qo)) a: next[rotate(r + s, 2), $0] over [min(8, 10 - 8*qo)],
        c: best[rotate(qo, 2), $0] over [min(8, 10 - 8*qo)]
    }
    invoke store(n = min(8, 10 - 8*qo)) src: best[rotate(qo, 2), $0] over [min(8, 10 - 8*qo)],
      dst: y[p, 8*qo + $0] over [min(8, 10 - 8*qo)]
  }
}"""


SCAN = """
kernel scan(x: i32[T, N]) -> (h: i32[T+1, N]) sizes T=6, N=11 {
  for n < N { h[0, n] = 7 }
  for t < T { for n < N { h[t+1, n] = h[t, n] - x[t, n] } }
}"""

SCAN_ON_LANES8 = """
kernel scan(x: i32[6, 11] @dram at 0) -> (h: i32[7, 11] @dram at 512) {
  allocate state: i32[11] @words at 0
  allocate step: i32[2, 8] @words at 64
  for no < 2 {
    invoke seven(n = min(8, 11 - 8*no)) c: state[8*no + $0] over [min(8, 11 - 8*no)]
    invoke store_words(n = min(8, 11 - 8*no)) src: state[8*no + $0] over [min(8, 11 - 8*no)],
      dst: h[0, 8*no + $0] over [min(8, 11 - 8*no)]
  }
  for t < 6 {
    for no < 2 {
      invoke load_words(n = min(8, 11 - 8*no)) src: x[t, 8*no + $0] over [min(8, 11 - 8*no)],
        dst: step[rotate(t, 2), $0] over [min(8, 11 - 8*no)]
      invoke subtract(n = min(8, 11 - 8*no)) b: step[rotate(t, 2), $0] over [min(8, 11 - 8*no)],
        c: state[8*no + $0] over [min(8, 11 - 8*no)]
      invoke store_words(n = min(8, 11 - 8*no)) src: state[8*no + $0] over [min(8, 11 - 8*no)],
        dst: h[t + 1, 8*no + $0] over [min(8, 11 - 8*no)]
    }
  }
}"""


@cache
def machine(name: str) -> Machine:
    return load_machine(Source("lanes8.yaml", LANES8)) if name == "lanes8" else load_machine(name)


def _program(kernel: str, body: str, on: str) -> Program:
    parsed: Kernel = parse_kernel(kernel)
    return Program(parsed, machine(on), parse_program(body))


@cache
def gemm() -> Program:
    return _program(GEMM, GEMM_ON_TOY4, "toy4")


@cache
def conv() -> Program:
    return _program(CONV, CONV_ON_TOY4, "toy4")


@cache
def quantised() -> Program:
    return _program(QUANTISED, QUANTISED_ON_LANES8, "lanes8")


@cache
def pool() -> Program:
    return _program(POOL, POOL_ON_LANES8, "lanes8")


@cache
def scan() -> Program:
    return _program(SCAN, SCAN_ON_LANES8, "lanes8")


PROGRAMS = {"gemm": gemm, "conv": conv, "quantised": quantised, "pool": pool, "scan": scan}
