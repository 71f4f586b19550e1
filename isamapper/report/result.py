"""The answer of ``run`` and ``simulate`` for people: what was found, how good it is, where the cycles go."""

from __future__ import annotations

from collections import abc

from isamapper.hwdesc.settings import reference
from isamapper.mapper.scheduled import scheduled_mappings
from isamapper.plan.staying import staying
from isamapper.report.certificate import certificate_blocks
from isamapper.report.document import Bars, Block, Document, Facts, Heading, count, document, percent, table
from isamapper.report.mapping import mapping_text
from isamapper.result import Result, Search
from isamapper.sim.timeline import Timeline, UnitUse

REASONS = {
    "no_work": "no work yet",
    "dispatch": "dispatch",
    "queue_full": "a full queue",
    "window_full": "a full window",
    "order": "order",
    "serial": "the one before",
    "in_flight": "too many in flight",
    "raw": "data",
    "war": "a buffer still read",
    "waw": "a write before",
    "port": "a port",
}
"""What a unit waits for, in words."""


def result_document(result: Result) -> Document:
    """The whole report."""
    return document(
        Heading(_headline(result)),
        Facts(_facts(result)),
        cycle_bars(result.timeline),
        _traffic(result.timeline),
        *certificate_blocks(result.certificate),
    )


def _headline(result: Result) -> str:
    verdict = "verified" if result.certificate.ok else "NOT VERIFIED"
    cycles = f"{count(result.timeline.cycles)} cycles"
    share = f"{percent(result.percent_of_bound)} of the bound"
    return f"{result.program.kernel.name} on {result.program.machine.name}: {cycles}, {share}, {verdict}"


def _facts(result: Result) -> tuple[tuple[str, str], ...]:
    kernel, machine, timeline = result.program.kernel, result.program.machine, result.timeline
    facts = [
        ("kernel", f"{kernel.name}  {_bindings(kernel.sizes)}  {_bindings(kernel.types)}".rstrip()),
        ("machine", f"{reference(machine.name, machine.settings)} at {machine.clock_hz / 1e6:,.0f} MHz"),
        *(_search_facts(result.search) if result.search else ()),
        ("cycles", f"{count(timeline.cycles)} ({_duration(timeline.cycles / machine.clock_hz)})"),
        ("bound", _bound(result.bounds.bound_cycles, result.percent_of_bound, result.bounds.binding_resource)),
    ]
    mapped = result.mapped_bound_cycles
    if mapped is not None:
        by = result.bounds.mapped_binding_resource
        facts.append(("mapped bound", _bound(mapped, result.percent_of_mapped_bound, by)))
    if timeline.energy_pj is not None:
        facts.append(("energy", f"{timeline.energy_pj / 1e6:,.2f} uJ"))
    return tuple(facts)


def _search_facts(search: Search) -> list[tuple[str, str]]:
    mappings = scheduled_mappings(search.schedule)
    optimal = ", proved the cheapest of its space" if search.optimal else ""
    how = f"{search.strategy}, cost model {search.cost_model}, seed {search.seed}, {search.seconds:.2f} s{optimal}"
    return [
        *_listed("rewrites", search.schedule.rewrites),
        *_listed("mapping", [mapping_text(mapping) for mapping in mappings]),
        *_listed("on chip", staying(search.schedule)),
        ("search", how),
    ]


def _listed(label: str, lines: abc.Sequence[str]) -> list[tuple[str, str]]:
    """One fact of several lines."""
    return [(label if number == 0 else "", line) for number, line in enumerate(lines)]


def _bindings(pairs: tuple[tuple[str, object], ...]) -> str:
    return " ".join(f"{name}={value}" for name, value in pairs)


def _bound(cycles: int, share: float | None, resource: str) -> str:
    return f"{count(cycles)} cycles, set by {resource}; {percent(share)} reached"


def _duration(seconds: float) -> str:
    """Seconds of the machine's clock in the unit that reads best."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= factor:
            return f"{seconds / factor:,.3g} {unit} of its clock"
    return f"{seconds / 1e-9:,.3g} ns of its clock"


def cycle_bars(timeline: Timeline) -> Block:
    """One bar per unit: at work, waiting, idle."""
    bars = tuple((unit.name, _shares(unit, timeline.cycles), _note(unit, timeline.cycles)) for unit in timeline.units)
    return Bars(bars, "where the cycles go (█ works, ▒ waits, · idle)")


def _shares(unit: UnitUse, cycles: int) -> tuple[float, float]:
    whole = max(1, unit.servers * cycles)
    return unit.busy_cycles / whole, unit.stalled_cycles / whole


def _note(unit: UnitUse, cycles: int) -> str:
    whole = max(1, unit.servers * cycles)
    note = f"{100 * unit.busy_cycles / whole:5.1f} %"
    worst = max(unit.stalls, key=lambda item: item[1], default=None)
    if worst is not None and worst[1] * 200 >= whole:
        note += f", waits {100 * unit.stalled_cycles / whole:.1f} %, most for {REASONS.get(worst[0], worst[0])}"
    return note


def _traffic(timeline: Timeline) -> Block:
    loads: dict[str, int] = {}
    for load in timeline.ports:
        share = round(100 * load.busy_cycles / max(1, load.banks * timeline.cycles))
        loads[load.memory] = max(loads.get(load.memory, 0), share)
    rows = [
        (
            each.memory,
            count(each.read_bytes),
            count(each.written_bytes),
            f"{loads[each.memory]} %" if each.memory in loads else "-",
        )
        for each in timeline.traffic
        if each.read_bytes or each.written_bytes
    ]
    return table(("memory", "bytes read", "bytes written", "busiest port"), rows)
