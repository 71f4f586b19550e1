"""Hazards by hand: RAW, WAR, WAW, accumulation, shared storage. Entries: (dispatched, start, end)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.sim import reference
from isamapper.sim.compiled import engine
from isamapper.sim.sites import model
from tests.sim.micro import ALU, COPY, MAKE, SUM, USE, add, copy, machine, make, op, program, times, use

TWO = ("{name: u}", "{name: v}")


def test_raw_waits_for_the_result():
    # ready at 1 + 5 = 6.
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 5"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    assert times(target, f"{make('a[0]')} {use('a[0]', 'c[0]')}") == [(0, 1, 6), (1, 6, 7)]


def test_no_hazard_between_different_elements():
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 5"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    assert times(target, f"{make('a[0]')} {use('a[1]', 'c[0]')}") == [(0, 1, 6), (1, 2, 3)]


def test_read_at_lets_a_reader_start_before_its_operand_is_ready():
    # The operand is needed 3 cycles after the start: S + 3 >= 6.
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 5"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 4", "v", "x: {read_at: 3}"),
        units=TWO,
    )
    assert times(target, f"{make('a[0]')} {use('a[0]', 'c[0]')}") == [(0, 1, 6), (1, 3, 7)]


def test_ready_at_gives_a_result_before_the_end():
    # Ready 2 after the start although the writer ends after 9: S1 = 3.
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 9", "u", "y: {ready_at: 2}"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    assert times(target, f"{make('a[0]')} {use('a[0]', 'c[0]')}") == [(0, 1, 10), (1, 3, 4)]


def test_war_waits_until_the_reader_has_read():
    # Reading takes as long as the reader occupies its unit: 1 + 6 = 7.
    target = machine(
        op("use", USE, "occupies_cycles: 6, latency_cycles: 8"),
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    assert times(target, f"{use('a[0]', 'c[0]')} {make('a[0]')}") == [(0, 1, 9), (1, 7, 8)]


def test_read_until_lets_a_writer_in_earlier():
    target = machine(
        op("use", USE, "occupies_cycles: 6, latency_cycles: 8", "u", "x: {read_until: 2}"),
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    assert times(target, f"{use('a[0]', 'c[0]')} {make('a[0]')}") == [(0, 1, 9), (1, 3, 4)]


def test_waw_keeps_results_in_program_order():
    # The first is ready in 1 + 9 = 10; the second takes 2, so it starts in 8 and both are ready in 10.
    target = machine(
        op("late", MAKE, "occupies_cycles: 1, latency_cycles: 9"),
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 2", "v"),
        units=TWO,
    )
    body = f"invoke late() y: a[0 + $0] over [1] {make('a[0]')}"
    assert times(target, body) == [(0, 1, 10), (1, 8, 10)]


def test_reads_do_not_wait_for_reads():
    target = machine(op("use", USE, "occupies_cycles: 1, latency_cycles: 9"))
    assert times(target, f"{use('a[0]', 'c[0]')} {use('a[0]', 'c[1]')}") == [(0, 1, 10), (1, 2, 11)]


def test_an_accumulation_without_forwarding_is_a_chain():
    # += reads what the one before has written: 5 cycles apart.
    target = machine(op("add", SUM, "occupies_cycles: 1, latency_cycles: 5"))
    found = times(target, " ".join([add("a[0]", "c[0]")] * 3))
    assert found == [(0, 1, 6), (1, 6, 11), (2, 11, 16)]


def test_accumulates_follows_itself_every_occupation():
    target = machine(op("add", SUM, "occupies_cycles: 2, latency_cycles: 9", "u", "c: {accumulates: true}"))
    found = times(target, " ".join([add("a[0]", "c[0]")] * 3))
    assert found == [(0, 1, 10), (1, 3, 12), (2, 5, 14)]


def test_accumulates_on_two_servers_still_follows_every_occupation():
    # Two servers could start together; the accumulator is one: 4 cycles apart (a chained FMA of latency 4).
    target = machine(
        op("add", SUM, "occupies_cycles: 4, latency_cycles: 4", "u", "c: {accumulates: true}"),
        units=("{name: u, count: 2}",),
    )
    found = times(target, f"{add('a[0]', 'c[0]')} {add('a[0]', 'c[0]')} {add('a[0]', 'c[1]')}")
    # the third goes to another element, but the first server is free in 5 and the second in 9: S2 = 5
    assert found == [(0, 1, 5), (1, 5, 9), (2, 5, 9)]


def test_accumulates_of_another_unit_waits_for_the_result():
    target = machine(
        op("add", SUM, "occupies_cycles: 1, latency_cycles: 7", "u", "c: {accumulates: true}"),
        op("more", SUM, "occupies_cycles: 1, latency_cycles: 7", "v", "c: {accumulates: true}"),
        units=TWO,
    )
    other = "invoke more() x: a[0 + $0] over [1], c: c[0 + $0] over [1]"
    assert times(target, f"{add('a[0]', 'c[0]')} {other}") == [(0, 1, 8), (1, 8, 15)]


def test_a_reader_waits_for_the_last_of_an_accumulation():
    target = machine(
        op("add", SUM, "occupies_cycles: 1, latency_cycles: 6", "u", "c: {accumulates: true}"),
        op("get", "(x: i32[1] @n) -> (z: i32[1] @m) { for i < 1 { z[i] = x[i] } }", "latency_cycles: 1", "v"),
        units=TWO,
    )
    read = "invoke get() x: c[0 + $0] over [1], z: b[0 + $0] over [1]"
    # accumulations start in 1 and 2, ready in 7 and 8
    assert times(target, f"{add('a[0]', 'c[0]')} {add('a[1]', 'c[0]')} {read}") == [(0, 1, 7), (1, 2, 8), (2, 8, 9)]


def test_a_write_waits_until_an_accumulation_has_read_and_is_ready():
    # WAW: the sum is ready in 1 + 6; the overwriting use has latency 2, so it starts in 5.
    target = machine(
        op("add", SUM, "occupies_cycles: 1, latency_cycles: 6", "u", "c: {accumulates: true}"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 2", "v"),
        units=TWO,
    )
    assert times(target, f"{add('a[0]', 'c[0]')} {use('a[0]', 'c[0]')}") == [(0, 1, 7), (1, 5, 7)]


def test_windows_that_overlap_in_one_row_conflict():
    # Rows 0..3, then rows 3..4 are read: one row is shared.
    target = machine(
        op("copy", COPY, "occupies_cycles: 1, latency_cycles: 5"),
        op("alu", ALU, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    body = f"{copy('copy', 0, 0, 4)} {copy('alu', 3, 20, 2, 'ts')} {copy('alu', 4, 30, 2, 'ts')}"
    assert times(target, body) == [(0, 1, 6), (1, 6, 7), (2, 7, 8)]


def test_windows_side_by_side_do_not_conflict():
    target = machine(
        op("copy", COPY, "occupies_cycles: 1, latency_cycles: 5"),
        op("alu", ALU, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    assert times(target, f"{copy('copy', 0, 0, 4)} {copy('alu', 4, 20, 2, 'ts')}") == [(0, 1, 6), (1, 2, 3)]


def test_tensors_on_the_same_bytes_conflict():
    # f lies on the second half of a's bytes: f[0] is a[4].
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 5"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    body = f"allocate f: i32[4] @m at 16 {make('a[4]')} {use('f[0]', 'c[0]')} {use('f[1]', 'c[1]')}"
    assert times(target, body) == [(0, 1, 6), (1, 6, 7), (2, 7, 8)]


def test_an_instruction_does_not_wait_for_itself():
    # It reads and writes the same element.
    same = "(x: i32[1] @m) -> (z: i32[1] @m) { for i < 1 { z[i] = x[i] + 1 } }"
    target = machine(op("use", same, "occupies_cycles: 1, latency_cycles: 4"))
    assert times(target, use("a[0]", "a[0]")) == [(0, 1, 5)]


def test_explicit_interlocks_report_a_violation():
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 5"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
        interlocks="explicit",
    )
    with pytest.raises(SourceError, match="'use' starting in cycle 2 reads what is not ready"):
        times(target, f"{make('a[0]')} {use('a[0]', 'c[0]')}")


def test_explicit_interlocks_do_not_wait_where_nothing_is_violated():
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 2"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 1"),
        interlocks="explicit",
    )
    body = f"{make('a[0]')} {make('a[1]')} {use('a[0]', 'c[0]')}"
    assert times(target, body) == [(0, 1, 3), (1, 2, 4), (2, 3, 4)]


def renamed(target: Machine) -> Machine:
    """``target`` with renamed registers of 32 bytes in place of memory m; a is register 0, b register 32."""
    registers = {"kind": MemoryKind.REGISTERS, "rows": 4096, "row_bytes": 32, "renamed": True}
    first, *others = target.memories
    return replace(target, memories=(replace(first, **registers), *others))


def test_renamed_registers_wait_for_the_latest_write_only():
    # Written late (ready 10), then soon, without waiting: S1 = 2, ready 3. The reader waits for the second write, 3.
    # The last write waits for nobody.
    target = machine(
        op("late", MAKE, "occupies_cycles: 1, latency_cycles: 9"),
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        op("use", USE, "occupies_cycles: 6, latency_cycles: 6", "w"),
        units=(*TWO, "{name: w}"),
    )
    body = f"invoke late() y: a[0 + $0] over [1] {make('a[0]')} {use('a[0]', 'c[0]')} {make('a[0]')}"
    assert times(renamed(target), body) == [(0, 1, 10), (1, 2, 3), (2, 3, 9), (3, 4, 5)]


def test_renamed_registers_are_whole():
    # a[3] lies in the register that a[0] was written to, b[0] does not.
    target = machine(
        op("make", MAKE, "occupies_cycles: 1, latency_cycles: 7"),
        op("use", USE, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
    )
    view = model(program(renamed(target), f"{make('a[0]')} {use('b[0]', 'c[0]')} {use('a[3]', 'c[1]')}"))
    events = [(event.dispatched, event.start, event.end) for event in reference.run(view, 10).events]
    assert events == [(0, 1, 8), (1, 2, 3), (2, 8, 9)]
    assert engine.run(view) is None  # windows that begin within a register are left to the reference engine
