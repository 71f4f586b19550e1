"""A program's loops and guards as a table of words in state, which code shared by all programs walks.

Writing and compiling code for a program's loops takes longer than walking them, as long as few invocations are stepped.
A table holds what ``nest.py`` would write code for; its steps are compiled code all the same, called by their address:

    block     count, nodes
    site      SITE, step's address, counters of the step and of the site (or 0), extents above 0, arguments
    loop      LOOP, iterator's word, extent, body, snapshot or 0, and what skipping needs (see ``Walked``)
    branch    BRANCH, body, otherwise, conditions: (equality, value)
    floor     FLOOR, table of the units still to come, how many
    value     SUM, constant, terms (word, coefficient); LEAST, values; ROTATED, value, (coefficient, modulus, value)

What does not belong here: the code that walks it (``walker.py``), and what skipping depends on (``zones.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import assert_never

from isamapper.ir.affine import Affine, Extent
from isamapper.sim.compiled.atoms import Atoms
from isamapper.sim.compiled.layout import CODE, Layout
from isamapper.sim.compiled.nest import SkipPolicy, coming_units, shifts_of
from isamapper.sim.compiled.specs import StepSpec, step_spec
from isamapper.sim.compiled.zones import Check, Demand, LoopFacts
from isamapper.sim.regions import row_major, start_bits
from isamapper.sim.sites import Branch, OperandUse, Repeat, Site, Step
from isamapper.sim.traffic import constant_extent

SITE, LOOP, BRANCH, FLOOR = range(4)
SUM, LEAST, ROTATED = range(3)
ZONE, BLOCK = range(2)
MOST_ARGUMENTS = 24
"""Steps with more arguments than these are not called from tables."""


@dataclass(frozen=True, slots=True)
class Walked:
    """Words of a loop's node, by their place."""

    iterator: int = 1
    extent: int = 2
    body: int = 3
    snapshot: int = 4
    period: int = 5
    shifts: int = 6
    rows: int = 7
    row_count: int = 8
    checks: int = 9
    first: int = 10
    trips: int = 11


