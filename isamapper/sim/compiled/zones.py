"""How far a loop's control stays the same: what skipping ahead must know of a loop before it runs.

Over a *zone* of iterations every guard decides alike, every extent keeps its value, every padding window stays inside
and every access stays in its bank, whatever the inner loops do; what stands under a guard that holds nowhere in the
zone does not count. Rotations and interleaved banks repeat with a period. Hazard records move along with the windows,
by one distance per region; where windows of a region that are used in the period move differently the loop does not
skip, because each iteration brings other conflicts.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, field
from enum import Enum
from typing import assert_never

from isamapper.ir.affine import Affine, Extent
from isamapper.sim.compiled.atoms import Atoms
from isamapper.sim.regions import row_major, start_bits
from isamapper.sim.sites import Branch, OperandUse, Repeat, Site, Step, bank_count
from isamapper.sim.traffic import bank_bytes, flat_steps

_LONGEST_PERIOD = 1 << 12
Ranges = abc.Mapping[str, int]
"""Iterators with their greatest extents."""


class Demand(Enum):
    """What must not change about a function: whether it is negative, that it is not, that it is, whether it is 0,
    that it is not 0, its block."""

    SIGN = "sign"
    NOT_NEGATIVE = "not negative"
    NEGATIVE = "negative"
    ZERO = "zero"
    NOT_ZERO = "not zero"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Check:
    """A function of the loop's iterator: ``slope * iterator + outer + [low, high]``.

    ``outer`` holds the terms of outer loops and the constant; the interval covers inner loops and rotations. ``unit``
    is the size of the blocks of ``Demand.BLOCK``.
    """

    demand: Demand
    slope: int
    outer: Affine
    low: int
    high: int
    unit: int = 0


@dataclass(slots=True)
class LoopFacts:
    """Conditions under which a loop may skip.

    Of each group of ``checks`` one must hold. ``shifts`` are atoms per iteration of each region, each with the sites
    that move so. ``never``: no zone could be long enough.
    """

    iterator: str
    period: int = 1
    checks: dict[tuple[Check, ...], None] = field(default_factory=dict)
    shifts: dict[int, dict[int, list[int]]] = field(default_factory=dict)
    never: bool = False


def greatest(extent: Extent, ranges: Ranges) -> int:
    """An upper bound of an extent."""
    return max(0, min(interval(bound, ranges)[1] for bound in extent.bounds))


def interval(function: Affine, ranges: Ranges) -> tuple[int, int]:
    """Bounds of a function whose iterators all lie in ``ranges``."""
    low = high = function.constant
    parts = [(coefficient, ranges[name] - 1) for name, coefficient in function.terms]
    parts += [(coefficient, rotation.modulus - 1) for rotation, coefficient in function.rotations]
    for coefficient, last in parts:
        low += min(0, coefficient * max(0, last))
        high += max(0, coefficient * max(0, last))
    return low, high


def loop_facts(loop: Repeat, outer: Ranges, found: Atoms) -> LoopFacts:
    """What skipping in ``loop`` depends on; ``outer`` holds the loops around it."""
    facts = LoopFacts(loop.iterator)
    ranges = {**outer, loop.iterator: greatest(loop.extent, outer)}
    _Collector(facts, frozenset(outer), found).steps(loop.body, ranges, ())
    facts.never = facts.never or facts.period > _LONGEST_PERIOD
    return facts


Escapes = tuple[Check, ...]
"""Checks of which each, where it holds, means that code is not reached."""


class _Collector:
    def __init__(self, facts: LoopFacts, outer: frozenset[str], found: Atoms) -> None:
        self.facts = facts
        self.outer = outer
        self.found = found

    def steps(self, steps: abc.Iterable[Step], ranges: Ranges, escapes: Escapes) -> None:
        for step in steps:
            match step:
                case Site():
                    self._site(step, ranges, escapes)
                case Repeat(iterator, extent, body):
                    self._extent(extent, ranges, escapes)
                    self.steps(body, {**ranges, iterator: greatest(extent, ranges)}, escapes)
                case Branch():
                    self._branch(step, ranges, escapes)
                case _:
                    assert_never(step)

    def _branch(self, branch: Branch, ranges: Ranges, escapes: Escapes) -> None:
        inside, outside = escapes, escapes
        for condition in branch.conditions:
            demand = Demand.ZERO if condition.equality else Demand.SIGN
            self._demand(demand, condition.function, ranges, escapes)
            fails = Demand.NOT_ZERO if condition.equality else Demand.NEGATIVE
            inside = (*inside, self._check(fails, condition.function, ranges))
            if len(branch.conditions) == 1 and not condition.equality:
                outside = (*outside, self._check(Demand.NOT_NEGATIVE, condition.function, ranges))
        self.steps(branch.body, ranges, inside)
        self.steps(branch.otherwise, ranges, outside)

    def _site(self, site: Site, ranges: Ranges, escapes: Escapes) -> None:
        for _, value in site.invoke.parameters:
            self._extent(value, ranges, escapes)
        for use in site.operands:
            for axis in use.window.axes:
                self._extent(axis.extent, ranges, escapes)
            for offset in use.window.offsets:
                self._rotations(offset)
            if use.window.otherwise is not None:
                self._padding(use, ranges, escapes)
            if bank_count(use.memory) > 1 and (use.read_ports or use.write_ports):
                self._banks(use, ranges, escapes)
            footprint = self.found.footprints.get(use)
            if footprint is not None:
                shift = footprint.base.coefficient(self.facts.iterator)
                self.facts.shifts.setdefault(use.region.index, {}).setdefault(shift, []).append(site.index)

    def _extent(self, extent: Extent, ranges: Ranges, escapes: Escapes) -> None:
        """The bounds that move with the iterator must stay above one that does not, or at 0."""
        moving = [bound for bound in extent.bounds if bound.coefficient(self.facts.iterator)]
        still = [bound for bound in extent.bounds if not bound.coefficient(self.facts.iterator)]
        for bound in extent.bounds:
            self._rotations(bound)
        still.sort(key=lambda bound: not bound.is_constant)
        for bound in moving:
            empty = self._check(Demand.NOT_NEGATIVE, -bound, ranges)
            above = (self._check(Demand.NOT_NEGATIVE, bound - still[0], ranges),) if still else ()
            self.facts.checks[(*above, empty, *escapes)] = None

    def _padding(self, use: OperandUse, ranges: Ranges, escapes: Escapes) -> None:
        """Along every moving axis the window must stay inside the tensor."""
        for tensor_axis, (offset, size) in enumerate(zip(use.window.offsets, use.tensor.shape, strict=True)):
            low = high = 0
            for axis in use.window.axes:
                last = max(0, greatest(axis.extent, ranges) - 1)
                for moved, step in axis.steps:
                    if moved == tensor_axis:
                        low, high = low + min(0, step * last), high + max(0, step * last)
            self._demand(Demand.NOT_NEGATIVE, offset + low, ranges, escapes)
            self._demand(Demand.NOT_NEGATIVE, -offset + (size - 1 - high), ranges, escapes)

    def _banks(self, use: OperandUse, ranges: Ranges, escapes: Escapes) -> None:
        """Accesses must stay in their bank; interleaved banks repeat."""
        bits = use.tensor.dtype.bits
        address = Affine((), start_bits(use.memory, use.tensor))
        for stride, offset in zip(row_major(use.tensor.shape), use.window.offsets, strict=True):
            address = address + offset * (stride * bits)
        slope = address.coefficient(self.facts.iterator)
        unit = bank_bytes(use.memory) * 8
        if slope and use.memory.bank_interleave_bytes:
            around = unit * use.memory.banks
            self._repeat(around // math.gcd(slope, around))
        elif slope:
            low, high = 0, bits - 1
            for axis, step in zip(use.window.axes, flat_steps(use.window, use.tensor.shape), strict=True):
                last = max(0, greatest(axis.extent, ranges) - 1) * step * bits
                low, high = low + min(0, last), high + max(0, last)
            check = self._check(Demand.BLOCK, address, ranges, (low, high), unit)
            self.facts.checks[(check, *escapes)] = None

    def _rotations(self, function: Affine) -> None:
        for rotation, _ in function.rotations:
            slope = rotation.value.coefficient(self.facts.iterator)
            self._repeat(rotation.modulus // math.gcd(slope, rotation.modulus))
            self._rotations(rotation.value)

    def _repeat(self, period: int) -> None:
        self.facts.period = math.lcm(self.facts.period, period)

    def _demand(self, demand: Demand, function: Affine, ranges: Ranges, escapes: Escapes) -> None:
        """Adds a check of a function, where the function moves with the iterator at all."""
        self._rotations(function)
        if function.coefficient(self.facts.iterator):
            self.facts.checks[(self._check(demand, function, ranges), *escapes)] = None

    def _check(
        self, demand: Demand, function: Affine, ranges: Ranges, span: tuple[int, int] = (0, 0), unit: int = 0
    ) -> Check:
        iterator = self.facts.iterator
        outer = Affine(tuple(term for term in function.terms if term[0] in self.outer), function.constant)
        inner = tuple(term for term in function.terms if term[0] not in self.outer and term[0] != iterator)
        low, high = interval(Affine(inner, 0, function.rotations), ranges)
        return Check(demand, function.coefficient(iterator), outer, low + span[0], high + span[1], unit)
