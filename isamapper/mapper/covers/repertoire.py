"""What a machine's instructions can do between them, and kernels brought into a form that shows it."""

from __future__ import annotations

from collections import abc
from functools import lru_cache

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.algebra.terms import Literal, Node, Term
from isamapper.mapper.covers.work import is_host
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.match import enumerate_mappings
from isamapper.mapper.matching.needle import Needle, needle_of
from isamapper.mapper.matching.sigma import Subject, target_tensor
from isamapper.mapper.rewrites.distribute import Distribute
from isamapper.plan.offline import offline


@lru_cache(maxsize=64)
def _needles(instructions: tuple[Instruction, ...]) -> tuple[Needle, ...]:
    return tuple(needle for needle in map(needle_of, instructions) if needle is not None)


def needles_of(instructions: tuple[Instruction, ...]) -> abc.Sequence[Needle]:
    """The one-statement instructions as needles, in their order."""
    return _needles(instructions)


def is_mapped(subject: Subject, machine: Machine) -> bool:
    """Whether some instruction does the whole statement."""
    needles = needles_of(machine.instructions)
    return any(next(enumerate_mappings(subject, needle, twins=True), None) for needle in needles)


def with_own_loops(kernel: Kernel, machine: Machine) -> tuple[Kernel, tuple[str, ...]]:
    """The kernel, with a nest per statement where one must be rewritten, and the step as text."""
    done = offline(kernel)
    if all(subject.statement.index in done or is_mapped(subject, machine) for subject in subjects(kernel)):
        return kernel, ()
    step = Distribute()
    result = step.apply(kernel)
    return (kernel, ()) if isinstance(result, Rejection) else (result, (step.text(kernel),))


def allowed_instructions(subject: Subject, machine: Machine, *, host_products: bool = False) -> tuple[Instruction, ...]:
    """Instructions that a rewritten statement may use.

    A product under a reduction is not for the host where an accelerator adds up products in that data type: that
    would hide that the accelerator cannot do it.
    """
    view = subject.view
    if host_products or view.reduction is None or not isinstance(view.term, Node) or view.term.op not in ("*", "+"):
        return machine.instructions
    dtype = target_tensor(subject.statement, subject.tensors).dtype.name
    if not any(_multiplies(each, dtype) and not is_host(machine, each) for each in machine.instructions):
        return machine.instructions
    return tuple(each for each in machine.instructions if not is_host(machine, each))


def _multiplies(instruction: Instruction, dtype: str) -> bool:
    """Whether the instruction adds up products in ``dtype``."""
    needle = needle_of(instruction)
    if needle is None or needle.view.reduction is None or not isinstance(needle.view.term, Node):
        return False
    return needle.view.term.op == "*" and target_tensor(needle.statement, needle.tensors).dtype.name == dtype


def able_instructions(subject: Subject, machine: Machine) -> tuple[Instruction, ...]:
    """Instructions of which one has to do every point of a statement, however it is rewritten.

    What multiplies loads goes on doing so: contractions make fewer points of a product, and are no rewrites of others.
    """
    if not _has_product(subject.view.term):
        return machine.instructions
    return _multiplying(machine.instructions)


@lru_cache(maxsize=64)
def _multiplying(instructions: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
    return tuple(each for each, needle in zip(instructions, map(needle_of, instructions), strict=True)
                 if needle is None or _has_product(needle.view.term))  # fmt: skip


def _has_product(term: Term) -> bool:
    """Whether values that are not constants are multiplied."""
    if not isinstance(term, Node):
        return False
    factors = sum(not isinstance(part, Literal) for part in term.parts) if term.op == "*" else 0
    return factors > 1 or any(_has_product(part) for part in term.parts)


@lru_cache(maxsize=64)
def greatest_rate(instructions: tuple[Instruction, ...]) -> float:
    """The most points per cycle that any instruction does."""
    rates = [1.0]
    for instruction in instructions:
        needle = needle_of(instruction)
        if needle is not None:
            points = 1
            for lane in needle.iterators:
                points *= lane.extent
            rates.append(points / max(1, timing(instruction, {})[0]))
    return max(rates)
