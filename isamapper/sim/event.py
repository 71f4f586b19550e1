"""The event engine: a walk through time, for machines whose ports do not serve by age.

Under ``arbitration: fifo`` (in order of asking) or ``round_robin`` (units in turn) what a transfer gets depends on
younger ones, so one pass in program order is not enough. Here every cycle in which something can happen is visited:
what can start starts, what can be dispatched is, then every port serves one beat. The rules are those of the one-pass
engines, but that nothing is known before it has happened: what hazards compare with the end of a transfer waits for
that end, and writes that may come late hold their server as far as can be seen. Plain Python: it is for such machines,
and a second opinion where both apply. Cores that contend for ports are walked side by side (``joint.py``).
"""

from __future__ import annotations

import heapq
from collections import abc, deque
from types import MappingProxyType

from isamapper.diagnostics.source import SourceError
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
from isamapper.sim.event_jobs import NEVER, Job, Stream, Use, hazards, last_end, latest_time, release_time
from isamapper.sim.expand import Invocation, expand
from isamapper.sim.hazards import least_ready
from isamapper.sim.reference import Greatest, violation
from isamapper.sim.sites import Model, PortUse

_FRONT = (DISPATCH, QUEUE_FULL, WINDOW_FULL)


def run(model: Model, events: int = 0) -> Counters:
    """Times every invocation of ``model``; where ``events`` are asked for, no more than those, and keeps them."""
    return Core(model, events).run()


