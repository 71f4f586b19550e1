"""Rows that are shorter than the instruction's are padded with minus infinity, and only where that is lawful."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.ir.nodes import Invoke, Window
from isamapper.ir.walk import walk
from isamapper.mapper.compound.find import find_joint_mappings
from tests.mapper.compound.fused_machines import fused_machine

HEAD = "(r in 1..8) (x: f32[r, 16] @pad) -> (y: f32[r, 16] @pad)"
SOFTMAX = (
    HEAD
    + """ {
  local m: f32[r]
  local e: f32[r, 16]
  local z: f32[r]
  for i < r, j < 16 { m[i] max= x[i, j] }
  for p < r, q < 16 { e[p, q] = exp(x[p, q] - m[p]) }
  for i < r, j < 16 { z[i] += e[i, j] }
  for i < r, j < 16 { y[i, j] = e[i, j] / z[i] }
}"""
)
LOG_SUM = """(r in 1..8) (x: f32[r, 16] @pad) -> (y: f32[r] @pad) {
  local m: f32[r]
  local z: f32[r]
  for i < r, j < 16 { m[i] max= x[i, j] }
  for i < r, j < 16 { z[i] += exp(x[i, j] - m[i]) }
  for i < r { y[i] = m[i] + log(z[i]) }
}"""
LOG_SUM_KERNEL = """kernel k(x: f32[M, N]) -> (y: f32[M]) sizes M=5, N=11 {
  local m: f32[M]
  local z: f32[M]
  for i < M, j < N { m[i] max= x[i, j] }
  for i < M, j < N { z[i] += exp(x[i, j] - m[i]) }
  for i < M { y[i] = m[i] + log(z[i]) }
}"""


@pytest.mark.parametrize("case", ["softmax", pytest.param("log of a sum", marks=pytest.mark.slow)])
def test_short_rows_are_padded_with_minus_infinity(case: str) -> None:
    if case == "softmax":
        kernel, machine = isamapper.load_kernel("softmax", {"M": 3, "N": 11}), fused_machine(op=SOFTMAX)
    else:
        kernel, machine = isamapper.parse_kernel(LOG_SUM_KERNEL), fused_machine(op=LOG_SUM)
    result = isamapper.run(kernel, machine)
    assert result.certificate.ok
    assert "exp(-inf) = 0" in result.certificate.part("prime_fields").detail
    assert any(window.otherwise == float("-inf") for _, window in _windows(result))


def _windows(result: isamapper.Result) -> list[tuple[str, Window]]:
    return [each for node, _ in walk(result.program.body) if isinstance(node, Invoke) for each in node.windows]


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("exp(m[p] - x[p, q])", "exp(m[i] - x[i, j])"),  # exp(inf)
        ("sigmoid(x[p, q] - m[p])", "sigmoid(x[i, j] - m[i])"),  # 0 by a law that the fields do not know
        ("exp(x[p, q] * m[p])", "exp(x[i, j] * m[i])"),  # the sign of m decides
    ],
)
def test_other_laws_are_not_relied_on(inside: str, outside: str) -> None:
    machine = fused_machine(op=SOFTMAX.replace("exp(x[p, q] - m[p])", inside))
    text = f"""kernel k(x: f32[M, N]) -> (y: f32[M, N]) sizes M=3, N=16 {{
      local m: f32[M]
      local e: f32[M, N]
      local z: f32[M]
      for i < M, j < N {{ m[i] max= x[i, j] }}
      for i < M, j < N {{ e[i, j] = {outside} }}
      for i < M, j < N {{ z[i] += e[i, j] }}
      for i < M, j < N {{ y[i, j] = e[i, j] / z[i] }}
    }}"""
    assert list(find_joint_mappings(isamapper.parse_kernel(text), machine))
    assert not list(find_joint_mappings(isamapper.parse_kernel(text, sizes={"N": 11}), machine))
