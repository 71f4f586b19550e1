"""Compiled steps: the code for one invocation, specialised to its instruction and to what its sites have in common.

It follows ``reference.py`` line by line: dispatch, start, ports, hazards, end. What it counts with constant amounts is
not counted here at all: the driver multiplies by the number of invocations.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from functools import lru_cache, partial

from isamapper.hwdesc.model import Instruction
from isamapper.ir.sizes import SizeExpression
from isamapper.sim.compiled.bookings import Bookings
from isamapper.sim.compiled.cycles import cycles
from isamapper.sim.compiled.flow import Booking, Flow
from isamapper.sim.compiled.layout import (
    CLOCK,
    EVENT_COUNT,
    EVENT_SIZE,
    EVENT_WORDS,
    EVENTS,
    IN_CYCLE,
    LAST_END,
    LATE,
    RETIRED,
    STEPS,
    VIOLATION_KIND,
    VIOLATION_SITE,
    VIOLATION_START,
    Layout,
)
from isamapper.sim.compiled.records import Records, Touch
from isamapper.sim.compiled.rings import least, put
from isamapper.sim.compiled.spans import Spans, unless
from isamapper.sim.compiled.specs import OperandSpec, StepSpec
from isamapper.sim.compiled.text import Function, Truth, Value
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
)

STEPS_KEPT = 128
"""Written steps that are kept, the latest used."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the code is for: skipping keeps a log of live records, events are kept for traces and tests.

    What is not ``counted`` by itself is counted by its caller: then the code is the same in programs of other steps.
    Code for ``long`` runs takes waits to be rare, and branches: then no invocation depends on what did not happen.
    """

    skip: bool
    events: bool
    counted: bool = True
    long: bool = False


@dataclass(slots=True)
class Operand:
    """An operand in the code of one step."""

    spec: OperandSpec
    touch: Touch | None
    flow: Flow
    reads: list[Booking]
    writes: list[Booking]
    read_at: Value
    read_until: Value
    ready_at: Value


def argument_names(spec: StepSpec) -> list[str]:
    """Parameters of a step's function, in order: the site, then all that varies."""
    names = ["site"]
    names += [f"p{index}" for index, value in enumerate(spec.parameters) if value is None]
    for index, (_, operand) in enumerate(spec.operands):
        names += [f"e{index}_{axis}" for axis, value in enumerate(operand.extents) if value is None]
        names += [f"r{index}"] if operand.region is not None else []
        names += [f"s{index}"] if operand.banked else []
        names += [f"o{index}_{axis}" for axis in range(len(operand.shape))] if operand.padded else []
    return names


def step_function(plan: Layout, index: int, options: Options) -> str:
    """The definition of step ``index``; what it does not count at run time is noted in the plan."""
    text, constants = _written(_Wanted(_everything(plan, index, options), plan, index, options))
    plan.constants += constants
    return text


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A step to be written; equal where its code is, which ``everything`` decides."""

    everything: tuple[object, ...]
    plan: Layout = field(compare=False)
    index: int = field(compare=False)
    options: Options = field(compare=False)


def _everything(plan: Layout, index: int, options: Options) -> tuple[object, ...]:
    """All that the code of a step depends on: candidates of one search have most of their steps alike."""
    spec, ports = plan.specs[index], tuple((use.first, use.banks) for use in plan.model.ports)
    statistics = plan.front_end, plan.counts, plan.busy, plan.stalls, plan.beats, plan.bytes, plan.port_bytes
    regions = [operand.region for _, operand in spec.operands if operand.region is not None]
    records = tuple(
        (region, each.words, tuple(each.ready.items()), tuple(each.read.items()), tuple(each.follow.items()), each.mark)
        for region in regions
        for each in [plan.records[region]]
    )
    rings = plan.window, plan.units[spec.unit], plan.calendars, plan.calendar_words
    return index, options, spec, plan.model.machine, ports, statistics, records, rings


@lru_cache(maxsize=STEPS_KEPT)
def _written(wanted: _Wanted) -> tuple[str, tuple[tuple[int, int, int], ...]]:
    """The step's definition, and what it adds to constants of the plan."""
    before = len(wanted.plan.constants)
    text = Step(wanted.plan, wanted.index, wanted.options).text()
    added = tuple(wanted.plan.constants[before:])
    del wanted.plan.constants[before:]
    return text, added


