"""Sums whose parts are added up where the target lives: by loops of one core, and by the network between cores."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Loop
from isamapper.plan.check import check_program
from isamapper.plan.lower import lower
from isamapper.plan.steps import Schedule
from isamapper.plan.text import parse_schedule, print_program, print_schedule
from isamapper.sim.timing import simulate
from isamapper.verify.verifier import verify
from tests.plan.nests import lower_and_compare

MACHINE = """
format: 1
name: adders
clock_hz: 1000
source: made up for tests
memories:
  - {name: dram, kind: host, ports: [{name: bus, direction: both, bytes_per_cycle: 16}]}
  - {name: pad, kind: addressed, capacity_bytes: 1024}
  - {name: acc, kind: addressed, capacity_bytes: 1024}
units: [{name: load}, {name: mac}, {name: send}]
grid: {name: core, count: 4, holds: [pad, acc, load, mac, send], reduces: [dram]}
instructions:
  - name: fetch
    unit: load
    semantics: |
      (r in 1..4, c in 1..4) (s: i8[r, c] @dram) -> (d: i8[r, c] @pad) { for i < r, j < c { d[i, j] = s[i, j] } }
    operands: {s: {contiguous: [j]}, d: {contiguous: [j]}}
    timing: {latency_cycles: 0}
  - name: product
    unit: mac
    semantics: |
      (m in 1..4, n in 1..4, l in 1..4) (a: i8[m, l] @pad, b: i8[l, n] @pad, c: inout i32[m, n] @acc) {
        for i < m, j < n, k < l { c[i, j] += i32(a[i, k]) * i32(b[k, j]) }
      }
    operands: {a: {contiguous: []}, b: {contiguous: []}, c: {contiguous: [], accumulates: true}}
    timing: {occupies_cycles: 4, latency_cycles: 6}
  - name: product_first
    unit: mac
    semantics: |
      (m in 1..4, n in 1..4, l in 1..4) (a: i8[m, l] @pad, b: i8[l, n] @pad) -> (c: i32[m, n] @acc) {
        for i < m, j < n, k < l { c[i, j] += i32(a[i, k]) * i32(b[k, j]) }
      }
    operands: {a: {contiguous: []}, b: {contiguous: []}, c: {contiguous: []}}
    timing: {occupies_cycles: 4, latency_cycles: 6}
  - name: add
    unit: send
    semantics: |
      (m in 1..4, n in 1..4) (s: i32[m, n] @acc, d: inout i32[m, n] @dram) {
        for i < m, j < n { d[i, j] += s[i, j] }
      }
    operands: {s: {contiguous: []}, d: {contiguous: [j], accumulates: true}}
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: clear
    unit: send
    semantics: "(m in 1..4, n in 1..4) () -> (d: i32[m, n] @dram) { for i < m, j < n { d[i, j] = 0 } }"
    operands: {d: {contiguous: [j]}}
    timing: {occupies_cycles: 1, latency_cycles: 1}
