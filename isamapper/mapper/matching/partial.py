"""Matches an instruction's expression at the root of a kernel's, leaving larger parts for other instructions.

As ``unify.py``, but an operand may take any part of the kernel's expression that has its dtype: that part becomes a
temporary. Of an associative chain longer than the instruction's, one operand takes the beginning. Operators are read in
their other spellings, too (``algebra/spellings.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from itertools import permutations
from typing import assert_never

from isamapper.mapper.algebra.spellings import spellings
from isamapper.mapper.algebra.terms import ASSOCIATIVE, Leaf, Literal, Node, Setting, Term, identity_of
from isamapper.mapper.matching.unify import Key, unify
from isamapper.mapper.matching.views import FORMER


@dataclass(frozen=True, slots=True)
class Partial:
    """What each operand access (or parameter) takes, and how many operators the instruction itself does.

    ``spelled`` counts operators that are read in another spelling.
    """

    taken: tuple[tuple[Key, Term], ...]
    covered: int
    spelled: int = 0

    @property
    def rest(self) -> tuple[Term, ...]:
        """The parts that others must compute."""
        return tuple(term for _, term in self.taken if isinstance(term, Node))


def partial_matches(needle: Term, subject: Term, *, neutral: bool) -> abc.Iterator[Partial]:
    """Every reading of ``subject`` with ``needle`` at its root; ``neutral`` adds those with identities as operands."""
    match needle:
        case Leaf(access):
            if needle.dtype == subject.dtype and (access != FORMER or subject == Leaf(FORMER, subject.dtype)):
                yield Partial(((access, subject),), 0)
        case Literal() | Setting():
            for binding in unify(needle, subject):
                yield Partial(tuple(binding.items()), 0)
        case Node():
            yield from _node_matches(needle, subject, neutral)
            for other in spellings(subject) if isinstance(subject, Node) else ():
                if (other.op, other.dtype) == (needle.op, needle.dtype):
                    for match in _node_matches(needle, other, neutral):
                        yield replace(match, spelled=match.spelled + 1)
        case _:
            assert_never(needle)


def _node_matches(needle: Node, subject: Term, neutral: bool) -> abc.Iterator[Partial]:
    if isinstance(subject, Literal):
        for binding in unify(needle, subject):
            yield Partial(tuple(binding.items()), 0)
        return
    if isinstance(subject, Node) and (subject.op, subject.dtype) == (needle.op, needle.dtype):
        arrangements = _chains(needle, subject) if needle.op in ASSOCIATIVE else iter((subject.parts,))
        for parts in arrangements:
            if len(parts) == len(needle.parts):
                done = len(parts) - 1 if needle.op in ASSOCIATIVE else 1
                yield from _parts_matches(needle.parts, parts, neutral, Partial((), done))
    elif neutral and needle.op in ASSOCIATIVE and needle.dtype == subject.dtype:
        identity = Literal(identity_of(needle.op, needle.dtype), needle.dtype)
        filled = (subject, *([identity] * (len(needle.parts) - 1)))
        for order in dict.fromkeys(permutations(filled)):
            yield from _parts_matches(needle.parts, order, neutral, Partial((), 0))


def _parts_matches(
    needles: tuple[Term, ...], subjects: tuple[Term, ...], neutral: bool, before: Partial
) -> abc.Iterator[Partial]:
    if not needles:
        yield before
        return
    for one in partial_matches(needles[0], subjects[0], neutral=neutral):
        if _agree(before, one):
            spelled = before.spelled + one.spelled
            joined = Partial(before.taken + one.taken, before.covered + one.covered, spelled)
            yield from _parts_matches(needles[1:], subjects[1:], neutral, joined)


def _agree(one: Partial, other: Partial) -> bool:
    """Whether parameters that both set have one value."""
    values = dict(one.taken)
    return all(values.get(key, term) == term for key, term in other.taken if isinstance(key, str))


def _chains(needle: Node, subject: Node) -> abc.Iterator[tuple[Term, ...]]:
    """The parts of ``subject`` laid on those of ``needle``; operands beyond the structured ones may take a chain."""
    structured = [place for place, part in enumerate(needle.parts) if not isinstance(part, Leaf)]
    free = [place for place, part in enumerate(needle.parts) if isinstance(part, Leaf)]
    for chosen in permutations(range(len(subject.parts)), len(structured)):
        rest = [part for place, part in enumerate(subject.parts) if place not in chosen]
        if len(rest) < len(free) or (rest and not free):
            continue
        parts: dict[int, Term] = {
            place: subject.parts[number] for place, number in zip(structured, chosen, strict=True)
        }
        extra = len(rest) - len(free) + 1
        grouped = [_grouped(subject, rest[:extra]), *rest[extra:]] if free else []
        orders = permutations(grouped) if len(grouped) <= 3 else iter((tuple(grouped),))
        for order in orders:
            parts.update(zip(free, order, strict=True))
            yield tuple(parts[place] for place in range(len(needle.parts)))


def _grouped(node: Node, parts: abc.Sequence[Term]) -> Term:
    return parts[0] if len(parts) == 1 else Node(node.op, node.dtype, tuple(parts))
