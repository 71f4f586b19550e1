"""Loops by hand: ramp-up, steady state and drain, one buffer and two. Entries: (dispatched, start, end)."""

from __future__ import annotations

from tests.sim.micro import COPY, machine, op, program, run, times

LOAD = op("load", COPY, "occupies_cycles: 4, latency_cycles: 4", "load")
WORK = "(x: i8[1, 16] @n, c: inout i32[1] @n) { for i < 1, j < 16 { c[i] += i32(x[i, j]) } }"
UNITS = ("{name: load}", "{name: work}")


def work(cycles: int, more: str = "x: {read_until: 0}") -> str:
    """Sums a row; takes ``cycles`` and gives its result with the last of them."""
    return op(
        "work", WORK, f"occupies_cycles: {cycles}, latency_cycles: {cycles}", "work", more + ", c: {accumulates: true}"
    )


def stream(buffers: int, trips: int) -> str:
    """Loads row after row into ``buffers`` slots and sums them up."""
    slot = f"rotate(v, {buffers})" if buffers > 1 else "0"
    load = f"invoke load(r = 1) x: s[v + $0, $1] over [1, 16], z: q[{slot}, $0, $1] over [1, 16]"
    use = f"invoke work() x: q[{slot}, $0, $1] over [1, 16], c: c[0 + $0] over [1]"
    return f"allocate q: i8[{buffers}, 1, 16] @n at 2048 for v < {trips} {{ {load} {use} }}"


def test_one_buffer_takes_turns():
    # Load 0: 1 to 5. Work 0: 5 to 11, reading its operand at all times. Load 1 may overwrite it from 11 on (WAR),
    # work 1 starts in 15. The period is the sum, 4 + 6.
    target = machine(LOAD, work(6, "x: {read_until: 6}"), units=UNITS)
    expected = [(0, 1, 5), (1, 5, 11), (2, 11, 15), (3, 15, 21), (4, 21, 25), (5, 25, 31)]
    assert times(target, stream(1, 3)) == expected


def test_two_buffers_overlap_loading_with_work():
    # Load 1 goes to the other slot at once (5 to 9). Work: 5, 11, 17, 23: the period is the longer, 6. Load 2 waits for
    # work 0 to have read slot 0 (11), load 3 for work 1 (17).
    target = machine(LOAD, work(6, "x: {read_until: 6}"), units=UNITS)
    found = times(target, stream(2, 4))
    assert found[0::2] == [(0, 1, 5), (2, 5, 9), (4, 11, 15), (6, 17, 21)]
    assert found[1::2] == [(1, 5, 11), (3, 11, 17), (5, 17, 23), (7, 23, 29)]


def test_two_buffers_with_slow_loads_are_as_fast_as_loads():
    # Work takes 3 of every 4 cycles: S = 5, 9, 13, 17; the loads never wait: 1, 5, 9, 13.
    target = machine(LOAD, work(3, "x: {read_until: 3}"), units=UNITS)
    found = times(target, stream(2, 4))
    assert [start for _, start, _ in found[0::2]] == [1, 5, 9, 13]
    assert [start for _, start, _ in found[1::2]] == [5, 9, 13, 17]


def test_ramp_up_and_drain_are_paid_once():
    # 4 loads of 4 cycles end in 17; the last work starts there and takes 3: 20 = 1 + 4 x 4 + 3.
    counters = run(program(machine(LOAD, work(3, "x: {read_until: 3}"), units=UNITS), stream(2, 4)))
    assert counters.cycles == 20


def test_a_shallow_queue_defeats_two_buffers():
    # With a window of 2, a load is not dispatched before the work two places earlier has ended: the period is
    # again load and work one after the other: load 1 at D = 5 (load 0 retired): 6 to 10; work 1: D = E(work 0) = 11.
    target = machine(LOAD, work(6, "x: {read_until: 6}"), units=UNITS, dispatch="{window: 2}")
    # load 2 needs a place: load 1 retires with work 0, in 11: both work 1 and load 2 follow (11, 12).
    found = times(target, stream(2, 3))
    assert found == [(0, 1, 5), (1, 5, 11), (5, 6, 10), (11, 12, 18), (12, 13, 17), (18, 19, 25)]


def test_three_buffers_do_not_help_a_slow_worker():
    target = machine(LOAD, work(6, "x: {read_until: 6}"), units=UNITS)
    two, three = run(program(target, stream(2, 8))).cycles, run(program(target, stream(3, 8))).cycles
    # the first load (4), then work without a pause (8 x 6), one cycle of dispatch before
    assert two == three == 1 + 4 + 8 * 6


def test_an_early_release_of_the_operand_lets_one_buffer_overlap():
    # The worker has read its operand after 2 of 6 cycles: load 1 starts in 7, is done in 11, when work 0 ends.
    target = machine(LOAD, work(6, "x: {read_until: 2}"), units=UNITS)
    found = times(target, stream(1, 3))
    assert found == [(0, 1, 5), (1, 5, 11), (2, 7, 11), (3, 11, 17), (4, 13, 17), (5, 17, 23)]
