"""A timeline's first invocations as a Chrome trace, which Perfetto (ui.perfetto.dev) opens.

One row per server of a unit: a slice while an invocation holds it, and before it a slice per reason it waited for.
Results still on their way after the server was released are asynchronous slices of the same unit. One microsecond of
the trace is one cycle.
"""

from __future__ import annotations

from collections import abc

from isamapper.sim.counters import PORT, REASONS, Event
from isamapper.sim.timeline import Timeline

_PROCESS = 1
COLOURS = {
    "no_work": "grey",
    "dispatch": "generic_work",
    "queue_full": "yellow",
    "window_full": "olive",
    "order": "light_memory_dump",
    "serial": "light_memory_dump",
    "in_flight": "detailed_memory_dump",
    "raw": "terrible",
    "war": "bad",
    "waw": "bad",
}
"""Chrome's names of colours, by reason."""


def chrome_trace(timeline: Timeline) -> dict[str, object]:
    """The trace as JSON values; ``otherData`` says how much of the program it shows."""
    kept = timeline.events
    return {
        "displayTimeUnit": "ns",
        "otherData": {
            "machine": timeline.machine,
            "clock_hz": timeline.clock_hz,
            "cycles": timeline.cycles,
            "instructions": timeline.invocations,
            "instructions_in_trace": len(kept),
            "complete": len(kept) == timeline.invocations,
            "time": "1 us is 1 cycle",
        },
        "traceEvents": [*_names(timeline), *_slices(timeline)],
    }


def _names(timeline: Timeline) -> abc.Iterator[dict[str, object]]:
    """Names of the process and its rows."""
    shown = len(timeline.events)
    part = "" if shown == timeline.invocations else f" (first {shown} of {timeline.invocations} instructions)"
    yield _metadata("process_name", 0, f"{timeline.machine}{part}")
    row = 0
    for unit in timeline.units:
        for server in range(unit.servers):
            row += 1
            yield _metadata("thread_name", row, unit.name if unit.servers == 1 else f"{unit.name}[{server}]")


def _metadata(kind: str, row: int, name: str) -> dict[str, object]:
    return {"ph": "M", "pid": _PROCESS, "tid": row, "name": kind, "args": {"name": name}}


def _slices(timeline: Timeline) -> abc.Iterator[dict[str, object]]:
    rows: dict[str, list[int]] = {}
    first: dict[str, int] = {}
    following = 1
    for unit in timeline.units:
        first[unit.name], rows[unit.name] = following, [0] * unit.servers
        following += unit.servers
    for number, event in enumerate(timeline.events):
        instruction, unit_name = timeline.names[event.site]
        free = rows[unit_name]
        server = free.index(event.free) if event.free in free else free.index(min(free))
        free[server] = event.released
        yield from _event(event, number, instruction, unit_name, first[unit_name] + server)


def _event(event: Event, number: int, instruction: str, unit: str, row: int) -> abc.Iterator[dict[str, object]]:
    at = event.free
    for reason, cycles in enumerate(event.waits):
        if cycles and reason != PORT:
            name = REASONS[reason]
            yield {**_slice(f"wait: {name}", at, cycles, row), "cat": "stall", "cname": COLOURS[name]}
            at += cycles
    arguments = {"number": number, "dispatched": event.dispatched, "start": event.start, "end": event.end}
    held = event.released - event.start
    yield {**_slice(instruction, event.start, held, row), "cat": "instruction", "args": arguments}
    if event.end > event.released:
        flight = {"pid": _PROCESS, "tid": row, "cat": f"{unit} results", "id": number, "name": instruction}
        yield {**flight, "ph": "b", "ts": event.released}
        yield {**flight, "ph": "e", "ts": event.end}


def _slice(name: str, start: int, cycles: int, row: int) -> dict[str, object]:
    return {"ph": "X", "pid": _PROCESS, "tid": row, "ts": start, "dur": cycles, "name": name}
