"""Compiled steps of the event engine: the code that describes one invocation as a job, and offers it.

What an invocation is worth in time (cycles, beats, atoms) is written by the one-pass engine's code; here it is put down
for later instead of being booked at once.
"""

from __future__ import annotations

from isamapper.sim.compiled.flow import Booking
from isamapper.sim.compiled.layout import Layout
from isamapper.sim.compiled.step import Operand, Options, Step
from isamapper.sim.compiled.text import Value
from isamapper.sim.walk.fields import put
from isamapper.sim.walk.words import (
    ACCUMULATES,
    ALTERNATIVE_WORDS,
    ALTERNATIVES,
    J_IMPLICIT,
    J_ISSUE,
    J_LATENCY,
    J_MEMORY_LATENCY,
    J_OCCUPIES,
    J_SITE,
    J_STEP,
    J_TRANSFER,
    J_UNIT,
    J_USES,
    NEVER,
    PORT_WORDS,
    PORTS,
    READS,
    RENAMED,
    SLOT_HEADER,
    TICKET,
    U_ASKED,
    U_BYTES,
    U_DONE,
    U_FLAGS,
    U_LEAST_READY,
    U_PENDING,
    U_READ,
    U_READ_AT,
    U_READ_PORTS,
    U_READ_UNTIL,
    U_READY,
    U_READY_AT,
    U_SLOT,
    U_STAMP,
    U_WRITE_PORTS,
    UNIT_WORDS,
    UNITS,
    USE_HEADER,
    USE_WORDS,
    WRITES,
)

MOST_OPERANDS = 64


def walk_step(plan: Layout, index: int, taker: str = "offer") -> str:
    """The definition of step ``index``, which gives its job to the function ``taker``."""
    return _Walk(plan, index, taker).text()


class _Walk(Step):
    def __init__(self, plan: Layout, index: int, taker: str) -> None:
        super().__init__(plan, index, Options(skip=False, events=False))
        self.taker = taker
        self.fixed = dict(plan.initial)

    def text(self) -> str:
        fn, plan = self.fn, self.plan
        self._timing()
        self._ports(alone=False)
        slot = fn.call("open_job")
        self._header(slot)
        uses = [fn.add(slot, SLOT_HEADER + index * self.fixed[USE_WORDS]) for index in range(len(self.operands))]
        for use, operand in zip(uses, self.operands, strict=True):
            self._use(slot, use, operand)
        self._touch(slot, uses)
        fn.increase(plan.counts + self.index, 1)
        self._count_bytes()
        fn.call(self.taker, slot)
        return fn.end(0)

    def _header(self, slot: Value) -> None:
        known: dict[int, Value] = {
            J_UNIT: self.fixed[UNITS] + self.spec.unit * UNIT_WORDS,
            J_IMPLICIT: int(self.instruction.implicit),
            J_STEP: self.index,
            J_SITE: "%site",
            J_OCCUPIES: self.occupies,
            J_LATENCY: self.latency,
            J_MEMORY_LATENCY: self._memory_latency(),
            J_TRANSFER: int(self.spec.transfer),
            J_ISSUE: self.machine.front_end_cycles(self.instruction),
            J_USES: len(self.operands),
        }
        for word, value in known.items():
            put(self.fn, slot, word, value)

    def _use(self, slot: Value, use: Value, operand: Operand) -> None:
        spec = operand.spec
        flags = READS * spec.reads | WRITES * spec.writes | ACCUMULATES * spec.accumulates | RENAMED * spec.renamed
        known: dict[int, Value] = {
            U_FLAGS: flags,
            U_READ_AT: operand.read_at,
            U_READ_UNTIL: operand.read_until,
            U_READY_AT: operand.ready_at,
            U_LEAST_READY: self._demand(operand)[2],
            U_READ: NEVER,
            U_READY: NEVER,
            U_READ_PORTS: len(operand.reads),
            U_WRITE_PORTS: len(operand.writes),
            U_BYTES: operand.flow.bytes,
            U_PENDING: 0,
            U_PENDING + 1: 0,
            U_ASKED: 0,
            U_ASKED + 1: 0,
            U_DONE: NEVER,
            U_DONE + 1: NEVER,
            U_STAMP: -1,
            U_SLOT: slot,
        }
        for word, value in known.items():
            put(self.fn, use, word, value)
        for side, bookings in enumerate((operand.reads, operand.writes)):
            for place, booking in enumerate(bookings):
                row = (side * self.fixed[ALTERNATIVES] + place) * self.fixed[ALTERNATIVE_WORDS]
                self._alternative(self.fn.add(use, USE_HEADER + row), booking)

    def _alternative(self, way: Value, booking: Booking) -> None:
        """A port with its calendars and the beats on each."""
        fn, port = self.fn, self.plan.model.ports[booking.port]
        first = self.fixed[PORTS] + port.first * PORT_WORDS
        put(fn, way, 0, booking.port)
        put(fn, way, 1, fn.choose(fn.less(0, booking.beats), 1, 0))
        put(fn, way, 2, fn.add(fn.mul(booking.bank, PORT_WORDS), first))
        put(fn, way, 3, booking.beats)
        if booking.out == 0:
            return
        with fn.when(fn.less(booking.bank, 0)):
            count = fn.variable(0)
            with fn.counted(port.banks) as bank:
                beats = fn.load(fn.add(booking.out, bank))
                with fn.when(fn.less(0, beats)):
                    pair = fn.add(way, 2, fn.mul(fn.get(count), 2))
                    put(fn, pair, 0, fn.add(fn.mul(bank, PORT_WORDS), first))
                    put(fn, pair, 1, beats)
                    fn.set(count, fn.add(fn.get(count), 1))
            put(fn, way, 1, fn.get(count))

    def _touch(self, slot: Value, uses: list[Value]) -> None:
        """Conflicts of all operands first, so that none of them stands in another's way."""
        fn = self.fn
        touched = [(index, each.touch) for index, each in enumerate(self.operands) if each.touch is not None]
        ticket = fn.load(TICKET)
        for index, touch in touched:
            stamp = fn.add(fn.mul(ticket, MOST_OPERANDS), index)
            with self.records.atoms(touch) as atom:
                fn.call("conflict", slot, uses[index], atom, stamp)
        for index, touch in touched:
            with self.records.atoms(touch) as atom:
                fn.call("link", slot, uses[index], atom, touch.spec.region or 0)
