"""Timelines: complete accounts, JSON, text, traces, engines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.bench.simulator import bench_simulator, product
from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
from isamapper.sim import reference, timing
from isamapper.sim.bars import ASCII, bars
from isamapper.sim.sites import model
from isamapper.sim.timeline import Timeline, timeline
from isamapper.sim.timing import ENGINES, simulate
from isamapper.sim.trace import chrome_trace
from tests.sim.generate import random_program
from tests.sim.micro import COPY, MAKE, copy, machine, make, op
from tests.sim.micro import program as micro_program


def toy(m: int, n: int, k: int) -> Program:
    body = parse_program(product(m, n, k))
    return Program(body, load_machine("toy4"), body)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30))
def test_every_cycle_of_every_server_is_booked_once(seed: int):
    view = model(random_program(seed))
    found = timeline(view, reference.run(view))
    for unit in found.units:
        assert unit.busy_cycles + unit.stalled_cycles + unit.idle_cycles == unit.servers * found.cycles
        assert unit.idle_cycles >= 0
        assert all(cycles > 0 for _, cycles in unit.stalls)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30))
def test_no_resource_works_more_than_all_the_time(seed: int):
    view = model(random_program(seed))
    found = timeline(view, reference.run(view))
    assert all(0 <= share <= 1 for _, share in found.utilization)
    assert found.critical_resource in dict(found.utilization)


def test_engines_give_equal_timelines():
    case = toy(32, 32, 64)
    assert len({simulate(case, engine=engine).cycles for engine in ENGINES if engine != "event"}) == 1
    assert simulate(case, engine="compiled") == simulate(case, engine="reference")


def test_without_a_compiler_the_reference_engine_runs(monkeypatch: pytest.MonkeyPatch):
    expected = simulate(toy(16, 16, 32), engine="compiled")
    monkeypatch.setattr(timing, "has_compiler", lambda: False)
    assert simulate(toy(16, 16, 32)) == expected


def test_an_unknown_engine_is_named():
    with pytest.raises(ValueError, match="'fast' is not an engine"):
        simulate(toy(16, 16, 32), engine="fast")


def test_an_unknown_instruction_is_located():
    target = machine(op("make", MAKE, "latency_cycles: 1"))
    body = parse_program("kernel p(e: i32[1] @m at 0) { allocate a: i32[8] @m at 64 invoke gone() y: a[0] }")
    with pytest.raises(SourceError, match="machine 'micro' has no instruction 'gone'") as caught:
        simulate(Program(body, target, body))
    span = caught.value.diagnostics[0].span
    assert span is not None and span.column == 59


def test_an_empty_program_takes_no_time():
    target = machine(op("make", MAKE, "latency_cycles: 1"))
    found = simulate(micro_program(target, ""))
    assert found.cycles == 0 and found.invocations == 0
    assert "0 cycles" in bars(found)


def test_the_dictionary_is_json_with_units_in_its_keys():
    found = json.loads(json.dumps(simulate(toy(32, 32, 64)).to_dict()))
    assert found["cycles"] > 0 and found["clock_hz"] == 10**9
    assert found["instructions"]["compute"] == 8 * 8 * 15
    assert found["instructions"]["compute_first"] == 8 * 8
    assert found["units"]["mac"]["busy_cycles"] == 4 * 8 * 8 * 16
    assert found["bytes"]["dram"] == {"read": 8 * 8 * (4 * 64 + 16 * 16), "write": 32 * 32 * 4}
    assert found["ports"]["dram.bus"]["busy_cycles"] == sum(found["bytes"]["dram"].values()) // 8
    assert found["ports"]["dram.bus"]["bytes"] == sum(found["bytes"]["dram"].values())
    assert found["energy_pj"] is None
    assert set(found["units"]["load"]["stall_cycles"]) <= {"dispatch", "queue_full", "window_full", "war", "port"}


def test_energy_is_known_where_all_figures_are():
    memories = ("{name: m, kind: host, energy_pj_per_byte: 2}", "{name: n, kind: host, energy_pj_per_byte: 0.5}")
    target = machine(op("copy", COPY, "latency_cycles: 1", more="energy_pj: 7"), memories=memories)
    # twice 7 for the instructions, 16 bytes each read at 2 and written at 0.5
    assert simulate(micro_program(target, f"{copy('copy', 0, 0)} {copy('copy', 1, 1)}")).energy_pj == 14 + 32 * 2.5


def test_bars_show_where_the_cycles_went():
    target = machine(op("make", MAKE, "occupies_cycles: 4, latency_cycles: 4"))
    text = bars(simulate(micro_program(target, " ".join(make(f"a[{i}]") for i in range(5)))), ASCII)
    # 1 + 5 x 4 cycles: 20 of 21 busy, one lost to dispatch.
    assert text.splitlines()[0] == ("21 cycles on micro (21 s), 5 instructions, critical resource u at 95.2%")
    assert text.splitlines()[1] == f"  u         5  {'#' * 38}--  busy 95.2%, dispatch 4.8%"
    assert text.splitlines()[2] == f"  dispatch  5  {'#' * 10}{'.' * 30}  busy 23.8%"


def slices(found: Timeline) -> list[dict[str, object]]:
    events = chrome_trace(found)["traceEvents"]
    assert isinstance(events, list)
    return [event for event in events if event["ph"] == "X"]


def test_a_trace_has_a_slice_per_instruction_and_never_two_at_once():
    found = simulate(toy(16, 16, 32), trace=True)
    work = [each for each in slices(found) if each["cat"] == "instruction"]
    assert len(work) == found.invocations
    rows: dict[object, int] = {}
    for each in slices(found):
        start, cycles = each["ts"], each["dur"]
        assert isinstance(start, int) and isinstance(cycles, int)
        assert start >= rows.get(each["tid"], 0)
        rows[each["tid"]] = start + cycles
    assert json.loads(json.dumps(chrome_trace(found)))["otherData"]["complete"]


def test_a_trace_says_what_was_waited_for():
    names = {each["name"] for each in slices(simulate(toy(16, 16, 32), trace=True)) if each["cat"] == "stall"}
    assert "wait: raw" in names


def test_a_long_trace_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timing, "TRACED_INVOCATIONS", 50)
    whole = simulate(toy(64, 64, 64))
    found = simulate(toy(64, 64, 64), trace=True)
    assert found == whole and len(found.events) == 50
    other = chrome_trace(found)["otherData"]
    assert isinstance(other, dict)
    assert not other["complete"] and other["instructions_in_trace"] == 50
    assert other["instructions"] == whole.invocations


def test_servers_of_one_unit_have_rows_of_their_own():
    target = machine(op("make", MAKE, "occupies_cycles: 4, latency_cycles: 4"), units=("{name: u, count: 2}",))
    found = simulate(micro_program(target, " ".join(make(f"a[{i}]") for i in range(4))), trace=True)
    assert [each["tid"] for each in slices(found) if each["cat"] == "instruction"] == [1, 2, 1, 2]


def test_the_bench_measures_every_engine():
    found = bench_simulator(scale=0, repetitions=1)
    assert {row["engine"] for row in found["rows"]} == {
        "expanded",
        "stream",
        "compiled",
        "reference",
        "walked",
        "walk",
        "event",
        "values",
        "values, checked",
    }
    assert found["summary"]["thousand_million_seconds"] < 5
    assert json.loads(json.dumps(found)) == found