class Step:
    """Writes the code of one step."""

    def __init__(self, plan: Layout, index: int, options: Options) -> None:
        self.plan = plan
        self.index = index
        self.options = options
        self.spec = plan.specs[index]
        self.machine = plan.model.machine
        self.instruction: Instruction = self.machine.instructions[self.spec.instruction]
        self.unit = self.machine.units[self.spec.unit]
        self.words = plan.units[self.spec.unit]
        self.fn = Function(f"step{index}", argument_names(self.spec))
        self.records = Records(self.fn, plan, self.spec.unit, options.skip)
        self.bookings = Bookings(self.fn, plan, self._count, options.long)
        self.waits: dict[int, Value] = {}

    def text(self) -> str:
        fn = self.fn
        self._timing()
        alone: Truth = True
        for operand in self.operands:
            alone = fn.both(alone, operand.flow.alone)
        if not self.options.long or isinstance(alone, bool):
            self._invocation(False)
            return fn.end(0)
        totals = self.plan.constants
        first = len(totals)
        with fn.when(alone):
            self._invocation(True)
        usual = totals[first:]
        with fn.when(fn.negate(alone), rare=True):
            self._invocation(False)
            others, totals[first:] = totals[first + len(usual) :], usual
            self._adjust(usual, others)
        return fn.end(0)

    def _adjust(self, usual: list[tuple[int, int, int]], others: list[tuple[int, int, int]]) -> None:
        """Makes good where an invocation does not count what each is taken to count."""
        amounts: dict[int, int] = {}
        for sign, totals in ((1, others), (-1, usual)):
            for address, _, amount in totals:
                amounts[address] = amounts.get(address, 0) + sign * amount
        for address, amount in amounts.items():
            self.fn.increase(address, amount)

    def _invocation(self, alone: bool) -> None:
        fn = self.fn
        self._ports(alone)
        bounds = self._dispatch()
        free = least(fn, self.words.servers)
        start = self._start(free, bounds)
        released, end = self._transfer(start) if self.spec.transfer else self._stream(start)
        self._finish(start, released, end)
        self._keep()
        if self.options.events:
            self._event(free, start, released, end)

    def _timing(self) -> None:
        """Evaluates the instruction's cycles and what its operands move."""
        fn = self.fn
        names = [each.name for each in self.instruction.parameters]
        given = zip(names, self.spec.parameters, strict=True)
        self.parameters: dict[str, Value] = {
            name: f"%p{index}" if value is None else value for index, (name, value) in enumerate(given)
        }
        self.occupies = self._cycles(self.instruction.occupies_cycles)
        self.latency = self._cycles(self.instruction.latency_cycles)
        self.operands: list[Operand] = []
        for index, (name, spec) in enumerate(self.spec.operands):
            extents: list[Value] = [
                f"%e{index}_{axis}" if value is None else value for axis, value in enumerate(spec.extents)
            ]
            offsets: list[Value] = [f"%o{index}_{axis}" for axis in range(len(spec.shape))] if spec.padded else []
            flow = Flow(fn, self.plan, spec, extents, offsets, f"%s{index}" if spec.banked else 0)
            touch = None
            if spec.region is not None:
                touch = Touch(spec, f"%r{index}", tuple(extents), tuple(offsets))
            demand = next((each for each in self.instruction.operands if each.name == name), None)
            self.operands.append(
                Operand(
                    spec,
                    touch,
                    flow,
                    [],
                    [],
                    self._cycles(demand.read_at) if demand and demand.read_at else 0,
                    self._cycles(demand.read_until) if demand and demand.read_until else self.occupies,
                    self._cycles(demand.ready_at) if demand and demand.ready_at else self.latency,
                )
            )

    def _ports(self, alone: bool) -> None:
        """Evaluates the beats of operands on ports; ``alone`` where each window lies in one bank."""
        scratch = 0
        for operand in self.operands:
            for ports, bookings in (
                (operand.spec.read_ports, operand.reads),
                (operand.spec.write_ports, operand.writes),
            ):
                bookings.clear()
                for port in ports:
                    bookings.append(operand.flow.booking(port, scratch, alone))
                    scratch += 3 * len(operand.flow.order) + self.plan.model.ports[port].banks

    def _cycles(self, expression: SizeExpression) -> Value:
        return cycles(self.fn, expression, self.parameters)

    # Dispatch and start

    def _dispatch(self) -> list[tuple[int, Value]]:
        """Moves the clock; what the server may have waited for, and until when."""
        fn, plan, dispatch = self.fn, self.plan, self.machine.dispatch
        before = fn.load(CLOCK)
        if self.instruction.implicit:
            self.dispatched: Value = before
            return [(NO_WORK, before), (DISPATCH, fn.add(before, 1))]
        taken = fn.load(IN_CYCLE)
        full = fn.choose(fn.equal(taken, dispatch.per_cycle), 1, 0)
        asked: list[tuple[int, Value]] = [(DISPATCH, fn.add(before, full))]
        if self.words.held:
            asked.append((QUEUE_FULL, least(fn, self.words.held)))
        if plan.window:
            asked.append((WINDOW_FULL, least(fn, plan.window)))
        clock: Value = before
        for reason, bound in asked:
            clock = self._wait(clock, bound, plan.front_end + reason - DISPATCH)
        fn.store(CLOCK, clock)
        fn.store(IN_CYCLE, fn.choose(fn.equal(clock, before), fn.add(taken, 1), 1))
        self.dispatched = clock
        return [(NO_WORK, before), *asked, (DISPATCH, fn.add(clock, 1))]

    def _keep(self) -> None:
        """Moves the clock past what this invocation keeps of the front end; not before its own beats are booked."""
        kept = self.machine.front_end_cycles(self.instruction)
        if kept > 1 and not self.instruction.implicit:
            self.fn.store(CLOCK, self.fn.add(self.dispatched, kept - 1))
            self.fn.store(IN_CYCLE, self.machine.dispatch.per_cycle)
            self.fn.increase(self.plan.front_end, kept - 1)

    def _start(self, free: Value, bounds: abc.Sequence[tuple[int, Value]]) -> Value:
        """The start of the invocation; books what the server waited for."""
        fn, words = self.fn, self.words
        start = fn.maximum(free, bounds[-1][1])
        with fn.when(fn.less(free, start)):
            self._book_waits(free, bounds)
            if self.options.skip:
                fn.increase(LATE, 1)
        further: list[tuple[int, Value]] = []
        if self.unit.count > 1:
            further.append((ORDER, fn.load(words.started)))
        if self.unit.serial:
            further.append((SERIAL, fn.load(words.ended)))
        if words.flying:
            further.append((IN_FLIGHT, least(fn, words.flying)))
        self.front_waits = (free, bounds)
        found = self.records.bounds([self._demand(operand) for operand in self.operands])
        hazards = [(reason, bound) for reason, bound in zip((RAW, WAR, WAW), found, strict=True) if bound != 0]
        if self.machine.interlocks != "explicit":
            further += hazards
        for reason, bound in further:
            later = self._wait(start, bound, self.plan.stall(self.spec.unit, reason))
            if self.options.events:
                self.waits[reason] = fn.sub(later, start)
            start = later
        if self.machine.interlocks == "explicit":
            for reason, bound in hazards:
                self._forbid(reason, start, bound)
        return start

    def _wait(self, time: Value, bound: Value, total: int) -> Value:
        """The later of two times; ``total`` counts what lies between."""
        fn = self.fn
        if not self.options.long:
            later = fn.maximum(time, bound)
            fn.increase(total, fn.sub(later, time))
            return later
        now = fn.variable(time)
        with fn.when(fn.less(time, bound), rare=True):
            fn.increase(total, fn.sub(bound, time))
            fn.set(now, bound)
        return fn.get(now)

    def _book_waits(self, free: Value, bounds: abc.Sequence[tuple[int, Value]]) -> None:
        start = free
        for reason, bound in bounds:
            later = self.fn.maximum(start, bound)
            self.fn.increase(self.plan.stall(self.spec.unit, reason), self.fn.sub(later, start))
            start = later

    def _demand(self, operand: Operand) -> tuple[Touch | None, Value, Value]:
        """A touch with the times its hazards are compared with: ``read_at``, and the least from start to ready."""
        if operand.touch is None or not operand.spec.writes:
            return operand.touch, operand.read_at, 0
        fn = self.fn
        if not self.spec.transfer:
            return operand.touch, operand.read_at, fn.add(operand.ready_at, self._fewest(operand.writes))
        longest: Value = 0
        for each in self.operands:
            for bookings in (each.reads, each.writes):
                longest = fn.maximum(longest, self._fewest(bookings))
        return operand.touch, operand.read_at, fn.add(longest, self._memory_latency(), operand.ready_at)

    def _fewest(self, bookings: abc.Sequence[Booking]) -> Value:
        return self.fn.minimum(*(each.beats for each in bookings)) if bookings else 0

    def _memory_latency(self) -> int:
        ported = {each.spec.memory for each in self.operands if each.reads or each.writes}
        return sum(self.machine.memories[memory].latency_cycles for memory in ported)

    def _forbid(self, reason: int, start: Value, bound: Value) -> None:
        """Remembers the first violated hazard of a machine that does not wait."""
        fn = self.fn
        first = fn.equal(fn.load(VIOLATION_SITE), 0)
        with fn.when(fn.both(first, fn.less(start, bound))):
            fn.store(VIOLATION_SITE, fn.add("%site", 1))
            fn.store(VIOLATION_START, start)
            fn.store(VIOLATION_KIND, reason)

    # Ports, hazards, end

    def _transfer(self, start: Value) -> tuple[Value, Value]:
        fn = self.fn
        ends: list[Value] = []
        fewest: Value = 0
        for operand in self.operands:
            for bookings in (operand.reads, operand.writes):
                if bookings:
                    end, beats = self.bookings.book(bookings, start, operand.flow.bytes)
                    ends.append(fn.sub(end, start))
                    fewest = fn.maximum(fewest, beats)
        took = fn.maximum(0, *ends)
        (took,) = unless(fn, self.options.long, fn.less(fewest, took), (fewest,), partial(tuple, (took,)))
        last, longest = fn.add(start, took), fn.maximum(self.occupies, fewest)
        arrival = fn.add(last, self._memory_latency())
        follow = fn.add(start, self.occupies)
        for operand in self.operands:
            until = fn.maximum(fn.add(start, operand.read_until), last)
            self.records.update(operand.touch, until, fn.add(arrival, operand.ready_at), follow)
        released = fn.maximum(fn.add(start, self.occupies), last)
        self._occupy(fn.sub(released, start), longest)
        return released, fn.add(arrival, self.latency)

    def _stream(self, start: Value) -> tuple[Value, Value]:
        fn = self.fn
        spans = Spans(fn, self.occupies, self.latency, self.options.long)
        ends: list[Value] = []
        for operand in self.operands:
            end = start
            if operand.reads:
                end, beats = self.bookings.book(operand.reads, fn.add(start, operand.read_at), operand.flow.bytes)
                spans.read(operand.read_at, operand.read_until, beats, fn.sub(end, start))
            ends.append(end)
        delay = spans.delay()
        moved = fn.add(start, delay)
        follow = fn.add(start, self.occupies)
        for operand, end in zip(self.operands, ends, strict=True):
            until = fn.maximum(fn.add(moved, operand.read_until), end)
            ready = fn.add(moved, operand.ready_at)
            if operand.writes:
                ready, beats = self.bookings.book(operand.writes, ready, operand.flow.bytes)
                spans.write(operand.ready_at, beats, fn.sub(ready, start))
            self.records.update(operand.touch, until, ready, follow)
        held, last = spans.whole()
        self._occupy(held, spans.longest())
        return fn.add(start, held), fn.maximum(fn.add(moved, self.latency), fn.add(start, last))

    def _occupy(self, held: Value, needed: Value) -> None:
        self._count(self.plan.busy + self.spec.unit, needed)
        self._count(self.plan.stall(self.spec.unit, PORT), self.fn.sub(held, needed))

    def _count(self, address: int, amount: Value) -> None:
        """Adds to a total, at run time only where the amount varies."""
        if isinstance(amount, int):
            self.plan.constants.append((address, self.index, amount))
        else:
            self.fn.increase(address, amount)

    def _finish(self, start: Value, released: Value, end: Value) -> None:
        """Queues, windows and totals."""
        fn, words, plan = self.fn, self.words, self.plan
        if words.held and not self.instruction.implicit:
            at_end = self.unit.held == "end"
            put(fn, words.held, end if at_end else start, ascending=not at_end)
        put(fn, words.servers, released, ascending=self.unit.count == 1)
        if words.flying:
            put(fn, words.flying, end, ascending=False)
        if self.unit.count > 1:
            fn.store(words.started, start)
        if self.unit.serial:
            fn.store(words.ended, end)
        if not self.instruction.implicit and plan.window:
            if self.machine.dispatch.window_order == "in_order":
                retired = fn.maximum(fn.load(RETIRED), end)
                fn.store(RETIRED, retired)
                put(fn, plan.window, retired, ascending=True)
            else:
                put(fn, plan.window, end, ascending=False)
        fn.store(LAST_END, fn.maximum(fn.load(LAST_END), end))
        if self.options.counted:
            fn.increase(plan.counts + self.index, 1)
        if self.options.skip:
            fn.increase(STEPS, 1)
        self._count_bytes()

    def _count_bytes(self) -> None:
        for operand in self.operands:
            for done, direction in ((operand.spec.reads, 0), (operand.spec.writes, 1)):
                if done:
                    self._count(self.plan.bytes + 2 * operand.spec.memory + direction, operand.flow.bytes)

    def _event(self, free: Value, start: Value, released: Value, end: Value) -> None:
        """Keeps the invocation; once all rows are taken, the later half of them goes round."""
        fn = self.fn
        count, size = fn.load(EVENT_COUNT), fn.load(EVENT_SIZE)
        round_ = fn.maximum(fn.floor_divide(size, 2), 1)
        again = fn.add(fn.sub(size, round_), fn.modulo(fn.sub(count, size), round_))
        row = fn.add(fn.load(EVENTS), fn.mul(fn.choose(fn.less(count, size), count, again), EVENT_WORDS))
        fn.store(EVENT_COUNT, fn.add(count, 1))
        number = fn.sub(fn.load(STEPS), 1) if self.options.skip else count
        for word, value in enumerate(("%site", self.dispatched, free, start, released, end, number)):
            fn.store(fn.add(row, word), value)
        waits: dict[int, Value] = dict(self.waits)
        at: Value = free
        for reason, bound in self.front_waits[1]:
            later = fn.maximum(at, bound)
            waits[reason] = fn.add(waits.get(reason, 0), fn.sub(later, at))
            at = later
        for reason in range(len(REASONS)):
            fn.store(fn.add(row, 7 + reason), waits.get(reason, 0))
