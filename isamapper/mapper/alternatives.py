"""Equal kernels that a machine can do, cheapest first by a quick figure.

Per statement: as it is; every contraction tree of a product of three or more factors; parts by maximal munch. The
choices of all statements are combined best first. A product under a reduction is not moved to the host by a rewrite
where the machine has an accelerator for such products: that would hide that the accelerator cannot do it.
"""

from __future__ import annotations

import heapq
from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covering import needles_of, with_own_loops
from isamapper.mapper.find import subjects
from isamapper.mapper.munch import plan_split
from isamapper.mapper.needle import needle_of
from isamapper.mapper.rewrites.contraction import Contract, contraction_steps
from isamapper.mapper.rewrites.split import Split
from isamapper.mapper.sigma import Subject
from isamapper.mapper.terms import Node
from isamapper.mapper.work import is_host, least_cycles

Step = Contract | Split


@dataclass(frozen=True, slots=True)
class Alternative:
    """A kernel equal to the user's, every statement of which some instruction does; ``busy_cycles`` is an estimate."""

    kernel: Kernel
    rewrites: tuple[str, ...]
    busy_cycles: float


@dataclass(frozen=True, slots=True)
class Option:
    """One way to treat a statement: steps in order, each at the statement number it has by then."""

    busy_cycles: float
    steps: tuple[Step, ...]


def alternatives(kernel: Kernel, machine: Machine, *, host_products: bool = False) -> abc.Iterator[Alternative]:
    """Every combination of choices, best first; none where some statement cannot be done.

    ``host_products`` allows rewrites that put products under reductions on the host of an accelerator for them.
    """
    options = []
    kernel, first = with_own_loops(kernel, machine)
    for subject in subjects(kernel):
        found = sorted(
            statement_options(kernel, subject, machine, host_products=host_products),
            key=lambda option: option.busy_cycles,
        )
        if not found:
            return
        options.append(found)
    for chosen in _best_first(options):
        result, texts = kernel, list(first)
        for option in reversed(chosen):
            for step in option.steps:
                texts.append(step.text(result))
                applied = step.apply(result)
                assert not isinstance(applied, Rejection)
                result = applied
        yield Alternative(result, tuple(texts), sum(option.busy_cycles for option in chosen))


def _best_first(options: abc.Sequence[abc.Sequence[Option]]) -> abc.Iterator[tuple[Option, ...]]:
    """Combinations of one option each, in the order of their sums."""

    def total(places: tuple[int, ...]) -> float:
        return sum(row[place].busy_cycles for row, place in zip(options, places, strict=True))

    start = (0,) * len(options)
    heap, seen = [(total(start), start)], {start}
    while heap:
        _, places = heapq.heappop(heap)
        yield tuple(row[place] for row, place in zip(options, places, strict=True))
        for number, place in enumerate(places):
            moved = (*places[:number], place + 1, *places[number + 1 :])
            if place + 1 < len(options[number]) and moved not in seen:
                seen.add(moved)
                heapq.heappush(heap, (total(moved), moved))


def statement_options(
    kernel: Kernel, subject: Subject, machine: Machine, *, host_products: bool = False
) -> abc.Iterator[Option]:
    """Every way to treat one statement so that instructions of the machine do all of it, in no order."""
    index = subject.statement.index
    direct = _cheapest(subject, machine, machine.instructions)
    if direct is not None:
        yield Option(direct, ())
    else:
        step = plan_split(subject, needles_of(machine))
        if isinstance(step, Split):
            yield from _judged(kernel, index, machine, (step,), host_products)
    for tree in contraction_steps(kernel, index):
        yield from _judged(kernel, index, machine, (tree,), host_products)


def _judged(
    kernel: Kernel, index: int, machine: Machine, steps: tuple[Step, ...], host_products: bool
) -> abc.Iterator[Option]:
    """The option of ``steps`` if every statement they make can be done; parts that cannot are split in turn."""
    count = len(subjects(kernel))
    result = kernel
    for step in steps:
        applied = step.apply(result)
        if isinstance(applied, Rejection):
            return
        result = applied
    total = 0.0
    made = subjects(result)[index : index + len(subjects(result)) - count + 1]
    for subject in reversed(made):
        allowed = allowed_instructions(subject, machine, host_products=host_products)
        cycles = _cheapest(subject, machine, allowed)
        if cycles is None:
            split = plan_split(subject, [n for n in map(needle_of, allowed) if n is not None])
            if isinstance(split, Split) and split not in steps:
                yield from _judged(kernel, index, machine, (*steps, split), host_products)
            return
        total += cycles
    yield Option(total, steps)


def _cheapest(subject: Subject, machine: Machine, instructions: abc.Iterable[Instruction]) -> float | None:
    """The fewest cycles that any of ``instructions`` needs for the statement; None where none does it."""
    found = [least_cycles(subject, machine, instruction) for instruction in instructions]
    return min((cycles for cycles in found if cycles is not None), default=None)


def allowed_instructions(subject: Subject, machine: Machine, *, host_products: bool = False) -> tuple[Instruction, ...]:
    """Instructions that a rewritten statement may use."""
    view = subject.view
    multiplies = [each for each in machine.instructions if _multiplies(each) and not is_host(machine, each)]
    is_product = view.reduction is not None and isinstance(view.term, Node) and view.term.op in ("*", "+")
    if host_products or not is_product or not multiplies:
        return machine.instructions
    return tuple(each for each in machine.instructions if not is_host(machine, each))


def _multiplies(instruction: Instruction) -> bool:
    """Whether the instruction adds up products."""
    needle = needle_of(instruction)
    return (
        needle is not None
        and needle.view.reduction is not None
        and isinstance(needle.view.term, Node)
        and needle.view.term.op == "*"
    )
