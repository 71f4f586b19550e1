"""What a mapping costs and is like: criteria, access classes, waste, utilisation, reuse. Computed when asked for."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from typing import TypeAlias, cast

from isamapper.hwdesc.model import Instruction, Machine, MemoryKind
from isamapper.ir.nodes import Access, IteratorKind, Reduction, Tensor
from isamapper.mapper.matching.criteria import criteria_given, shared_indices
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.match import match_of, unit_choices
from isamapper.mapper.matching.needle import Effect, Needle, NeedleIterator, effect_of, needle_of
from isamapper.mapper.matching.padding import Number
from isamapper.mapper.matching.sigma import Match, Subject
from isamapper.mapper.measures.digits import Sizes, best_sizes
from isamapper.mapper.measures.footprint import distinct_elements, flat_steps, mergeable_iterators
from isamapper.plan.mapping import Mapping, Pairing

_AS_AT_HOME = frozenset((MemoryKind.HOST, MemoryKind.CACHE))
"""Kinds of memory in which elements lie as they do at home: copies between them move whole lines."""

Digits: TypeAlias = abc.Sequence[tuple[str, str, int]]
Terms: TypeAlias = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class OperandLabel:
    """How one operand meets its tensor.

    ``access`` is ``direct`` (a strided window as it lies, or as copies of rows bring it into a memory of the
    accelerator's own), ``broadcast`` (an element stands in several places because
    a bound iterator does not move the access), ``gather`` (elements collected, some more than once), ``layout copy``
    (each element once, in another order) or ``constant``. ``duplication`` is operand elements per tensor element over
    the bound iterators that move the access; ``reuse`` is how many points of one call an element serves.
    """

    operand: str
    access: str
    duplication: float
    reuse: float


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of one mapping.

    ``padding_waste`` is the share of executed points that mean nothing, ``utilisation`` the share of the instruction's
    greatest size that is of use; both at the digit extents with the fewest calls. ``pads`` are the operand values that
    make invalid points harmless; ``exact_extent_only``: no such values, extents must be met. ``mergeable`` are pairs
    of iterators that are one iterator in memory. ``reassociates``: sums of floats are taken in another order.
    """

    criteria: tuple[str, ...]
    operands: tuple[OperandLabel, ...]
    padding_waste: float
    utilisation: float
    pads: tuple[tuple[str, Number], ...]
    exact_extent_only: bool
    mergeable: tuple[tuple[str, str], ...]
    reassociates: bool


def labels(mapping: Mapping, machine: Machine) -> Labels:
    """The labels of ``mapping``; KeyError where its instruction is none of ``machine``."""
    return Labeller(machine).labels(mapping)


