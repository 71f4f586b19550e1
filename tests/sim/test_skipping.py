"""Skipping ahead: what it must not cost, and the traps that it must not fall into."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper.bench.simulator import arithmetic, product
from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Dispatch, Machine
from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
from isamapper.sim import reference
from isamapper.sim.compiled import engine
from isamapper.sim.compiled.nest import SkipPolicy
from isamapper.sim.counters import Counters
from isamapper.sim.sites import model
from isamapper.sim.timing import simulate
from tests.sim.micro import COPY, MAKE, SUM, USE, machine, op
from tests.sim.micro import program as micro_program

EAGER = SkipPolicy(first=1, trips=2)


def on_toy(text: str, target: Machine | None = None) -> Program:
    body = parse_program(text)
    return Program(body, target or load_machine("toy4"), body)


def skipped(case: Program, policy: SkipPolicy = EAGER) -> int:
    """Iterations skipped, after comparing all totals with stepping."""
    view = model(case)
    stepped, found = engine.run(view, skip=False), engine.run(view, policy=policy)
    assert stepped is not None and found is not None
    count, found.skipped = found.skipped, 0
    assert found == stepped
    return count


def both(case: Program) -> Counters:
    """Totals of the reference engine, which skipping agrees with."""
    expected = reference.run(model(case))
    found = engine.run(model(case), policy=EAGER)
    assert found is not None
    found.skipped = 0
    assert found == expected
    return expected


def test_most_of_a_thousand_million_instructions_are_skipped():
    found = engine.run(model(on_toy(product(2048, 2560, 4096))))
    assert found is not None
    assert sum(found.invocations) > 10**9
    assert found.skipped > 3000  # iterations of the outer loops, each with many thousand instructions


def test_the_cost_does_not_depend_on_the_trip_count():
    short, long = (engine.run(model(on_toy(arithmetic(count)))) for count in (10**4, 10**9))
    assert short is not None and long is not None
    assert long.cycles - short.cycles == 16 * (10**9 - 10**4)
    assert long.skipped > 10**9 - 2000


@pytest.mark.parametrize("sizes", [(64, 64, 64), (32, 96, 48), (128, 32, 160)])
def test_a_product_with_guards_is_skipped_exactly(sizes: tuple[int, int, int]):
    assert skipped(on_toy(product(*sizes))) > 0


@pytest.mark.parametrize("window", [None, 1, 4, 64])
@pytest.mark.parametrize("depth", [None, 1, 3])
def test_every_kind_of_front_end_repeats(window: int | None, depth: int | None):
    toy = load_machine("toy4")
    units = tuple(replace(unit, queue_depth=depth) for unit in toy.units)
    assert skipped(on_toy(product(64, 64, 64), replace(toy, units=units, dispatch=Dispatch(2, window)))) > 0


def test_dispatch_without_bounds_falls_behind_the_work():
    # Three a cycle are dispatched, one every four cycles starts: the clock is far behind at the end.
    target = machine(op("make", MAKE, "occupies_cycles: 4, latency_cycles: 9"), dispatch="{per_cycle: 3}")
    case = micro_program(target, "for i < 1000, j < 5 { invoke make() y: a[j + $0] over [1] }")
    assert both(case).cycles == 1 + 4 * 4999 + 9
    assert skipped(case) > 900


def test_slots_that_rotate_make_the_period_longer():
    # Three slots, written and read; the period is a multiple of three.
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 7"),
        op("use", USE, "occupies_cycles: 2, latency_cycles: 3", "v"),
        units=("{name: u, queue_depth: 4}", "{name: v, queue_depth: 4}"),
    )
    body = "for i < 300 { invoke make() y: a[rotate(i, 3) + $0] over [1] "
    body += "invoke use() x: a[rotate(i + 1, 3) + $0] over [1], z: c[rotate(i, 2) + $0] over [1] }"
    case = micro_program(target, body)
    both(case)
    assert skipped(case) > 200


def test_windows_that_move_together_keep_their_conflicts():
    # Each iteration reads what the one before wrote: a chain through a moving window.
    target = machine(op("copy", COPY, "occupies_cycles: 1, latency_cycles: 6"), units=("{name: u, queue_depth: 2}",))
    body = "allocate l: i8[400, 16] @m at 8192 allocate k: i8[400, 16] @n at 8192 for i < 390 {"
    body += " invoke copy(r = 2) x: l[i + $0, $1] over [2, 16], z: k[i + $0, $1] over [2, 16] }"
    case = micro_program(target, body)
    both(case)
    assert skipped(case) > 300


def test_windows_that_move_apart_never_skip():
    # Written at 2 i, read at i: which invocations conflict changes with every iteration.
    same = "(x: i32[1] @m) -> (z: i32[1] @m) { for i < 1 { z[i] = x[i] + 1 } }"
    target = machine(op("use", same, "occupies_cycles: 1, latency_cycles: 40"), units=("{name: u, queue_depth: 2}",))
    body = "allocate l: i32[200] @m at 8192 "
    body += "for i < 99 { invoke use() x: l[i + $0] over [1], z: l[2*i + $0 + 1] over [1] }"
    case = micro_program(target, body)
    both(case)
    assert skipped(case) == 0


def test_read_only_tensors_may_move_anyhow():
    target = machine(op("use", USE, "occupies_cycles: 3, latency_cycles: 4"), units=("{name: u, queue_depth: 2}",))
    body = "allocate l: i32[900] @m at 8192 for i < 200 {"
    body += " invoke use() x: l[i + $0] over [1], z: c[0 + $0] over [1]"
    body += " invoke use() x: l[4*i + $0] over [1], z: c[1 + $0] over [1] }"
    case = micro_program(target, body)
    both(case)
    assert skipped(case) > 150


def test_narrowed_last_iterations_are_stepped():
    tile = "(r in 1..4) () -> (y: i32[r] @m) { for i < r { y[i] = 1 } }"
    target = machine(
        op("make", tile, "occupies_cycles: r, latency_cycles: r + 3"), units=("{name: u, queue_depth: 2}",)
    )
    body = "allocate l: i32[403] @m at 8192 "
    body += "for i < 101 { invoke make(r = min(4, 403 - 4*i)) y: l[4*i + $0] over [min(4, 403 - 4*i)] }"
    case = micro_program(target, body)
    # 100 tiles of 4 cycles and one of 3 after the first cycle; the last ends r + 3 after its start.
    assert both(case).cycles == 1 + 400 + 3 + 3
    assert skipped(case) > 80


def test_work_of_other_iterations_under_guards_is_peeled():
    # The first iteration fills, every other prefetches unless it is the last, the last drains.
    target = machine(
        op("make", MAKE, "occupies_cycles: 2, latency_cycles: 5"),
        op("use", USE, "occupies_cycles: 3, latency_cycles: 3", "v"),
        units=("{name: u, queue_depth: 2}", "{name: v, queue_depth: 2}"),
        dispatch="{window: 6}",
    )
    body = """for v < 60 {
      if v == 0 { invoke make() y: a[0 + $0] over [1] }
      if 58 - v >= 0 { invoke make() y: a[rotate(v + 1, 2) + $0] over [1] }
      invoke use() x: a[rotate(v, 2) + $0] over [1], z: c[0 + $0] over [1]
      if v == 59 { invoke use() x: b[0 + $0] over [1], z: d[0 + $0] over [1] }
    }"""
    case = micro_program(target, body)
    both(case)
    assert 40 < skipped(case) < 60


def test_seven_nested_loops():
    target = machine(
        op("add", SUM, "occupies_cycles: 2, latency_cycles: 9", "u", "c: {accumulates: true}"),
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 4", "v"),
        units=("{name: u, queue_depth: 3}", "{name: v, queue_depth: 3}"),
        dispatch="{window: 9}",
    )
    body = "for q < 4, p < 5, o < 4, n < 3, m < 4 { invoke make() y: a[rotate(m, 2) + $0] over [1] for l < 3, k < 4 {"
    body += " invoke add() x: a[rotate(m, 2) + $0] over [1], c: c[l + $0] over [1] } }"
    case = micro_program(target, body)
    both(case)
    assert skipped(case) > 0


def test_units_that_rest_in_a_loop_stay_where_they_are():
    # v works once, long, before a loop that is u's alone, and again after it.
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 2"),
        op("use", USE, "occupies_cycles: 70, latency_cycles: 70", "v"),
        units=("{name: u, queue_depth: 2}", "{name: v, queue_depth: 2}"),
    )
    read = "invoke use() x: b[0 + $0] over [1], z: c[0 + $0] over [1]"
    case = micro_program(target, f"{read} for i < 500 {{ invoke make() y: a[0 + $0] over [1] }} {read}")
    both(case)
    assert skipped(case) > 300


def test_iterations_without_work_are_skipped_too():
    target = machine(op("make", MAKE, "occupies_cycles: 1, latency_cycles: 2"))
    body = "for i < 1000000000 { if i == 77 { invoke make() y: a[0 + $0] over [1] } }"
    assert simulate(micro_program(target, body)).cycles == 3  # a walk through every iteration would not end today


def test_a_tensor_larger_than_memory_costs_what_is_touched_of_it():
    target = machine(op("make", MAKE, "occupies_cycles: 1, latency_cycles: 2"))
    body = "allocate l: i32[2000000000] @m at 8192 for i < 1000000000 { invoke make() y: l[2*i + $0] over [1] }"
    assert simulate(micro_program(target, body)).cycles == 10**9 + 2


def test_more_records_than_memory_are_refused():
    target = machine(op("make", MAKE, "occupies_cycles: 1, latency_cycles: 2"))
    body = "allocate l: i32[2000000000] @m at 8192 for i < 1000000000 { invoke make() y: l[2*i + $0] over [1] }"
    with pytest.raises(SourceError, match="touches too many separate pieces of memory"):
        simulate(micro_program(target, body), engine="expanded")
