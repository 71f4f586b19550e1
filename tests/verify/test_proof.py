"""Proofs by integer sets: what is proved, in which way, and what must never be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper.ir.nodes import Assign, Kernel, Loop
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.plan.program import Program
from isamapper.verify.certificate import Part, Status
from isamapper.verify.matching import agreements, forms
from isamapper.verify.sets_part import sets_part
from isamapper.verify.three_address import three_address
from tests.verify import faults, small_programs

pytest.importorskip("islpy")


def compared(kernel: str, other: str) -> Part:
    """The proof that one kernel computes what another does: a program without invocations."""
    machine = small_programs.machine("lanes8")
    return sets_part(Program(parse_kernel(kernel), machine, parse_kernel(other)), 4)


PRODUCT = "kernel k(a: f32[6, 5], b: f32[5, 7]) -> (c: f32[6, 7]) { %s }"
PLAIN = PRODUCT % "for m < 6, n < 7, k < 5 { c[m, n] += a[m, k] * b[k, n] }"

RIGHT = {
    "another order of loops": PRODUCT % "for k < 5, n < 7, m < 6 { c[m, n] += a[m, k] * b[k, n] }",
    "operands exchanged": PRODUCT % "for m < 6, n < 7, k < 5 { c[m, n] += b[k, n] * a[m, k] }",
    "tiles": PRODUCT % "for o < 3, n < 7, k < 5, i < 2 { c[2*o + i, n] += a[2*o + i, k] * b[k, n] }",
    "time reversed": PRODUCT % "for m < 6, n < 7, k < 5 { c[m, n] += a[m, 4 - k] * b[4 - k, n] }",
    "padded": PRODUCT % "for m < 6, n < 7, k < 9 { c[m, n] += (a[m, k] else 0.0) * (b[k, n] else 0.0) }",
    "written as an assignment": PRODUCT
    % """
      for m < 6, n < 7 { c[m, n] = 0.0 }
      for m < 6, n < 7, k < 5 { c[m, n] = c[m, n] + a[m, k] * b[k, n] }""",
    "through a copy": PRODUCT
    % """
      local t: f32[7, 5]
      for n < 7, k < 5 { t[n, k] = b[k, n] }
      for m < 6, n < 7, k < 5 { c[m, n] += a[m, k] * t[n, k] }""",
    "in two parts": PRODUCT
    % """
      for m < 6, n < 7, k < 2 { c[m, n] += a[m, k] * b[k, n] }
      for m < 6, n < 7, k < 3 { c[m, n] += a[m, k + 2] * b[k + 2, n] }""",
}

WRONG = {
    "one term twice": PRODUCT
    % """
      for m < 6, n < 7, k < 5 { c[m, n] += a[m, k] * b[k, n] }
      for m < 6, n < 7 { c[m, n] += a[m, 4] * b[4, n] }""",
    "one term missing": PRODUCT % "for m < 6, n < 7, k < 4 { c[m, n] += a[m, k] * b[k, n] }",
    "a term of another element": PRODUCT % "for m < 6, n < 7, k < 5 { c[5 - m, n] += a[m, k] * b[k, n] }",
    "started at one": PRODUCT
    % """
      for m < 6, n < 7 { c[m, n] = 1.0 }
      for m < 6, n < 7, k < 5 { c[m, n] = c[m, n] + a[m, k] * b[k, n] }""",
    "a sum instead of a product": PRODUCT % "for m < 6, n < 7, k < 5 { c[m, n] += a[m, k] + b[k, n] }",
    "wrongly padded": PRODUCT % "for m < 6, n < 7, k < 9 { c[m, n] += (a[m, k] else 1.0) * (b[k, n] else 1.0) }",
    "overwritten": PRODUCT
    % """
      for m < 6, n < 7, k < 5 { c[m, n] += a[m, k] * b[k, n] }
      for m < 6 { c[m, 3] = 0.0 }""",
}


@pytest.mark.parametrize("what", RIGHT)
def test_another_way_to_the_same_values_is_proved(what: str) -> None:
    part = compared(PLAIN, RIGHT[what])
    assert part.status is Status.PROVED, part.detail


@pytest.mark.parametrize("what", WRONG)
def test_other_values_are_not_proved(what: str) -> None:
    assert compared(PLAIN, WRONG[what]).status is Status.NOT_RUN


def test_steps_taken_together_and_apart_are_compared_operator_by_operator() -> None:
    whole = "kernel k(x: f32[9], b: f32[9]) -> (y: f32[9]) { for i < 9 { y[i] = relu((x[i] + b[i]) * 0.5) } }"
    apart = """kernel k(x: f32[9], b: f32[9]) -> (y: f32[9]) {
      local s: f32[9] local half: f32[]
      half = 0.5
      for i < 9 { s[i] = b[8 - i] + x[8 - i] }
      for i < 9 { s[i] = half * s[i] }
      for i < 9 { y[i] = max(0.0, s[8 - i]) }
    }"""
    part = compared(whole, apart)
    assert part.status is Status.PROVED, part.detail
    assert "operator by operator" in part.detail
    assert compared(whole, apart.replace("b[8 - i] + x[8 - i]", "b[i] + x[8 - i]")).status is Status.NOT_RUN
    assert compared(whole, apart.replace("0.5", "0.25")).status is Status.NOT_RUN


def test_overlapping_windows_are_told_apart_by_where_their_maximum_goes() -> None:
    pool = "kernel k(x: f32[9]) -> (y: f32[7]) { for i < 7, r < 3 { y[i] max= x[i + r] } }"
    part = compared(pool, pool.replace("r < 3", "r < 3").replace("x[i + r]", "x[i + 2 - r]"))
    assert part.status is Status.PROVED, part.detail
    shifted = "kernel k(x: f32[9]) -> (y: f32[7]) { for i < 7, r < 3 { y[6 - i] max= x[i + r] } }"
    assert compared(pool, shifted).status is Status.NOT_RUN


def test_a_sum_in_separate_parts_is_beyond_the_argument_and_says_so() -> None:
    parts = (
        PRODUCT
        % """
      local even: f32[6, 7]
      for m < 6, n < 7, k < 3 { even[m, n] += a[m, 2*k] * b[2*k, n] }
      for m < 6, n < 7, k < 2 { c[m, n] += a[m, 2*k + 1] * b[2*k + 1, n] }
      for m < 6, n < 7 { c[m, n] += even[m, n] }"""
    )
    part = compared(PLAIN, parts)
    assert part.status is Status.NOT_RUN
    assert part.detail.startswith("no proof: ")


def test_the_missing_instance_is_named() -> None:
    program = small_programs.gemm()
    short = replace(program, body=faults.loop("mo", -1)(program.body))
    part = sets_part(short, 4)
    assert part.status is Status.NOT_RUN
    assert part.detail == (
        "no proof: statement 0 at m = 8, n = 0, k = 0 of the kernel, which writes 'c', is done by no instruction"
    )


def test_an_undefined_read_is_a_failure_that_names_the_instruction() -> None:
    program = small_programs.gemm()
    empty = replace(program, body=faults.dropped("preload")(program.body))
    part = sets_part(empty, 4)
    assert part.status is Status.FAILED
    assert "reads an element that nothing has written" in part.detail
    assert part.detail.startswith("'compute")


def test_a_budget_too_small_is_not_run() -> None:
    part = sets_part(small_programs.conv(), 0.001)
    assert part.status is Status.NOT_RUN
    assert part.detail == "no proof within the budget of 0.001 s"


def statement(text: str) -> tuple[Assign, Kernel]:
    kernel = parse_kernel(text)
    node = kernel.body[0]
    while isinstance(node, Loop):
        node = node.body[0]
    assert isinstance(node, Assign)
    return node, kernel


def test_every_way_to_read_an_expression_is_found() -> None:
    one, kernel = statement("kernel k(a: f32[3], b: f32[3], c: f32[3]) -> (y: f32[3]) { y[i] = a[i] * b[i] + c[i] }")
    other, also = statement("kernel k(p: f32[3], q: f32[3], r: f32[3]) -> (y: f32[3]) { y[i] = r[i] + p[i] * q[i] }")
    types = {tensor.name: tensor.dtype for tensor in kernel.tensors}
    others = {tensor.name: tensor.dtype for tensor in also.tensors}
    assert set(agreements(one.value, types, other.value, others)) == {(3, 1, 2), (3, 2, 1)}
    assert [form.accumulated for form in forms(other)] == [None, 1]


def test_three_address_form_has_one_operator_per_statement() -> None:
    kernel = parse_kernel("kernel k(a: i8[3], b: i32[3]) -> (y: i32[3]) { for i < 3 { y[i] += i32(a[i]) * 2 - b[i] } }")
    text = print_kernel(three_address(kernel))
    assert "y[i] += %" in text
    assert text.count(" = ") == 4
