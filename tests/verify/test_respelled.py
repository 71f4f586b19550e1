"""Limits in another spelling are the same program; what only looks like it is not."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest

import isamapper
from isamapper.plan.program import Program
from isamapper.verify.certificate import Status
from isamapper.verify.plain_field import plain_field_part
from isamapper.verify.verifier import verify
from tests.mapper.compound.fused_machines import fused_machine

_KERNEL = """kernel k(x: i8[8, 16], const w: i8[16, 8]) -> (y: i8[8, 8]) {{ local t: i32[8, 8]
  local q: i8[8, 8]
  for m < 8, n < 8, k < 16 {{ t[m, n] += i32(x[m, k]) * i32(w[k, n]) }}
  for m < 8, n < 8 {{ q[m, n] = {0} }}
  for m < 8, n < 8 {{ y[m, n] = {1} }} }}"""
_LAYER = """(a: i8[8, 16] @pad, w: i8[16, 8] @pad) -> (y: i8[8, 8] @pad) { local t: i32[8, 8]
  for i < 8, j < 8, k < 16 { t[i, j] += i32(a[i, k]) * i32(w[k, j]) }
  for i < 8, j < 8 { y[i, j] = i8(clamp(t[i, j], 0, 127)) } }"""


@lru_cache(maxsize=1)
def _program() -> Program:
    kernel = isamapper.parse_kernel(_KERNEL.format("i8(clamp(t[m, n], 0, 127))", "q[m, n]"))
    return isamapper.run(kernel, fused_machine(op=_LAYER)).program


def _against(first: str, second: str) -> Program:
    return replace(_program(), kernel=isamapper.parse_kernel(_KERNEL.format(first, second)))


@pytest.mark.parametrize(
    "texts",
    [
        ("i8(clamp(t[m, n], -128, 127))", "relu(q[m, n])"),
        ("i8(clamp(relu(t[m, n]), -128, 127))", "q[m, n]"),
        ("i8(max(min(t[m, n], 127), -5))", "select(q[m, n] <= 0, 0, q[m, n])"),
    ],
)
def test_another_spelling_is_verified_by_both_engines(texts: tuple[str, str]) -> None:
    program = _against(*texts)
    assert verify(program).ok
    assert plain_field_part(program, 0, "")[0].status is Status.PASSED


@pytest.mark.parametrize(
    "texts",
    [
        ("i8(t[m, n])", "relu(q[m, n])"),
        ("i8(clamp(t[m, n], -128, 128))", "relu(q[m, n])"),
        ("i8(clamp(t[m, n], -128, 126))", "relu(q[m, n])"),
        ("i8(clamp(t[m, n], -128, 127))", "min(q[m, n], 0)"),
        ("i8(clamp(t[m, n], -128, 127))", "select(q[m, n] > 0, 0, q[m, n])"),
        ("i8(max(min(t[m, n], 0), 127))", "q[m, n]"),
    ],
)
def test_another_function_fails_in_the_fields(texts: tuple[str, str]) -> None:
    program = _against(*texts)
    certificate = verify(program)
    assert not certificate.ok
    assert certificate.part("prime_fields").status is Status.FAILED
    assert plain_field_part(program, 0, "")[0].status is Status.FAILED
