"""Instructions of several statements from the kernel to the verified program, and their certificates played."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.diagnostics.source import Source
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.certificate import certificate_of
from isamapper.mapper.compound.find import find_joint_mappings
from isamapper.mapper.scheduled import scheduled_mappings
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.text import parse_schedule, print_schedule
from isamapper.result import Result
from isamapper.verify.certificate import Status
from isamapper.verify.played import play
from tests.mapper.compound import fused_machines as machines

DENSE = """kernel dense(x: i8[M, K], const w: i8[K, N], const b: i32[N]) -> (y: i8[M, N])
  sizes M=11, K=13, N=16
{
  local acc: i32[M, N]
  local t: i32[M, N]
  for m < M, n < N, k < K { acc[m, n] += i32(x[m, k]) * i32(w[k, n]) }
  for m < M, n < N { t[m, n] = acc[m, n] + b[n] }
  for m < M, n < N { y[m, n] = i8(clamp(shr_round(t[m, n], 7), -128, 127)) }
}"""

IN_ONE = """kernel dense(x: i8[M, K], const w: i8[K, N], const b: i32[N]) -> (y: i8[M, N])
  sizes M=8, K=16, N=8
{
  local acc: i32[M, N]
  for m < M, n < N { acc[m, n] = 0 }
  for m < M, k < K, n < N { acc[m, n] += i32(w[k, n]) * i32(x[m, k]) }
  for m < M, n < N { y[m, n] = i8(clamp(shr_round(b[n] + acc[m, n], 5), -128, 127)) }
}"""

NO_BIAS = """kernel dense(x: i8[M, K], const w: i8[K, N]) -> (y: i8[M, N])
  sizes M=9, K=16, N=8
{
  local acc: i32[M, N]
  for m < M, n < N, k < K { acc[m, n] += i32(x[m, k]) * i32(w[k, n]) }
  for m < M, n < N { y[m, n] = i8(clamp(shr_round(acc[m, n], 7), -128, 127)) }
}"""

CONV = """kernel conv(x: i8[H+2, 8], const w: i8[3, 4, 8], const b: i32[8]) -> (y: i8[H, 8])
  sizes H=13
{
  local acc: i32[H, 8]
  for h < H, r < 3, c < 4, k < 8 { acc[h, k] += i32(x[h+r, c]) * i32(w[r, c, k]) }
  for h < H, k < 8 { y[h, k] = i8(clamp(shr_round(acc[h, k] + b[k], 6), -128, 127)) }
}"""

REQUANTISE = """kernel q(x: i32[M, N], const m: i32[N]) -> (y: i8[M, N])
  sizes M=10, N=16
{
  for i < M, j < N { y[i, j] = i8(clamp(shr_round(x[i, j] * m[j], 9), -128, 127)) }
}"""

ONLY_CAST = """kernel q(x: i32[M, N]) -> (y: i8[M, N])
  sizes M=10, N=16
{
  for i < M, j < N { y[i, j] = i8(clamp(x[i, j], -128, 127)) }
}"""

MOMENTS = """kernel moments(x: f32[M, N]) -> (a: f32[M], b: f32[M])
  sizes M=11, N=16
{
  for i < M, j < N { b[i] += x[i, j] * x[i, j] }
  for i < M, j < N { a[i] += x[i, j] }
}"""

MULTIPLY_AND_SCALE = """kernel both(x: f32[M, K], w: f32[K, N], g: f32[M, K]) -> (c: f32[M, N], d: f32[M, K])
  sizes M=16, K=16, N=16
{
  for m < M, n < N, k < K { c[m, n] += x[m, k] * w[k, n] }
  for m < M, k < K { d[m, k] = x[m, k] * g[m, k] }
}"""


OVER_TIME = """kernel lstm(x: f32[T, B, I], const w: f32[4, I, H], const u: f32[4, H, H], const bias: f32[4, H],
    h: inout f32[T+1, B, H], c: inout f32[T+1, B, H]) -> ()
  sizes T=3, B=3, I=8, H=8
{
  local a: f32[T, 4, B, H]
  for t < T sequential {
    for g < 4, b < B, j < H, i < I { a[t, g, b, j] += x[t, b, i] * w[g, i, j] }
    for g < 4, b < B, j < H, i < H { a[t, g, b, j] += h[t, b, i] * u[g, i, j] }
    for b < B, j < H {
      c[t+1, b, j] = sigmoid(a[t, 1, b, j] + bias[1, j]) * c[t, b, j]
                   + sigmoid(a[t, 0, b, j] + bias[0, j]) * tanh(a[t, 2, b, j] + bias[2, j])
      h[t+1, b, j] = sigmoid(a[t, 3, b, j] + bias[3, j]) * tanh(c[t+1, b, j])
    }
  }
}"""


def kernel(text: str, **sizes: int) -> Kernel:
    if text.startswith("kernel"):
        return isamapper.parse_kernel(text, sizes=sizes)
    return isamapper.load_kernel(text, sizes)


CASES = {
    "init, multiply-accumulate, bias, clamp, store": (kernel(DENSE), machines.DENSE, {0, 1, 2}),
    "the same cut in other pieces": (kernel(IN_ONE), machines.DENSE, {0, 1, 2}),
    "without a bias": (kernel(NO_BIAS), machines.DENSE, {0, 1}),
    "a convolution": (kernel(CONV), machines.DENSE, {0, 1}),
    "scale and requantise": (kernel(REQUANTISE), machines.REQUANTISE, {0}),
    "requantise without a scale or a shift": (kernel(ONLY_CAST), machines.REQUANTISE, {0}),
    "softmax": (kernel("softmax", M=11, N=32), machines.SOFTMAX, {0, 1, 2, 3}),
    "a narrow softmax": (kernel("softmax", M=3, N=19), machines.SOFTMAX, {0, 1, 2, 3}),
    "two results": (kernel(MOMENTS), machines.MOMENTS, {0, 1}),
    "sums that go on between calls": (kernel(MULTIPLY_AND_SCALE), machines.MULTIPLY_AND_SCALE, {0, 1}),
    "an LSTM cell": (kernel("lstm_cell", B=7, I=8, H=8), machines.LSTM, {0, 1, 2, 3}),
    "a narrower LSTM cell": (kernel("lstm_cell", B=3, I=5, H=6), machines.LSTM, {0, 1, 2, 3}),
    "an LSTM over time": (kernel(OVER_TIME), machines.LSTM, {0, 1, 2, 3}),
    "a GRU cell": (kernel("gru_cell", B=5, I=8, H=8), machines.GRU, {0, 1, 2, 3, 4, 5}),
}


def joint(result: Result) -> tuple[JointMapping, ...]:
    assert result.search is not None
    return tuple(m for m in scheduled_mappings(result.search.schedule) if isinstance(m, JointMapping))


LONG = ("the same cut in other pieces", "a narrower LSTM cell", "a GRU cell", "without a bias", "scale and requantise")


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case in LONG else case for case in CASES]
)
def test_one_call_does_them_all(case: str) -> None:
    target, semantics, members = CASES[case]
    machine = machines.fused_machine(instruction=semantics)
    result = isamapper.run(target, machine)
    (used,) = joint(result)
    assert set(used.join.members) == members
    assert result.certificate.ok, result.certificate
    assert result.certificate.part("integer_sets").status is not Status.FAILED
    assert result.timeline.cycles > 0
    assert result.bounds.bound_cycles <= result.timeline.cycles


@pytest.mark.parametrize("case", CASES)
def test_every_certificate_holds(case: str) -> None:
    target, semantics, _ = CASES[case]
    machine = machines.fused_machine(instruction=semantics)
    found = list(find_joint_mappings(target, machine))
    assert found
    for mapping in found:
        verdict = play(mapping.kernel, machine, certificate_of(mapping, machine))
        assert verdict.ok, (mapping.rho, verdict.detail)


@pytest.mark.parametrize("case", ["without a bias", "sums that go on between calls"])
def test_the_schedule_reads_back(case: str) -> None:
    target, semantics, _ = CASES[case]
    machine = machines.fused_machine(instruction=semantics)
    schedule = isamapper.find_schedule(target, machine).schedule
    again = parse_schedule(Source("file", print_schedule(schedule)), machine=machine)
    assert again.steps == schedule.steps
    assert isamapper.lower(again) == isamapper.lower(schedule)


def mappings(text: str, machine: Machine) -> list[JointMapping]:
    return list(find_joint_mappings(kernel(text), machine))


def test_a_sum_that_does_not_end_in_a_call_has_no_mapping() -> None:
    machine = machines.fused_machine(dense=machines.DENSE)
    assert mappings(DENSE, machine)
    assert not mappings(DENSE.replace("K=13", "K=17"), machine)
    (reason,) = [r.reason for r in isamapper.explain(kernel(DENSE, K=17), machine, "dense")]
    assert "k = 17" in reason
    assert "must lie in one call" in reason


def test_what_the_instruction_keeps_to_itself_must_be_dead_outside() -> None:
    machine = machines.fused_machine(dense=machines.DENSE)
    shown = IN_ONE.replace("-> (y: i8[M, N])", "-> (y: i8[M, N], acc: i32[M, N])").replace("local acc: i32[M, N]", "")
    assert not mappings(shown, machine)


def test_an_instruction_that_starts_afresh_cannot_go_on_with_an_earlier_value() -> None:
    machine = machines.fused_machine(moments=machines.MOMENTS)
    assert mappings(MOMENTS, machine)
    former = MOMENTS.replace(
        "(x: f32[M, N]) -> (a: f32[M], b: f32[M])", "(x: f32[M, N], b: inout f32[M]) -> (a: f32[M])"
    )
    assert not mappings(former, machine)
    (reason,) = [r.reason for r in isamapper.explain(kernel(former), machine, "moments")]
    assert "has an earlier value" in reason


def test_one_of_two_statements_may_be_in_the_way() -> None:
    machine = machines.fused_machine(moments=machines.MOMENTS)
    text = """kernel k(x: f32[M, 16], z: f32[M]) -> (a: f32[M], b: f32[M]) sizes M=8 {
      local t: f32[M, 16]
      for i < M, j < 16 { a[i] += x[i, j] }
      for i < M, j < 16 { t[i, j] = a[i] }
      for i < M, j < 16 { b[i] += t[i, j] * t[i, j] }
    }"""
    assert not mappings(text, machine)


def test_a_missing_statement_is_named() -> None:
    machine = machines.fused_machine(moments=machines.MOMENTS)
    text = "kernel k(x: f32[8, 16]) -> (a: f32[8]) { for i < 8, j < 16 { a[i] += x[i, j] } }"
    (found,) = isamapper.explain(kernel(text), machine, "moments")
    assert found.code == "MAP041"
    assert found.reason.endswith("no statement of the kernel does 'q[i] += x[i, j] * x[i, j]': statement 0 has no '*'")
