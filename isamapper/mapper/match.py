"""One statement against one needle: every sigma with its roles, and every rho for it.

What does not belong here: machines and whole kernels (``find.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import IteratorKind, Kernel, Tensor
from isamapper.mapper.needle import Needle
from isamapper.mapper.relation import Relation, Role, allowed_pairs, relations
from isamapper.mapper.terms import Leaf, Literal, term_of
from isamapper.mapper.unify import Binding, unify
from isamapper.plan.mapping import Mapping, MappingClass, Pairing


@dataclass(frozen=True, slots=True)
class Subject:
    """A statement of a kernel with the tensors it sees."""

    kernel: Kernel
    statement: Statement
    tensors: tuple[Tensor, ...]


def enumerate_mappings(subject: Subject, needle: Needle) -> abc.Iterator[Mapping]:
    """Every mapping of the statement onto the instruction, lazily, in a stable order."""
    for binding in bindings(subject, needle):
        sigma = sigma_of(needle, binding)
        for relation, kind in relations_of(subject, needle, binding):
            yield Mapping(subject.kernel, subject.statement.index, needle.instruction, sigma, relation, kind)


def bindings(subject: Subject, needle: Needle) -> abc.Iterator[Binding]:
    """Every pairing of operands with accesses under which the two expressions are equal."""
    wanted, found = needle.statement.assign, subject.statement.assign
    needle_tensors = {tensor.name: tensor for tensor in needle.tensors}
    subject_tensors = {tensor.name: tensor for tensor in subject.tensors}
    if wanted.reduction != found.reduction:
        return
    if needle_tensors[wanted.target.tensor].dtype != subject_tensors[found.target.tensor].dtype:
        return
    target = Leaf(0, subject_tensors[found.target.tensor].dtype)
    for binding in unify(term_of(wanted.value, needle_tensors), term_of(found.value, subject_tensors)):
        yield {0: target, **binding}


def relations_of(
    subject: Subject, needle: Needle, binding: Binding
) -> abc.Iterator[tuple[Relation, MappingClass]]:
    """Every saturated relation of the classes exact and broadcast."""
    iterators = [
        iterator.name
        for iterator in subject.statement.iterators
        if iterator.kind is not IteratorKind.SEQUENTIAL and iterator.extent > 1
    ]
    lanes = [iterator.name for iterator in needle.iterators if iterator.extent > 1]
    yield from relations(allowed_pairs(roles_of(subject, needle, binding), iterators, lanes))


def roles_of(subject: Subject, needle: Needle, binding: Binding) -> tuple[Role, ...]:
    """The accesses that stand for each other, the target first; operands that take a constant have no role."""
    wanted, found = needle.statement.accesses, subject.statement.accesses
    return tuple(
        Role(wanted[number], found[value.access], number == 0)
        for number, value in sorted(binding.items())
        if isinstance(value, Leaf)
    )


def sigma_of(needle: Needle, binding: Binding) -> tuple[Pairing, ...]:
    """Sigma in the instruction's operand order."""
    accesses = needle.statement.accesses
    found: dict[str, Pairing] = {}
    for number, value in sorted(binding.items()):
        operand = accesses[number].tensor
        if operand not in found:
            found[operand] = (
                Pairing(operand, None, value.value) if isinstance(value, Literal) else Pairing(operand, value.access)
            )
    return tuple(found[tensor.name] for tensor in needle.tensors if tensor.name in found)
