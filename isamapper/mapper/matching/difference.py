"""The least difference between an instruction's expression and a kernel's: what stands in the way of a match.

Both are normal forms (``terms.py``). The parts of associative operators are laid on each other so that the fewest
differences remain; they come left to right.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from enum import Enum
from itertools import permutations

from isamapper.mapper.algebra.terms import ASSOCIATIVE, Leaf, Node, Term
from isamapper.mapper.matching.unify import unify


class Kind(Enum):
    """What differs."""

    OPERATOR = "operator"  # both have one, not the same
    MISSING = "missing"  # the instruction has an operator that the kernel has not
    EXTRA = "extra"  # the kernel has an operator where the instruction has an operand
    DTYPE = "dtype"  # operands of different data types
    WIDTH = "width"  # the instruction widens an operand that is wide already in the kernel
    CONSTANT = "constant"  # a constant that is not the kernel's


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the part of the instruction's expression and that of the kernel's."""

    kind: Kind
    needle: Term
    subject: Term


def differences(needle: Term, subject: Term) -> tuple[Difference, ...]:
    """The fewest differences; none where the terms match."""
    if next(unify(needle, subject), None) is not None:
        return ()
    match needle, subject:
        case Leaf(), Node():
            return (Difference(Kind.EXTRA, needle, subject),)
        case Leaf(), _:
            return (Difference(Kind.DTYPE, needle, subject),)
        case Node("cast"), Leaf() if subject.dtype == needle.dtype and isinstance(needle.parts[0], Leaf):
            return (Difference(Kind.WIDTH, needle, subject),)
        case Node(), Node():
            return _of_nodes(needle, subject)
        case Node(), _:
            return (Difference(Kind.MISSING, needle, subject),)
        case _:
            return (Difference(Kind.CONSTANT, needle, subject),)


def _of_nodes(needle: Node, subject: Node) -> tuple[Difference, ...]:
    if needle.op == "cast" != subject.op:
        inner = differences(needle.parts[0], subject)
        own = Difference(Kind.MISSING, needle, subject)
        return (own, *inner) if inner and inner[0].kind is not Kind.EXTRA else (own,)
    if needle.op != subject.op:
        return (Difference(Kind.OPERATOR, needle, subject),)
    if needle.op == "cast" and needle.dtype != subject.dtype:
        return (Difference(Kind.DTYPE, needle, subject),)
    if needle.op not in ASSOCIATIVE:
        return _of_parts(needle.parts, subject.parts)
    return _of_chains(needle, subject)


def _of_parts(needles: abc.Sequence[Term], subjects: abc.Sequence[Term]) -> tuple[Difference, ...]:
    return tuple(each for one, other in zip(needles, subjects, strict=True) for each in differences(one, other))


def _of_chains(needle: Node, subject: Node) -> tuple[Difference, ...]:
    """The best way to lay the shorter chain on the longer; each part too many is one more difference."""
    shorter, longer = sorted((needle.parts, subject.parts), key=len)
    surplus = len(longer) - len(shorter)
    best: tuple[Difference, ...] | None = None
    for chosen in permutations(longer, len(shorter)):
        pairs = (needle.parts, chosen) if longer is subject.parts else (chosen, subject.parts)
        found = _of_parts(*pairs)
        if best is None or len(found) < len(best):
            best = found
    assert best is not None
    if not surplus:
        return best
    kind = Kind.EXTRA if longer is subject.parts else Kind.MISSING
    return (*([Difference(kind, needle, subject)] * surplus), *best)
