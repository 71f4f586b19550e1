"""Programs: invocations, windows, registers and errors, against the interpreter."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Kernel
from isamapper.ir.template import bind, parse_template
from isamapper.plan.program import Program
from isamapper.sim.functional import ExecutionError, execute
from isamapper.sim.functional.native_run import run_native
from isamapper.sim.functional.run import meaning_on, run_body
from isamapper.testing.kernels import inputs_for
from tests.verify import small_programs

MACHINE = """
format: 1
name: odd
source: made up for tests
clock_hz: 1000000000
memories:
  - {name: dram, kind: host, ports: [{name: bus, direction: both, bytes_per_cycle: 8}]}
units: [{name: alu, queue_depth: 4}]
instructions:
  - name: copy
    unit: alu
    semantics: "(n in 1..8) (src: i32[n] @dram) -> (dst: i32[n] @dram) { for i < n { dst[i] = src[i] } }"
    operands: {src: {contiguous: [], pads: true}, dst: {contiguous: []}}
    timing: {latency_cycles: 1}
  - name: blur
    unit: alu
    semantics: >-
      (n in 1..8) (a: i32[n + 2] @dram) -> (b: i32[n] @dram)
      { for i < n, k < 3 { b[i] += a[i + k] } }
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: normalise
    unit: alu
    semantics: >-
      (n in 2..8 step 2) (x: inout f32[n] @dram)
      { local s: f32[] for i < n { s += x[i] } for i < n { x[i] = x[i] / s } }
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: divide
    unit: alu
    semantics: "(a: i32[4] @dram, b: i32[4] @dram) -> (c: i32[4] @dram) { for i < 4 { c[i] = a[i] / b[i] } }"
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: swap
    unit: alu
    semantics: >-
      (a: inout i32[4] @dram, b: inout i32[4] @dram)
      { local t: i32[4] for i < 4 { t[i] = a[i] } for i < 4 { a[i] = b[i] } for i < 4 { b[i] = t[i] } }
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: lower
    unit: alu
    semantics: "(a: i32[4, 4] @dram) -> (c: i32[4, 4] @dram) { for i < 4, j < 4 { if i >= j { c[i, j] = a[i, j] } } }"
    timing: {occupies_cycles: 1, latency_cycles: 1}
