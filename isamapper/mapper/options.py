"""The ways to treat one statement so that instructions of a machine do all of it, cheapest first.

As it is; every contraction tree of a product of three or more factors; parts by maximal munch. A tree is built when
it may be next: its iterations, at the best rate of any instruction, bound its cycles from below.
"""

from __future__ import annotations

import heapq
from collections import abc
from dataclasses import dataclass, field
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.find import subjects
from isamapper.mapper.munch import plan_split
from isamapper.mapper.repertoire import allowed_instructions, greatest_rate, needles_of
from isamapper.mapper.rewrites.contraction import Contract, contraction_steps
from isamapper.mapper.rewrites.split import Split
from isamapper.mapper.sigma import Subject
from isamapper.mapper.work import least_cycles

Step: TypeAlias = Contract | Split
Candidate: TypeAlias = tuple[float, tuple[Step, ...]]
"""A lower bound of the cycles, and the steps."""


@dataclass(frozen=True, slots=True, order=True)
class Option:
    """One way to treat a statement: steps in order, each at the statement number it has by then."""

    busy_cycles: float
    steps: tuple[Step, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Treatment:
    """The statement of a kernel to be treated, for a machine; ``host_products`` as in ``alternatives``."""

    kernel: Kernel
    subject: Subject
    machine: Machine
    host_products: bool = False

    def options(self) -> abc.Iterator[Option]:
        """Every way, cheapest first; built only as far as they are asked for."""
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
        for tree, points in contraction_steps(self.kernel, self.subject.statement.index):
            yield points / rate, (tree,)

    def _judged(self, steps: tuple[Step, ...]) -> abc.Iterator[Option]:
        """The option of ``steps`` if every statement they make can be done; parts that cannot are split in turn."""
        result = self.kernel
        for step in steps:
            applied = step.apply(result)
            if isinstance(applied, Rejection):
                return
            result = applied
        total = 0.0
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

    def _cheapest(self, subject: Subject, instructions: abc.Iterable[Instruction]) -> float | None:
        """The fewest cycles that any of ``instructions`` needs for the statement; None where none does it."""
        found = [least_cycles(subject, self.machine, instruction) for instruction in instructions]
        return min((cycles for cycles in found if cycles is not None), default=None)


def made_by(kernel: Kernel, result: Kernel, statement: int) -> tuple[Subject, ...]:
    """The statements of ``result`` that a rewrite made of one statement of ``kernel``."""
    surplus = len(subjects(result)) - len(subjects(kernel))
    return subjects(result)[statement : statement + surplus + 1]
