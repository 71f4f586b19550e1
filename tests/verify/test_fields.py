"""The fields: laws that their operators must keep, what they must tell apart, and what a part says of its worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.plan.program import Program
from isamapper.sim.functional.compiled import compile_body
from isamapper.verify.certificate import Status
from isamapper.verify.fields import field_part
from isamapper.verify.large_field import LargeField
from isamapper.verify.residues import Residues
from isamapper.verify.small_field import SmallField
from tests.verify import faults, small_programs

SMALL, LARGE = SmallField(), LargeField()
IDEMPOTENT = [SmallField(idempotent=True), LargeField(idempotent=True)]


def run(field: Residues, text: str, seed: int = 0, **arrays: np.ndarray) -> np.ndarray:
    """The one result of a kernel in ``field``."""
    kernel = parse_kernel(text)
    result = compile_body(kernel, None, field).run(arrays, seed=seed)
    assert result.stop is None
    return result.named["y"]


def randoms(field: Residues, count: int = 3, shape: tuple[int, ...] = (40,)) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    return {name: field.random_inputs(random, shape) for name in "abcd"[:count]}


def elementwise(value: str, dtype: str = "f32") -> str:
    inputs = ", ".join(f"{name}: {dtype}[40]" for name in "abc" if f"{name}[" in value)
    return f"kernel k({inputs}) -> (y: {dtype}[40]) {{ for i < 40 {{ y[i] = {value} }} }}"


def values(field: Residues, value: str, dtype: str = "f32", seed: int = 0) -> np.ndarray:
    text = elementwise(value, dtype)
    arrays = {name: array for name, array in randoms(field).items() if f"{name}[" in value}
    return run(field, text, seed, **arrays)


def equal(field: Residues, one: str, other: str, dtype: str = "f32") -> bool:
    return not field.unequal(values(field, one, dtype), values(field, other, dtype)).any()


LAWS = [
    ("a[i] + b[i]", "b[i] + a[i]"),
    ("(a[i] + b[i]) * c[i]", "a[i] * c[i] + b[i] * c[i]"),
    ("(a[i] - b[i]) * (a[i] + b[i])", "a[i] * a[i] - b[i] * b[i]"),
    ("-a[i] * 3.0", "0.0 - (a[i] + a[i] + a[i])"),
    ("max(a[i], max(b[i], c[i]))", "max(max(c[i], a[i]), b[i])"),
    ("min(a[i], b[i])", "min(b[i], a[i])"),
    ("max(a[i], -inf)", "a[i]"),
    ("min(inf, a[i])", "a[i]"),
    ("relu(a[i])", "max(0.0, a[i])"),
    ("clamp(a[i], -1.0, 2.0)", "min(max(a[i], -1.0), 2.0)"),
    ("(a[i] + b[i]) / c[i]", "a[i] / c[i] + b[i] / c[i]"),
    ("exp(a[i] + b[i])", "exp(b[i] + a[i])"),
    ("f32(f16(a[i])) + f32(f16(b[i]))", "f32(f16(b[i])) + f32(f16(a[i]))"),
    ("f32(f16(a[i] - a[i]))", "0.0"),
    ("f32(f64(a[i]) * f64(b[i]))", "f32(f64(b[i]) * f64(a[i]))"),
    ("rsqrt(a[i])", "1.0 / sqrt(a[i])"),
]

DIFFERENCES = [
    ("f32(f16(a[i]))", "a[i]"),
    ("f32(f16(a[i]))", "f32(bf16(a[i]))"),
    ("f32(tf32(a[i])) * b[i]", "a[i] * b[i]"),
    ("f32(i32(a[i]))", "a[i]"),
    ("f32(f16(a[i])) + f32(f16(b[i]))", "f32(f16(a[i] + b[i]))"),
    ("a[i] - b[i]", "b[i] - a[i]"),
    ("max(a[i], b[i])", "min(a[i], b[i])"),
    ("max(a[i], b[i])", "a[i] + b[i]"),
    ("relu(a[i])", "a[i]"),
    ("relu(a[i] + b[i])", "relu(a[i]) + b[i]"),
    ("relu(a[i] * 2.0)", "relu(a[i]) * 2.0"),
    ("exp(a[i])", "tanh(a[i])"),
    ("exp(a[i]) * exp(b[i])", "exp(a[i] * b[i])"),
    ("a[i] * 0.5", "a[i] * 0.25"),
    ("a[i] / b[i]", "b[i] / a[i]"),
    ("select(a[i] < b[i], a[i], c[i])", "select(a[i] <= b[i], a[i], c[i])"),
    ("select(a[i] < b[i], a[i], c[i])", "select(a[i] < b[i], c[i], a[i])"),
    ("clamp(a[i], -1.0, 2.0)", "clamp(a[i], -1.0, 3.0)"),
]


@pytest.mark.parametrize("field", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(("one", "other"), LAWS)
def test_the_laws_of_the_operators_hold(field: Residues, one: str, other: str) -> None:
    assert equal(field, one, other)


@pytest.mark.parametrize("field", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(("one", "other"), DIFFERENCES)
def test_different_formulas_differ_everywhere(field: Residues, one: str, other: str) -> None:
    assert field.unequal(values(field, one), values(field, other)).all()


@pytest.mark.parametrize("field", IDEMPOTENT, ids=["small", "large"])
def test_in_the_idempotent_variant_repetition_does_not_matter(field: Residues) -> None:
    assert equal(field, "max(a[i], max(b[i], a[i]))", "max(b[i], a[i])")
    assert equal(field, "min(a[i], inf)", "a[i]")
    assert not equal(field, "max(a[i], b[i])", "min(a[i], b[i])")
    assert not equal(SMALL, "max(a[i], max(b[i], a[i]))", "max(b[i], a[i])")


def test_shifts_and_integer_division_are_functions_of_their_arguments() -> None:
    assert equal(SMALL, "shr_round(a[i] + b[i], 3)", "shr_round(b[i] + a[i], 3)", "i32")
    assert not equal(SMALL, "shr_round(a[i], 3)", "a[i] >> 3", "i32")
    assert not equal(SMALL, "a[i] / b[i]", "b[i] / a[i]", "i32")


@pytest.mark.parametrize("field", [SMALL, LARGE], ids=["small", "large"])
def test_long_sums_of_products_are_exact(field: Residues) -> None:
    text = "kernel k(a: i32[5, 999], b: i32[999, 7]) -> (y: i32[5, 7]) { y[i, j] += a[i, k] * b[k, j] }"
    random = np.random.default_rng(2)
    a, b = field.random_inputs(random, (5, 999)), field.random_inputs(random, (999, 7))
    got = run(field, text, a=a, b=b)
    for i in range(5):
        for j in range(7):
            exact = sum(int(x) * int(y) for x, y in zip(a[i], b[:, j], strict=True))
            assert int(got[i, j]) % field.prime == exact % field.prime


@pytest.mark.parametrize("reduction", ["*=", "max=", "min="])
def test_other_reductions_agree_with_their_operators(reduction: str) -> None:
    text = f"kernel k(a: f32[40]) -> (y: f32[]) {{ for i < 40 {{ y {reduction} a[i] }} }}"
    a = randoms(SMALL, 1)["a"]
    whole = run(SMALL, text, a=a)
    back = run(SMALL, text, a=a[::-1].copy())
    assert not SMALL.unequal(whole, back).any()
    assert SMALL.unequal(whole, run(SMALL, text, a=np.concatenate([a[:-1], a[:1]]))).any()


def test_random_choices_depend_on_the_seed_alone() -> None:
    one, same, other = (values(SMALL, "exp(a[i]) * 0.1", seed=seed) for seed in (4, 4, 5))
    assert not SMALL.unequal(one, same).any()
    assert SMALL.unequal(one, other).any()


def test_more_than_one_degree_costs_more_trials() -> None:
    pool = field_part(small_programs.pool(), 0, 10**9)
    gemm = field_part(small_programs.gemm(), 0, 10**9)
    assert dict(gemm.part.facts)["degree_bound"] == 2
    assert dict(pool.part.facts)["degree_bound"] == 9
    assert gemm.error_probability == pytest.approx((2 / SMALL.prime) ** 2)


def test_a_maximum_that_repeats_elements_passes_with_an_honest_probability() -> None:
    program = small_programs.pool()
    twice = replace(program, body=faults.doubled("max")(program.body))
    answer = field_part(twice, 0, 10**9)
    assert answer.part.status is Status.PASSED
    assert "idempotent" in answer.part.detail
    assert answer.error_probability is not None
    width, trials = dict(answer.part.facts)["degree_bound"], int(dict(answer.part.facts)["trials"] or 0)
    assert width == 18
    assert answer.error_probability == pytest.approx((1 - 1 / width) ** trials, abs=0)
    assert answer.error_probability < 1e-8


def test_too_few_trials_are_no_pass() -> None:
    program = small_programs.pool()
    twice = replace(program, body=faults.doubled("max")(program.body))
    answer = field_part(twice, 0, 1)
    assert answer.part.status is Status.NOT_RUN
    assert answer.error_probability is None


def test_a_difference_names_the_element_and_the_way_it_came() -> None:
    program: Program = small_programs.gemm()
    wrong = replace(program, body=faults.offset("compute", "a", 0, faults.without("ko"))(program.body))
    difference = field_part(wrong, 0, 10**9).part.difference
    assert difference is not None
    assert (difference.tensor, difference.index) == ("c", (0, 0))
    assert difference.trail == (
        "'mvout' at mo = 0, no = 0 from sums[0, 0, 0]",
        "'compute' at mo = 0, no = 0, ko = 3",
    )


def test_functions_of_functions_are_tried_in_the_large_field() -> None:
    text = """kernel k(x: f32[4, 30]) -> (y: f32[4, 30]) {
      local e: f32[4, 30] local s: f32[4]
      for i < 4, j < 30 { e[i, j] = exp(x[i, j]) }
      for i < 4, j < 30 { s[i] += e[i, j] }
      for i < 4, j < 30 { y[i, j] = tanh(e[i, j] / s[i]) }
    }"""
    kernel: Kernel = parse_kernel(text)
    program = Program(kernel, small_programs.machine("lanes8"), kernel)
    answer = field_part(program, 0, 10**9)
    assert dict(answer.part.facts)["prime"] == LARGE.prime
    assert answer.error_probability is not None
    assert answer.error_probability < 1e-9
