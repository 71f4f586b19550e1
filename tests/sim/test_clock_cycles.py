"""Clock domains by hand: cycles of slower clocks in cycles of the machine. Entries: (dispatched, start, end)."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import SourceError
from tests.sim.micro import COPY, MAKE, USE, copy, machine, make, op, times, use


def row(count: int) -> str:
    return " ".join(make(f"a[{index}]") for index in range(count))


def port(more: str) -> tuple[str, str]:
    return (f"{{name: m, kind: host, ports: [{{name: p, direction: both, {more}}}]}}", "{name: n, kind: host}")


def test_a_unit_at_half_the_clock_takes_twice_the_cycles():
    # Occupies 2 and latency 3 of its own are 4 and 6: S = 1, 5, 9.
    target = machine(
        op("make", MAKE, "occupies_cycles: 2, latency_cycles: 3"), units=("{name: u, clock_hz: 5}",), clock=10
    )
    assert times(target, row(3)) == [(0, 1, 7), (1, 5, 11), (2, 9, 15)]


def test_cycles_are_rounded_up():
    # At two thirds of the clock: 1 -> 2 and 3 -> 5 (4.5).
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 3"), units=("{name: u, clock_hz: 4}",), clock=6
    )
    assert times(target, row(2)) == [(0, 1, 6), (1, 3, 8)]


def test_times_of_operands_are_scaled_too():
    # Ready at 2 of 8 own cycles: 4 of the machine's. 'use', at full clock, starts at 1 + 4.
    units = ("{name: u, clock_hz: 1}", "{name: v}")
    late = op("make", MAKE, "occupies_cycles: 1, latency_cycles: 8", operands="y: {ready_at: 2}")
    quick = op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v")
    found = times(machine(late, quick, units=units, clock=2), f"{make('a[0]')} {use('a[0]', 'c[0]')}")
    assert found == [(0, 1, 17), (1, 5, 6)]


def test_dispatch_keeps_the_machines_clock():
    # Occupying nothing, slow instructions start one a cycle.
    target = machine(
        op("make", MAKE, "occupies_cycles: 0, latency_cycles: 1"), units=("{name: u, clock_hz: 1}",), clock=4
    )
    assert times(target, row(3)) == [(0, 1, 5), (1, 2, 6), (2, 3, 7)]


def test_a_port_at_half_the_clock_takes_twice_as_long():
    # 16 bytes at 8 a cycle of its own: 2, 4 of the machine's.
    target = machine(op("copy", COPY, "latency_cycles: 0"), memories=port("clock_hz: 5, bytes_per_cycle: 8"), clock=10)
    assert times(target, copy("copy", 0, 0, 1)) == [(0, 1, 5)]


def test_a_ports_ratio_is_exact_over_a_transfer():
    # 3 rows of 16 bytes at 8 a cycle and 7 of 10 of the clock: 48 * 10 / 56 = 8.57, so 9 cycles, not 6 rounded twice.
    target = machine(op("copy", COPY, "latency_cycles: 0"), memories=port("clock_hz: 7, bytes_per_cycle: 8"), clock=10)
    assert times(target, copy("copy", 0, 0, 3)) == [(0, 1, 10)]


def test_requests_are_rounded_before_the_clock():
    # Rows of 16 bytes as requests of 24, which are one run of 32 bytes rounded to 48: 48 / 8 = 6, 12 of the machine's.
    more = "clock_hz: 1, bytes_per_cycle: 8, request_bytes: 24"
    target = machine(op("copy", COPY, "latency_cycles: 0"), memories=port(more), clock=2)
    assert times(target, copy("copy", 0, 0, 2)) == [(0, 1, 13)]


def test_banks_at_a_slower_clock():
    # 32 bytes over two banks of 16 each: 2 own cycles of 8 bytes side by side, 6 of the machine's.
    banked = "{name: m, kind: addressed, capacity_bytes: 8KiB, banks: 2, bank_of: 16, "
    banked += "ports: [{name: p, direction: both, clock_hz: 1, bytes_per_cycle: 8}]}"
    target = machine(op("copy", COPY, "latency_cycles: 0"), memories=(banked, "{name: n, kind: host}"), clock=3)
    assert times(target, copy("copy", 0, 0, 2)) == [(0, 1, 7)]


@pytest.mark.parametrize("units", [("{name: u, clock_hz: 3}",)])
def test_a_clock_faster_than_the_machines_is_a_mistake(units: tuple[str, ...]):
    with pytest.raises(SourceError) as caught:
        machine(op("make", MAKE, "latency_cycles: 1"), units=units, clock=2)
    (finding,) = caught.value.diagnostics
    assert (finding.code, finding.message) == ("HW029", "clock_hz 3 is more than the machine's 2")
    assert finding.span is not None
    assert (finding.span.line, finding.span.column) == (9, 25)
