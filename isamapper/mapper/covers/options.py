"""The ways to treat one statement so that instructions of a machine do all of it, cheapest first.

As it is; every contraction tree of a product; parts by maximal munch. A tree is built when it may be next: its
iterations, at the best rate of any instruction, bound its cycles from below. What the search over other rewrites finds
is added where it is cheaper than all of these.
"""

from __future__ import annotations

import heapq
from collections import abc
from dataclasses import dataclass, field
from itertools import islice
from math import inf, prod
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Direction, Kernel
from isamapper.ir.types import storage_bytes
from isamapper.mapper.covers.munch import plan_split
from isamapper.mapper.covers.repertoire import able_instructions, allowed_instructions, greatest_rate, needles_of
from isamapper.mapper.covers.work import least_cycles
from isamapper.mapper.matching.delta import injective
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.sigma import Subject
from isamapper.mapper.rewrites.canonical import statement_key
from isamapper.mapper.rewrites.contraction import contraction_steps
from isamapper.mapper.rewrites.edit import lone
from isamapper.mapper.rewrites.polyphase import Polyphase
from isamapper.mapper.rewrites.replay import Rewrite
from isamapper.mapper.rewrites.search import derivations
from isamapper.mapper.rewrites.split import Split
from isamapper.plan.homes import home_memory
from isamapper.plan.offline import offline

Candidate: TypeAlias = tuple[float, tuple[Rewrite, ...]]
"""A lower bound of the cycles, and the steps."""


Prices: TypeAlias = dict[tuple[str, bool, int], float | None]
"""Cycles of statements by what they compute, whether their target is fresh, and how many instructions they may use."""

GAIN = 0.8
"""The share of the usual ways' cycles that a searched rewrite may need at most: the figures are rough."""
TREES = 32
"""How many contraction trees of a statement are looked at more closely, those with the fewest iterations."""
DERIVED = 2
"""How many searched rewrites of a statement are offered."""


