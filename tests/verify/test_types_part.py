"""True data types: what only they show, what floats may do, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel, parse_program
from isamapper.ir.types import DTYPES
from isamapper.plan.program import Program
from isamapper.verify.certificate import Part, Status
from isamapper.verify.patterns import FLOAT_PATTERNS, INTEGER_PATTERNS, WHOLE_PATTERNS, inputs, machine_epsilon
from isamapper.verify.types_part import types_part
from isamapper.verify.verifier import verify
from isamapper.verify.widened import widened
from tests.verify import small_programs

MACHINE = """
format: 1
name: floats
source: made up for tests
clock_hz: 1000000000
memories:
  - {name: dram, kind: host, ports: [{name: bus, direction: both, bytes_per_cycle: 8}]}
units: [{name: alu, queue_depth: 4}]
instructions:
  - name: copy
    unit: alu
    semantics: "(x: f32[32] @dram) -> (y: f32[32] @dram) { for i < 32 { y[i] = x[i] } }"
    timing: {latency_cycles: 1}
  - name: copy_narrow
    unit: alu
    semantics: "(x: f32[32] @dram) -> (y: f32[32] @dram) { for i < 32 { y[i] = f32(f16(x[i])) } }"
    timing: {latency_cycles: 1}
  - name: total
    unit: alu
    semantics: "(x: f32[32] @dram) -> (y: f32[] @dram) { for i < 32 { y += x[i] } }"
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: total_backwards
    unit: alu
    semantics: "(x: f32[32] @dram) -> (y: f32[] @dram) { for i < 32 { y += x[31 - i] } }"
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: total_narrow
    unit: alu
    semantics: >-
      (x: f32[32] @dram) -> (y: f32[] @dram)
      { local s: bf16[] for i < 32 { s += bf16(x[i]) } y = f32(s) }
    timing: {occupies_cycles: 1, latency_cycles: 1}
