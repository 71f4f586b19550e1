"""Covers of a kernel: which statements are done together by one instruction, which by instructions of their own.

The ways to treat single statements (``options.py``) and the joint mappings are the choices of a cover problem; small
problems are solved by looking at everything, larger ones by CP-SAT. What does not belong here: equal kernels without
joint mappings (``alternatives.py``).
"""

from __future__ import annotations

import heapq
from collections import abc
from dataclasses import replace
from importlib import import_module
from itertools import chain, islice
from typing import cast

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Machine
from isamapper.ir.dependence import dependences
from isamapper.ir.nodes import Kernel
from isamapper.mapper.compound.conditions import binds
from isamapper.mapper.compound.find import form_mappings, is_compound
from isamapper.mapper.compound.forms import Form, forms, plain
from isamapper.mapper.compound.relate import lanes_of
from isamapper.mapper.covers.alternatives import Alternative, alternatives
from isamapper.mapper.covers.cover_problem import Choice, CoverProblem, Solution, exhaustive
from isamapper.mapper.covers.options import Option, Treatment
from isamapper.mapper.covers.repertoire import with_own_loops
from isamapper.mapper.covers.work import busy_cycles
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.measures.digits import best_sizes
from isamapper.plan.joint import joint_statement, seen_instruction
from isamapper.plan.joint_mapping import JointMapping, moved

SMALL = 24
"""Choices up to which a cover problem is solved by looking at everything."""
TRIED = 6
"""How many covers with joint mappings are given."""
COMPETING = 2
"""How many mappings of one set of statements compete in them."""
CONSIDERED = 256
"""Relations that are looked at for one way to pair statements and tensors."""


def covers(kernel: Kernel, machine: Machine, *, host_products: bool = False) -> abc.Iterator[Alternative]:
    """Kernels equal to the user's with what does their statements, cheapest first by a quick figure."""
    yield from heapq.merge(
        alternatives(kernel, machine, host_products=host_products),
        _together(kernel, machine, host_products),
        key=lambda alternative: alternative.busy_cycles,
    )


def best_covers(problem: CoverProblem) -> abc.Iterator[Solution]:
    """Every cover, the cheapest first."""
    if len(problem.choices) <= SMALL:
        return exhaustive(problem)
    solver = import_module("isamapper.mapper.covers.cpsat")  # heavy: only where there is much to choose from
    return cast(abc.Iterator[Solution], solver.solutions(problem))


def joint_cycles(mapping: JointMapping, machine: Machine) -> float:
    """About the busy cycles that the calls of a joint mapping take."""
    statement = joint_statement(mapping.kernel, machine, mapping.join)
    instruction = specialised(machine.instruction(mapping.instruction), mapping.join.values)
    front = seen_instruction(instruction, statement)
    extents = {each.name: each.extent for each in statement.iterators}
    sizes = best_sizes(mapping.rho, extents, lanes_of(front))
    calls, fill = sizes.calls, dict.fromkeys(lanes_of(front), 1)
    for name, extent in extents.items():
        calls *= 1 if any(name == other for other, _ in mapping.rho) else extent
    for (_, lane), size in zip(mapping.rho, sizes.extents, strict=True):
        fill[lane] *= size
    return calls * busy_cycles(machine, front, fill)


def _together(kernel: Kernel, machine: Machine, host_products: bool) -> abc.Iterator[Alternative]:
    """Covers in which some statements are done together."""
    if not any(is_compound(instruction) for instruction in machine.instructions):
        return
    found: list[Alternative] = []
    for base, first in dict.fromkeys(((kernel, ()), with_own_loops(kernel, machine))):
        for form in forms(base):
            ranked = _ranked(form, machine)
            if ranked:
                single = _single(form.kernel, machine, host_products)
                found += islice(_covers(form.kernel, (*first, *form.texts(base)), ranked, single), TRIED)
    yield from sorted(found, key=lambda alternative: alternative.busy_cycles)


