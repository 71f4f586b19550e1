"""The timing engine that is the definition: docs/reference/timing.md, one invocation after another.

Each invocation depends only on earlier ones, so one pass in program order is exact. Pure Python and slow; the compiled
engine must agree with it cycle for cycle, and it is what runs where llvmlite is missing.
"""

from __future__ import annotations

import heapq
from collections import abc
from itertools import islice
from typing import TypeAlias

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.hwdesc.model import Unit
from isamapper.sim.calendar import Calendar
from isamapper.sim.counters import (
    DISPATCH,
    IN_FLIGHT,
    NO_WORK,
    ORDER,
    PORT,
    QUEUE_FULL,
    RAW,
    REASONS,
    SERIAL,
    WAR,
    WAW,
    WINDOW_FULL,
    Counters,
    Event,
)
from isamapper.sim.expand import Invocation, OperandAt, expand
from isamapper.sim.hazards import Hazards
from isamapper.sim.sites import Model, PortUse, Site

Bounds: TypeAlias = list[tuple[int, int]]
"""Reasons and the cycles until which they hold, in the order in which they are asked."""


class Greatest:
    """The ``size`` greatest of the times put in; ``least`` is when a place among them is free (None: always)."""

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.times: list[int] = []

    @property
    def least(self) -> int:
        return self.times[0] if self.size is not None and len(self.times) == self.size else 0

    def put(self, time: int) -> None:
        if self.size is None:
            return
        heapq.heappush(self.times, time)
        if len(self.times) > self.size:
            heapq.heappop(self.times)


