"""Pairs the leaves of an instruction's expression with those of a kernel's: the candidates for sigma.

Two terms match iff they are equal modulo commutativity and associativity of ``+ * min max`` with the same dtype at
every node. A leaf of the needle takes a leaf of the kernel, or a constant of its dtype (the operand is then filled with
that constant). What does not belong here: whether the accesses fit (``relation.py``).
"""

from __future__ import annotations

from collections import abc
from typing import TypeAlias

from isamapper.ir import numeric
from isamapper.ir.types import DType, integer_range
from isamapper.mapper.algebra.terms import ASSOCIATIVE, SHIFTS, Leaf, Literal, Node, Setting, Term

Key: TypeAlias = int | str
Binding: TypeAlias = abc.Mapping[Key, Leaf | Literal]
"""Access numbers of the needle with what each takes, and names of its parameters with their values."""

_SYMMETRIC = frozenset(("select ==", "select !="))


May: TypeAlias = abc.Callable[[int, int], bool]
"""Whether an access of the needle may take an access of the kernel."""


def unify(needle: Term, subject: Term, may: May | None = None) -> abc.Iterator[Binding]:
    """Every way to read ``subject`` as ``needle`` that ``may`` be, in a stable order, none twice."""
    seen: set[frozenset[tuple[Key, Leaf | Literal]]] = set()
    for binding in _unify(needle, subject, {}, may):
        key = frozenset(binding.items())
        if key not in seen:
            seen.add(key)
            yield binding


def _unify(needle: Term, subject: Term, bound: Binding, may: May | None = None) -> abc.Iterator[Binding]:
    if isinstance(needle, Leaf):
        if isinstance(subject, Leaf | Literal) and needle.dtype == subject.dtype and _allowed(needle, subject, may):
            yield {**bound, needle.access: subject}
    elif isinstance(needle, Setting):
        value = setting_value(needle, subject)
        if value is not None and bound.get(needle.parameter, value) == value:
            yield {**bound, needle.parameter: value}
    elif isinstance(needle, Literal):
        if needle == subject:
            yield bound
    elif isinstance(subject, Literal):
        before = number_before(needle, subject)
        if before is not None:
            yield from _unify(needle.parts[0], before, bound, may)
    elif isinstance(subject, Node) and _same_operator(needle, subject):
        for parts in _arrangements(needle, subject, may):
            yield from _each(needle.parts, parts, bound, may)


def _allowed(needle: Term, subject: Term, may: May | None) -> bool:
    """Whether ``may`` lets the leaves stand for each other, seen through operators of one operand."""
    while isinstance(needle, Node) and isinstance(subject, Node) and len(needle.parts) == len(subject.parts) == 1:
        needle, subject = needle.parts[0], subject.parts[0]
    if may is None or not isinstance(needle, Leaf) or not isinstance(subject, Leaf):
        return True
    return may(needle.access, subject.access)


def setting_value(needle: Setting, subject: Term) -> Literal | None:
    """The parameter's value that makes the constant that of the kernel."""
    if not isinstance(subject, Literal) or subject.dtype != needle.dtype:
        return None
    value = needle.parameter_for(subject.value)
    return None if value is None else Literal(value, needle.dtype)


def number_before(needle: Node, subject: Literal) -> Literal | None:
    """The number of which the needle's operator, a cast or a negation, makes ``subject``."""
    match needle.op:
        case "cast":
            return narrowed(needle, subject)
        case "neg" if needle.dtype == subject.dtype:
            fits = subject.dtype.is_float or _holds(subject.dtype, -subject.value)
            return Literal(-subject.value, subject.dtype) if fits else None
        case _:
            return None


def _holds(dtype: DType, value: int | float) -> bool:
    low, high = integer_range(dtype)
    return low <= value <= high


def narrowed(needle: Node, subject: Literal) -> Literal | None:
    """The constant before a cast of the needle that gives the kernel's: ``i32(b)`` is 1 where ``b`` is 1."""
    before = needle.parts[0].dtype
    if needle.dtype != subject.dtype:
        return None
    with numeric.quiet():
        wide = numeric.constant(subject.value, subject.dtype)
        narrow = numeric.cast(before)(wide)
        return Literal(narrow.item(), before) if numeric.cast(needle.dtype)(narrow) == wide else None


def _same_operator(needle: Node, subject: Node) -> bool:
    return needle.op == subject.op and needle.dtype == subject.dtype and len(needle.parts) == len(subject.parts)


def _arrangements(needle: Node, subject: Node, may: May | None) -> abc.Iterator[tuple[Term, ...]]:
    """The orders in which the parts of ``subject`` may stand against those of ``needle``."""
    if needle.op in ASSOCIATIVE:
        yield from _bijections(needle.parts, subject.parts, may)
        return
    parts = subject.parts
    if needle.op in SHIFTS:
        parts = (parts[0], retyped(parts[1], needle.parts[1]))
    yield parts
    if needle.op in _SYMMETRIC:
        yield (parts[1], parts[0], *parts[2:])


def _bijections(needle: tuple[Term, ...], subject: tuple[Term, ...], may: May | None) -> abc.Iterator[tuple[Term, ...]]:
    """Permutations of ``subject`` whose roots suit those of ``needle``, position by position."""
    if not needle:
        yield ()
        return
    for position, part in enumerate(subject):
        if _roots_suit(needle[0], part) and _allowed(needle[0], part, may):
            rest = subject[:position] + subject[position + 1 :]
            for others in _bijections(needle[1:], rest, may):
                yield (part, *others)


def _roots_suit(needle: Term, subject: Term) -> bool:
    match needle:
        case Leaf():
            return isinstance(subject, Leaf | Literal) and subject.dtype == needle.dtype
        case Setting():
            return setting_value(needle, subject) is not None
        case Literal():
            return needle == subject
        case Node():
            if isinstance(subject, Literal):
                return number_before(needle, subject) is not None
            return isinstance(subject, Node) and _same_operator(needle, subject)


def _each(
    needles: tuple[Term, ...], subjects: tuple[Term, ...], bound: Binding, may: May | None
) -> abc.Iterator[Binding]:
    if not needles:
        yield bound
        return
    for extended in _unify(needles[0], subjects[0], bound, may):
        yield from _each(needles[1:], subjects[1:], extended, may)


def retyped(part: Term, like: Term) -> Term:
    """A literal shift count in the dtype the needle keeps its counts in, where that can hold it."""
    if not isinstance(part, Literal) or isinstance(like, Node) or not like.dtype.is_integer:
        return part
    low, high = integer_range(like.dtype)
    return Literal(part.value, like.dtype) if low <= part.value <= high else part