"""


@cache
def odd() -> Machine:
    return load_machine(Source("odd.yaml", MACHINE))


def parse_program(text: str) -> Kernel:
    """A program that the verifier has not seen: what it would refuse must be refused when it runs, too."""
    return bind(parse_template(Source("<test>", text)), program=True)


def agree(text: str, machine: Machine | None = None) -> dict[str, np.ndarray]:
    """The results, the same from both engines; what the program leaves undefined is 0 in both."""
    body, target = parse_program(text), machine or odd()
    arrays = inputs_for(body, 3)
    expected = interpret(body, arrays, meaning=meaning_on(target))
    got = run_body(body, target, arrays, checked=True)
    for name, array in expected.items():
        assert np.array_equal(array, got[name]), name
    return got


def failure(text: str) -> tuple[str, str]:
    """The code and the message of the error that both engines report."""
    body = parse_program(text)
    arrays = inputs_for(body, 3)
    with pytest.raises(SourceError) as defined:
        interpret(body, arrays, meaning=meaning_on(odd()))
    with pytest.raises(ExecutionError) as caught:
        run_body(body, odd(), arrays, checked=True)
    found = caught.value.diagnostics[0]
    assert found.code == defined.value.diagnostics[0].code
    return found.code, found.message


@pytest.mark.parametrize("name", small_programs.PROGRAMS)
def test_programs_give_the_interpreters_bits(name: str) -> None:
    program: Program = small_programs.PROGRAMS[name]()
    arrays = inputs_for(program.kernel, 1)
    expected = interpret(program.body, arrays, meaning=meaning_on(program.machine))
    got = execute(program, arrays)
    assert all(np.array_equal(expected[key], got[key]) for key in expected)
    assert run_native(program.body, program.machine, arrays, checked=False) is not None


def test_an_operand_that_overlaps_the_result_is_read_before_it_is_written() -> None:
    got = agree("""kernel k(x: inout i32[12] @dram at 0) {
      invoke copy(n = 8) src: x[$0] over [8], dst: x[$0 + 3] over [8]
    }""")
    assert got["x"].shape == (12,)


def test_windows_may_walk_backwards_diagonally_and_stand_still() -> None:
    agree("""kernel k(x: i32[8, 8] @dram at 0) -> (y: i32[3, 8] @dram at 512) {
      invoke copy(n = 8) src: x[$0, 7 - $0] over [8], dst: y[0, $0] over [8]
      invoke copy(n = 8) src: x[3, 2] over [8], dst: y[1, 7 - $0] over [8]
      invoke copy(n = 4) src: x[2*$0, 1] over [4], dst: y[2, 2*$0] over [4]
      invoke copy(n = 4) src: x[2*$0 + 1, 1] over [4], dst: y[2, 2*$0 + 1] over [4]
    }""")


def test_padding_on_every_side_reads_the_given_value() -> None:
    got = agree("""kernel k(x: i32[5, 3] @dram at 0) -> (y: i32[7, 8] @dram at 64) {
      for i < 7 {
        invoke copy(n = 8) src: x[i - 1, $0 - 2] over [8] else 9, dst: y[i, $0] over [8]
      }
    }""")
    assert list(got["y"][0]) == [9] * 8
    assert list(got["y"][3, :2]) == [9, 9]
    assert list(got["y"][3, 5:]) == [9, 9, 9]


def test_slots_of_three_and_extents_that_shrink() -> None:
    agree(
        """kernel k(x: i32[23] @dram at 0) -> (y: i32[23] @dram at 128) {
      allocate b: i32[3, 8] @dram at 256
      for i < 4 {
        invoke copy(n = min(7, 23 - 7*i)) src: x[7*i + $0] over [min(7, 23 - 7*i)],
          dst: b[rotate(2*i + 1, 3), $0] over [min(7, 23 - 7*i)]
        if i != 2 {
          invoke copy(n = min(7, 23 - 7*i)) src: b[rotate(2*i + 1, 3), $0] over [min(7, 23 - 7*i)],
            dst: y[7*i + $0] over [min(7, 23 - 7*i)]
        } else {
          for j < min(7, 23 - 7*i) {
            invoke copy(n = 1) src: b[rotate(2*i + 1, 3), j + $0] over [1], dst: y[7*i + j + $0] over [1]
          }
        }
      }
    }""".replace("if i != 2", "if i <= 1")
    )


def test_several_statements_locals_and_two_results_of_one_instruction() -> None:
    agree("""kernel k(x: inout f32[3, 4] @dram at 0) {
      for i < 3 { invoke normalise(n = 4) x: x[i, $0] over [4] }
    }""")
    got = agree("""kernel k(x: inout i32[4] @dram at 0, y: inout i32[4] @dram at 16) {
      invoke swap a: x[$0] over [4], b: y[$0] over [4]
    }""")
    assert set(got) == {"x", "y"}


def test_two_results_in_one_tensor_are_left_to_the_interpreter() -> None:
    text = "kernel k(x: inout i32[8] @dram at 0) { invoke swap a: x[$0] over [4], b: x[$0 + 4] over [4] }"
    agree(text)
    body = parse_program(text)
    assert run_native(body, odd(), inputs_for(body, 0), checked=False) is None


def test_what_an_instruction_does_not_write_stays_as_it_was() -> None:
    got = agree("""kernel k(x: i32[4, 4] @dram at 0, y: inout i32[4, 4] @dram at 64) {
      invoke lower a: x[$0, $1] over [4, 4], c: y[$0, $1] over [4, 4]
    }""")
    given = inputs_for(parse_program("""kernel k(x: i32[4, 4] @dram at 0, y: inout i32[4, 4] @dram at 64) { }"""), 3)
    assert np.array_equal(got["y"], np.tril(given["x"]) + np.triu(given["y"], 1))


def test_an_undefined_read_names_operand_instruction_and_loops() -> None:
    code, message = failure("""kernel k(x: i32[8] @dram at 0) -> (y: i32[8] @dram at 32) {
      allocate b: i32[8] @dram at 64
      for i < 4 { invoke copy(n = 2) src: x[2*i + $0] over [2], dst: b[i + $0] over [2] }
      for i < 4 { invoke copy(n = 2) src: b[2*i + $0] over [2], dst: y[2*i + $0] over [2] }
    }""")
    assert code == "IR304"
    assert "an element of 'src' is read before it is written" in message
    assert "'copy' at i = 2" in message


def test_a_window_that_leaves_its_tensor_names_instruction_and_loops() -> None:
    code, message = failure("""kernel k(x: i32[9] @dram at 0) -> (y: i32[9] @dram at 64) {
      for i < 3 { invoke copy(n = 4) src: x[4*i + $0] over [4], dst: y[$0] over [4] }
    }""")
    assert (code, message) == ("IR306", "the window of operand 'src' leaves its tensor in 'copy' at i = 2")


def test_a_division_by_zero_names_statement_instruction_and_loops() -> None:
    code, message = failure("""kernel k(x: i32[4] @dram at 0) -> (y: i32[4] @dram at 64) {
      prepare { allocate z: i32[4] @dram at 128 for i < 4 { z[i] = 0 } }
      for i < 2 { invoke divide a: x[$0] over [4], b: z[$0] over [4], c: y[$0] over [4] }
    }""")
    assert code == "IR305"
    assert message == "integer division by zero in the statement that writes 'c' in 'divide' at i = 0"


def test_a_window_of_another_shape_names_the_operand() -> None:
    code, message = failure("""kernel k(x: i32[9] @dram at 0) -> (y: i32[9] @dram at 64) {
      for i < 3 { invoke copy(n = 4) src: x[$0] over [3], dst: y[$0] over [4] }
    }""")
    assert code == "IR308"
    assert "the window of operand 'src' has not the operand's shape" in message


def test_a_parameter_value_that_the_instruction_does_not_have_is_an_error() -> None:
    body = parse_program("""kernel k(x: inout f32[9] @dram at 0) {
      for i < 4 { invoke normalise(n = min(4, i + 2)) x: x[$0] over [min(4, i + 2)] }
    }""")
    with pytest.raises(ExecutionError, match="a parameter has a value that the instruction does not have"):
        run_body(body, odd(), {"x": np.ones(9)}, checked=True)


def test_a_reduction_inside_an_instruction_starts_at_its_identity() -> None:
    got = agree("""kernel k(x: i32[8] @dram at 0, y: inout i32[6] @dram at 64) {
      invoke blur(n = 6) a: x[$0] over [8], b: y[$0] over [6]
    }""")
    x = inputs_for(parse_program("kernel k(x: i32[8] @dram at 0, y: inout i32[6] @dram at 64) { }"), 3)["x"]
    assert np.array_equal(got["y"], x[:-2] + x[1:-1] + x[2:])


def test_results_never_written_are_undefined_for_checks_and_zero_in_results() -> None:
    got = agree("""kernel k(x: i32[8] @dram at 0) -> (y: i32[8] @dram at 64) {
      invoke copy(n = 4) src: x[$0] over [4], dst: y[$0] over [4]
    }""")
    assert not got["y"][4:].any()


def test_an_invocation_that_never_happens_may_have_any_parameter() -> None:
    got = agree("""kernel k(x: inout f32[4] @dram at 0) {
      for i < 2 {
        invoke normalise(n = 4) x: x[$0] over [4]
        if i >= 2 { invoke normalise(n = min(4, i - 1)) x: x[$0] over [min(4, i - 1)] }
      }
    }""")
    assert got["x"].shape == (4,)
