"""The timing rules a second time, as processes of SimPy: an implementation that shares nothing but the stream.

A process dispatches, one process per unit starts, one process per port (and bank) serves a beat in the middle of each
cycle. Nobody looks ahead, so what can be said here is what can be known in time: see ``tellable``.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import simpy

from isamapper.sim.expand import Invocation, OperandAt, expand
from isamapper.sim.sites import Model, PortUse

Steps: TypeAlias = abc.Generator[simpy.Event, Any, None]


@dataclass(eq=False)
class Operand:
    """An operand with the times at which it has been read and is ready, once they are known."""

    at: OperandAt
    granules: frozenset[int]
    read_known: simpy.Event
    ready_known: simpy.Event
    read: int = 0
    ready: int = 0


@dataclass(eq=False)
class Task:
    """One invocation on its way."""

    number: int
    invocation: Invocation
    operands: list[Operand]
    started: simpy.Event
    released: simpy.Event
    ended: simpy.Event
    dispatched: int = 0
    start: int = 0
    end: int = 0


@dataclass(eq=False)
class Stream:
    """Beats that are wanted of a port."""

    task: Task
    asked: int
    left: int
    done: simpy.Event


@dataclass
class Simulation:
    model: Model
    environment: simpy.Environment = field(default_factory=simpy.Environment)
    tasks: list[Task] = field(default_factory=list)
    shared: frozenset[int] = frozenset()
    """Calendars that are served elsewhere."""

    def run(self) -> list[tuple[int, int, int]]:
        """``(dispatched, start, end)`` of every invocation."""
        self.open()
        self.environment.run()
        return self.times()

    def times(self) -> list[tuple[int, int, int]]:
        return [(task.dispatched, task.start, task.end) for task in self.tasks]

    def open(self) -> None:
        """Sets all processes up."""
        machine = self.model.machine
        self.stores = [simpy.Store(self.environment) for _ in machine.units]
        self.wanted: dict[int, list[Stream]] = {}
        self.bells: dict[int, simpy.Event] = {}
        for use in self.model.ports:
            for bank in range(use.banks):
                self.wanted[use.first + bank] = []
                self.bells[use.first + bank] = self.environment.event()
                if use.cores == 1 and use.first + bank not in self.shared:
                    self.environment.process(self._port(use.first + bank))
        for index in range(len(machine.units)):
            self.environment.process(self._unit(index))
        self.environment.process(self._dispatcher())

    @property
    def now(self) -> int:
        return int(self.environment.now)

    # Dispatch

    def _dispatcher(self) -> Steps:
        dispatch, units = self.model.machine.dispatch, self.model.machine.units
        queues: list[list[Task]] = [[] for _ in units]
        window: list[Task] = []
        in_cycle = 0
        for number, invocation in enumerate(expand(self.model)):
            unit = invocation.site.unit
            task = self._task(number, invocation)
            before = self.now
            if in_cycle == dispatch.per_cycle:
                yield self.environment.timeout(1)
            while True:
                held = "ended" if units[unit].held == "end" else "started"
                queues[unit] = [each for each in queues[unit] if not getattr(each, held).processed]
                window = self._not_retired(window)
                depth = units[unit].queue_depth
                if depth is not None and len(queues[unit]) >= depth:
                    yield self.environment.any_of([getattr(each, held) for each in queues[unit]])
                elif dispatch.window is not None and len(window) >= dispatch.window:
                    yield self.environment.any_of([each.ended for each in window if not each.ended.processed])
                else:
                    break
            in_cycle = in_cycle + 1 if self.now == before else 1
            task.dispatched = self.now
            queues[unit].append(task)
            window.append(task)
            self.tasks.append(task)
            self.stores[unit].put(task)
            kept = self.model.machine.front_end_cycles(invocation.site.instruction)
            if kept > 1:
                yield self.environment.timeout(kept - 1)
                in_cycle = dispatch.per_cycle

    def _not_retired(self, window: list[Task]) -> list[Task]:
        if self.model.machine.dispatch.window_order == "any":
            return [each for each in window if not each.ended.processed]
        while window and window[0].ended.processed:
            window = window[1:]
        return window

    def _task(self, number: int, invocation: Invocation) -> Task:
        event = self.environment.event
        operands = [Operand(at, frozenset(at.granules.tolist()), event(), event()) for at in invocation.operands]
        return Task(number, invocation, operands, event(), event(), event())

    # Start

    def _unit(self, index: int) -> Steps:
        unit = self.model.machine.units[index]
        holding: list[Task] = []
        flying: list[Task] = []
        last: Task | None = None
        while True:
            task = yield self.stores[index].get()
            yield self.environment.timeout(max(0, task.dispatched + 1 - self.now))
            while len(holding) >= unit.count:
                yield self.environment.any_of([each.released for each in holding])
                holding = [each for each in holding if not each.released.processed]
            holding = [each for each in holding if not each.released.processed]
            if unit.serial and last is not None and not last.ended.processed:
                yield last.ended
            flying = [each for each in flying if not each.ended.processed]
            while unit.in_flight is not None and len(flying) >= unit.in_flight:
                yield self.environment.any_of([each.ended for each in flying])
                flying = [each for each in flying if not each.ended.processed]
            for older in self.tasks[: task.number]:
                yield from self._conflicts(task, older)
            holding.append(task)
            flying.append(task)
            last = task
            task.start = self.now
            task.started.succeed()
            self.environment.process(self._execute(task))
            yield self.environment.timeout(0)

    def _conflicts(self, task: Task, older: Task) -> Steps:
        """Waits for whatever of ``older`` is in the way of ``task``."""
        for mine in task.operands:
            for other in older.operands:
                if mine.at.use.region is not other.at.use.region or not mine.granules & other.granules:
                    continue
                both = mine.at.use.accumulates and other.at.use.accumulates
                if both and task.invocation.site.unit == older.invocation.site.unit:
                    yield from self._known(older.started)
                    yield from self._until(older.start + older.invocation.occupies)
                    continue
                if mine.at.use.reads and other.at.use.writes:
                    yield from self._known(other.ready_known)
                    yield from self._until(other.ready - mine.at.read_at)
                if mine.at.use.writes and other.at.use.reads:
                    yield from self._known(other.read_known)
                    yield from self._until(other.read)
                if mine.at.use.writes and other.at.use.writes:
                    yield from self._known(other.ready_known)
                    yield from self._until(other.ready - least(task.invocation, mine.at))

    def _known(self, event: simpy.Event) -> Steps:
        if not event.processed:
            yield event

    def _until(self, time: int) -> Steps:
        yield self.environment.timeout(max(0, time - self.now))

    # Execution

    def _execute(self, task: Task) -> Steps:
        start, invocation = task.start, task.invocation
        transfer = invocation.site.transfer
        wanted: list[tuple[Operand, list[simpy.Event]]] = []
        latencies: dict[str, int] = {}
        for operand in task.operands:
            use = operand.at.use
            events = [each for ports in (use.read_ports, use.write_ports) for each in self._ask(task, operand, ports)]
            if use.read_ports or use.write_ports:
                latencies[use.memory.name] = use.memory.latency_cycles
            if events:
                wanted.append((operand, events))
            elif not transfer:
                self._tell_read(operand, start + operand.at.read_until)
        if not wanted:  # everything is known at once
            self._finish(task, start, 0 if not transfer else sum(latencies.values()), {})
            return
        last = start
        ends: dict[int, int] = {}
        for operand, events in wanted:
            yield self.environment.all_of(events)
            ends[id(operand)] = max(int(event.value) for event in events)
            last = max(last, ends[id(operand)])
        self._finish(task, last, sum(latencies.values()) if transfer else 0, ends)

    def _ask(self, task: Task, operand: Operand, ports: tuple[PortUse, ...]) -> abc.Iterator[simpy.Event]:
        for port in ports[:1]:
            for bank, beats in operand.at.beats(port):
                if beats:
                    stream = Stream(task, self.now, beats, self.environment.event())
                    self.wanted[port.first + bank].append(stream)
                    if not self.bells[port.first + bank].triggered:
                        self.bells[port.first + bank].succeed()
                    yield stream.done

    def _finish(self, task: Task, last: int, latency: int, ends: dict[int, int]) -> None:
        """All beats are over: ``last`` is the end of the last one."""
        start, invocation = task.start, task.invocation
        delay = 0
        if not invocation.site.transfer:
            for operand in task.operands:
                if id(operand) in ends:
                    allowed = max(invocation.occupies, operand.at.read_until)
                    delay = max(delay, ends[id(operand)] - start - allowed)
        arrival = last + latency if invocation.site.transfer else start + delay
        for operand in task.operands:
            if invocation.site.transfer:
                self._tell_read(operand, max(start + operand.at.read_until, last))
            else:
                until = start + delay + operand.at.read_until
                self._tell_read(operand, max(until, ends.get(id(operand), start)))
            operand.ready = arrival + operand.at.ready_at
            operand.ready_known.succeed()
        task.end = max(arrival + invocation.latency, last)
        self.environment.process(self._at(task.released, max(start + invocation.occupies, last)))
        self.environment.process(self._at(task.ended, task.end))

    def _tell_read(self, operand: Operand, time: int) -> None:
        operand.read = max(operand.read, time)
        if not operand.read_known.triggered:
            operand.read_known.succeed()

    def _at(self, event: simpy.Event, time: int) -> Steps:
        yield self.environment.timeout(max(0, time - self.now))
        event.succeed()

    def _port(self, calendar: int) -> Steps:
        """Serves one beat a cycle by the port's rule; it looks in the middle of the cycle, when all are there."""
        served = -1
        while True:
            while not self.wanted[calendar]:
                yield self.bells[calendar]
                self.bells[calendar] = self.environment.event()
            yield self.environment.timeout(self.now + 0.5 - self.environment.now)
            stream = self.next_of(calendar, served)
            served = stream.task.invocation.site.unit
            stream.left -= 1
            if not stream.left:
                self.wanted[calendar].remove(stream)
            cycle = self.now
            yield self.environment.timeout(0.5)
            if not stream.left:
                stream.done.succeed(cycle + 1)

    def next_of(self, calendar: int, served: int) -> Stream:
        """Whom a port serves that has served this unit last."""
        port = next(use.port for use in self.model.ports if use.first <= calendar < use.first + use.banks)
        units = len(self.model.machine.units)

        def rank(stream: Stream) -> tuple[int, int]:
            unit, number = stream.task.invocation.site.unit, stream.task.number
            orders = {"oldest": 0, "fifo": stream.asked, "round_robin": (unit - served - 1) % units}
            return orders[port.arbitration], number

        return min(self.wanted[calendar], key=rank)