@dataclass(frozen=True, slots=True, order=True)
class Option:
    """One way to treat a statement: steps in order, each at the statement number it has by then."""

    busy_cycles: float
    steps: tuple[Rewrite, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Treatment:
    """The statement of a kernel to be treated, for a machine; ``host_products`` as in ``alternatives``.

    ``prices`` remembers what statements cost: treatments for one machine may share it.
    """

    kernel: Kernel
    subject: Subject
    machine: Machine
    host_products: bool = False
    prices: Prices = field(default_factory=dict, compare=False, repr=False)

    def usual_cycles(self) -> float:
        """Busy cycles of the cheapest way without a search over rewrites; infinite where there is none."""
        if self.subject.statement.index in offline(self.kernel):
            return 0.0
        return min((option.busy_cycles for option in islice(self._usual(), 1)), default=inf)

    def options(self, worth_cycles: float = 0.0) -> abc.Iterator[Option]:
        """Every way, cheapest first; built only as far as they are asked for.

        What the search over rewrites finds has to save ``worth_cycles`` at least.
        """
        if self.subject.statement.index in offline(self.kernel):
            yield Option(0.0, ())
            return
        usual = self._usual()
        first = next(usual, None)
        least = inf if first is None else first.busy_cycles
        if moving_cycles(self.kernel, self.machine) < GAIN * least:  # else memory takes as long, whatever is gained
            yield from self._derived(min(GAIN * least, least - worth_cycles))
        if first is not None:
            yield first
        yield from heapq.merge(usual, self._phased(least))

    def _derived(self, cycles: float) -> list[Option]:
        """What the search over rewrites finds that keeps instructions busy for fewer than ``cycles``.

        Steps that go on from those of a better way are left out.
        """
        rate, found = greatest_rate(able_instructions(self.subject, self.machine)), list[Option]()
        if points_of(self.subject) / rate >= cycles:
            return []  # few rewrites make fewer points of a statement, and those are contractions
        for each in derivations(self.kernel, self.subject.statement.index).found:
            made = made_by(self.kernel, each.kernel, self.subject.statement.index)
            if sum(points_of(subject) for subject in made) / rate < cycles:
                found += [option for option in self._judged(each.steps) if option.busy_cycles < cycles]
        best: list[Option] = []
        for option in sorted(found):
            if not any(option.steps[: len(better.steps)] == better.steps for better in best):
                best.append(option)
        return best[:DERIVED]

    def _phased(self, cycles: float) -> abc.Iterator[Option]:
        """The best polyphase form, should the usual ways turn out to cost more than ``cycles``: strides gather.

        Phases along rows go first: rows may lie any stride apart, their elements may not.
        """
        found: list[tuple[bool, Option]] = []
        for each in derivations(self.kernel, self.subject.statement.index).found:
            first = each.steps[0]
            if isinstance(first, Polyphase) and all(isinstance(step, Polyphase) for step in each.steps):
                own = (option for option in self._judged(each.steps) if option.busy_cycles >= cycles)
                found += [(not first.along_rows(self.kernel), option) for option in own]
        yield from (option for _, option in sorted(found)[:1])

    def _usual(self) -> abc.Iterator[Option]:
        """As it is, contraction trees, and parts by maximal munch, cheapest first."""
        ready: list[Option] = []
        for bound, steps in sorted(self._candidates(), key=lambda candidate: candidate[0]):
            while ready and ready[0].busy_cycles <= bound:
                yield heapq.heappop(ready)
            for option in self._judged(steps):
                heapq.heappush(ready, option)
        while ready:
            yield heapq.heappop(ready)

    def _candidates(self) -> abc.Iterator[Candidate]:
        instructions = self.machine.instructions
        if self._cheapest(self.subject, instructions) is not None:
            yield 0.0, ()
        else:
            step = plan_split(self.subject, needles_of(instructions))
            if isinstance(step, Split):
                yield 0.0, (step,)
        rate = greatest_rate(instructions)
        trees = contraction_steps(self.kernel, self.subject.statement.index)
        for tree, points in heapq.nsmallest(TREES, trees, key=lambda each: each[1]):
            yield points / rate, (tree,)

    def _judged(self, steps: tuple[Rewrite, ...]) -> abc.Iterator[Option]:
        """The option of ``steps`` if every statement they make can be done; parts that cannot are split in turn."""
        result = self.kernel
        for step in steps:
            applied = step.apply(result)
            if isinstance(applied, Rejection):
                return
            result = applied
        total = traffic_cycles(self.kernel, result, self.machine)
        for subject in reversed(made_by(self.kernel, result, self.subject.statement.index)):
            allowed = self.machine.instructions
            if steps:
                allowed = allowed_instructions(subject, self.machine, host_products=self.host_products)
            cycles = self._cheapest(subject, allowed)
            if cycles is None:
                split = plan_split(subject, needles_of(allowed))
                if isinstance(split, Split) and split not in steps:
                    yield from self._judged((*steps, split))
                return
            total += cycles
        yield Option(total, steps)

    def _cheapest(self, subject: Subject, instructions: abc.Sequence[Instruction]) -> float | None:
        """The fewest cycles that any of ``instructions`` needs for the statement; None where none does it.

        A sum that meets itself in its target, as in ``y[p + r]``, can be done by calls, but its tiles would overlap.
        """
        extents = {each.name: each.extent for each in subject.statement.iterators}
        if subject.statement.assign.reduction is not None and not injective(subject.statement.assign.target, extents):
            return None
        text = statement_key(subject.statement, subject.tensors)
        key = None if text is None else (text, subject.fresh, len(instructions))
        if key is None or key not in self.prices:
            found = [least_cycles(subject, self.machine, instruction) for instruction in instructions]
            cheapest = min((cycles for cycles in found if cycles is not None), default=None)
            if key is None:
                return cheapest
            self.prices[key] = cheapest
        return self.prices[key]


def traffic_cycles(kernel: Kernel, result: Kernel, machine: Machine) -> float:
    """Cycles in which the tensors that a rewrite adds are written to the home memory once and read once."""
    home = machine.memory(home_memory(machine))
    width = sum(port.bytes_per_cycle for port in home.ports)
    known = {tensor.name for tensor in kernel.tensors}
    added = [tensor for tensor in result.tensors if tensor.name not in known]
    moved = sum(2 * storage_bytes(tensor.dtype, prod(tensor.shape)) for tensor in added)
    return moved / width if width else 0.0


def moving_cycles(kernel: Kernel, machine: Machine) -> float:
    """Cycles in which the parameters of a kernel of one statement cross the ports of the home memory once.

    Those count that are touched from end to end, one iterator along each axis; 0 where there are several statements.
    """
    statement, *others = statements(kernel)
    home = machine.memory(home_memory(machine))
    width = sum(port.bytes_per_cycle for port in home.ports)
    if others or not width or not all(port.bytes_per_cycle for port in home.ports):
        return 0.0
    tensors = {tensor.name: tensor for tensor in kernel.tensors}
    extents = {iterator.name: iterator.extent for iterator in statement.iterators}
    moved = 0
    for access in {access.tensor: access for access in statement.accesses}.values():
        tensor = tensors.get(access.tensor)
        along = [lone(index) for index in access.map.results]
        whole = [extents.get(name or "", 0) for name in along]
        if tensor is not None and len({*along}) == len(along) and tuple(whole) == tensor.shape:
            moved += storage_bytes(tensor.dtype, prod(tensor.shape)) * (1 + (tensor.direction is Direction.INOUT))
    return moved / width


def points_of(subject: Subject) -> int:
    """Iterations of a statement."""
    total = 1
    for iterator in subject.statement.iterators:
        total *= iterator.extent
    return total


def made_by(kernel: Kernel, result: Kernel, statement: int) -> tuple[Subject, ...]:
    """The statements of ``result`` that a rewrite made of one statement of ``kernel``."""
    surplus = len(subjects(result)) - len(subjects(kernel))
    return subjects(result)[statement : statement + surplus + 1]
