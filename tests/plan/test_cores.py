"""Loops across grids: what is distributed is computed, and what cannot be is refused at its step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Allocate, Loop
from isamapper.ir.parser import parse_kernel
from isamapper.ir.verifier import check_kernel
from isamapper.plan.check import check_program
from isamapper.plan.lower import lower
from isamapper.plan.program import Program
from isamapper.plan.steps import Schedule
from isamapper.plan.text import parse_program_file, parse_schedule, print_program, print_schedule
from tests.plan.nests import lower_and_compare

QUAD = """
base: toy4
name: quad
source: made up for tests
grid: {name: core, count: 4, holds: [spad, acc, weights, load, fill, mac, store]}
"""
STEPS = """\
  apply 0 call compute(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  apply 0 first compute_first(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  split 0 m into m2: 4, m1: 2, m0: 4 in i
  split 0 n into n1: 2, n0: 4 in j
  split 0 k into k1: 2, k0: 4 in k
  reorder 0 m2, m1, n1, k1
  distribute 0 m2 across core
  place 0.0 acc at n1 slots 2 drain mvout(i = m0*4, j = n0*4)
  pipeline 0.0 acc
  place 0.1 spad at m1 slots 2 fill mvin(i = m0*4, j = k0*4)
  pipeline 0.1 spad spread [k1 = k1]
  place 0.2 spad at n1 slots 2 fill mvin(i = k0*4, j = n0*4)
  pipeline 0.2 spad spread [k1 = k1]
  place 0.2 weights at k1 slots 2 row 16 fill preload(k = k0*4, j = n0*4)
"""


def quad() -> Machine:
    return load_machine(Source("quad.yaml", QUAD))


def schedule(steps: str, m: int = 32) -> Schedule:
    text = f"machine quad\nkernel gemm M={m} N=8 K=8 TA=i8 TB=i8 TC=i32\nsteps\n{steps}"
    return parse_schedule(Source("s", text), lambda _: quad())


@pytest.mark.parametrize("m", [32, 29, 25])
def test_every_core_does_its_part(m: int) -> None:
    program = lower_and_compare(schedule(STEPS, m))
    (loop,) = (node for node in program.body.body if isinstance(node, Loop))
    assert (loop.iterator, loop.across) == ("m2", "core")
    assert sum(isinstance(node, Allocate) for node in loop.body) == 4
    assert check_program(program) == ()


def test_steps_and_programs_read_back() -> None:
    given = schedule(STEPS)
    text = print_schedule(given)
    assert "  distribute 0 m2 across core\n" in text
    assert parse_schedule(Source("s", text), lambda _: quad()) == given
    program = lower(given)
    assert parse_program_file(Source("p", print_program(program)), lambda _: quad()) == program


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "message"),
    [
        ("m2 across core", "m1 across core", "SCH015", 10, "loop 'm1': distributed loops are the outermost"),
        ("m2 across core", "m2 across chip", "SCH020", 10, "machine 'quad' has no grid 'chip'"),
        ("m2: 4, m1: 2", "m2: 8, m1: 1", "SCH015", 10, "grid 'core': it has 4 copies, the loops have 8 iterations"),
        ("spad at m1 slots", "spad slots", "SCH015", 13, "buffer of access 1 in 'spad': every core has its own"),
    ],
)
def test_what_cannot_be_distributed(old: str, new: str, code: str, line: int, message: str) -> None:
    steps = STEPS.replace(old, new)
    assert steps != STEPS
    with pytest.raises(SourceError) as caught:
        lower(schedule(steps))
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.code, found.span.line, found.message) == (code, line, message)


def test_a_sum_is_not_distributed() -> None:
    steps = STEPS.replace("reorder 0 m2, m1, n1, k1", "reorder 0 k1, m2, m1, n1").replace("0 m2 across", "0 k1 across")
    steps = "\n".join(line for line in steps.splitlines() if " 0.0 acc" not in line)
    with pytest.raises(SourceError) as caught:
        lower(schedule(steps))
    assert caught.value.diagnostics[0].message == "loop 'k1': iterations of 'k' depend on each other (reduction)"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("c[4*m1 + 8*m2", "c[4*m1 + 4*m2", "SCH121"),
        ("across core", "across chip", "SCH120"),
        ("m2 < 4 across", "m2 < 5 across", "SCH120"),
        ("@spad at 0", "@dram at 4096", "SCH120"),
    ],
)
def test_programs_by_hand_are_checked(old: str, new: str, code: str) -> None:
    text = print_program(lower(schedule(STEPS)))
    assert old in text
    program: Program = parse_program_file(Source("p", text.replace(old, new)), lambda _: quad())
    assert code in {each.code for each in check_program(program)}


def test_kernels_run_on_no_grid() -> None:
    text = "kernel k(x: i8[4]) -> (y: i8[4]) { for i < 4 across core { y[i] = x[i] } }"
    with pytest.raises(SourceError) as caught:
        parse_kernel(text)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("IR050", "'across' belongs to programs")
    plain = parse_kernel(text.replace(" across core", ""))
    loop = plain.body[0]
    assert isinstance(loop, Loop)
    with pytest.raises(SourceError, match="'across' belongs to programs"):
        check_kernel(replace(plain, body=(replace(loop, across="core"),)))