class Queue:
    """One unit: its issue queue and its servers."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.held = Greatest(unit.queue_depth)
        self.servers = Greatest(unit.count)
        self.flying = Greatest(unit.in_flight)
        self.started = 0
        self.ended = 0

    def put(self, start: int, released: int, end: int, explicit: bool) -> None:
        if explicit:
            self.held.put(end if self.unit.held == "end" else start)
        self.servers.put(released)
        self.flying.put(end)
        self.started, self.ended = start, end


class FrontEnd:
    """In-order dispatch: ``per_cycle`` a cycle, at most ``window`` not retired."""

    def __init__(self, model: Model) -> None:
        dispatch = model.machine.dispatch
        self.per_cycle = dispatch.per_cycle
        self.in_order = dispatch.window_order == "in_order"
        self.window = Greatest(dispatch.window)
        self.clock = 0
        self.dispatched = 0  # in the cycle ``clock``
        self.retired = 0
        self.stalls = [0, 0, 0]

    def dispatch(self, queue: Queue) -> Bounds:
        """Puts the next invocation into ``queue``: what held it until when, the last being its cycle."""
        before = self.clock
        full = 1 if self.dispatched == self.per_cycle else 0
        asked = [before + full, queue.held.least, self.window.least]
        for reason, bound in enumerate(asked):
            self.stalls[reason] += max(0, bound - self.clock)
            self.clock = max(self.clock, bound)
        self.dispatched = self.dispatched + 1 if self.clock == before else 1
        return [(NO_WORK, before), (DISPATCH, asked[0]), (QUEUE_FULL, asked[1]), (WINDOW_FULL, asked[2])]

    def keep(self, cycles: int) -> None:
        """What was dispatched last keeps the front end for so many cycles, alone where it is more than one."""
        if cycles > 1:
            self.clock += cycles - 1
            self.dispatched = self.per_cycle
            self.stalls[0] += cycles - 1

    def ended(self, end: int) -> None:
        self.retired = max(self.retired, end)
        self.window.put(self.retired if self.in_order else end)


def run(model: Model, events: int = 0) -> Counters:
    """Times every invocation of ``model``; where ``events`` are asked for, no more than those, and keeps them."""
    machine = model.machine
    calendars = sum(1 for _ in _calendars(model))
    sizes = (len(machine.instructions), len(machine.units), calendars, len(machine.memories), len(model.ports))
    counters = Counters.empty(*sizes)
    engine = _Engine(model, counters)
    for number, invocation in enumerate(islice(expand(model), events or None)):
        event = engine.step(invocation, number)
        if events:
            counters.events.append(event)
    return engine.finish()


def _calendars(model: Model) -> abc.Iterator[Calendar]:
    for use in model.ports:
        for _ in range(use.banks):
            yield Calendar()


class _Engine:
    def __init__(self, model: Model, counters: Counters) -> None:
        self.model = model
        self.counters = counters
        self.front_end = FrontEnd(model)
        self.queues = [Queue(unit) for unit in model.machine.units]
        self.calendars = list(_calendars(model))
        self.hazards = Hazards(model)
        self.instructions = {each.name: index for index, each in enumerate(model.machine.instructions)}
        self.memories = [memory.name for memory in model.machine.memories]
        self.explicit = model.machine.interlocks == "explicit"

    def step(self, invocation: Invocation, number: int) -> Event:
        """Dispatches, starts, moves and ends one invocation."""
        queue = self.queues[invocation.site.unit]
        implicit = invocation.site.instruction.implicit
        bounds = [(NO_WORK, self.front_end.clock)] if implicit else self.front_end.dispatch(queue)
        dispatched, free = self.front_end.clock, queue.servers.least
        if not implicit:
            self.front_end.keep(self.model.machine.front_end_cycles(invocation.site.instruction))
        start, waits = self._start(invocation, queue, [*bounds, (DISPATCH, dispatched + 1)])
        released, end = self._move(invocation, start)
        queue.put(start, released, end, not implicit)
        if not implicit:
            self.front_end.ended(end)
        self._count(invocation, waits, end)
        return Event(invocation.site.index, dispatched, free, tuple(waits), start, released, end, number)

    def _start(self, invocation: Invocation, queue: Queue, bounds: Bounds) -> tuple[int, list[int]]:
        """The start, and what the server waited for since it was free."""
        raw, war, waw = self.hazards.bounds(invocation)
        serial = queue.ended if queue.unit.serial else 0
        bounds = [*bounds, (ORDER, queue.started), (SERIAL, serial), (IN_FLIGHT, queue.flying.least)]
        if not self.explicit:
            bounds += [(RAW, raw), (WAR, war), (WAW, waw)]
        waits = [0] * len(REASONS)
        start = queue.servers.least
        for reason, bound in bounds:
            waits[reason] += max(0, bound - start)
            start = max(start, bound)
        if self.explicit and max(raw, war, waw) > start:
            reason = RAW if raw > start else WAR if war > start else WAW
            raise SourceError(violation(invocation.site, start, reason))
        return start, waits

    def _move(self, invocation: Invocation, start: int) -> tuple[int, int]:
        """Books the ports and publishes the operands' times; when the server is free, and the end."""
        if invocation.site.transfer:
            return self._transfer(invocation, start)
        return self._stream(invocation, start)

    def _transfer(self, invocation: Invocation, start: int) -> tuple[int, int]:
        """All beats begin at the start; results arrive a latency after the last of them."""
        last, longest = start, 0
        latencies: dict[str, int] = {}
        for operand in invocation.operands:
            for ports in (operand.use.read_ports, operand.use.write_ports):
                if ports:
                    end, beats = self._book(operand, ports, start)
                    last, longest = max(last, end), max(longest, beats)
                    latencies[operand.use.memory.name] = operand.use.memory.latency_cycles
        arrival = last + sum(latencies.values())
        for operand in invocation.operands:
            self.hazards.read(invocation, operand, start, max(start + operand.read_until, last))
            self.hazards.write(invocation, operand, start, arrival + operand.ready_at)
        released = max(start + invocation.occupies, last)
        self._occupy(invocation, released - start, max(invocation.occupies, longest))
        return released, arrival + invocation.latency

    def _stream(self, invocation: Invocation, start: int) -> tuple[int, int]:
        """Reads begin at ``read_at`` and writes at ``ready_at``; late reads delay all that follows by as much."""
        occupies = invocation.occupies
        delay, held, longest, last = 0, occupies, 0, start
        read_ends: list[int] = []
        for operand in invocation.operands:
            end = start
            if operand.use.read_ports:
                end, beats = self._book(operand, operand.use.read_ports, start + operand.read_at)
                used = end - start
                delay = max(delay, used - max(operand.read_at + occupies, operand.read_until))
                held, longest, last = max(held, used - operand.read_at), max(longest, beats), max(last, end)
            read_ends.append(end)
        for operand, end in zip(invocation.operands, read_ends, strict=True):
            self.hazards.read(invocation, operand, start, max(start + delay + operand.read_until, end))
            ready = start + delay + operand.ready_at
            if operand.use.write_ports:
                ready, beats = self._book(operand, operand.use.write_ports, ready)
                held, longest = max(held, ready - start - operand.ready_at), max(longest, beats)
                last = max(last, ready)
            self.hazards.write(invocation, operand, start, ready)
        self._occupy(invocation, held, max(occupies, longest))
        return start + held, max(start + delay + invocation.latency, last)

    def _book(self, operand: OperandAt, ports: tuple[PortUse, ...], start: int) -> tuple[int, int]:
        """Takes cycles of the port that is done first; the end of the last beat and the greatest beats in a bank."""

        def done(port: PortUse) -> int:
            parts = operand.beats(port)
            return max((self.calendars[port.first + bank].last(start, beats) for bank, beats in parts), default=start)

        port = min(ports, key=done)
        end, longest = start, 0
        self.counters.port_bytes[port.index] += operand.bytes
        for bank, beats in operand.beats(port):
            calendar = port.first + bank
            end = max(end, self.calendars[calendar].take(start, beats))
            longest = max(longest, beats)
            self.counters.beats[calendar] += beats
        return end, longest

    def _occupy(self, invocation: Invocation, held: int, needed: int) -> None:
        unit = invocation.site.unit
        self.counters.busy[unit] += needed
        self.counters.stalls[unit][PORT] += held - needed

    def _count(self, invocation: Invocation, waits: abc.Sequence[int], end: int) -> None:
        counters, site = self.counters, invocation.site
        counters.invocations[self.instructions[site.instruction.name]] += 1
        counters.cycles = max(counters.cycles, end)
        for reason, cycles in enumerate(waits):
            counters.stalls[site.unit][reason] += cycles
        for operand in invocation.operands:
            moved = counters.bytes[self.memories.index(operand.use.memory.name)]
            moved[0] += operand.bytes if operand.use.reads else 0
            moved[1] += operand.bytes if operand.use.writes else 0

    def finish(self) -> Counters:
        """The totals, once nothing follows."""
        counters = self.counters
        counters.front_end = list(self.front_end.stalls)
        for index, queue in enumerate(self.queues):
            counters.overhang[index] = sum(max(0, free - counters.cycles) for free in queue.servers.times)
        return counters


def violation(site: Site, start: int, reason: int) -> Diagnostic:
    """What to say of a hazard that a machine with explicit interlocks does not wait for."""
    kinds = {RAW: "reads what is not ready", WAR: "overwrites what is still read", WAW: "overtakes an earlier write"}
    message = f"'{site.instruction.name}' starting in cycle {start} {kinds[reason]}"
    help = "this machine does not wait for hazards: the program must order these invocations"
    return Diagnostic("SIM010", message, site.invoke.span, help)