"""
KERNEL = """kernel gemm(a: i8[M, K], b: i8[K, N], c: inout i32[M, N]) sizes M=8, N=8, K=16
{ c[m, n] += i32(a[m, k]) * i32(b[k, n]) }
"""
STEPS = """\
  apply 0 call product(a = 1, b = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  apply 0 first product_first(a = 1, b = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  split 0 m into m1: 2, m0: 4 in i
  split 0 n into n1: 2, n0: 4 in j
  split 0 k into k2: 4, k1: 1, k0: 4 in k
  reorder 0 k2, m1, n1, k1
  distribute 0 k2 across core
  place 0.0 acc at n1 adds add(i = m0*4, j = n0*4)
  place 0.1 pad at m1 fill fetch(i = m0*4, j = k0*4)
  place 0.2 pad at k1 fill fetch(i = k0*4, j = n0*4)
"""


def adders(*changes: tuple[str, str]) -> Machine:
    text = MACHINE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load_machine(Source("adders.yaml", text))


def schedule(steps: str = STEPS, machine: Machine | None = None, kernel: str = KERNEL) -> Schedule:
    text = f"machine adders\n{kernel}steps\n{steps}"
    return parse_schedule(Source("s", text), lambda _: machine or adders())


@pytest.mark.parametrize("k", [16, 14, 13])
def test_cores_add_up_their_parts(k: int) -> None:
    program = lower_and_compare(schedule(kernel=KERNEL.replace("K=16", f"K={k}")))
    assert check_program(program) == ()
    (loop,) = program.body.body
    assert isinstance(loop, Loop) and loop.across == "core"
    assert verify(program).ok


def test_a_core_may_add_up_what_its_own_loops_visit_again() -> None:
    steps = STEPS.replace("k2: 4, k1: 1", "k2: 2, k1: 2").replace("  distribute 0 k2 across core\n", "")
    program = lower_and_compare(schedule(steps))
    assert simulate(program).cycles > 0
    assert sum("add" in line for line in print_program(program).splitlines()) >= 1


def test_the_steps_read_back() -> None:
    given = schedule()
    assert "place 0.0 acc at n1 adds add(i = m0*4, j = n0*4)" in print_schedule(given)
    assert parse_schedule(Source("s", print_schedule(given)), lambda _: adders()) == given


def test_the_time_of_a_sum_over_four_cores() -> None:
    """One tile a core: M = N = 4, K = 16, so that every core does one product of 4 x 4 x 4.

    The bus gives a core 4 of its 16 bytes a cycle. a's tile, 16 bytes, starts in 1 and takes 4 beats: 1 to 5; b's tile
    follows: 5 to 9. The product starts in 9, ready at 9 + 6 = 15. The four sums arrive as one: 64 bytes for all, read
    from 15 to 19; that is 3 cycles longer than 'add' occupies, so its result is written 3 + 1 cycles after its start:
    19 to 23.
    """
    kernel = KERNEL.replace("M=8, N=8", "M=4, N=4")
    steps = STEPS.replace("m1: 2", "m1: 1").replace("n1: 2", "n1: 1")
    assert simulate(lower(schedule(steps, kernel=kernel))).cycles == 23


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("acc at n1 adds", "acc at n1 drain", "SCH020", "'add' is no copy"),
        ("adds add(", "adds fetch(", "SCH020", "'fetch' adds nothing to its target"),
        (
            "acc at n1 adds",
            "acc at n1 fill fetch() adds",
            "SCH018",
            "buffer of access 0 in 'acc': every tile starts afresh, so nothing fills it",
        ),
        (
            "  apply 0 first product_first(a = 1, b = 2, c = 0) over i = [m0], j = [n0], k = [k0]\n",
            "",
            "SCH018",
            "buffer of access 0 in 'acc': every tile starts afresh",
        ),
        ("0.1 pad at m1 fill", "0.1 pad at m1 adds add(i = m0*4) fill", "IR001", ""),
    ],
)
def test_what_cannot_be_added_up(old: str, new: str, code: str, message: str) -> None:
    assert old in STEPS
    with pytest.raises(SourceError) as caught:
        lower(schedule(STEPS.replace(old, new)))
    (found,) = caught.value.diagnostics
    if message:
        assert (found.code, found.message) == (code, message)


def test_a_network_that_adds_nothing_up_takes_no_sums() -> None:
    with pytest.raises(SourceError) as caught:
        lower(schedule(machine=adders((", reduces: [dram]", ""))))
    (found,) = caught.value.diagnostics
    assert found.message == "loop 'k2': the network of 'core' adds up nothing in 'dram'"


def test_sums_of_another_kind_are_refused() -> None:
    machine = adders(("{ d[i, j] += s[i, j] }", "{ d[i, j] max= s[i, j] }"))
    with pytest.raises(SourceError) as caught:
        lower(schedule(machine=machine))
    assert caught.value.diagnostics[0].message == "'add': it reduces with 'max=', the statement with '+='"