def _ranked(form: Form, machine: Machine) -> list[tuple[float, JointMapping]]:
    """The first few joint mappings of every set of statements, by their busy cycles."""
    compound = [each for each in machine.instructions if is_compound(each)]
    mappings = chain.from_iterable(form_mappings(form, each, relations_each=CONSIDERED) for each in compound)
    found = [(joint_cycles(mapping, machine), number, mapping) for number, mapping in enumerate(mappings)]
    kept: list[tuple[float, JointMapping]] = []
    counts: dict[tuple[int, ...], int] = {}
    for cycles, _, mapping in sorted(found, key=lambda item: item[:2]):
        members = mapping.join.members
        counts[members] = counts.get(members, 0) + 1
        if counts[members] <= COMPETING:
            kept.append((cycles, mapping))
    return kept


def cover_problem(kernel: Kernel, machine: Machine) -> CoverProblem:
    """What there is to choose from for the statements of ``kernel`` as it is."""
    return _problem(kernel, _ranked(plain(kernel), machine), _single(kernel, machine, False))


def _single(kernel: Kernel, machine: Machine, host_products: bool) -> dict[int, Option | None]:
    """The best way to treat each statement by itself."""
    return {
        subject.statement.index: next(Treatment(kernel, subject, machine, host_products).options(), None)
        for subject in subjects(kernel)
    }


def _problem(
    kernel: Kernel, ranked: abc.Sequence[tuple[float, JointMapping]], single: abc.Mapping[int, Option | None]
) -> CoverProblem:
    choices = [Choice(frozenset(mapping.join.members), round(cycles)) for cycles, mapping in ranked]
    known = ((index, option) for index, option in single.items() if option is not None)
    choices += [Choice(frozenset((index,)), round(option.busy_cycles)) for index, option in known]
    return CoverProblem(tuple(single), tuple(choices), frozenset(_conflicts(kernel, ranked)))


def _covers(
    kernel: Kernel,
    first: tuple[str, ...],
    ranked: abc.Sequence[tuple[float, JointMapping]],
    single: abc.Mapping[int, Option | None],
) -> abc.Iterator[Alternative]:
    known = {index: option for index, option in single.items() if option is not None}
    for solution in best_covers(_problem(kernel, ranked, single)):
        groups = [ranked[number] for number in solution if number < len(ranked)]
        if groups:
            left = [index for place, index in enumerate(known) if place + len(ranked) in solution]
            yield _alternative(kernel, first, groups, [(index, known[index]) for index in left])


def _conflicts(kernel: Kernel, ranked: abc.Sequence[tuple[float, JointMapping]]) -> abc.Iterator[tuple[int, int]]:
    """Pairs of joint mappings of which neither can come first: each needs what the other gives."""
    binding = [(each.source, each.sink) for each in dependences(kernel) if binds(kernel, each)]
    joins = [mapping.join for _, mapping in ranked]
    for one, first in enumerate(joins):
        for other, second in enumerate(joins[:one]):
            pairs = ((first, second), (second, first))
            if any(
                source in a.members and sink in b.members and a.statement >= b.statement
                for a, b in pairs
                for source, sink in binding
            ) and not set(first.members) & set(second.members):
                yield other, one


def _alternative(
    kernel: Kernel,
    first: tuple[str, ...],
    groups: abc.Sequence[tuple[float, JointMapping]],
    left: abc.Sequence[tuple[int, Option]],
) -> Alternative:
    """The kernel with the steps of single statements taken and the tensors of the groups declared."""
    texts, shifts, result = list(first), list[tuple[int, int]](), kernel
    for index, option in sorted(left, key=lambda item: -item[0]):
        before = len(subjects(result))
        for step in option.steps:
            texts.append(step.text(result))
            applied = step.apply(result)
            assert not isinstance(applied, Rejection)
            result = applied
        shifts.append((index, len(subjects(result)) - before))
    busy = sum(cycles for cycles, _ in groups) + sum(option.busy_cycles for _, option in left)
    shifted = [moved(mapping, shifts) for _, mapping in groups]
    for mapping in shifted:
        texts += mapping.rewrites
        held = {name for name, _ in mapping.join.constants}
        own = (tensor for tensor in mapping.kernel.tensors if tensor.name in held)
        result = replace(result, tensors=(*result.tensors, *own))
    return Alternative(result, tuple(texts), busy, tuple(replace(mapping, kernel=result) for mapping in shifted))
