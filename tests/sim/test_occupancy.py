"""Occupied memory over time, by hand: one element of four bytes at a time."""

from __future__ import annotations

from dataclasses import replace

from isamapper.sim import reference
from isamapper.sim.expand import _granules
from isamapper.sim.occupancy import Occupancy, occupancy
from isamapper.sim.sites import model
from tests.sim.micro import FETCH, MAKE, USE, machine, op, program

MEMORIES = ("{name: m, kind: addressed, capacity_bytes: 8KiB}", "{name: n, kind: host}")
MACHINE = machine(
    op("make", MAKE, "occupies_cycles: 2, latency_cycles: 3"),
    op("use", USE, "occupies_cycles: 4, latency_cycles: 5"),
    op("fetch", FETCH, "occupies_cycles: 1, latency_cycles: 1"),
    memories=MEMORIES,
)


def make(cell: str) -> str:
    return f"invoke make() y: {cell[:-1]} + $0] over [1] "


def use(cell: str) -> str:
    return f"invoke use() x: {cell[:-1]} + $0] over [1], z: c[0 + $0] over [1] "


def curve(body: str, invocations: int = 100, complete: bool = True) -> Occupancy:
    view = model(program(MACHINE, body))
    (found,) = occupancy(view, reference.run(view, invocations).events, complete)
    return found


def test_a_value_lives_from_the_start_of_its_writer_to_the_end_of_its_last_reader() -> None:
    # make is dispatched at 0, starts at 1 and is done at 4; use reads it from 4 until before 8
    found = curve(make("a[0]") + use("a[0]"))
    assert found == Occupancy("m", 8192, False, 4, ((0, 0), (1, 4), (8, 0)))


def test_a_value_that_nobody_reads_lives_while_it_is_written() -> None:
    assert curve(make("a[0]")).points == ((0, 0), (1, 4), (4, 0))


def test_two_values_at_once_are_the_peak_and_an_overwritten_one_ends() -> None:
    # the second make starts at 3 while the first value is still needed; the third overwrites the first once it was read
    body = make("a[0]") + make("a[1]") + use("a[0]") + make("a[0]") + use("a[1]")
    found = curve(body)
    assert found.peak_bytes == 8
    assert max(occupied for _, occupied in found.points) == 8 and found.points[-1][1] == 0


def test_what_may_still_be_read_later_lives_to_the_end_of_the_window() -> None:
    body = make("a[0]") + make("a[1]") + use("a[0]")
    open_end = curve(body, invocations=2, complete=False)
    assert [occupied for _, occupied in open_end.points][:3] == [0, 4, 8]
    assert curve(body, invocations=2).points != open_end.points


def test_a_long_time_is_sampled_without_losing_the_peak() -> None:
    body = f"for i < 4000 {{ {make('a[0]')} }} {make('a[0]')} {make('b[0]')}"
    view = model(program(MACHINE, body))
    (found,) = occupancy(view, reference.run(view, 4002).events, True)
    assert len(found.points) <= 1502 and found.peak_bytes >= 4


def test_a_window_that_lays_lanes_over_a_scalar_is_one_value() -> None:
    use = model(program(MACHINE, make("a[0]"))).sites[0].operands[0]
    lanes = tuple(replace(axis, steps=()) for axis in use.window.axes)
    scalar = replace(use, tensor=replace(use.tensor, shape=()), window=replace(use.window, offsets=(), axes=lanes))
    assert _granules(scalar, (), (4,)).tolist() == _granules(scalar, (), (1,)).tolist()
