"""Chooses the parts of a statement that no instruction covers whole: maximal munch over the machine's instructions.

At the root the instruction that does most operators as they are written goes first, then the fewest left-over parts,
then file order; other spellings follow. What its operands take is split off and covered the same way. Identities as
operands (``x * 1``) are tried where nothing else fits. If a choice leaves a part that nothing covers, the next one is
tried.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from itertools import count
from typing import assert_never

from isamapper.diagnostics.source import Rejection
from isamapper.ir.nodes import Expression, Load, Reduction
from isamapper.mapper.algebra.terms import Leaf, Literal, Node, Setting, Term, join
from isamapper.mapper.matching.needle import Needle
from isamapper.mapper.matching.partial import Partial, partial_matches
from isamapper.mapper.matching.sigma import Subject, is_plain, target_tensor
from isamapper.mapper.matching.unify import Key
from isamapper.mapper.matching.views import FORMER
from isamapper.mapper.rewrites.edit import spans
from isamapper.mapper.rewrites.rebuild import expression_of
from isamapper.mapper.rewrites.split import Split, part_load


@dataclass(frozen=True, slots=True)
class _Choice:
    """An instruction's expression and what its operands take."""

    needle: Term
    match: Partial


def plan_split(subject: Subject, needles: abc.Sequence[Needle]) -> Split | Rejection:
    """A split of the statement into parts that single instructions compute, or the operator that none computes."""
    view = subject.view
    muncher = _Muncher([needle for needle in needles if is_plain(needle)])
    root = muncher.root(view.reduction, view.term)
    if root is None:
        return _refusal(subject, muncher, view.term, view.reduction)
    return _Naming(subject, muncher).split(root)


def _rank(choice: _Choice) -> tuple[int, ...]:
    return choice.match.spelled, -choice.match.covered, len(choice.match.rest)


class _Muncher:
    """Finds, for every part, the first choice whose own parts can all be covered; remembers the answers."""

    def __init__(self, needles: abc.Sequence[Needle]) -> None:
        self.needles = [(needle, target_tensor(needle.statement, needle.tensors).dtype) for needle in needles]
        self.known: dict[Term, _Choice | None] = {}

    def root(self, reduction: Reduction | None, term: Term) -> _Choice | None:
        """The choice for the whole statement."""
        found = self._first(reduction, term)
        if found is not None or reduction is None:
            return found
        joined = join(reduction, Leaf(FORMER, term.dtype), Leaf(0, term.dtype))
        alone = Partial(((0, term),), 0)
        if self._first(None, joined) is None or not self._covers(alone):
            return None
        return _Choice(Leaf(0, term.dtype), alone)

    def part(self, term: Term) -> _Choice | None:
        """The choice for a part that becomes a temporary."""
        if term not in self.known:
            self.known[term] = None  # a part cannot need itself
            self.known[term] = self._first(None, term)
        return self.known[term]

    def _first(self, reduction: Reduction | None, term: Term) -> _Choice | None:
        alike = [needle for needle, dtype in self.needles if needle.view.reduction is reduction and dtype == term.dtype]
        for neutral in (False, True):
            found = [
                _Choice(needle.view.term, match)
                for needle in alike
                for match in partial_matches(needle.view.term, term, neutral=neutral)
                if reduction is not None or (match.covered and term not in match.rest)
            ]
            for choice in sorted(dict.fromkeys(found), key=_rank):
                if self._covers(choice.match):
                    return choice
        return None

    def _covers(self, match: Partial) -> bool:
        return all(self.part(part) is not None for part in match.rest)


class _Naming:
    """Turns choices into named parts, lowest first, equal ones once."""

    def __init__(self, subject: Subject, muncher: _Muncher) -> None:
        self.subject, self.muncher = subject, muncher
        self.loads: dict[int, Expression] = {
            number: Load(access) for number, access in enumerate(subject.statement.accesses) if number
        }
        self.parts: dict[str, Expression] = {}

    def split(self, root: _Choice) -> Split:
        """The whole step."""
        value = self._value(root)
        return Split(self.subject.statement.index, tuple(self.parts.items()), value)

    def _value(self, choice: _Choice) -> Expression:
        """The instruction's expression on leaves, constants and temporaries."""
        leaves: dict[int, Expression] = {}
        taken = dict(choice.match.taken)
        term = self._instance(choice.needle, taken, leaves)
        return expression_of(term, {**self.loads, **leaves})

    def _instance(self, needle: Term, taken: abc.Mapping[Key, Term], leaves: dict[int, Expression]) -> Term:
        match needle:
            case Leaf(access):
                return self._operand(taken[access], leaves)
            case Setting():
                value = taken[needle.parameter]
                assert isinstance(value, Literal)
                return Literal(needle.factor * value.value + needle.offset, needle.dtype)
            case Literal():
                return needle
            case Node(op, dtype, parts):
                return Node(op, dtype, tuple(self._instance(part, taken, leaves) for part in parts))
            case _:
                assert_never(needle)

    def _operand(self, term: Term, leaves: dict[int, Expression]) -> Term:
        if not isinstance(term, Node):
            return term
        choice = self.muncher.part(term)
        assert choice is not None
        value = self._value(choice)
        name = next((name for name, part in self.parts.items() if part == value), None) or self._fresh()
        self.parts.setdefault(name, value)
        number = 1 + len(self.subject.statement.accesses) + len(leaves)
        leaves[number] = part_load(name)
        return Leaf(number, term.dtype)

    def _fresh(self) -> str:
        """A name that no tensor, iterator or other part has."""
        taken = {tensor.name for tensor in self.subject.tensors} | self.parts.keys()
        taken |= {iterator.name for iterator in self.subject.statement.iterators}
        return next(name for number in count() if (name := f"t{number or ''}") not in taken)


def _refusal(subject: Subject, muncher: _Muncher, term: Term, reduction: Reduction | None) -> Rejection:
    """Names the innermost operator that no instruction does."""
    name = f"statement {subject.statement.index}"
    where = spans(subject.statement.assign)
    missing = _missing(muncher, term)
    if missing is not None:
        return Rejection("MAP020", name, f"no instruction computes {describe(missing)}", where)
    what = f"reduces with '{reduction.value}'" if reduction is not None else "stores"
    return Rejection("MAP021", name, f"no instruction {what} on {term.dtype}", where)


def _missing(muncher: _Muncher, term: Term) -> Node | None:
    """The first innermost part that is not covered."""
    if not isinstance(term, Node):
        return None
    for part in term.parts:
        found = _missing(muncher, part)
        if found is not None:
            return found
    return term if muncher.part(term) is None else None


def describe(node: Node) -> str:
    """An operator with its data types, for people: ``'exp' on f32``."""
    if node.op == "cast":
        return f"the conversion of {node.parts[0].dtype} to {node.dtype}"
    return f"'{node.op}' on {node.parts[0].dtype}"
