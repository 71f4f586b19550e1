"""Every sigma of a statement and a needle: which operand plays which access.

What does not belong here: the relation between iterators (``relation.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, IteratorKind, Kernel, Tensor
from isamapper.mapper.algebra.terms import Leaf, Literal, identity_of
from isamapper.mapper.matching.delta import Role
from isamapper.mapper.matching.needle import Effect, Needle, effect_of
from isamapper.mapper.matching.padding import Number, Padding, padding_of
from isamapper.mapper.matching.unify import Binding, unify
from isamapper.mapper.matching.views import FORMER, View, explicit_view, single_view
from isamapper.plan.mapping import Pairing


@dataclass(frozen=True, slots=True)
class Subject:
    """A statement of a kernel with the tensors it sees and its ``view``; ``fresh``: its target holds nothing before."""

    kernel: Kernel
    statement: Statement
    tensors: tuple[Tensor, ...]
    view: View
    fresh: bool


@dataclass(frozen=True, slots=True)
class Match:
    """One sigma with what follows from it: roles (the target first), padding, iterators that must stay outside."""

    sigma: tuple[Pairing, ...]
    roles: tuple[Role, ...]
    padding: Padding
    outside: frozenset[str]
    constants: tuple[tuple[int, Number], ...] = ()
    parameters: tuple[tuple[str, int], ...] = ()


def matches(subject: Subject, needle: Needle) -> abc.Iterator[Match]:
    """Every sigma, in a stable order, none twice."""
    if not _comparable(subject, needle):
        return
    seen: set[tuple[object, ...]] = set()
    for wanted, found in _view_pairs(subject, needle):
        for binding in unify(wanted.term, found.term):
            match = _match(subject, needle, wanted, found, binding)
            if match is not None and (match.sigma, match.parameters) not in seen:
                seen.add((match.sigma, match.parameters))
                yield match


def _comparable(subject: Subject, needle: Needle) -> bool:
    """Cheap necessary conditions: the targets' data types, and an instruction that is a plain box of points."""
    target, operand = target_tensor(subject.statement, subject.tensors), target_tensor(needle.statement, needle.tensors)
    return is_plain(needle) and target.dtype == operand.dtype and target.block == operand.block


def is_plain(needle: Needle) -> bool:
    """Whether the instruction's points may be taken in any order and all are executed: no guard, no recurrence."""
    statement = needle.statement
    ordered = any(each.extent > 1 and each.kind is IteratorKind.SEQUENTIAL for each in statement.iterators)
    return not ordered and not statement.conditions and not statement.exclusions


def target_tensor(statement: Statement, tensors: abc.Sequence[Tensor]) -> Tensor:
    """The tensor a statement writes."""
    return next(tensor for tensor in tensors if tensor.name == statement.assign.target.tensor)


def _view_pairs(subject: Subject, needle: Needle) -> abc.Iterator[tuple[View, View]]:
    """(needle view, subject view) pairs that may match, the natural ones first."""
    found, wanted = subject.view, needle.view
    if found.reduction == wanted.reduction:
        yield wanted, found
    single = single_view(found, subject.statement, fresh=subject.fresh)
    kept = explicit_view(wanted, needle.statement) if effect_of(needle) is Effect.ACCUMULATES else None
    for assigned in (found if found.reduction is None else None, single):
        if assigned is not None:
            if assigned is not found or wanted.reduction is not None:
                yield wanted, assigned
            if kept is not None:
                yield kept, assigned
    explicit = explicit_view(found, subject.statement)
    if explicit is not None and wanted.reduction is None:
        yield wanted, explicit


def _match(subject: Subject, needle: Needle, wanted: View, found: View, binding: Binding) -> Match | None:
    roles = _roles(subject, needle, binding)
    sigma = _sigma(subject, needle, wanted, found, binding)
    if not _consistent(subject, needle, binding):
        return None
    constants = tuple((number, value.value) for number, value in _accesses(binding) if isinstance(value, Literal))
    return Match(sigma, roles, padding_of(needle, constants), found.outside, constants, _parameters(binding))