"""

SUM = "kernel k(x: f32[32]) -> (y: f32) { for i < 32 { y += x[i] } }"
TANH = "kernel k(x: f32[32]) -> (y: f32[32]) { for i < 32 { y[i] = tanh(x[i]) } }"


@cache
def machine() -> Machine:
    return load_machine(Source("floats.yaml", MACHINE))


def summed_by(instruction: str, first: str = "copy") -> Program:
    body = parse_program(f"""kernel k(x: f32[32] @dram at 0) -> (y: f32 @dram at 128) {{
      allocate t: f32[32] @dram at 192
      invoke {first} x: x[$0] over [32], y: t[$0] over [32]
      invoke {instruction} x: t[$0] over [32], y: y over []
    }}""")
    return Program(parse_kernel(SUM), machine(), body)


def judged(program: Program) -> Part:
    return types_part(program, None, 0, 10**9)[0]


def fact(part: Part, name: str) -> float:
    value = dict(part.facts)[name]
    assert isinstance(value, (int, float))
    return value


def test_the_kernels_own_order_gives_no_difference() -> None:
    part = judged(summed_by("total"))
    assert part.status is Status.PASSED
    assert fact(part, "greatest_relative_difference") == 0


def test_another_order_of_adding_passes_and_its_difference_is_measured() -> None:
    part = judged(summed_by("total_backwards"))
    assert part.status is Status.PASSED
    assert 0 < fact(part, "greatest_relative_difference") < 1e-5
    assert "greatest difference to the kernel's own order" in part.detail


@pytest.mark.parametrize("program", [summed_by("total_narrow"), summed_by("total", "copy_narrow")], ids=["sum", "copy"])
def test_a_narrower_type_on_the_way_is_found_by_two_parts(program: Program) -> None:
    certificate = verify(program)
    assert not certificate.ok
    assert certificate.part("prime_fields").status is Status.FAILED
    failed = certificate.part("true_types")
    assert failed.status is Status.FAILED
    assert failed.difference is not None
    assert failed.difference.writer is not None


def test_integers_must_be_equal_also_where_they_overflow() -> None:
    part = judged(small_programs.quantised())
    assert part.status is Status.PASSED
    assert fact(part, "runs") == len(INTEGER_PATTERNS)
    assert fact(part, "interpreted_instances") > 0


def test_a_kernel_that_always_rounds_is_said_not_to_be_compared_exactly() -> None:
    program = Program(parse_kernel(TANH), machine(), parse_kernel(TANH))
    part, not_covered = types_part(program, None, 0, 10**9)
    assert part.status is Status.PASSED
    assert fact(part, "exact") == 0
    assert not_covered == ("exact equality on floats: every pattern of inputs makes the kernel round",)


def test_a_program_too_large_for_the_interpreter_is_said_to_be() -> None:
    large = parse_kernel(SUM.replace("[32]", "[300000]").replace("< 32", "< 300000"))
    part, not_covered = types_part(Program(large, machine(), large), None, 0, 10**9)
    assert part.status is Status.PASSED
    assert not_covered == ("the interpreter: the program is too large for it and there is no smaller form",)


def test_the_reduced_form_is_interpreted_where_the_program_is_too_large() -> None:
    large = parse_kernel(SUM.replace("[32]", "[300000]").replace("< 32", "< 300000"))
    small = small_programs.scan()
    part, not_covered = types_part(Program(large, machine(), large), small, 0, 10**9)
    assert part.status is Status.PASSED
    assert fact(part, "interpreted_instances") > 0
    assert not not_covered


def test_a_certificate_beyond_the_limit_is_of_the_reduced_size() -> None:
    program = small_programs.gemm()
    certificate = verify(program, ops_limit=1000, reduced=small_programs.gemm, proof_seconds=0.01)
    assert certificate.ok
    assert certificate.size.value == "reduced"
    assert "only its reduced form was executed" in certificate.not_covered[0]


def test_a_program_far_beyond_the_limit_without_a_reduced_form_is_not_certified() -> None:
    certificate = verify(small_programs.gemm(), ops_limit=1, proof_seconds=0.01)
    assert not certificate.ok
    assert [part.name for part in certificate.parts] == ["form", "integer_sets"]
    assert "there is no reduced form of it" in certificate.not_covered[0]


def test_widened_kernels_have_no_narrow_floats_left() -> None:
    text = "kernel k(a: bf16[4], b: i8[4]) -> (y: f16[4]) { for i < 4 { y[i] = f16(f32(a[i]) * 2.0) + f16(b[i]) } }"
    wide: Kernel = widened(parse_kernel(text))
    assert {str(tensor.dtype) for tensor in wide.tensors} == {"f64", "i8"}
    assert wide.name == "k"


def test_patterns_reach_the_ends_of_integers_and_depend_on_the_seed() -> None:
    kernel = parse_kernel("kernel k(a: i8[500], b: u8[500]) -> (y: i8[500]) { for i < 500 { y[i] = a[i] } }")
    given = inputs(kernel, INTEGER_PATTERNS[1], 0)
    assert set(given["a"]) == {-128, 127}
    assert set(given["b"]) == {0, 255}
    for pattern in (*INTEGER_PATTERNS, *WHOLE_PATTERNS, *FLOAT_PATTERNS):
        one, same = inputs(kernel, pattern, 1), inputs(kernel, pattern, 1)
        assert (one["a"] == same["a"]).all()


def test_epsilons_are_the_types_own() -> None:
    assert machine_epsilon(DTYPES["f32"]) == 2.0**-23
    assert machine_epsilon(DTYPES["bf16"]) == 2.0**-7
    assert machine_epsilon(DTYPES["tf32"]) == 2.0**-10
    assert machine_epsilon(DTYPES["i8"]) == 0


def test_the_certificate_is_the_same_every_time() -> None:
    one, same = (verify(small_programs.scan(), seed=5) for _ in range(2))

    def timeless(part: Part) -> Part:
        return replace(part, seconds=0.0)

    assert [timeless(part) for part in one.parts] == [timeless(part) for part in same.parts]
    assert one.to_dict().keys() == {"ok", "parts", "size", "error_probability", "not_covered"}
