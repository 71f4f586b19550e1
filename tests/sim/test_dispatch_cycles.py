"""Dispatch by hand: rate, queues, the window. Entries are (dispatched, start, end)."""

from __future__ import annotations

from tests.sim.micro import MAKE, USE, machine, make, op, times, use

FAST = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1")


def slow(unit: str = "u") -> str:
    """Writes after 4 cycles, taking the server for all of them."""
    return op("make", MAKE, "occupies_cycles: 4, latency_cycles: 4", unit)


def row(count: int) -> str:
    """``count`` independent writes."""
    return " ".join(make(f"a[{index}]") for index in range(count))


def test_one_instruction_starts_the_cycle_after_its_dispatch():
    assert times(machine(FAST), row(1)) == [(0, 1, 2)]


def test_one_dispatch_a_cycle():
    # Nothing else holds them: D = 0, 1, 2 and S = D + 1.
    assert times(machine(FAST), row(3)) == [(0, 1, 2), (1, 2, 3), (2, 3, 4)]


def test_three_dispatches_a_cycle():
    # D = 0, 0, 0, 1; the one server takes them one cycle each: S = 1, 2, 3, 4.
    found = times(machine(FAST, dispatch="{per_cycle: 3}"), row(4))
    assert found == [(0, 1, 2), (0, 2, 3), (0, 3, 4), (1, 4, 5)]


def test_the_dispatch_count_starts_anew_after_a_wait():
    # Depth 1: the second waits for the first start (1), the third for the second (2); two a cycle never happen.
    found = times(machine(FAST, units=("{name: u, queue_depth: 1}",), dispatch="{per_cycle: 2}"), row(3))
    assert found == [(0, 1, 2), (1, 2, 3), (2, 3, 4)]


def test_a_full_queue_holds_dispatch_until_the_entry_starts():
    # Depth 2, 4 cycles each. S0 = 1; S1 = 5; the third waits for a place: entry 0 leaves at its start in 1, so D2 = 2
    # (entries 1, 2 held). The fourth waits for entry 1's start in 5: D3 = 5. S2 = 9, S3 = 13.
    found = times(machine(slow(), units=("{name: u, queue_depth: 2}",)), row(4))
    assert found == [(0, 1, 5), (1, 5, 9), (2, 9, 13), (5, 13, 17)]


def test_an_entry_held_to_its_end_blocks_longer():
    # Depth 1, held to the end: D1 = E0 = 5 (a place freed in 5 can be taken in 5), S1 = 6, D2 = 10.
    found = times(machine(slow(), units=("{name: u, queue_depth: 1, held: end}",)), row(3))
    assert found == [(0, 1, 5), (5, 6, 10), (10, 11, 15)]


def test_entries_held_to_the_end_are_freed_in_order_of_ending():
    # Latencies 9 and 2, depth 2, occupies 1. E0 = 10, E1 = 4. The third needs one place: 4, not 10.
    late = op("late", MAKE, "occupies_cycles: 1, latency_cycles: 9")
    soon = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 2")
    body = f"invoke late() y: a[0 + $0] over [1] {make('a[1]')} {make('a[2]')} {make('a[3]')}"
    found = times(machine(late, soon, units=("{name: u, queue_depth: 2, held: end}",)), body)
    # D2 = 4, S2 = 5, E2 = 7: D3 waits for the second greatest of (10, 4, 7), which is 7.
    assert found == [(0, 1, 10), (1, 2, 4), (4, 5, 7), (7, 8, 10)]


def test_a_full_queue_blocks_other_units_behind_it():
    # Dispatch is in order: v's instruction stands behind u's third, which waits for a place until cycle 5.
    units = ("{name: u, queue_depth: 1}", "{name: v}")
    other = op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v")
    found = times(machine(slow(), other, units=units), f"{row(3)} {use('b[0]', 'c[0]')}")
    # D1 = S0 = 1, D2 = S1 = 5, D3 = 6.
    assert found == [(0, 1, 5), (1, 5, 9), (5, 9, 13), (6, 7, 8)]


def test_the_window_counts_what_has_not_retired():
    # Window 2, latency 6: D2 = E0 = 7, D3 = E1 = 8.
    long = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 6")
    found = times(machine(long, dispatch="{per_cycle: 1, window: 2}"), row(4))
    assert found == [(0, 1, 7), (1, 2, 8), (7, 8, 14), (8, 9, 15)]


def test_the_window_retires_in_order():
    # Latencies 9 then 1: the second ends in 3 but retires with the first, in 10; both places come back in 10.
    late = op("late", MAKE, "occupies_cycles: 1, latency_cycles: 9")
    body = f"invoke late() y: a[0 + $0] over [1] {make('a[1]')} {make('a[2]')} {make('a[3]')}"
    found = times(machine(late, FAST, dispatch="{per_cycle: 1, window: 2}"), body)
    assert found == [(0, 1, 10), (1, 2, 3), (10, 11, 12), (11, 12, 13)]


def test_a_window_in_any_order_frees_what_has_ended():
    # The same, in any order: the second's place comes back in 3; the fourth needs the third's, which ends in 5.
    late = op("late", MAKE, "occupies_cycles: 1, latency_cycles: 9")
    body = f"invoke late() y: a[0 + $0] over [1] {make('a[1]')} {make('a[2]')} {make('a[3]')}"
    found = times(machine(late, FAST, dispatch="{per_cycle: 1, window: 2, window_order: any}"), body)
    assert found == [(0, 1, 10), (1, 2, 3), (3, 4, 5), (5, 6, 7)]


def test_queue_and_window_together_take_the_later():
    # Depth 1 lets the second in at S0 = 1; the window of 1 only at E0 = 5.
    found = times(machine(slow(), units=("{name: u, queue_depth: 1}",), dispatch="{window: 1}"), row(2))
    assert found == [(0, 1, 5), (5, 6, 10)]


def test_a_loop_dispatches_as_its_unrolled_text_does():
    loop = "for i < 3 { invoke make() y: a[i + $0] over [1] }"
    assert times(machine(slow()), loop) == times(machine(slow()), row(3)) == [(0, 1, 5), (1, 5, 9), (2, 9, 13)]


def test_an_invocation_of_nothing_is_not_dispatched():
    # Extents 2, 1, 0: the empty one takes no slot, so the last is dispatched in cycle 2.
    tile = "(r in 1..2) () -> (y: i32[r] @m) { for i < r { y[i] = 1 } }"
    wide = op("make", tile, "occupies_cycles: 1, latency_cycles: 1")
    body = "for i < 3 { invoke make(r = min(2, 2 - i)) y: a[2*i + $0] over [min(2, 2 - i)] } "
    body += "invoke make(r = 1) y: b[0 + $0] over [1]"
    assert times(machine(wide), body) == [(0, 1, 2), (1, 2, 3), (2, 3, 4)]


def test_guards_choose_between_instructions():
    # i = 0 runs the slow one, then two fast ones wait for the server: S1 = 5, S2 = 6.
    fast = op("use", USE, "occupies_cycles: 1, latency_cycles: 1")
    body = "for i < 3 { if i == 0 { " + make("a[0]") + " } else { " + use("b[0]", "c[0]") + " } }"
    assert times(machine(slow(), fast), body) == [(0, 1, 5), (1, 5, 6), (2, 6, 7)]