class Table:
    """Writes the table of one program into its plan; ``addresses`` are those of its steps' code."""

    def __init__(
        self, plan: Layout, found: Atoms, specs: abc.Sequence[StepSpec], addresses: abc.Sequence[int],
        loops: abc.Mapping[int, LoopFacts], policy: SkipPolicy,
    ) -> None:  # fmt: skip
        self.plan, self.found, self.loops, self.policy = plan, found, loops, policy
        counts = range(plan.counts, plan.counts + len(specs))
        self.steps = dict(zip(specs, zip(addresses, counts, strict=True), strict=True))
        self.snapshots = dict(zip(loops, plan.snapshots, strict=True))
        self.values: dict[tuple[object, ...], int] = {}

    def write(self) -> None:
        """Puts the whole program into the plan, and where it begins."""
        steps, nodes = self.plan.model.steps, list[int]()
        for index, step in enumerate(steps):
            if self.loops:
                nodes.append(self.plan.put(FLOOR, *coming_units(self.plan, steps[index:])))
            nodes.append(self._node(step, {}))
        self.plan.initial.append((CODE, self.plan.put(len(nodes), *nodes)))

    def _block(self, steps: abc.Iterable[Step], scope: abc.Mapping[str, int]) -> int:
        nodes = [self._node(step, scope) for step in steps]
        return self.plan.put(len(nodes), *nodes)

    def _node(self, step: Step, scope: abc.Mapping[str, int]) -> int:
        match step:
            case Site():
                return self._site(step, scope)
            case Repeat():
                return self._loop(step, scope)
            case Branch(conditions, body, otherwise):
                tests = [(int(each.equality), self._sum(each.function, scope)) for each in conditions]
                parts = self._block(body, scope), self._block(otherwise, scope)
                return self.plan.put(BRANCH, *parts, len(tests), *(word for test in tests for word in test))
            case _:
                assert_never(step)

    def _loop(self, loop: Repeat, scope: abc.Mapping[str, int]) -> int:
        word, extent, facts = self.plan.reserve(1), self._extent(loop.extent, scope), self.loops.get(id(loop))
        body = self._block(loop.body, {**scope, loop.iterator: word})
        if facts is None:
            return self.plan.put(LOOP, word, extent, body, 0)
        checks = self._checks(facts, scope)
        shifts = shifts_of(self.plan, facts)
        policy = self.policy.first, self.policy.trips
        snapshot = self.snapshots[id(loop)]
        return self.plan.put(LOOP, word, extent, body, snapshot, facts.period, *shifts, checks, *policy)

    def _checks(self, facts: LoopFacts, scope: abc.Mapping[str, int]) -> int:
        """Groups of checks of which one must hold each: their number, then each with the number of its checks."""
        words = [len(facts.checks)]
        for group in facts.checks:
            words += [len(group), *(word for check in group for word in self._check(check, scope))]
        return self.plan.put(*words)

    def _check(self, check: Check, scope: abc.Mapping[str, int]) -> tuple[int, ...]:
        outer, demand = self._sum(check.outer, scope), check.demand
        if demand is Demand.BLOCK:
            return BLOCK, outer, check.low, check.high, check.slope, check.unit, 0, 0
        above = int(demand in (Demand.ZERO, Demand.NOT_ZERO))
        up, down = int(demand is not Demand.NEGATIVE), int(demand is not Demand.NOT_NEGATIVE)
        return ZONE, outer, check.low, check.high, check.slope, above, up, down

    # Values

    def _put(self, *words: int) -> int:
        """Words that other nodes may share."""
        if words not in self.values:
            self.values[words] = self.plan.put(*words)
        return self.values[words]

    def _sum(self, function: Affine, scope: abc.Mapping[str, int], scale: int = 1, offset: int = 0) -> int:
        """``scale * function + offset``; iterators that are not in scope are 0."""
        terms = [(scope[name], factor * scale) for name, factor in function.terms if name in scope and factor * scale]
        words = (word for term in terms for word in term)
        plain = self._put(SUM, function.constant * scale + offset, len(terms), *words)
        if not function.rotations:
            return plain
        turns = ((each, factor * scale) for each, factor in function.rotations)
        rows = [(factor, each.modulus, self._sum(each.value, scope)) for each, factor in turns]
        return self._put(ROTATED, plain, len(rows), *(word for row in rows for word in row))

    def _extent(self, extent: Extent, scope: abc.Mapping[str, int]) -> int:
        known = constant_extent(extent)
        if known is not None:
            return self._put(SUM, known, 0)
        bounds = [self._sum(bound, scope) for bound in extent.bounds]
        return self._put(LEAST, len(bounds), *bounds)

    # Invocations

    def _site(self, site: Site, scope: abc.Mapping[str, int]) -> int:
        extents = [axis.extent for use in site.operands for axis in use.window.axes]
        varying = [self._extent(each, scope) for each in dict.fromkeys(extents) if constant_extent(each) is None]
        if any(constant_extent(each) == 0 for each in extents):
            return self._nothing()
        spec = step_spec(self.plan.model, site, self.found)
        arguments = list(self._arguments(site, spec, scope))
        counter = self.plan.executed.get(site.index, 0)
        head = (SITE, *self.steps[spec], counter, len(varying), len(arguments))
        return self.plan.put(*head, *varying, *arguments)

    def _nothing(self) -> int:
        """A node that does nothing."""
        empty = self._put(0)
        return self._put(BRANCH, empty, empty, 0)

    def _arguments(self, site: Site, spec: StepSpec, scope: abc.Mapping[str, int]) -> abc.Iterator[int]:
        """What the step is called with, in the order of ``argument_names``."""
        yield self._put(SUM, site.index, 0)
        given = dict(site.invoke.parameters)
        for parameter in site.instruction.parameters:
            value = given.get(parameter.name)
            if value is not None and constant_extent(value) is None:
                yield self._extent(value, scope)
        for use, (_, operand) in zip(site.operands, spec.operands, strict=True):
            for axis, known in zip(use.window.axes, operand.extents, strict=True):
                if known is None:
                    yield self._extent(axis.extent, scope)
            if operand.region is not None:
                record = self.plan.records[use.region.index]
                yield self._sum(self.found.footprints[use].base, scope, record.words, record.address)
            if operand.banked:
                yield self._start_bits(use, scope)
            if operand.padded:
                yield from (self._sum(offset, scope) for offset in use.window.offsets)

    def _start_bits(self, use: OperandUse, scope: abc.Mapping[str, int]) -> int:
        bits, total = use.tensor.dtype.bits, Affine((), start_bits(use.memory, use.tensor))
        for stride, offset in zip(row_major(use.tensor.shape), use.window.offsets, strict=True):
            total = total + offset * (stride * bits)
        return self._sum(total, scope)