@dataclass
class Together:
    """Several cores; ``members`` are the calendars that they share: (core, its calendar, for how many it stands)."""

    models: abc.Sequence[Model]
    members: abc.Sequence[abc.Sequence[tuple[int, int, int]]]
    scale: int
    environment: simpy.Environment = field(default_factory=simpy.Environment)

    def run(self) -> list[list[tuple[int, int, int]]]:
        """``(dispatched, start, end)`` of every invocation of every core."""
        shared = [
            frozenset(c for each in self.members for core, c, _ in each if core == n) for n in range(len(self.models))
        ]
        self.cores = [
            Simulation(model, self.environment, shared=own) for model, own in zip(self.models, shared, strict=True)
        ]
        for core in self.cores:
            core.open()
        for each in self.members:
            self.environment.process(self._port(each))
        self.environment.run()
        return [core.times() for core in self.cores]

    def _port(self, members: abc.Sequence[tuple[int, int, int]]) -> Steps:
        """Divides a cycle evenly among all that have something waiting in the middle of it."""
        served = {core: -1 for core, _, _ in members}
        while True:
            while not any(self.cores[core].wanted[calendar] for core, calendar, _ in members):
                yield self.environment.any_of([self.cores[core].bells[calendar] for core, calendar, _ in members])
                for core, calendar, _ in members:
                    if self.cores[core].bells[calendar].processed:
                        self.cores[core].bells[calendar] = self.environment.event()
            yield self.environment.timeout(int(self.environment.now) + 0.5 - self.environment.now)
            asking = [each for each in members if self.cores[each[0]].wanted[each[1]]]
            whole = sum(weight for _, _, weight in asking)
            chosen = []
            for core, calendar, _ in asking:
                stream = self.cores[core].next_of(calendar, served[core])
                served[core] = stream.task.invocation.site.unit
                stream.left -= -(-self.scale // whole)
                if stream.left <= 0:
                    self.cores[core].wanted[calendar].remove(stream)
                    chosen.append(stream)
            cycle = int(self.environment.now)
            yield self.environment.timeout(0.5)
            for stream in chosen:
                stream.done.succeed(cycle + 1)


def least(invocation: Invocation, operand: OperandAt) -> int:
    """The time to ready that an invocation has where nobody shares its ports."""

    def beats(each: OperandAt, ports: tuple[PortUse, ...]) -> int:
        return max((count for _, count in each.beats(ports[0])), default=0) if ports else 0

    if not invocation.site.transfer:
        return operand.ready_at + beats(operand, operand.use.write_ports)
    uses = [(each, ports) for each in invocation.operands for ports in (each.use.read_ports, each.use.write_ports)]
    ported = {each.use.memory for each, ports in uses if ports}
    return max(beats(*use) for use in uses) + sum(memory.latency_cycles for memory in ported) + operand.ready_at


def tellable(model: Model) -> bool:
    """Whether no rule asks for a time before it can be known.

    Nobody can start because of what an older invocation will do once it has started itself; and the ends of beats are
    known when they come. So results are not needed before their writer starts, arithmetic writes through no port, reads
    through ports begin at the start and last no longer than it takes to have results, and what beats write is not
    overwritten unread.
    """
    soonest: dict[tuple[int, int], int] = {}
    slow: set[tuple[int, int]] = set()
    for invocation in expand(model):
        ported = any(each.use.read_ports or each.use.write_ports for each in invocation.operands)
        for operand in invocation.operands:
            use = operand.use
            if (use.write_ports and not invocation.site.transfer) or (use.read_ports and operand.read_at):
                return False
            places = {(use.region.index, granule) for granule in operand.granules.tolist()}
            if places & slow and (operand.read_at or (use.writes and not use.reads)):
                return False
            known = min((soonest[place] for place in places if place in soonest), default=operand.read_at)
            if known < operand.read_at or (
                places & soonest.keys() and use.writes and known < least(invocation, operand)
            ):
                return False
        reading = not invocation.site.transfer and any(each.use.read_ports for each in invocation.operands)
        longest = max(invocation.occupies, *(each.read_until for each in invocation.operands))
        for operand in invocation.operands:
            if operand.use.writes:
                if reading and operand.ready_at < longest:
                    return False
                for granule in operand.granules.tolist():
                    place = (operand.use.region.index, granule)
                    soonest[place] = min(soonest.get(place, operand.ready_at), operand.ready_at)
                    if ported:
                        slow.add(place)
    return True