class Labeller:
    """Labels many mappings of one machine; what mappings with one sigma share is computed once."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._contexts: dict[tuple[object, ...], _Context] = {}

    def labels(self, mapping: Mapping) -> Labels:
        """The labels of ``mapping``; KeyError where its instruction is none of the machine."""
        key = (id(mapping.kernel), mapping.statement, mapping.instruction, mapping.sigma, mapping.parameters)
        context = self._contexts.get(key)
        if context is None or context.subject.kernel is not mapping.kernel:
            context = self._contexts[key] = _context(mapping, self.machine)
        return context.labels(mapping)


def _context(mapping: Mapping, machine: Machine) -> _Context:
    instruction = machine.instruction(mapping.instruction)
    needle = needle_of(instruction)
    if needle is None:
        raise KeyError(mapping.instruction)
    subject = replace(subjects(mapping.kernel)[mapping.statement], kernel=mapping.kernel)
    return _Context(machine, instruction, subject, needle, match_of(mapping, subject, needle))


class _Context:
    """What all mappings of a statement on an instruction with one sigma have in common."""

    def __init__(
        self, machine: Machine, instruction: Instruction, subject: Subject, needle: Needle, match: Match
    ) -> None:
        self.instruction, self.subject, self.needle, self.match = instruction, subject, needle, match
        self.extents = {each.name: each.extent for each in subject.statement.iterators}
        self.lanes = {lane.name: lane for lane in needle.iterators}
        self.units = unit_choices(subject, needle, match)
        self.shared = shared_indices(subject.statement.accesses)
        self.mergeable = mergeable_iterators(subject.statement, subject.tensors)
        self.exact_only = bool(match.padding.exact_only & {n for n, each in self.lanes.items() if each.extent > 1})
        self.operands = [self._operand(pairing, machine) for pairing in match.sigma]

    def labels(self, mapping: Mapping) -> Labels:
        """The labels of one of them."""
        sizes = best_sizes(mapping.rho, self.extents, self.lanes)
        digits = [(name, lane, size) for (name, lane), size in zip(mapping.rho, sizes.extents, strict=True)]
        waste, utilisation = _use(self.needle, digits, sizes, self.extents)
        return Labels(
            criteria_given(self.shared, mapping.rho, mapping.kind, self.units),
            tuple(operand.label(digits, self.extents) for operand in self.operands),
            waste,
            utilisation,
            self.match.padding.values,
            self.exact_only,
            self.mergeable,
            _reassociates(self.subject, self.needle, mapping),
        )

    def _operand(self, pairing: Pairing, machine: Machine) -> _OperandContext:
        outside = next(access for access in self.needle.statement.accesses if access.tensor == pairing.operand)
        operand = next(each for each in self.needle.tensors if each.name == pairing.operand)
        spec = next((each for each in self.instruction.operands if each.name == pairing.operand), None)
        access = None if pairing.access is None else self.subject.statement.accesses[pairing.access]
        tensor = None
        if access is not None:
            tensor = next(each for each in self.subject.tensors if each.name == access.tensor)
        brought = spec is not None and not any(machine.memory(name).kind in _AS_AT_HOME for name in spec.memories)
        return _OperandContext(operand, outside, None if spec is None else spec.contiguous, access, tensor, brought)


def _use(needle: Needle, digits: Digits, sizes: Sizes, extents: abc.Mapping[str, int]) -> tuple[float, float]:
    """Padding waste and utilisation."""
    useful = 1.0
    for name in {name for name, _, _ in digits}:
        useful *= extents[name]
    greatest = executed = float(sizes.calls)
    for lane in needle.iterators:
        greatest *= lane.extent
        executed *= _executed(lane, digits, extents)
    return 1 - useful / executed, useful / greatest


def _executed(lane: NeedleIterator, digits: Digits, extents: abc.Mapping[str, int]) -> float:
    """How far an instruction iterator runs on average; settable ones run no further than they must."""
    if lane.low > 1 or lane.step > 1:
        return lane.extent
    inside = [(name, size) for name, other, size in digits if other == lane.name]
    if len(inside) == 1 and sum(name == inside[0][0] for name, _, _ in digits) == 1:
        name, size = inside[0]
        return extents[name] / -(-extents[name] // size)
    total = 1
    for _, size in inside:
        total *= size
    return total


class _OperandContext:
    """One operand with what it plays: ``access`` and ``tensor`` are None for a constant.

    ``brought``: it lies where only copies bring it, so its rows may come from anywhere.
    """

    def __init__(
        self,
        operand: Tensor,
        outside: Access,
        contiguous: tuple[str, ...] | None,
        access: Access | None,
        tensor: Tensor | None,
        brought: bool,
    ) -> None:
        self.brought = brought
        self.name, self.shape, self.contiguous, self.access = operand.name, operand.shape, contiguous, access
        self.rows = [index.terms for index in outside.map.results]
        self.held = frozenset(name for row in self.rows for name, _ in row)
        self.steps = {} if access is None or tensor is None else flat_steps(access, tensor)
        self._known: dict[Digits, tuple[str, float]] = {}

    def label(self, digits: Digits, extents: abc.Mapping[str, int]) -> OperandLabel:
        reuse = 1.0
        for _, lane, size in digits:
            reuse *= 1 if lane in self.held else size
        for row in self.rows:
            if slides := self._slide(row, [digit for digit in digits if digit[1] in self.held]):
                sizes = {name: size for name, lane, size in digits if lane in dict(row)}
                reuse *= prod(sizes.values()) / (1 + sum(pace * (sizes[name] - 1) for name, pace in slides.items()))
        if self.access is None:
            return OperandLabel(self.name, "constant", 1.0, reuse)
        inside = tuple(digit for digit in digits if digit[1] in self.held)
        kind, duplication = self._known.get(inside) or self._known.setdefault(inside, self._kind(inside, extents))
        return OperandLabel(self.name, kind, duplication, reuse)

    def _kind(self, inside: Digits, extents: abc.Mapping[str, int]) -> tuple[str, float]:
        """How these digits meet the tensor, and operand elements per element of it."""
        names = tuple(sorted({name for name, _, _ in inside if name in self.steps}))
        cells = self._cells(inside, extents)
        distinct = distinct_elements(cast(Access, self.access), {name: extents[name] for name in names})
        if self._is_direct(inside, extents):
            kind = "direct"
        elif any(name not in self.steps for name, _, _ in inside):
            kind = "broadcast"
        else:
            kind = "gather" if cells > distinct else "layout copy"
        return kind, cells / distinct

    def _cells(self, inside: Digits, extents: abc.Mapping[str, int]) -> int:
        """Operand elements over the whole extents of these iterators; a window that slides holds its halo once."""
        cells, seen = 1, set[str]()
        for row in self.rows:
            members = self._slide(row, inside)
            if members and seen.isdisjoint(members):
                cells *= 1 + sum(pace * (extents[name] - 1) for name, pace in members.items())
                seen |= members.keys()
        for name in {name for name, _, _ in inside if name in self.steps} - seen:
            cells *= extents[name]
        return cells

    def _slide(self, row: Terms, inside: Digits) -> dict[str, int] | None:
        """Where an axis of several iterators slides over the tensor: what lies in it, and the pace of each there."""
        members = [(name, dict(row)[lane]) for name, lane, _ in inside if lane in dict(row)]
        paces = dict(members)
        if len(row) < 2 or len(members) < 2 or len(paces) < len(members):
            return None
        (first, pace), *others = members
        own = self.steps.get(first, 0)
        alike = all(self.steps.get(name, 0) * pace == own * other for name, other in others)
        once = all(sum(name == other for other, _, _ in inside) == 1 for name in paces)
        return paces if own > 0 and alike and once else None

    def _is_direct(self, inside: Digits, extents: abc.Mapping[str, int]) -> bool:
        """Whether the tensor as it lies is a strided window that the operand's demands allow."""
        wanted = 1
        for row, size in zip(reversed(self.rows), reversed(self.shape), strict=True):
            lanes = dict(row)
            members = [(self.steps.get(name, 0), extents[name], each) for name, lane, each in inside if lane in lanes]
            if len(members) > 1 and not (self._slide(row, inside) or _is_one_stride(members)):
                return False
            step = min((stride for stride, _, _ in members), key=abs, default=None)
            if self.contiguous is None or any(name in self.contiguous for name in lanes):
                if step is not None and step != wanted:
                    return False
                wanted *= size
            if members and self.brought:
                return True
        return True


def _is_one_stride(members: abc.Sequence[tuple[int, int, int]]) -> bool:
    """Whether fused digits (step, whole extent, digit extent), in some order, walk memory at one stride."""
    ordered = sorted(members, key=lambda member: abs(member[0]))
    return all(outer[0] == inner[0] * inner[1] and inner[1] == inner[2] for inner, outer in pairwise(ordered))


def _reassociates(subject: Subject, needle: Needle, mapping: Mapping) -> bool:
    """Whether a sum of floats is taken in an order that is not the loops' own."""
    view = needle.view
    if view.reduction not in (Reduction.ADD, Reduction.MUL) or not view.term.dtype.is_float:
        return False
    statement = subject.statement
    reductions = [each.name for each in statement.iterators if each.kind is IteratorKind.REDUCTION and each.extent > 1]
    bound = [name for name, _ in mapping.rho if name in reductions]
    if not bound:
        return False
    in_order = bound == reductions[-1:] and effect_of(needle) is Effect.ACCUMULATES
    return bool(mapping.rewrites) or not in_order
