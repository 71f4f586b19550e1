"""Which expressions count as one, and what operands take."""

from __future__ import annotations

import pytest

from tests.mapper.needles import FMA, FMA3, RELU_IN_PLACE, mappings, sigma


def elementwise(value: str, loads: str = "x: f32[32], z: f32[32], w: f32[32]", result: str = "f32") -> str:
    return f"kernel k({loads}) -> (y: {result}[32]) {{ for p < 32 {{ y[p] = {value} }} }}"


def vector(value: str, operands: str = "a: f32[8], b: f32[8]", result: str = "f32") -> str:
    return f"kernel v({operands}) -> (c: {result}[8]) {{ for l < 8 {{ c[l] = {value} }} }}"


@pytest.mark.parametrize(
    ("kernel", "instruction"),
    [
        ("x[p] * z[p]", "a[l] * b[l]"),
        ("x[p] - z[p]", "a[l] - b[l]"),
        ("x[p] + -z[p]", "a[l] - b[l]"),
        ("clamp(x[p], 0, 6)", "min(max(a[l], 0), 6)"),
        ("relu(x[p])", "max(0, a[l])"),
        ("select(x[p] > z[p], x[p], z[p])", "select(b[l] < a[l], a[l], b[l])"),
        ("exp(x[p]) * 2", "2 * exp(a[l])"),
        ("tanh(f32(x[p]))", "tanh(a[l])"),
    ],
)
def test_expressions_that_are_one(kernel: str, instruction: str) -> None:
    assert mappings(elementwise(kernel), vector(instruction))


@pytest.mark.parametrize(
    ("kernel", "instruction"),
    [
        ("x[p] * z[p]", "a[l] + b[l]"),
        ("x[p] - z[p]", "a[l] + b[l]"),
        ("x[p] / z[p]", "b[l] / a[l] * 1"),
        ("clamp(x[p], 0, 6)", "clamp(a[l], 0, 7)"),
        ("select(x[p] > z[p], x[p], z[p])", "select(b[l] <= a[l], a[l], b[l])"),
        ("x[p] * z[p] * w[p]", "a[l] * b[l]"),
    ],
)
def test_expressions_that_differ(kernel: str, instruction: str) -> None:
    assert not mappings(elementwise(kernel), vector(instruction))


def test_order_of_a_division_is_kept() -> None:
    (mapping,) = mappings(elementwise("x[p] / z[p]"), vector("a[l] / b[l]"))
    assert sigma(mapping) == {"a": 1, "b": 2, "c": 0}


def test_associative_parts_are_regrouped() -> None:
    found = mappings(
        elementwise("x[p] + (z[p] + w[p])"), vector("a[l] + b[l] + c2[l]", "a: f32[8], b: f32[8], c2: f32[8]")
    )
    assert len(found) == 1, "all operands and all inputs are interchangeable"


def test_a_constant_fills_an_operand() -> None:
    found = mappings(elementwise("x[p] * 0.5"), vector("a[l] * b[l]"))
    assert [sigma(mapping) for mapping in found] == [{"a": 1, "b": 0.5, "c": 0}]


def test_a_narrow_constant_stands_behind_a_cast() -> None:
    kernel = "kernel k(x: i8[32]) -> (y: i32[32]) { for p < 32 { y[p] = i32(x[p]) * 3 } }"
    found = mappings(kernel, vector("i32(a[l]) * i32(b[l])", "a: i8[8], b: i8[8]", "i32"))
    assert {sigma(mapping)["b"] for mapping in found} | {sigma(mapping)["a"] for mapping in found} == {1, 3}
    assert not mappings(kernel.replace("* 3", "* 300"), vector("i32(a[l]) * i32(b[l])", "a: i8[8], b: i8[8]", "i32"))


@pytest.mark.parametrize("dtype", ["u8", "i16"])
def test_every_dtype_must_be_equal(dtype: str) -> None:
    instruction = vector("i32(a[l]) * i32(b[l])", "a: i8[8], b: i8[8]", "i32")
    assert mappings(elementwise("i32(x[p]) * i32(z[p])", "x: i8[32], z: i8[32]", "i32"), instruction)
    assert not mappings(elementwise("i32(x[p]) * i32(z[p])", f"x: i8[32], z: {dtype}[32]", "i32"), instruction)


def test_one_operand_read_twice_takes_one_access() -> None:
    square = vector("a[l] * a[l]", "a: f32[8]")
    assert len(mappings(elementwise("x[p] * x[p]"), square)) == 1
    assert not mappings(elementwise("x[p] * z[p]"), square)


def test_three_operands_do_an_accumulation() -> None:
    kernel = "kernel k(x: f32[32, 4], z: f32[4]) -> (y: f32[32]) { y[p] += x[p, q] * z[q] }"
    found = mappings(kernel, FMA3)
    assert found
    assert all(sigma(mapping)["c"] == 0 and sigma(mapping)["d"] == 0 for mapping in found)
    assert all(name != "q" for mapping in found for name, _ in mapping.rho)


def test_an_accumulation_does_an_assignment_from_its_identity() -> None:
    (mapping,) = [each for each in mappings(elementwise("x[p] * z[p]"), FMA) if each.rho]
    (target,) = [pairing for pairing in mapping.sigma if pairing.operand == "c"]
    assert (target.access, target.neutral, target.initial) == (0, 0, None)


def test_an_accumulation_goes_on_from_another_tensor() -> None:
    found = [each for each in mappings(elementwise("w[p] + x[p] * z[p]"), FMA) if each.rho]
    (target,) = {pairing for each in found for pairing in each.sigma if pairing.operand == "c"}
    assert (target.access, target.neutral, target.initial) == (0, None, 1)


def test_an_in_place_instruction_starts_from_the_input() -> None:
    (mapping,) = mappings(elementwise("max(x[p], 0)"), RELU_IN_PLACE)
    (target,) = mapping.sigma
    assert (target.access, target.initial) == (0, 1)
    (own,) = mappings("kernel k(y: inout f32[32]) { for p < 32 { y[p] = max(y[p], 0) } }", RELU_IN_PLACE)
    assert own.sigma[0].initial is None


def test_a_sum_of_one_value_is_an_assignment() -> None:
    kernel = "kernel k(x: f32[32, 1], z: f32[1]) -> (y: f32[32]) { y[p] += x[p, q] * z[q] }"
    assert any(each.rho == (("p", "l"),) for each in mappings(kernel, vector("a[l] * b[l]")))
    started = kernel.replace("-> (y: f32[32])", "").replace("z: f32[1]", "z: f32[1], y: inout f32[32]")
    assert not mappings(started, vector("a[l] * b[l]"))
