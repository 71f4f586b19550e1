"""Splitting statements by maximal munch, and what no instruction computes."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Rejection
from isamapper.ir.nodes import Kernel, Loop
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_expression
from isamapper.mapper.covers.munch import plan_split
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.rewrites.split import Split
from tests.mapper.needles import needle
from tests.mapper.rewrites.equal import assert_equal

UNITS = {
    "add": "kernel add(a: f32[8], b: f32[8]) -> (c: f32[8]) { c[l] = a[l] + b[l] }",
    "sub": "kernel sub(a: f32[8], b: f32[8]) -> (c: f32[8]) { c[l] = a[l] - b[l] }",
    "mul": "kernel mul(a: f32[8], b: f32[8]) -> (c: f32[8]) { c[l] = a[l] * b[l] }",
    "exp": "kernel exp(a: f32[8]) -> (c: f32[8]) { c[l] = exp(a[l]) }",
    "muladd": "kernel muladd(a: f32[8], b: f32[8], d: f32[8]) -> (c: f32[8]) { c[l] = a[l] * b[l] + d[l] }",
    "sum": "kernel sum(a: f32[8, 8], c: inout f32[8]) { c[l] += a[l, m] }",
    "mac": "kernel mac(a: f32[8, 8], b: f32[8], c: inout f32[8]) { c[l] += a[l, m] * b[m] }",
}


def planned(text: str, *names: str) -> Split | Rejection:
    (subject,) = subjects(parse_kernel(text))
    return plan_split(subject, [needle(UNITS[name]) for name in names])


def parts(text: str, *names: str) -> list[str]:
    """The parts and the value of the plan, which must compute the same."""
    step = planned(text, *names)
    assert isinstance(step, Split)
    kernel = parse_kernel(text)
    result = step.apply(kernel)
    assert isinstance(result, Kernel)
    assert_equal(kernel, result, exact=False)
    return [print_expression(part) for _, part in step.parts] + [print_expression(step.value)]


def elementwise(value: str) -> str:
    return (
        f"kernel k(x: f32[4, 5], z: f32[4], w: f32[5]) -> (y: f32[4, 5]) {{ for i < 4, j < 5 {{ y[i, j] = {value} }} }}"
    )


def test_an_operator_at_a_time() -> None:
    assert parts(elementwise("exp(x[i, j] - z[i])"), "sub", "exp") == ["x[i, j] - z[i]", "exp(t)"]


def test_the_largest_instruction_first() -> None:
    assert parts(elementwise("exp(x[i, j]) * w[j] + z[i]"), "add", "mul", "exp", "muladd") == [
        "exp(x[i, j])",
        "t * w[j] + z[i]",
    ]


def test_long_chains_are_cut() -> None:
    assert parts(elementwise("x[i, j] + z[i] + w[j] + x[i, j]"), "add") == [
        "x[i, j] + z[i]",
        "t + w[j]",
        "t1 + x[i, j]",
    ]


def test_equal_parts_are_computed_once() -> None:
    text = elementwise("(x[i, j] - z[i]) * (x[i, j] - z[i])")
    assert parts(text, "sub", "mul") == ["x[i, j] - z[i]", "t * t"]


def test_temporaries_carry_the_iterators_they_need() -> None:
    step = planned(elementwise("x[i, j] * exp(z[i])"), "mul", "exp")
    assert isinstance(step, Split)
    result = step.apply(parse_kernel(elementwise("x[i, j] * exp(z[i])")))
    assert isinstance(result, Kernel)
    assert next(tensor.shape for tensor in result.tensors if tensor.name == "t") == (4,)


def test_a_reduction_keeps_its_instruction() -> None:
    text = "kernel k(x: f32[4, 5], z: f32[5]) -> (y: f32[4]) { y[i] += exp(x[i, j]) * z[j] }"
    assert parts(text, "mac", "exp") == ["exp(x[i, j])", "t * z[j]"]
    assert parts(text, "sum", "mul", "exp") == ["exp(x[i, j])", "t * z[j]", "t1"]


def test_an_identity_is_put_in_where_nothing_else_fits() -> None:
    text = "kernel k(x: f32[4, 5]) -> (y: f32[4]) { y[i] += x[i, j] }"
    assert parts(text, "mac") == ["x[i, j] * f32(1)"]


def test_an_accumulation_by_adding() -> None:
    text = "kernel k(x: f32[4, 5]) -> (y: f32[4]) { y[i] += exp(x[i, j]) }"
    assert parts(text, "add", "exp") == ["exp(x[i, j])", "t"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("tanh(x[i, j] - z[i])", "no instruction computes 'tanh' on f32"),
        ("exp(x[i, j] / z[i])", "no instruction computes '/' on f32"),
        ("exp(f32(i8(x[i, j])))", "no instruction computes the conversion of f32 to i8"),
    ],
)
def test_what_no_instruction_computes_is_named(value: str, reason: str) -> None:
    found = planned(elementwise(value), *UNITS)
    assert isinstance(found, Rejection)
    assert found.reason == reason


def test_a_recurrence_is_split_inside_the_loop_that_carries_it() -> None:
    text = "kernel k(x: f32[5, 4], h: inout f32[6, 4]) { for t < 5, i < 4 { h[t+1, i] = exp(x[t, i] - h[t, i]) } }"
    kernel = parse_kernel(text)
    step = planned(text, "sub", "exp")
    assert isinstance(step, Split)
    result = step.apply(kernel)
    assert isinstance(result, Kernel)
    (time,) = result.body
    assert isinstance(time, Loop)
    assert (time.iterator, len(time.body)) == ("t", 2)
    assert_equal(kernel, result, exact=False)


def test_parts_that_are_not_the_statement_are_refused() -> None:
    text = elementwise("exp(x[i, j] - z[i])")
    step = planned(text, "sub", "exp")
    assert isinstance(step, Split)
    wrong = Split(step.statement, step.parts, step.parts[0][1])
    result = wrong.apply(parse_kernel(text))
    assert isinstance(result, Rejection)
    assert result.code == "RW020"
