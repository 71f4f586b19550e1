"""What if a resource were twice as large: one changed machine for every number that may hold a program back."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isamapper.bench.campaign import Block, tasks_of
from isamapper.bench.sweep import Report, sweep
from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine, Memory, MemoryKind
from isamapper.hwdesc.settings import reference
from isamapper.mapper.schedules import parse_schedule
from isamapper.plan.lower import lower
from isamapper.scheduler.campaign.executors import Executor
from isamapper.sim.timing import simulate


@dataclass(frozen=True, slots=True)
class Variant:
    """One change: the resource in words, and the settings that make it."""

    resource: str
    settings: tuple[str, ...]


def variants(machine: str) -> tuple[Variant, ...]:
    """Every change that makes a machine again: twice the bandwidth, capacity, servers, queue; half the latency."""
    found = (variant for choices in _choices(load_machine(machine)) if (variant := _first(machine, choices)))
    return tuple(found)


def _first(machine: str, choices: abc.Iterable[Variant]) -> Variant | None:
    """The first of several ways to write a change that the machine's file can take."""
    for choice in choices:
        try:
            load_machine(reference(machine, choice.settings))
        except SourceError:
            continue  # the file gives this number in another way
        return choice
    return None


def _choices(machine: Machine) -> abc.Iterator[tuple[Variant, ...]]:
    dispatch = machine.dispatch
    yield (Variant("dispatch per cycle", (f"dispatch.per_cycle={2 * dispatch.per_cycle}",)),)
    if dispatch.window is not None:
        yield (Variant("dispatch window", (f"dispatch.window={2 * dispatch.window}",)),)
    for memory in machine.memories:
        yield from _memory_choices(memory)
    for unit in machine.units:
        where = f"units.{unit.name}"
        yield (Variant(f"servers of {unit.name}", (f"{where}.count={2 * unit.count}",)),)
        if unit.queue_depth is not None:
            yield (Variant(f"queue of {unit.name}", (f"{where}.queue_depth={2 * unit.queue_depth}",)),)
        if unit.in_flight is not None:
            yield (Variant(f"in flight in {unit.name}", (f"{where}.in_flight={2 * unit.in_flight}",)),)


def _memory_choices(memory: Memory) -> abc.Iterator[tuple[Variant, ...]]:
    where = f"memories.{memory.name}"
    for port in memory.ports:
        path = f"{where}.ports.{port.name}.bytes_per_cycle"
        yield (Variant(f"bandwidth of {memory.name}.{port.name}", (f"{path}={2 * port.bytes_per_cycle}",)),)
    if memory.latency_cycles > 1:
        yield (
            Variant(f"half the latency of {memory.name}", (f"{where}.latency_cycles={memory.latency_cycles // 2}",)),
        )
    if memory.kind is not MemoryKind.HOST and memory.capacity_bytes is not None:
        what = f"capacity of {memory.name}"
        ways = [Variant(what, (f"{where}.capacity_bytes={2 * memory.capacity_bytes}",))]
        if memory.rows is not None:
            ways.insert(0, Variant(what, (f"{where}.rows={2 * memory.rows}",)))
        yield tuple(ways)


def double(block: Block, store: Path, executor: Executor | None = None, report: Report | None = None) -> dict[str, Any]:
    """The one kernel of ``block`` on its one machine (``summary``) and on every variant (``rows``, the best first).

    A variant runs what a new search finds, or the plain machine's own schedule where that is faster there.
    """
    machine = reference(block.machines[0], (f"{path}={values[0]}" for path, values in block.settings))
    changes = variants(machine)
    blocks = [replace(block, machines=(machine,), settings=())]
    blocks += [replace(blocks[0], machines=(reference(machine, change.settings),)) for change in changes]
    done = sweep([task for each in blocks for task in tasks_of([each])[:1]], store, executor, report)
    plain, *changed = done.rows
    rows = [_row(change, machine, plain, row) for change, row in zip(changes, changed, strict=False)]
    keys = (
        "kernel",
        "machine",
        "sizes",
        "settings",
        "cycles",
        "bound_cycles",
        "binding_resource",
        "utilization",
        "failure",
    )
    return {
        "rows": sorted(rows, key=lambda row: -(row["speedup"] or 0.0)),
        "summary": {key: plain.get(key) for key in keys},
    }


def _row(change: Variant, machine: str, plain: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    cycles, before = row.get("cycles"), plain.get("cycles")
    same = _replayed(plain, reference(machine, change.settings)) if before and cycles and cycles > before else None
    if same is not None and cycles is not None:
        cycles = min(cycles, same)
    return {
        "resource": change.resource,
        "settings": list(change.settings),
        "cycles": cycles,
        "speedup": before / cycles if cycles and before else None,
        "binding_resource": row.get("binding_resource"),
        "failure": row["failure"],
    }


def _replayed(plain: dict[str, Any], machine: str) -> int | None:
    """Cycles of a row's own schedule on another machine; None where it does not fit there."""
    try:
        schedule = parse_schedule(Source("schedule", plain["schedule"]), machine=load_machine(machine))
        return simulate(lower(schedule)).cycles
    except SourceError:
        return None
