"""Compiled bytes and beats of one operand: the code that ``traffic.py`` defines, folded where extents are known."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import partial

from isamapper.hwdesc.model import Port
from isamapper.sim.compiled.cut_rows import positions_inside, sum_over_rows
from isamapper.sim.compiled.layout import SCRATCH, Layout
from isamapper.sim.compiled.specs import OperandSpec
from isamapper.sim.compiled.text import Function, Truth, Value
from isamapper.sim.traffic import bank_bytes


@dataclass(frozen=True, slots=True)
class Inside:
    """Positions of each group of axes inside the tensor: the first, and how many."""

    first: tuple[Value, ...]
    count: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Booking:
    """Beats of one operand on one port. Of banked memories ``bank`` is the only bank, or ``-1``: see ``out``."""

    port: int
    beats: Value
    bank: Value
    out: Value


def inside(fn: Function, spec: OperandSpec, extents: abc.Sequence[Value], offsets: abc.Sequence[Value]) -> Inside:
    """The part of a window that lies in its tensor; all of it where the operand does not pad."""
    assert spec.groups is not None
    whole: list[Value] = []
    for group in spec.groups:
        extent: Value = 1
        for axis in group:
            extent = fn.mul(extent, extents[axis])
        whole.append(extent)
    if not spec.padded:
        return Inside(tuple(0 for _ in whole), tuple(whole))
    known = zip(spec.axis_steps, spec.extents, strict=True)
    moved = {axis for steps, extent in known if extent != 1 for axis, _ in steps}
    nothing: Truth = False
    for axis, size in enumerate(spec.shape):
        if axis not in moved:
            offset = offsets[axis]
            nothing = fn.either(nothing, fn.either(fn.less(offset, 0), fn.less(size - 1, offset)))
    first: list[Value] = []
    count: list[Value] = []
    for extent, group in zip(whole, spec.groups, strict=True):
        low, high = positions_inside(fn, spec.axis_steps[group[0]], spec.shape, offsets, extent)
        first.append(low)
        count.append(fn.choose(nothing, 0, fn.maximum(0, fn.add(fn.sub(high, low), 1))))
    if not extents:  # a single element
        return Inside((0,), (fn.choose(nothing, 0, 1),))
    return Inside(tuple(first), tuple(count))


class Flow:
    """What one operand moves."""

    def __init__(
        self,
        fn: Function,
        plan: Layout,
        spec: OperandSpec,
        extents: abc.Sequence[Value],
        offsets: abc.Sequence[Value],
        start: Value,
    ) -> None:
        self.fn = fn
        self.plan = plan
        self.spec = spec
        self.memory = plan.model.machine.memories[spec.memory]
        self.extents = extents
        self.offsets = offsets
        self.order: list[int] = []
        self.alone: Truth = True  # whether no two banks share what it moves
        if spec.groups is None:
            self.bytes = sum_over_rows(fn, spec, extents, offsets, self._run_bytes)
            return
        part = inside(fn, spec, extents, offsets)
        self.counts = part.count
        self.steps = tuple(spec.steps[group[0]] for group in spec.groups) or (0,) * len(part.count)
        self.order = sorted(
            range(len(part.count)), key=lambda axis: (self.steps[axis] == 0, abs(self.steps[axis]), axis)
        )
        self._merge()
        self.size = self._run_bytes(self.run)
        self.bytes = fn.mul(self.rows, self.size)
        if spec.banked:
            self._place(part, start)
            self._find_alone()

    def _merge(self) -> None:
        """Elements of a run, and the number of runs."""
        fn = self.fn
        self.run: Value = 1
        self.rows: Value = 1
        self.merged: dict[int, Truth] = {}
        simple = not self.spec.banked and self.spec.element_bits % 8 == 0 and not self.spec.block and self._even()
        merging: Truth = True
        for axis in self.order:
            count = self.counts[axis]
            if not simple:
                goes_on = fn.either(fn.equal(count, 1), fn.equal(abs(self.steps[axis]), self.run))
                merging = fn.both(merging, goes_on)
            self.merged[axis] = merging
            longer, more = fn.mul(self.run, count), fn.mul(self.rows, count)
            self.run, self.rows = fn.choose(merging, longer, self.run), fn.choose(merging, self.rows, more)

    def _even(self) -> bool:
        """Whether no port rounds, so that runs do not matter."""
        ports = [self.plan.model.ports[port].port for port in (*self.spec.read_ports, *self.spec.write_ports)]
        return all(port.request_bytes == 1 and port.burst_bytes == 1 for port in ports)

    def _run_bytes(self, run: Value) -> Value:
        bits = self.fn.mul(run, self.spec.element_bits)
        if self.spec.block:
            elements, exponent = self.spec.block
            bits = self.fn.add(bits, self.fn.mul(self.fn.ceil_divide(run, elements), exponent))
        return self.fn.ceil_divide(bits, 8)

    def _place(self, part: Inside, start: Value) -> None:
        """First and last byte, and where runs start, in bits."""
        fn, bits = self.fn, self.spec.element_bits
        lowest = highest = 0
        low: Value = lowest
        high: Value = highest
        for axis, step in enumerate(self.steps):
            start = fn.add(start, fn.mul(part.first[axis], step * bits))
            span = fn.mul(fn.sub(self.counts[axis], 1), step * bits)
            if step < 0:
                start = fn.add(start, fn.choose(self.merged[axis], span, 0))
                low = fn.add(low, fn.choose(self.merged[axis], 0, span))
            else:
                high = fn.add(high, fn.choose(self.merged[axis], 0, span))
        self.start = start
        self.first_byte = fn.floor_divide(fn.add(start, low), 8)
        self.last_byte = fn.sub(fn.add(fn.floor_divide(fn.add(start, high), 8), self.size), 1)

    def _find_alone(self) -> None:
        fn, unit = self.fn, bank_bytes(self.memory)
        together = fn.equal(fn.floor_divide(self.first_byte, unit), fn.floor_divide(self.last_byte, unit))
        self.alone = fn.either(together, fn.equal(self.bytes, 0))

    def _cycles(self, port: Port) -> Value:
        """Cycles of all runs, each rounded up to requests, together to bursts."""
        fn = self.fn

        def requested(size: Value) -> Value:
            return fn.mul(fn.ceil_divide(size, port.request_bytes), port.request_bytes)

        if self.spec.groups is not None:
            total = fn.mul(self.rows, requested(self.size))
        elif port.request_bytes == 1:
            total = self.bytes
        else:
            measure = partial(_after, requested, self._run_bytes)
            total = sum_over_rows(fn, self.spec, self.extents, self.offsets, measure)
        bursts = fn.mul(fn.ceil_divide(total, port.burst_bytes), port.burst_bytes)
        cycles, size = port.byte_cycles
        return fn.ceil_divide(fn.mul(bursts, cycles), size)

    def booking(self, index: int, scratch: int, known: bool) -> Booking:
        """The beats on port ``index``; ``scratch`` is free state for a window that several banks share.

        Where it is ``known`` to be ``alone`` there is no such window.
        """
        fn, port = self.fn, self.plan.model.ports[index].port
        whole = self._cycles(port)
        if not self.spec.banked:
            return Booking(index, whole, 0, 0)
        unit, banks = bank_bytes(self.memory), self.memory.banks
        block = fn.floor_divide(self.first_byte, unit)
        if known:
            return Booking(index, whole, fn.modulo(block, banks), 0)
        rows = fn.add(fn.load(SCRATCH), scratch)
        out = fn.add(rows, 3 * len(self.order))
        beats, bank = fn.variable(whole), fn.variable(fn.modulo(block, banks))
        with fn.when(fn.negate(self.alone)):
            for place, axis in enumerate(self.order):
                count = fn.choose(self.merged[axis], 1, self.counts[axis])
                fn.store(fn.add(rows, 2 * place), count)
                fn.store(fn.add(rows, 2 * place + 1), self.steps[axis] * self.spec.element_bits)
            rounding = (port.request_bytes, port.burst_bytes, *port.byte_cycles)
            shape = (rows, len(self.order), self.start, self.size, unit, banks)
            fn.set(beats, fn.call("spread", *shape, *rounding, out))
            fn.set(bank, -1)
        return Booking(index, fn.get(beats), fn.get(bank), out)


def _after(last: abc.Callable[[Value], Value], first: abc.Callable[[Value], Value], value: Value) -> Value:
    return last(first(value))
