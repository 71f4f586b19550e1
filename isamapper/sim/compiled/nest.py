"""Compiled loop nests: the program's loops and guards around calls of its steps, with skipping where it may pay."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import assert_never

from isamapper.sim.compiled.atoms import Atoms
from isamapper.sim.compiled.layout import EVENT_COUNT, EVENT_SIZE, FLOOR_COUNT, FLOOR_UNITS, STATUS, STEPS, Layout
from isamapper.sim.compiled.limits import FOREVER
from isamapper.sim.compiled.specs import StepSpec, step_spec
from isamapper.sim.compiled.text import Function, Truth, Value, Variable
from isamapper.sim.compiled.values import affine_value, conditions_hold, extent_value
from isamapper.sim.compiled.zones import Check, Demand, LoopFacts, Ranges, greatest, loop_facts
from isamapper.sim.regions import row_major, start_bits
from isamapper.sim.sites import Branch, Model, OperandUse, Repeat, Site, Step
from isamapper.sim.traffic import constant_extent


@dataclass(frozen=True, slots=True)
class SkipPolicy:
    """When a loop looks for repetition: after ``first`` invocations or iterations, with ``trips`` or more to come."""

    first: int = 128
    trips: int = 4


def skipping_loops(model: Model, found: Atoms, policy: SkipPolicy) -> dict[int, LoopFacts]:
    """The loops that may skip, by identity: those with enough trips and work."""
    facts: dict[int, LoopFacts] = {}

    def note(step: Repeat, ranges: Ranges, trips: int, work: int) -> None:
        if trips >= policy.trips and work >= 2 * policy.first:
            candidate = loop_facts(step, ranges, found)
            if not candidate.never:
                facts[id(step)] = candidate

    _work(model.steps, {}, note)
    return facts


def most_work(model: Model) -> int:
    """The most invocations and iterations that a program can amount to."""
    return _work(model.steps, {}, lambda *_: None)


def _work(steps: abc.Iterable[Step], ranges: Ranges, note: abc.Callable[[Repeat, Ranges, int, int], None]) -> int:
    """The most invocations and iterations of ``steps``; loops are noted with their trips and their own work."""
    work = 0
    for step in steps:
        match step:
            case Repeat(iterator, extent, body):
                trips = greatest(extent, ranges)
                inside = trips * (1 + _work(body, {**ranges, iterator: trips}, note))
                note(step, ranges, trips, inside)
                work += inside
            case Branch(_, body, otherwise):
                work += _work(body, ranges, note) + _work(otherwise, ranges, note)
            case Site():
                work += 1
            case _:
                assert_never(step)
    return work


def contested_sites(loops: abc.Mapping[int, LoopFacts]) -> tuple[int, ...]:
    """Sites whose windows move differently from another's on the same region, in some loop that may skip."""
    moves = (each for facts in loops.values() for each in facts.shifts.values() if len(each) > 1)
    return tuple(sorted({site for each in moves for sites in each.values() for site in sites}))


def _distinct(facts: LoopFacts) -> tuple[Check, ...]:
    return tuple(dict.fromkeys(check for group in facts.checks for check in group))


def _units(steps: abc.Iterable[Step]) -> set[int]:
    """Units that any invocation in ``steps`` is for."""
    found: set[int] = set()
    for step in steps:
        match step:
            case Site():
                found.add(step.unit)
            case Repeat(_, _, body):
                found |= _units(body)
            case Branch(_, body, otherwise):
                found |= _units(body) | _units(otherwise)
            case _:
                assert_never(step)
    return found


def coming_units(plan: Layout, coming: abc.Sequence[Step]) -> tuple[int, int]:
    """The table of the units that any invocation in ``coming`` is for, and their number."""
    units = sorted(_units(coming))
    rings = [plan.units[unit].servers for unit in units]
    return plan.put(*(word for ring in rings for word in (ring.values, ring.position))), len(units)