class Core:
    """One core on its way through time.

    ``credits`` are its greatest shares of the calendars that others use, too. It goes no further than the ``events``
    that are asked for, unless it is to go ``through``.
    """

    def __init__(
        self, model: Model, events: int, credits: abc.Mapping[int, int] = MappingProxyType({}), through: bool = False
    ) -> None:
        machine = model.machine
        self.credits, self.most = credits, 0 if through else events
        self.model = model
        self.units = machine.units
        self.events = events
        self.calendars = [use for use in model.ports for _ in range(use.banks)]
        self.waiting: list[list[Stream]] = [[] for _ in self.calendars]
        self.served: list[int] = [-1 for _ in self.calendars]
        self.queues: list[deque[Job]] = [deque() for _ in machine.units]
        self.jobs: list[list[Job]] = [[] for _ in machine.units]  # that hold something of their unit
        self.servers: list[list[int | Job]] = [[0] * unit.count for unit in machine.units]
        self.ends = [Greatest(unit.in_flight) for unit in machine.units]
        self.last: list[Job | None] = [None for _ in machine.units]
        self.window: list[Job] = []
        self.alive: list[Job] = []
        self.finished: list[Job] = []
        self.coming = enumerate(expand(model))
        self.next = next(self.coming, None)
        self.clock, self.in_cycle = 0, 0
        self.held = [0, 0, 0]
        self.times: list[int] = [0]
        sizes = (len(machine.instructions), len(machine.units), len(self.calendars), len(machine.memories))
        counters = Counters.empty(*sizes, len(model.ports))
        self.counters = counters
        self.names = {each.name: index for index, each in enumerate(machine.instructions)}
        self.memories = {memory.name: index for index, memory in enumerate(machine.memories)}

    def run(self) -> Counters:
        now = 0
        while self.working:
            self.act(now)
            chosen = self.chosen(now)
            self.serve(now, [(stream, 1) for stream in chosen])
            following = min(now + 1 if chosen else NEVER, self.coming_time(now))
            self.leave(now, following)
            if following == NEVER:
                break
            now = following
        return self.totals()

    @property
    def working(self) -> bool:
        """Whether something is still to come, or under way."""
        return self.next is not None or bool(self.alive)

    def act(self, now: int) -> None:
        """Starts and dispatches what can be."""
        while self._start(now) or self._dispatch(now):
            pass

    def coming_time(self, now: int) -> int:
        """The next cycle in which something can happen, beats apart."""
        while self.times and self.times[0] <= now:
            heapq.heappop(self.times)
        return self.times[0] if self.times else NEVER

    def leave(self, now: int, following: int) -> None:
        """Books the cycles until ``following``."""
        self._book_front(now, following)
        self._forget(now)

    def _at(self, time: int) -> None:
        heapq.heappush(self.times, time)

    # Dispatch

    def _dispatch(self, now: int) -> bool:
        """Dispatches the next invocation, if it can be."""
        if self.next is None or (self.most and self.next[0] >= self.most):
            self.next = None
            return False
        number, invocation = self.next
        unit = self.units[invocation.site.unit]
        implicit = invocation.site.instruction.implicit
        if implicit:
            job = self._job(number, invocation, [self.clock])
        else:
            if self._blocked(now) is not None:
                return False
            front = [self.clock]
            for cycles in self.held:
                front.append(front[-1] + cycles)
            self.in_cycle = self.in_cycle + 1 if now == self.clock else 1
            self.clock = now
            job = self._job(number, invocation, front)
            self._keep(self.model.machine.front_end_cycles(invocation.site.instruction))
            self.window.append(job)
            if unit.held == "end":
                self.jobs[invocation.site.unit].append(job)
        self.held = [0, 0, 0]
        self.queues[invocation.site.unit].append(job)
        self.alive.append(job)
        self._at(job.dispatched + 1)
        self.next = next(self.coming, None)
        return True

    def _keep(self, cycles: int) -> None:
        """What was dispatched last keeps the front end for so many cycles, alone where it is more than one."""
        if cycles > 1:
            self.clock += cycles - 1
            self.in_cycle = self.model.machine.dispatch.per_cycle
            self.counters.front_end[0] += cycles - 1

    def _blocked(self, now: int) -> int | None:
        """The front end's first reason not to dispatch the next explicit invocation now."""
        assert self.next is not None
        dispatch, index = self.model.machine.dispatch, self.next[1].site.unit
        unit = self.units[index]
        if now <= self.clock and self.in_cycle == dispatch.per_cycle:
            self._at(max(now + 1, self.clock))
            return 0
        held = sum(not job.invocation.site.instruction.implicit for job in self.queues[index])
        if unit.held == "end":
            held = sum(job.end is None or job.end > now for job in self.jobs[index])
        if unit.queue_depth is not None and held >= unit.queue_depth:
            return 1
        if dispatch.window_order == "any":
            self.window = [job for job in self.window if job.end is None or job.end > now]
        else:
            while self.window and self.window[0].end is not None and self.window[0].end <= now:
                self.window.pop(0)
        return 2 if dispatch.window is not None and len(self.window) >= dispatch.window else None

    def _book_front(self, now: int, following: int) -> None:
        """Cycles until ``following`` that the front end stands still."""
        if self.next is None or following == NEVER or self.next[1].site.instruction.implicit or now < self.clock:
            return
        reason = self._blocked(now)
        if reason is not None:
            cycles = 1 if reason == 0 else following - now
            self.held[reason] += cycles
            self.counters.front_end[reason] += cycles

    def _job(self, number: int, invocation: Invocation, front: list[int]) -> Job:
        """The job with the older ones that it conflicts with."""
        uses = []
        for at in invocation.operands:
            touched = set(at.granules.tolist())
            uses.append(Use(at, touched, touched if at.use.writes else set()))
        job = Job(number, invocation, self.clock, front, uses, [])
        for older in self.alive:
            for use in uses:
                job.after += [
                    (kind, use, other, older) for other in older.uses for kind in hazards(job, use, older, other)
                ]
        for use in uses:
            if use.at.use.region.renamed and use.written:
                for older in self.alive:
                    for other in older.uses:
                        if other.at.use.region is use.at.use.region:
                            other.written = other.written - use.written
        return job

    # Start

    def _start(self, now: int) -> bool:
        """Starts every head of a queue that can; whether any did."""
        started = False
        for index, queue in enumerate(self.queues):
            while queue:
                bounds = self._bounds(queue[0], index, now)
                if bounds is None:
                    break
                latest = max(bound for _, bound in bounds)
                if latest > now:
                    self._at(latest)
                    break
                self._begin(queue.popleft(), index, now, bounds)
                started = True
        return started

    def _bounds(self, job: Job, index: int, now: int) -> list[tuple[int, int]] | None:
        """What held the start until when; None where that is not known yet."""
        unit, last = self.units[index], self.last[index]
        free = min(release_time(server, now) for server in self.servers[index])
        flying = [*self.ends[index].times, *(NEVER for each in self._flying(index) if each.end is None)]
        room = 0
        if unit.in_flight is not None and len(flying) >= unit.in_flight:
            room = sorted(flying)[-unit.in_flight]
        serial = 0 if not unit.serial or last is None else (NEVER if last.end is None else last.end)
        hazards = self._hazards(job)
        if NEVER in (free, room, serial) or hazards is None:
            return None
        front = list(zip((NO_WORK, *_FRONT), job.front, strict=False))
        started = 0 if last is None or last.start is None else last.start
        own = [(ORDER, started), (SERIAL, serial), (IN_FLIGHT, room)]
        explicit = self.model.machine.interlocks == "explicit"
        return [(PORT, free), *front, (DISPATCH, job.dispatched + 1), *own, *([] if explicit else hazards)]

    def _flying(self, index: int) -> list[Job]:
        return [job for job in self.alive if job.unit == index and job.start is not None]

    def _hazards(self, job: Job) -> list[tuple[int, int]] | None:
        """Bounds by older invocations; None where one of their times is not known yet."""
        found = [(RAW, 0), (WAR, 0), (WAW, 0)]
        for kind, own, other, older in job.after:
            if kind == ORDER:  # an accumulation behind another
                time = None if older.start is None else older.start + older.invocation.occupies
                reason = RAW
            else:
                time = other.read if kind == WAR else other.ready
                reason = kind
            if time is None:
                return None
            if kind == RAW:
                time -= own.at.read_at
            if kind == WAW:
                time -= least_ready(job.invocation, own.at)
            found.append((reason, time))
        return [(reason, max(time for each, time in found if each == reason)) for reason in (RAW, WAR, WAW)]

    def _begin(self, job: Job, index: int, now: int, bounds: list[tuple[int, int]]) -> None:
        job.start, job.free = now, bounds[0][1]
        job.waits = [0] * len(REASONS)
        at = job.free
        for reason, bound in bounds[1:]:
            job.waits[reason] += max(0, bound - at)
            at = max(at, bound)
        if self.model.machine.interlocks == "explicit":
            self._demand_order(job, now)
        servers = self.servers[index]
        servers[min(range(len(servers)), key=lambda each: release_time(servers[each], now))] = job
        self.last[index] = job
        self._open(job)
        self._settle(job)
        self._at(now)

    def _demand_order(self, job: Job, now: int) -> None:
        for reason, bound in self._hazards(job) or [(RAW, NEVER)]:
            if bound > now:
                raise SourceError(violation(job.invocation.site, now, reason))

    # Ports

    def _open(self, job: Job) -> None:
        """Asks for the beats that begin with the start, or at ``read_at``."""
        assert job.start is not None
        transfer = job.invocation.site.transfer
        for use in job.uses:
            if use.at.use.read_ports:
                begins = job.start if transfer else job.start + use.at.read_at
                use.reading = self._ask(job, use, use.at.use.read_ports, begins)
            if transfer and use.at.use.write_ports:
                use.writing = self._ask(job, use, use.at.use.write_ports, job.start)

    def _ask(self, job: Job, use: Use, ports: tuple[PortUse, ...], begins: int) -> list[Stream]:
        """Streams on the port with the least to do."""

        def backlog(port: PortUse) -> int:
            return sum(stream.left for bank, _ in use.at.beats(port) for stream in self.waiting[port.first + bank])

        def credit(calendar: int) -> int:
            return self.credits.get(calendar, 1)

        port = min(ports, key=backlog)
        self.counters.port_bytes[port.index] += use.at.bytes
        asked = ((port.first + bank, beats) for bank, beats in use.at.beats(port))
        found = [Stream(job, calendar, begins, beats, credit=credit(calendar)) for calendar, beats in asked]
        job.longest = max([job.longest, *(stream.least for stream in found)])
        for stream in found:
            self.waiting[stream.calendar].append(stream)
            self.counters.beats[stream.calendar] += stream.least
            self._at(stream.begins)
        return found

    def chosen(self, now: int) -> list[Stream]:
        """Whom every port serves in this cycle."""
        found = []
        for calendar, streams in enumerate(self.waiting):
            present = [stream for stream in streams if stream.begins <= now]
            if present:
                found.append(self._chosen(calendar, present))
        return found

    def serve(self, now: int, served: abc.Sequence[tuple[Stream, int]]) -> None:
        """Takes from streams what has been done of them; then what ends may ask for more."""
        for stream, done in served:
            self.served[stream.calendar] = stream.job.unit
            stream.left = max(0, stream.left - done)
            if not stream.left:
                stream.done = now + 1
                self.waiting[stream.calendar].remove(stream)
        for stream, _ in served:
            if not stream.left:
                self._settle(stream.job)

    def _chosen(self, calendar: int, present: abc.Sequence[Stream]) -> Stream:
        arbitration = self.calendars[calendar].port.arbitration
        if arbitration == "fifo":
            return min(present, key=lambda stream: (stream.begins, stream.job.number))
        if arbitration == "round_robin":
            last, count = self.served[calendar], len(self.units)
            return min(present, key=lambda stream: ((stream.job.unit - last - 1) % count, stream.job.number))
        return min(present, key=lambda stream: stream.job.number)

    # Times

    def _settle(self, job: Job) -> None:
        """Fills in the times of a job that have become known."""
        if job.end is not None:
            return
        if job.invocation.site.transfer:
            self._settle_transfer(job)
        else:
            self._settle_stream(job)
        if job.end is not None:
            self.finished.append(job)

    def _settle_transfer(self, job: Job) -> None:
        start, invocation = job.start, job.invocation
        assert start is not None
        ends = [last_end(streams, start) for use in job.uses for streams in (use.reading, use.writing)]
        if None in ends:
            return
        last = max((end for end in ends if end is not None), default=start)
        ported = {use.at.use.memory for use in job.uses if use.at.use.read_ports or use.at.use.write_ports}
        arrival = last + sum(memory.latency_cycles for memory in ported)
        for use in job.uses:
            use.read, use.ready = max(start + use.at.read_until, last), arrival + use.at.ready_at
        self._close(job, max(start + invocation.occupies, last), arrival + invocation.latency)

    def _settle_stream(self, job: Job) -> None:
        start, invocation = job.start, job.invocation
        assert start is not None
        ends = [last_end(use.reading, start) for use in job.uses]
        if None in ends:
            return
        delay, held, last = 0, invocation.occupies, start
        for use, end in zip(job.uses, ends, strict=True):
            if use.at.use.read_ports and end is not None:
                allowed = max(use.at.read_at + invocation.occupies, use.at.read_until)
                delay, last = max(delay, end - start - allowed), max(last, end)
                held = max(held, end - start - use.at.read_at)
        for use, end in zip(job.uses, ends, strict=True):
            use.read = max(start + delay + use.at.read_until, end or 0)
            begins = start + delay + use.at.ready_at
            if use.at.use.write_ports and not job.writes:
                use.writing = self._ask(job, use, use.at.use.write_ports, begins)
            use.ready = last_end(use.writing, begins)
        job.writes = True
        for use in (use for use in job.uses if use.at.use.write_ports):
            if use.ready is None:
                return
            held, last = max(held, use.ready - start - use.at.ready_at), max(last, use.ready)
        self._close(job, start + held, max(start + delay + invocation.latency, last))

    def _close(self, job: Job, released: int, end: int) -> None:
        job.released, job.end = released, end
        self.ends[job.unit].put(end)
        for time in (released, end, *(each for use in job.uses for each in (use.read, use.ready) if each is not None)):
            self._at(time)

    def _forget(self, now: int) -> None:
        """Jobs that nothing can wait for any more."""
        self.alive = [job for job in self.alive if job.end is None or latest_time(job) > now]
        self.jobs = [[job for job in jobs if job.end is None or job.end > now] for jobs in self.jobs]

    # Totals

    def totals(self) -> Counters:
        """What has been counted, once nothing is under way."""
        counters = self.counters
        for job in sorted(self.finished, key=lambda each: each.number):
            assert job.start is not None and job.released is not None and job.end is not None
            self._count(job, job.start, job.released, job.end)
        for index, servers in enumerate(self.servers):
            over = (release_time(server, NEVER) - counters.cycles for server in servers)
            counters.overhang[index] = sum(max(0, cycles) for cycles in over)
        return counters

    def _count(self, job: Job, start: int, released: int, end: int) -> None:
        counters, invocation = self.counters, job.invocation
        counters.cycles = max(counters.cycles, end)
        counters.invocations[self.names[invocation.site.instruction.name]] += 1
        needed = max(invocation.occupies, job.longest)
        for use in job.uses:
            moved = counters.bytes[self.memories[use.at.use.memory.name]]
            moved[0] += use.at.bytes if use.at.use.reads else 0
            moved[1] += use.at.bytes if use.at.use.writes else 0
        counters.busy[job.unit] += needed
        counters.stalls[job.unit][PORT] += released - start - needed
        for reason, cycles in enumerate(job.waits):
            counters.stalls[job.unit][reason] += cycles
        if job.number < self.events:
            times = (job.dispatched, job.free, tuple(job.waits), start, released, end)
            counters.events.append(Event(invocation.site.index, *times, job.number))
