"""Products of one form become one: what is made computes the same, without needless copies, and is scheduled."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel, Role
from isamapper.mapper.rewrites.replay import replayed
from isamapper.mapper.rewrites.search import stacks
from isamapper.mapper.rewrites.stack import Stack
from isamapper.plan.offline import offline
from tests.mapper.rewrites.equal import assert_equal

GATES = """kernel cell(x: f32[B, I], h: f32[B, H], c: f32[B, H], const wi: f32[I, H], const wf: f32[I, H],
    const wg: f32[I, H], const wo: f32[I, H], const ui: f32[H, H], const uf: f32[H, H], const ug: f32[H, H],
    const uo: f32[H, H]) -> (hn: f32[B, H], cn: f32[B, H])
  sizes B=3, I=4, H=5
{
  local i: f32[B, H]
  local f: f32[B, H]
  local g: f32[B, H]
  local o: f32[B, H]
  for b < B, j < H, k < I { i[b, j] += x[b, k] * wi[k, j] }
  for b < B, j < H, k < I { f[b, j] += wf[k, j] * x[b, k] }
  for q < H, b < B, k < I { g[b, q] += x[b, k] * wg[k, q] }
  for b < B, j < H, k < I { o[b, j] += x[b, k] * wo[k, j] }
  for b < B, j < H, k < H { i[b, j] += h[b, k] * ui[k, j] }
  for b < B, j < H, k < H { f[b, j] += h[b, k] * uf[k, j] }
  for b < B, j < H, k < H { g[b, j] += h[b, k] * ug[k, j] }
  for b < B, j < H, k < H { o[b, j] += h[b, k] * uo[k, j] }
  for b < B, j < H { cn[b, j] = sigmoid(f[b, j]) * c[b, j] + sigmoid(i[b, j]) * tanh(g[b, j]) }
  for b < B, j < H { hn[b, j] = sigmoid(o[b, j]) * tanh(cn[b, j]) }
}"""
SLICES = """kernel gates(x: f32[B, I], const w: f32[I, 3*H]) -> (y: f32[B, H])
  sizes B=3, I=4, H=5
{
  local a: f32[3, B, H]
  for b < B, j < H, k < I { a[0, b, j] += x[b, k] * w[k, j] }
  for b < B, j < H, k < I { a[1, b, j] += x[b, k] * w[k, j+H] }
  for b < B, j < H, k < I { a[2, b, j] += x[b, k] * w[k, j+2*H] }
  for b < B, j < H { y[b, j] = a[0, b, j] * a[1, b, j] + a[2, b, j] }
}"""
ATTENTION = """kernel qkv(x: f32[S, D], const wq: f32[D, E], const wk: f32[D, E], const wv: f32[D, E]) -> (y: f32[S, E])
  sizes S=4, D=6, E=3
{
  local q: f32[S, E]
  local k: f32[S, E]
  local v: f32[S, E]
  local s: f32[S, S]
  for i < S, e < E, d < D { q[i, e] += x[i, d] * wq[d, e] }
  for i < S, e < E, d < D { k[i, e] += x[i, d] * wk[d, e] }
  for i < S, e < E, d < D { v[i, e] += x[i, d] * wv[d, e] }
  for i < S, j < S, e < E { s[i, j] += q[i, e] * k[j, e] }
  for i < S, j < S, e < E { y[i, e] += s[i, j] * v[j, e] }
}"""
RESULTS = """kernel two(x: i8[M, K], a: i8[K, N], b: i8[K, N]) -> (y: i32[M, N], z: i32[M, N])
  sizes M=3, K=4, N=2
{
  for m < M, n < N, k < K { y[m, n] += i32(x[m, k]) * i32(a[k, n]) }
  for m < M, n < N, k < K { z[m, n] += i32(x[m, k]) * i32(b[k, n]) }
}"""
OVER_TIME = """kernel rnn(h0: f32[B, H], const u: f32[H, H], const v: f32[H, H]) -> (h: f32[T+1, B, H])
  sizes T=3, B=2, H=4
{
  local p: f32[T, B, H]
  local q: f32[T, B, H]
  for b < B, j < H { h[0, b, j] = h0[b, j] }
  for t < T {
    for b < B, j < H, k < H { p[t, b, j] += h[t, b, k] * u[k, j] }
    for b < B, j < H, k < H { q[t, b, j] += h[t, b, k] * v[k, j] }
    for b < B, j < H { h[t+1, b, j] = tanh(p[t, b, j]) * q[t, b, j] }
  }
}"""
CASES = {
    "gates": (GATES, ["stack statements 0, 1, 2, 3", "stack statements 5, 6, 7, 8"], 8),
    "slices": (SLICES, ["stack statements 0, 1, 2"], 0),
    "queries, keys and values": (ATTENTION, ["stack statements 0, 1, 2"], 3),
    "results of inputs": (RESULTS, ["stack statements 0, 1"], 0),
    "over time": (OVER_TIME, ["stack statements 1, 2"], 2),
}


def texts(kernel: Kernel) -> list[str]:
    found = []
    for step in stacks(kernel).steps:
        found.append(step.text(kernel))
        made = step.apply(kernel)
        assert not isinstance(made, Rejection)
        assert isinstance(step, Stack)
        assert len(step.origins(kernel)) == len(statements(made))
        kernel = made
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_stacked_kernel_is_equal_and_its_steps_read_back(case: str) -> None:
    text, steps, done_before = CASES[case]
    kernel = isamapper.parse_kernel(text)
    assert texts(kernel) == steps
    made = stacks(kernel).kernel
    assert_equal(kernel, made, exact=False)
    assert replayed(kernel, steps) == made
    assert len(offline(made)) == done_before
    assert all(tensor.role is Role.CONST for tensor in made.tensors if tensor.name in ("wi1", "ui1", "wq1", "u1"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "for m < 3, k < 4 { y[m] += x[m, k] * a[k] } for m < 3 { z[m] += x[m, 0] * a[0] }",
            "statement 1 is not like statement 0",
        ),
        (
            "for m < 3, k < 4 { y[m] += x[m, k] * a[k] } for m < 3, k < 4 { z[m] max= x[m, k] * b[k] }",
            "statement 1 is not like statement 0",
        ),
        (
            "for m < 3, k < 4 { y[m] += x[m, k] * a[k] } for m < 3, k < 4 { y[m] += x[m, k] * b[k] }",
            "statement 1 stands between and must not change places",
        ),
        (
            "for m < 3, k < 4 { y[m] += x[m, k] * a[k] } for m < 3, k < 4 { z[m] += x[m, k] * c[k] }",
            "'a' and the others have not the same shape and type",
        ),
    ],
)
def test_what_is_not_alike_is_not_stacked(body: str, reason: str) -> None:
    results = ", ".join(f"{name}: f32[3]" for name in "yz" if f" {name}[" in body)
    head = f"kernel k(x: f32[3, 4], a: f32[4], b: f32[4], c: f32[5]) -> ({results})"
    made = Stack((0, 1)).apply(isamapper.parse_kernel(f"{head} {{ {body} }}"))
    assert isinstance(made, Rejection)
    assert made.reason == reason


@pytest.mark.parametrize(
    "case",
    ["queries, keys and values", *(pytest.param(each, marks=pytest.mark.slow) for each in ("gates", "over time"))],
)
def test_a_stacked_product_is_scheduled_and_verified(case: str) -> None:
    result = isamapper.run(isamapper.parse_kernel(CASES[case][0]), "gemmini16_f32")
    assert result.certificate.ok
    assert result.search is not None
    assert result.search.schedule.rewrites[0] == CASES[case][1][0]
