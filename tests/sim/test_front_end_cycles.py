"""The front end by hand: slow issue, long text. Entries: (dispatched, start, end)."""

from __future__ import annotations

from tests.sim.micro import MAKE, USE, machine, make, op, program, run, times, use

SLOW = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1", more="issue_cycles: 3")
QUICK = op("use", USE, "occupies_cycles: 1, latency_cycles: 1")


def row(count: int) -> str:
    return " ".join(make(f"a[{index}]") for index in range(count))


def test_a_long_issue_holds_up_the_next_dispatch():
    # Each keeps the front end for 3 cycles: D = 0, 3, 6; nothing else is slow.
    assert times(machine(SLOW), row(3)) == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]


def test_a_long_issue_does_not_delay_the_instruction_itself():
    # S is D + 1 all the same.
    assert times(machine(SLOW), row(1)) == [(0, 1, 2)]


def test_a_long_issue_holds_up_other_units():
    # 'use' on v could start at 2, but is dispatched at 3.
    units = ("{name: u}", "{name: v}")
    quick = op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v")
    found = times(machine(SLOW, quick, units=units), f"{make('a[0]')} {use('b[0]', 'c[0]')}")
    assert found == [(0, 1, 2), (3, 4, 5)]


def test_a_long_issue_is_alone_in_its_last_cycle():
    # Two a cycle: both of the quick ones at 0, the slow one from 1 to 3, then 4.
    found = times(
        machine(SLOW, QUICK, dispatch="{per_cycle: 2}"), f"{use('b[0]', 'c[0]')} {use('b[1]', 'c[1]')} {row(2)}"
    )
    assert found == [(0, 1, 2), (0, 2, 3), (1, 3, 4), (4, 5, 6)]


def test_a_long_issue_may_begin_beside_a_quick_one():
    # The slow one takes the second place of cycle 0 and keeps the front end up to 2; the last is dispatched at 3.
    found = times(
        machine(SLOW, QUICK, dispatch="{per_cycle: 2}"), f"{use('b[0]', 'c[0]')} {make('a[0]')} {use('b[1]', 'c[1]')}"
    )
    assert found == [(0, 1, 2), (0, 2, 3), (3, 4, 5)]


def test_a_wait_for_the_queue_comes_before_the_issue():
    # One entry, held to the end: D1 waits for E0 = 2, D2 for max(D1 + 3, E1 = 4) = 5.
    units = ("{name: u, queue_depth: 1, held: end}",)
    assert times(machine(SLOW, units=units), row(3)) == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]


def test_a_long_execution_hides_the_issue():
    # Occupied for 5: S = 1, 6, 11, though D = 0, 3, 6.
    slow = op("make", MAKE, "occupies_cycles: 5, latency_cycles: 5", more="issue_cycles: 3")
    assert times(machine(slow), row(3)) == [(0, 1, 6), (3, 6, 11), (6, 11, 16)]


def test_cycles_kept_are_stalls_of_the_rate():
    # Two of three cycles of each issue, and one between issues: 2 + 1 + 2.
    assert run(program(machine(SLOW), row(2))).front_end == [5, 0, 0]


def test_text_is_fetched_at_a_rate():
    # 20 bytes at 8 a cycle: 3 cycles each.
    long = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1", more="length_bytes: 20")
    found = times(machine(long, dispatch="{per_cycle: 1, fetch_bytes_per_cycle: 8}"), row(3))
    assert found == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]


def test_short_text_is_no_matter():
    # 4 and 20 bytes at 8 a cycle: after the short one the next cycle, after the long one the third.
    long = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1", more="length_bytes: 20")
    short = op("use", USE, "occupies_cycles: 1, latency_cycles: 1", more="length_bytes: 4")
    target = machine(long, short, dispatch="{per_cycle: 1, fetch_bytes_per_cycle: 8}")
    found = times(target, f"{use('b[0]', 'c[0]')} {make('a[0]')} {use('b[1]', 'c[1]')}")
    assert found == [(0, 1, 2), (1, 2, 3), (4, 5, 6)]


def test_without_a_fetch_rate_length_is_no_matter():
    long = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1", more="length_bytes: 200")
    assert times(machine(long), row(2)) == [(0, 1, 2), (1, 2, 3)]


def test_issue_and_fetch_take_the_longer():
    # Issue 2, fetch 4 of 4 a cycle.
    both = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1", more="issue_cycles: 2, length_bytes: 16")
    found = times(machine(both, dispatch="{per_cycle: 1, fetch_bytes_per_cycle: 4}"), row(2))
    assert found == [(0, 1, 2), (4, 5, 6)]


def test_a_window_counts_from_the_dispatch():
    # Window 1: the second waits for E0 = 9, not for the issue, which is over at 3.
    slow = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 8", more="issue_cycles: 3")
    assert times(machine(slow, dispatch="{per_cycle: 1, window: 1}"), row(2)) == [(0, 1, 9), (9, 10, 18)]
