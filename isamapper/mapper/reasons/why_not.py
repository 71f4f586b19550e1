"""Explains what an instruction set does not do for a kernel, and what it does only at a cost."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.compound.find import is_compound, joint_members
from isamapper.mapper.compound.refusal import joint_refusal
from isamapper.mapper.covers.covers import covers
from isamapper.mapper.covers.munch import plan_split
from isamapper.mapper.covers.options import Treatment, made_by
from isamapper.mapper.covers.repertoire import allowed_instructions, is_mapped, needles_of, with_own_loops
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.sigma import Subject
from isamapper.mapper.reasons.notes import notes
from isamapper.mapper.reasons.refusal import refusal
from isamapper.mapper.rewrites.contraction import Contract, contraction_steps
from isamapper.mapper.rewrites.split import Split


def explain(kernel: Kernel, machine: Machine, instruction: str | None = None) -> tuple[Rejection, ...]:
    """First why statements cannot be done at all, then per instruction its nearest miss or what its best mapping costs.

    Codes MAP0xx refuse, MAP1xx are costs of a mapping that exists, rewrites among them. KeyError where there is no such
    instruction.
    """
    found = [] if instruction is not None else list(_whole(kernel, machine))
    chosen = machine.instructions if instruction is None else (machine.instruction(instruction),)
    for candidate in chosen:
        found += _of_instruction(kernel, machine, candidate)
    return tuple(found)


def _whole(kernel: Kernel, machine: Machine) -> abc.Iterator[Rejection]:
    """What is to be said of the kernel as a whole: statements that nothing does, or what is done to it first."""
    cover = next(covers(kernel, machine), None)
    if cover is None:
        yield from uncovered(kernel, machine)
    elif cover.rewrites and not all(is_mapped(subject, machine) for subject in subjects(kernel)):
        steps = "; ".join(step.partition(":")[0] for step in cover.rewrites)
        yield Rejection("MAP105", kernel.name, f"it is done after rewriting: {steps}", progress=100)


def uncovered(kernel: Kernel, machine: Machine) -> abc.Iterator[Rejection]:
    """A rejection for every statement that neither an instruction nor a rewrite covers."""
    if next(covers(kernel, machine), None) is not None:
        return
    apart, _ = with_own_loops(kernel, machine)
    joined = joint_members(kernel, machine) | joint_members(apart, machine)
    kernel = apart
    for subject in subjects(kernel):
        if (
            subject.statement.index in joined
            or is_mapped(subject, machine)
            or any(True for _ in Treatment(kernel, subject, machine).options())
        ):
            continue
        yield _rewritten(kernel, subject, machine) or _as_it_is(subject, machine)


def _as_it_is(subject: Subject, machine: Machine) -> Rejection:
    """The operator that no instruction does, else the nearest miss."""
    name = f"statement {subject.statement.index}"
    step = plan_split(subject, needles_of(machine.instructions))
    if isinstance(step, Rejection):
        return step
    misses = [refusal(subject, each) for each in machine.instructions]
    nearest = max((miss for miss in misses if miss is not None), key=lambda miss: miss.progress)
    return Rejection(nearest.code, name, nearest.reason, nearest.spans, nearest.edit, nearest.progress)


def _rewritten(kernel: Kernel, subject: Subject, machine: Machine) -> Rejection | None:
    """Of all rewrites of the statement the one that comes nearest, and what stops it; None where there are none."""
    index = subject.statement.index
    best: tuple[int, int, Rejection] | None = None
    for step in _steps(kernel, subject, machine):
        result = step.apply(kernel)
        if isinstance(result, Rejection):
            continue
        made = made_by(kernel, result, index)
        points = sum(_points(each) for each in made)
        for each in made:
            miss = _nearest(each, allowed_instructions(each, machine))
            if miss is None:
                continue
            reason = f"{step.text(kernel)}: {miss.reason}"
            named = Rejection(miss.code, f"statement {index}", reason, miss.spans, miss.edit, miss.progress)
            if best is None or (-miss.progress, points) < best[:2]:
                best = -miss.progress, points, named
    return None if best is None else best[2]


def _steps(kernel: Kernel, subject: Subject, machine: Machine) -> abc.Iterator[Contract | Split]:
    """Contraction trees where there are any, else the split by maximal munch."""
    trees = [step for step, _ in contraction_steps(kernel, subject.statement.index)]
    yield from trees
    step = None if trees else plan_split(subject, needles_of(machine.instructions))
    if isinstance(step, Split):
        yield step


def _points(subject: Subject) -> int:
    total = 1
    for iterator in subject.statement.iterators:
        total *= iterator.extent
    return total


def _nearest(subject: Subject, instructions: abc.Iterable[Instruction]) -> Rejection | None:
    """The nearest miss; None where an instruction maps."""
    misses = []
    for instruction in instructions:
        miss = refusal(subject, instruction)
        if miss is None:
            return None
        misses.append(miss)
    return max(misses, key=lambda miss: miss.progress, default=None)


def _of_instruction(kernel: Kernel, machine: Machine, instruction: Instruction) -> abc.Iterator[Rejection]:
    if is_compound(instruction):
        joint = joint_refusal(kernel, instruction)
        yield from () if joint is None else (joint,)
        return
    misses = []
    for subject in subjects(kernel):
        miss = refusal(subject, instruction)
        if miss is None:
            yield from notes(subject, machine, instruction)
        else:
            misses.append(miss)
    if len(misses) == len(subjects(kernel)) and misses:
        yield max(misses, key=lambda miss: miss.progress)
