"""Covers: every statement of a kernel with the mappings that can do it, or why nothing can."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.find import find_mappings, subjects
from isamapper.mapper.match import enumerate_mappings
from isamapper.mapper.munch import plan_split
from isamapper.mapper.needle import Needle, needle_of
from isamapper.mapper.rewrites.distribute import Distribute
from isamapper.mapper.sigma import Subject
from isamapper.plan.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Cover:
    """``mappings`` has one entry per statement of ``kernel``; uncovered statements have a rejection each.

    ``rewrites`` lead from the user's kernel to this one.
    """

    kernel: Kernel
    rewrites: tuple[str, ...]
    mappings: tuple[tuple[Mapping, ...], ...]
    rejections: tuple[Rejection, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every statement can be done."""
        return not self.rejections


def cover(kernel: Kernel, machine: Machine) -> Cover:
    """The kernel's cover; statements without a mapping are split into parts that have one, where that is possible."""
    kernel, steps, rejections = split_uncovered(kernel, machine)
    mappings = tuple(
        tuple(find_mappings(kernel, machine, statement=subject.statement.index)) for subject in subjects(kernel)
    )
    return Cover(kernel, steps, mappings, rejections)


def with_own_loops(kernel: Kernel, machine: Machine) -> tuple[Kernel, tuple[str, ...]]:
    """The kernel, with a nest per statement where one must be rewritten, and the step as text."""
    if all(is_mapped(subject, machine) for subject in subjects(kernel)):
        return kernel, ()
    step = Distribute()
    result = step.apply(kernel)
    return (kernel, ()) if isinstance(result, Rejection) else (result, (step.text(kernel),))


def split_uncovered(kernel: Kernel, machine: Machine) -> tuple[Kernel, tuple[str, ...], tuple[Rejection, ...]]:
    """Splits every statement that nothing maps; gives the kernel, the steps as text, and what remains uncovered."""
    kernel, first = with_own_loops(kernel, machine)
    steps = list(first)
    rejections: list[Rejection] = []
    for index in reversed(range(len(subjects(kernel)))):
        subject = subjects(kernel)[index]
        if is_mapped(subject, machine):
            continue
        step = plan_split(subject, needles_of(machine))
        result = step if isinstance(step, Rejection) else step.apply(kernel)
        if isinstance(result, Rejection) or isinstance(step, Rejection):
            assert isinstance(result, Rejection)
            rejections.append(result)
            continue
        steps.append(step.text(kernel))
        kernel = result
    rejections += [
        Rejection("MAP022", f"statement {subject.statement.index}", "no instruction does it, nor its parts")
        for subject in subjects(kernel)
        if not rejections and not is_mapped(subject, machine)
    ]
    return kernel, tuple(steps), tuple(reversed(rejections))


def is_mapped(subject: Subject, machine: Machine) -> bool:
    """Whether some instruction does the whole statement."""
    return any(next(enumerate_mappings(subject, needle, twins=True), None) for needle in needles_of(machine))


@lru_cache(maxsize=64)
def _needles(instructions: tuple[Instruction, ...]) -> tuple[Needle, ...]:
    return tuple(needle for needle in map(needle_of, instructions) if needle is not None)


def needles_of(machine: Machine) -> abc.Sequence[Needle]:
    """The one-statement instructions of a machine as needles, in file order."""
    return _needles(machine.instructions)