def _accesses(binding: Binding) -> list[tuple[int, Leaf | Literal]]:
    """The bound accesses in order, without the parameters."""
    return sorted(((key, value) for key, value in binding.items() if isinstance(key, int)), key=lambda item: item[0])


def _parameters(binding: Binding) -> tuple[tuple[str, int], ...]:
    """The values of the parameters that set constants, by name."""
    return tuple(
        sorted(
            (key, int(value.value))
            for key, value in binding.items()
            if isinstance(key, str) and isinstance(value, Literal)
        )
    )


def _roles(subject: Subject, needle: Needle, binding: Binding) -> tuple[Role, ...]:
    wanted, found = needle.statement.accesses, subject.statement.accesses
    roles = [Role(wanted[0], found[0], True)]
    roles += [
        Role(wanted[max(number, 0)], found[max(value.access, 0)], False)
        for number, value in _accesses(binding)
        if isinstance(value, Leaf)
    ]
    return tuple(roles)


def _sigma(subject: Subject, needle: Needle, wanted: View, found: View, binding: Binding) -> tuple[Pairing, ...]:
    """Sigma in the instruction's operand order."""
    accesses = needle.statement.accesses
    pairings = {accesses[0].tensor: _target_pairing(subject, needle, wanted, found, binding)}
    for number, value in _accesses(binding):
        operand = accesses[max(number, 0)].tensor
        if operand not in pairings:
            pairings[operand] = (
                Pairing(operand, None, value.value)
                if isinstance(value, Literal)
                else Pairing(operand, max(value.access, 0))
            )
    return tuple(pairings[tensor.name] for tensor in needle.tensors if tensor.name in pairings)


def _target_pairing(subject: Subject, needle: Needle, wanted: View, found: View, binding: Binding) -> Pairing:
    """What the written operand must hold before: the target itself, another access, or a constant."""
    accesses, subjects = needle.statement.accesses, subject.statement.accesses
    operand = accesses[0].tensor
    for number, value in _accesses(binding):
        if accesses[max(number, 0)].tensor != operand:
            continue
        if isinstance(value, Literal):
            return Pairing(operand, 0, neutral=value.value)
        read = subjects[max(value.access, 0)]
        if value.access != FORMER and (read.tensor, read.map) != (subjects[0].tensor, subjects[0].map):
            return Pairing(operand, 0, initial=value.access)
        return Pairing(operand, 0)
    if wanted.reduction is not None and found.reduction is None and effect_of(needle) is Effect.ACCUMULATES:
        return Pairing(operand, 0, neutral=identity_of(wanted.reduction.value, found.term.dtype))
    return Pairing(operand, 0)


def _consistent(subject: Subject, needle: Needle, binding: Binding) -> bool:
    """Whether all reads of one operand take the same thing where the instruction reads one element twice."""
    accesses, subjects = needle.statement.accesses, subject.statement.accesses
    readings: dict[str, list[tuple[Access, Leaf | Literal]]] = {}
    for number, value in _accesses(binding):
        access = accesses[max(number, 0)]
        readings.setdefault(access.tensor, []).append((access, value))
    return all(
        _alike(first, second, subjects)
        for group in readings.values()
        for position, first in enumerate(group)
        for second in group[position + 1 :]
    )


def _alike(
    first: tuple[Access, Leaf | Literal], second: tuple[Access, Leaf | Literal], subjects: tuple[Access, ...]
) -> bool:
    (one, left), (other, right) = first, second
    if isinstance(left, Literal) or isinstance(right, Literal):
        return left == right
    mine, theirs = subjects[max(left.access, 0)], subjects[max(right.access, 0)]
    if mine.tensor != theirs.tensor or mine.otherwise != theirs.otherwise:
        return False
    return one.map != other.map or mine.map == theirs.map