def shifts_of(plan: Layout, facts: LoopFacts) -> tuple[int, int, int]:
    """The table of words by which records move per iteration, and the rows that decide where windows differ."""
    table, rows = [0] * len(plan.model.regions), list[int]()
    for region, moves in facts.shifts.items():
        words = plan.records[region].words
        table[region] = next(iter(moves)) * words
        if len(moves) > 1:
            for shift, sites in moves.items():
                rows += [word for site in sites for word in (region, shift * words, plan.executed[site])]
    return plan.put(*table), plan.put(*rows), len(rows) // 3


class Nest:
    """Writes ``run``, the whole program. Other engines give the names of their own functions."""

    NAME = "run"
    SNAPSHOT = "snapshot"
    ATTEMPT = "attempt"
    COUNTED = EVENT_COUNT
    """The word that says how many events there are."""

    def __init__(
        self, plan: Layout, found: Atoms, numbers: abc.Mapping[StepSpec, int], loops: dict[int, LoopFacts],
        policy: SkipPolicy, events: bool, stops: bool = False,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.found = found
        self.numbers = numbers
        self.loops = loops
        self.policy = policy
        self.events = events
        self.snapshots = dict(zip(loops, plan.snapshots, strict=True))
        self.stops = stops or plan.promised
        self.fn = Function(self.NAME, internal=self.NAME != "run")

    def text(self) -> str:
        steps = self.plan.model.steps
        for index, step in enumerate(steps):
            if self.loops:
                self.floor(steps[index:])
            self._steps([step], {})
        return self.fn.end(0)

    def floor(self, coming: abc.Sequence[Step]) -> None:
        """Tells the skipping code which units are still to come."""
        table, count = coming_units(self.plan, coming)
        self.fn.store(FLOOR_UNITS, table)
        self.fn.store(FLOOR_COUNT, count)

    def _steps(self, steps: abc.Iterable[Step], scope: dict[str, Value]) -> None:
        for step in steps:
            match step:
                case Site():
                    self._site(step, scope)
                case Repeat():
                    self._loop(step, scope)
                case Branch(conditions, body, otherwise):
                    holds = conditions_hold(self.fn, conditions, scope)
                    with self.fn.when(holds):
                        self._steps(body, scope)
                    if otherwise:
                        with self.fn.when(self.fn.negate(holds)):
                            self._steps(otherwise, scope)
                case _:
                    assert_never(step)

    def _loop(self, loop: Repeat, scope: dict[str, Value]) -> None:
        fn = self.fn
        trips = extent_value(fn, loop.extent, scope)
        facts = self.loops.get(id(loop))
        counter = fn.variable(0)
        due = fn.variable(FOREVER)
        entered: Value = 0
        if facts is not None:
            snapshot = self.snapshots[id(loop)]
            entered = fn.load(STEPS)
            fn.store(snapshot, 0)
            with fn.when(fn.at_most(self.policy.trips, trips)):
                fn.set(due, fn.add(entered, self.policy.first))
        with fn.loop() as code:
            now = fn.get(counter)
            code.leave_unless(fn.less(now, trips))
            self._steps(loop.body, {**scope, loop.iterator: now})
            following = fn.add(now, 1)
            fn.set(counter, following)
            if self.stops:
                with fn.when(fn.negate(fn.equal(fn.load(STATUS), 0))):
                    fn.finish(0)
            if facts is not None:
                self._skip(facts, self.snapshots[id(loop)], counter, due, entered, trips, scope)

    def _skip(
        self, facts: LoopFacts, snapshot: int, counter: Variable, due: Variable, entered: Value, trips: Value,
        scope: dict[str, Value],
    ) -> None:  # fmt: skip
        """After an iteration: compares with the snapshot where there is one, takes one where it is time."""
        fn = self.fn
        with fn.when(fn.equal(fn.load(snapshot), 1)):
            shifts = shifts_of(self.plan, facts)
            fn.set(counter, fn.call(self.ATTEMPT, snapshot, *shifts, fn.get(counter), facts.period))
        now = fn.get(counter)
        steps = fn.add(fn.load(STEPS), now)  # an iteration is work too, even where guards leave nothing to do
        with fn.when(fn.at_most(fn.get(due), steps)):
            fn.call(self.SNAPSHOT, snapshot, now, self._limit(facts, now, trips, scope))
            fn.set(due, fn.add(steps, fn.maximum(self.policy.first, fn.sub(steps, entered))))

    # Zones

    def _limit(self, facts: LoopFacts, now: Value, trips: Value, scope: dict[str, Value]) -> Value:
        """The first iteration from ``now`` on that may differ in control."""
        zones = {check: self._zone(check, now, scope) for check in _distinct(facts)}
        groups = (self.fn.maximum(*(zones[check] for check in group)) for group in facts.checks)
        return self.fn.minimum(trips, *groups)

    def _zone(self, check: Check, now: Value, scope: dict[str, Value]) -> Value:
        """The first iteration in which a check may fail, given that it does not look at earlier ones; or ``now``."""
        fn, demand = self.fn, check.demand
        outer = affine_value(fn, check.outer, scope)
        low, high = fn.add(outer, check.low), fn.add(outer, check.high)
        if demand is Demand.BLOCK:
            return fn.call("block_zone", now, low, high, check.slope, check.unit, pure=True)
        above = int(demand in (Demand.ZERO, Demand.NOT_ZERO))
        up, down = int(demand is not Demand.NEGATIVE), int(demand is not Demand.NOT_NEGATIVE)
        return fn.call("zone", now, low, high, check.slope, above, up, down, pure=True)

    # Invocations

    def _site(self, site: Site, scope: dict[str, Value]) -> None:
        fn = self.fn
        extents = [[extent_value(fn, axis.extent, scope) for axis in use.window.axes] for use in site.operands]
        exists: Truth = True
        for extent in dict.fromkeys(each for axes in extents for each in axes):
            exists = fn.both(exists, fn.less(0, extent))
        if exists is False:
            return
        with fn.when(exists):
            given = dict(site.invoke.parameters)
            arguments: list[Value] = [site.index]
            for parameter in site.instruction.parameters:
                value = given.get(parameter.name)
                if value is not None and constant_extent(value) is None:
                    arguments.append(extent_value(fn, value, scope))
            spec = step_spec(self.plan.model, site, self.found)
            for use, values, (_, operand) in zip(site.operands, extents, spec.operands, strict=True):
                arguments += [v for v, known in zip(values, operand.extents, strict=True) if known is None]
                if operand.region is not None:
                    arguments.append(self._record(use, scope))
                if operand.banked:
                    arguments.append(self._start_bits(use, scope))
                if operand.padded:
                    arguments += [affine_value(fn, offset, scope) for offset in use.window.offsets]
            self.invocation(site, self.numbers[spec], arguments)

    def invocation(self, site: Site, step: int, arguments: abc.Sequence[Value]) -> None:
        """One invocation: the call of its step."""
        fn = self.fn
        if site.index in self.plan.executed:
            fn.increase(self.plan.executed[site.index], 1)
        fn.call(f"step{step}", *arguments)
        if self.events:
            with fn.when(fn.equal(fn.load(self.COUNTED), fn.load(EVENT_SIZE))):
                fn.finish(0)

    def _record(self, use: OperandUse, scope: dict[str, Value]) -> Value:
        record = self.plan.records[use.region.index]
        return affine_value(self.fn, self.found.footprints[use].base, scope, record.words, record.address)

    def _start_bits(self, use: OperandUse, scope: dict[str, Value]) -> Value:
        fn, bits = self.fn, use.tensor.dtype.bits
        total: Value = start_bits(use.memory, use.tensor)
        for stride, offset in zip(row_major(use.tensor.shape), use.window.offsets, strict=True):
            total = fn.add(total, affine_value(fn, offset, scope, stride * bits))
        return total
