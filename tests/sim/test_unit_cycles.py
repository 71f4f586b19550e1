"""Servers by hand: occupation, several servers, serial units, limits in flight. Entries: (dispatched, start, end)."""

from __future__ import annotations

from tests.sim.micro import FETCH, MAKE, USE, fetch, machine, make, op, program, run, times, use


def row(count: int) -> str:
    return " ".join(make(f"a[{index}]") for index in range(count))


def test_occupation_is_shorter_than_latency_in_a_pipeline():
    # 2 cycles apart, 7 long: S = 1, 3, 5.
    found = times(machine(op("make", MAKE, "occupies_cycles: 2, latency_cycles: 7")), row(3))
    assert found == [(0, 1, 8), (1, 3, 10), (2, 5, 12)]


def test_two_servers_work_side_by_side():
    # 4 cycles each on two servers: the third takes the first server's place in 5.
    units = ("{name: u, count: 2}",)
    found = times(machine(op("make", MAKE, "occupies_cycles: 4, latency_cycles: 4"), units=units), row(4))
    assert found == [(0, 1, 5), (1, 2, 6), (2, 5, 9), (3, 6, 10)]


def test_two_servers_start_in_order():
    # The second waits until 11 for the result of another unit; the third could start at 3 on the free server, but the
    # unit starts in order: 11.
    units = ("{name: u, count: 2}", "{name: v}")
    late = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 10", "v")
    use_ = op("use", USE, "occupies_cycles: 1, latency_cycles: 1")
    found = times(machine(late, use_, units=units), f"{make('a[0]')} {use('a[0]', 'c[0]')} {use('b[0]', 'c[1]')}")
    assert found == [(0, 1, 11), (1, 11, 12), (2, 11, 12)]


def test_a_serial_unit_waits_for_the_end():
    # Occupies 1 but ends after 5: S1 = E0 = 6.
    units = ("{name: u, serial: true}",)
    found = times(machine(op("make", MAKE, "occupies_cycles: 1, latency_cycles: 5"), units=units), row(3))
    assert found == [(0, 1, 6), (1, 6, 11), (2, 11, 16)]


def test_in_flight_counts_started_and_not_ended():
    # At most 2 in flight, latency 6: S2 = E0 = 7, S3 = E1 = 8.
    units = ("{name: u, in_flight: 2}",)
    found = times(machine(op("make", MAKE, "occupies_cycles: 1, latency_cycles: 6"), units=units), row(4))
    assert found == [(0, 1, 7), (1, 2, 8), (2, 7, 13), (3, 8, 14)]


def test_in_flight_places_come_back_in_order_of_ending():
    # In flight 2, latencies 9 and 2: S1 = 2, E1 = 4 frees a place for the third in 4, whose end in 6 frees the next.
    late = op("late", MAKE, "occupies_cycles: 1, latency_cycles: 9")
    soon = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 2")
    body = f"invoke late() y: a[0 + $0] over [1] {make('a[1]')} {make('a[2]')} {make('a[3]')}"
    found = times(machine(late, soon, units=("{name: u, in_flight: 2}",)), body)
    assert found == [(0, 1, 10), (1, 2, 4), (2, 4, 6), (3, 6, 8)]


def test_cycles_may_depend_on_a_parameter():
    # occupies m, latency m + 2 for m = 3 and 1: S1 = 1 + 3 = 4.
    tile = "(m in 1..4) () -> (y: i32[m] @m) { for i < m { y[i] = 1 } }"
    target = machine(op("make", tile, "occupies_cycles: m, latency_cycles: m + 2"))
    body = "invoke make(m = 3) y: a[0 + $0] over [3] invoke make(m = 1) y: b[0 + $0] over [1]"
    assert times(target, body) == [(0, 1, 6), (1, 4, 7)]


def test_nothing_takes_no_time():
    # occupies 0, latency 0: it starts and ends in the same cycle, and the next may start there too.
    found = times(machine(op("make", MAKE, "occupies_cycles: 0, latency_cycles: 0"), dispatch="{per_cycle: 2}"), row(2))
    assert found == [(0, 1, 1), (0, 1, 1)]


def test_an_implicit_instruction_takes_no_dispatch_slot():
    # The fill joins its unit at the clock of the last dispatch (0) and starts in 1; the next explicit one has D = 1.
    fill = op("fetch", FETCH, "occupies_cycles: 3, latency_cycles: 3", "v", more="implicit: true")
    use_ = op("use", USE, "occupies_cycles: 1, latency_cycles: 1")
    units = ("{name: u}", "{name: v}")
    body = f"{use('b[0]', 'c[0]')} {fetch('d[0]', 'a[0]')} {use('a[0]', 'c[1]')}"
    # the reader waits for the fill: 1 + 3 = 4
    assert times(machine(fill, use_, units=units), body) == [(0, 1, 2), (0, 1, 4), (1, 4, 5)]


def test_implicit_instructions_fill_no_queue_and_no_window():
    # Depth 1 and window 1 hold explicit instructions only; four fills queue up behind each other: S = 1, 4, 7, 10.
    fill = op("fetch", FETCH, "occupies_cycles: 3, latency_cycles: 3", "v", more="implicit: true")
    use_ = op("use", USE, "occupies_cycles: 1, latency_cycles: 1")
    units = ("{name: u}", "{name: v, queue_depth: 1}")
    fills = " ".join(fetch(f"d[{index}]", f"a[{index}]") for index in range(4))
    found = times(machine(fill, use_, units=units, dispatch="{window: 1}"), f"{fills} {use('b[0]', 'c[0]')}")
    assert found == [(0, 1, 4), (0, 4, 7), (0, 7, 10), (0, 10, 13), (0, 1, 2)]


def test_cycles_of_a_unit_are_booked_completely():
    # u: idle until 0 is dispatched and started (1), 3 x 4 busy; total 13.
    counters = run(program(machine(op("make", MAKE, "occupies_cycles: 4, latency_cycles: 4")), row(3)))
    assert counters.cycles == 13
    assert counters.busy == [12]
    assert sum(counters.stalls[0]) == 1
