"""The analytic cost model: cycles of a nest from counts, without running it.

    cycles = (sum over resources of busy cycles ** 6) ** (1/6) + what nothing overlaps

Resources are the units (occupied cycles of every invocation), the ports (beats of every transfer) and the dispatcher
(invocations). A unit that holds its entries to the end also bounds how many can be under way, a doubled buffer how soon
its next fill can follow, and calls that add to one target how soon the next can start. Not overlapped are the first
fill and the last drain of every buffer, all copies of a buffer with a single slot (unless its registers are renamed),
and partial sums that come back, as far as queued calls do not cover them. Windows and hazards inside a tile are left to
the simulator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from isamapper.costmodels.limits import accumulate_cycles, cycles_ahead, in_flight_limit, port_beats
from isamapper.costmodels.pricing import nest_price
from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Tensor
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.layout import Layout, buffer_layout, loop_trips
from isamapper.plan.needle import copy_shape, operand_tensor, parameter_of
from isamapper.plan.nest import Buffer, Copy, Nest, depth_of, digits_of, iterator_extent, weight
from isamapper.plan.steps import Schedule, replay
from isamapper.plan.walkers import paces, walkers
from isamapper.plan.work import call_cycles, call_parameters

SHARPNESS = 6
"""Exponent of the norm that joins the resources: a second resource that is 84 % busy costs 5 %, one at half 0.3 %."""


class Analytic:
    """The analytic model as a cost model of whole schedules: statements one after another, shared loops repeated.

    A nest with one level of tiles costs what ``batch.py`` prices its row at, so that a search over rows and the judge
    of their schedules agree; other nests cost what this file estimates.
    """

    name = "analytic"
    prices_rows = True
    """Costs are prices of rows: the least price of all rows is the least cost of all schedules."""

    def cycles(self, schedule: Schedule) -> float:
        """Estimated cycles; SourceError where a step cannot be replayed."""
        home = home_memory(schedule.machine)
        tensors = all_tensors(schedule.covered)
        total = 0.0
        for nest in replay(schedule):
            outer = [digit for digit in nest.digits if digit.bound is None and digit.name not in nest.order]
            bound = tuple(digit for digit in nest.digits if digit.bound is not None)
            shared = frozenset(digit.iterator for digit in outer)
            busy = call_cycles(nest.statement, nest.call, bound, shared)
            repeated = 1
            for digit in outer:
                repeated *= digit.extent
            price = nest_price(schedule.machine, tensors, home, nest, busy)
            if price is None:
                price = estimate(schedule.machine, tensors, home, nest, busy).cycles
            total += repeated * price
        return total


@dataclass(frozen=True, slots=True)
class Estimate:
    """Estimated cycles, the busy cycles of every resource behind them, and bytes through home ports."""

    cycles: float
    busy: tuple[tuple[str, float], ...]
    invocations: float
    bytes_moved: float


def estimate(machine: Machine, tensors: dict[str, Tensor], home: str, nest: Nest, call_cycles: int) -> Estimate:
    """The estimate of one nest; ``call_cycles`` is what its calls occupy their unit for. O(buffers x coordinates)."""
    counter = _Counter(machine, tensors, home, nest)
    unit = machine.unit(nest.call.instruction.unit)
    counter.add(f"unit.{unit.name}", call_cycles / unit.count)
    counter.invocations += counter.calls()
    counter.streams()
    counter.accumulation()
    for access in range(len(nest.statement.accesses)):
        source = home
        for buffer in nest.path(access):
            counter.buffer(buffer, source)
            source = buffer.memory
    per_cycle = machine.dispatch.per_cycle
    counter.add("dispatch", counter.invocations / per_cycle)
    longest = max(counter.busy.values())
    together = longest * sum((cycles / longest) ** SHARPNESS for cycles in counter.busy.values()) ** (1 / SHARPNESS)
    return Estimate(together + counter.exposed, tuple(sorted(counter.busy.items())), counter.invocations, counter.moved)


def whole_call(nest: Nest) -> dict[str, int]:
    """The parameters of a call that is not cut short."""
    return call_parameters(nest.call, (digit for digit in nest.digits if digit.bound is not None), {})


class _Counter:
    def __init__(self, machine: Machine, tensors: dict[str, Tensor], home: str, nest: Nest) -> None:
        self.machine, self.tensors, self.home, self.nest = machine, tensors, home, nest
        self.busy: dict[str, float] = {}
        self.exposed = 0.0
        self.invocations = 0.0
        self.moved = 0.0

    def add(self, resource: str, cycles: float) -> None:
        self.busy[resource] = self.busy.get(resource, 0.0) + cycles

    def calls(self) -> float:
        return self._visits(len(self.nest.order))

    def streams(self) -> None:
        """Beats of the calls' own operands on the ports of the memories they lie in."""
        calls, instruction = self.calls(), self.nest.call.instruction
        for operand, access in self.nest.call.sigma:
            path = self.nest.path(access)
            memory = self.machine.memory(path[-1].memory if path else self.home)
            tensor = operand_tensor(instruction.semantics, operand)
            size_bytes = tensor.dtype.bits / 8
            for along in walkers(instruction.semantics, operand):
                walked = paces(self.nest, self.nest.call, along)
                size_bytes *= 1 + sum((self.nest.digit(name).extent - 1) * pace for name, pace in walked)
            found = port_beats(memory, access in self.nest.statement.written, size_bytes)
            if found is not None:
                self.add(found[0], found[1] * calls)

    def accumulation(self) -> None:
        """The chain of calls that add to one target: each waits for the one before, unless the machine forwards."""
        nest = self.nest
        target = nest.statement.assign.target.map.results
        moving = [any(r.coefficient(nest.digit(name).iterator) for r in target) for name in nest.order]
        if all(moving) or not moving:
            return
        last = max(place for place, moves in enumerate(moving) if not moves)
        apart = 1.0
        for name in nest.order[last + 1 :]:
            apart *= loop_trips(nest, name)
        self.add("chain.target", self.calls() / apart * accumulate_cycles(nest.call, whole_call(nest)))

    def _visits(self, depth: int) -> float:
        """Iterations of the outermost ``depth`` loops that are really run."""
        total = 1.0
        last: dict[str, str] = {}
        for name in self.nest.order[:depth]:
            last[self.nest.digit(name).iterator] = name
        for iterator in last:
            digits = [d for d in digits_of(self.nest, iterator) if d.name in self.nest.order[:depth]]
            total *= -(-iterator_extent(self.nest, iterator) // weight(self.nest, digits[-1]))
        return total

    def buffer(self, buffer: Buffer, source: str) -> None:
        if buffer.prepared:
            return
        layout = buffer_layout(self.nest, buffer)
        assert isinstance(layout, Layout)
        for copy, ends in ((buffer.fill, (source, buffer.memory)), (buffer.drain, (buffer.memory, source))):
            if copy is not None:
                self._copy(buffer, layout, copy, *ends)

    def _copy(self, buffer: Buffer, layout: Layout, copy: Copy, source: str, target: str) -> None:
        instruction = self.machine.instruction(copy.instruction)
        visits = self._visits(depth_of(self.nest, buffer.loop))
        bound = {name: size for _, name, size in copy.binds}
        invocations, elements, kept = 1.0, 1.0, 1.0
        for coordinate in layout.coordinates:
            size = bound.get(coordinate.name, 1)
            whole = coordinate.digit is not None or coordinate.dim is not None
            invocations *= -(-coordinate.extent // size) if whole or size > 1 else 1
            elements *= size if whole else 1
        for iterator in {self.nest.digit(c.digit).iterator for c in layout.coordinates if c.digit is not None}:
            kept *= self._kept(iterator)
        total = visits * invocations * kept
        bits = self.tensors[self.nest.statement.accesses[buffer.access].tensor].dtype.bits
        size_bytes = elements * bits / 8
        run_bytes = self._run(buffer, layout, bound) * bits / 8
        longest, latency = self._resources(instruction, copy, source, target, (size_bytes, run_bytes), total)
        if buffer.access in self.nest.statement.written and copy is buffer.fill and visits > 1:
            self._returns(buffer, visits, longest, latency)
        if buffer.slots > 1:
            self.add(f"chain.{buffer.access}.{buffer.memory}", longest + visits * latency)
        if not instruction.implicit:
            self.invocations += total
        if self.home in (source, target):
            self.moved += total * size_bytes
        alone = buffer.slots == 1 and visits > 1 and not self.machine.memory(buffer.memory).renamed
        self.exposed += longest if alone else longest / max(visits, 1.0)

    def _returns(self, buffer: Buffer, visits: float, longest: float, latency: float) -> None:
        """Partial sums come back before the calls that add to them can go on: what the queues do not cover is lost."""
        results = self.nest.statement.assign.target.map.results
        order = self.nest.order[: depth_of(self.nest, buffer.loop)]
        iterators = {self.nest.digit(name).iterator for name in order}
        moving = {i for i in iterators if any(r.coefficient(i) for r in results)}
        distinct = math.prod(loop_trips(self.nest, name) for name in order if self.nest.digit(name).iterator in moving)
        again = 1 - min(1.0, distinct / visits)
        wait = longest / visits + latency - cycles_ahead(self.machine, self.nest.call, whole_call(self.nest))
        self.exposed += max(0.0, wait) * visits * again

    def _kept(self, iterator: str) -> float:
        covered = 1
        for digit in digits_of(self.nest, iterator):
            covered *= digit.extent
        return iterator_extent(self.nest, iterator) / covered

    def _run(self, buffer: Buffer, layout: Layout, bound: dict[str, int]) -> int:
        """Elements that one invocation finds side by side: in the tensor, or in what it was re-laid out to."""
        if self.nest.path(buffer.access)[0].memory == self.home:
            run = 1
            for coordinate in reversed(layout.coordinates):
                size = bound.get(coordinate.name, 1)
                run *= size
                if size < coordinate.extent:
                    break
            return run
        last = len(self.nest.statement.accesses[buffer.access].map.results) - 1
        runs = (bound.get(c.name, 1) for c in layout.coordinates if (last, 1) in c.targets and len(c.targets) == 1)
        return max(runs, default=1)

    def _resources(
        self,
        instruction: Instruction,
        copy: Copy,
        source: str,
        target: str,
        piece_bytes: tuple[float, float],
        total: float,
    ) -> tuple[float, float]:
        """Adds unit and ports; returns the cycles of the busiest of them, and the latency of one invocation."""
        shape = copy_shape(instruction)
        assert shape is not None
        values = {parameter.name: parameter.low for parameter in instruction.parameters}
        for iterator in dict.fromkeys(name for name, _, _ in copy.binds):
            control = parameter_of(instruction, iterator)
            if control is not None:
                values[control.name] = math.prod(size for name, _, size in copy.binds if name == iterator)
        occupies = timing(instruction, values)[0]
        beats, latency = 0.0, timing(instruction, values)[1]
        for memory, write in ((self.machine.memory(source), False), (self.machine.memory(target), True)):
            latency += memory.latency_cycles
            found = port_beats(memory, write, *piece_bytes)
            if found is not None:
                self.add(found[0], found[1] * total)
                beats = max(beats, found[1])
        unit = self.machine.unit(instruction.unit)
        busy = max(occupies, beats) * total
        self.add(f"unit.{unit.name}", busy / unit.count)
        limit = in_flight_limit(unit)
        if limit is not None:
            self.add(f"flight.{unit.name}", (max(occupies, beats) + latency) * total / limit)
        return busy, float(latency)
