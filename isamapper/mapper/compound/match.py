"""Statements of a kernel that stand to each other as those of an instruction do.

Each piece of the instruction takes one part of the kernel's value graph, in any order that dependences allow; operands
and temporaries take tensors, one each. Tensors are compared while expressions are: without that the ways to arrange
long sums would run into the thousands. What does not belong here: iterators (``unite.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from typing import TypeAlias

from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, Direction, Reduction, Tensor
from isamapper.mapper.algebra.terms import ASSOCIATIVE, SHIFTS, Leaf, Literal, Node, Setting, Term
from isamapper.mapper.compound.normal import normal_view
from isamapper.mapper.compound.value_graph import ValueGraph
from isamapper.mapper.compound.variants import Number, Piece, Variant
from isamapper.mapper.matching.unify import narrowed, retyped, setting_value
from isamapper.mapper.matching.views import View
from isamapper.plan.skeleton import shared_iterators

Kind: TypeAlias = "tuple[Reduction | str | None, ...]"
Pair: TypeAlias = tuple[Access, Access]
"""An access of the instruction and the kernel's that plays it."""


@dataclass(frozen=True, slots=True)
class Link:
    """A piece of the instruction, the part of the kernel that it does, and their accesses, the targets first."""

    piece: Piece
    part: Statement
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Injection:
    """Every piece with its part, in the instruction's order.

    ``tensors`` are the instruction's with the kernel's, ``constants`` what operands hold that play no tensor.
    """

    links: tuple[Link, ...]
    tensors: tuple[tuple[str, str], ...]
    constants: tuple[tuple[str, Number], ...]
    parameters: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _State:
    """What has been paired: tensors with the first accesses that paired them, constants, parameters.

    ``shared`` are the names of the loops that all of the kernel's parts have to share.
    """

    tensors: tuple[tuple[str, Pair], ...] = ()
    constants: tuple[tuple[str, Number], ...] = ()
    parameters: tuple[tuple[str, int], ...] = ()
    pairs: tuple[Pair, ...] = ()
    shared: frozenset[str] | None = None


class Parts:
    """What is known of the parts of a value graph, whichever instruction is looked for in it."""

    def __init__(self, graph: ValueGraph) -> None:
        self.graph = graph
        self.outside = {tensor.name: tensor for tensor in graph.tensors}
        self.views = {part.index: normal_view(part, graph.tensors) for part in graph.parts}
        self.accesses = {part.index: part.accesses for part in graph.parts}
        self.around = {part.index: frozenset(shared_iterators(graph.kernel, part)) for part in graph.parts}
        self.kinds = {part.index: kind_of(self.views[part.index]) for part in graph.parts}


def kind_of(view: View) -> Kind:
    """What is alike in two statements that match: the reduction and the operators, conversions apart."""
    return (view.reduction, *sorted(_operators(view.term)))


def _operators(term: Term) -> abc.Iterator[str]:
    if isinstance(term, Node):
        if term.op != "cast":  # a constant may stand for a converted operand
            yield term.op
        for part in term.parts:
            yield from _operators(part)


def kinds(variant: Variant) -> frozenset[Kind]:
    """The kinds of a variant's pieces: without a part of each of them there is no injection."""
    return frozenset(kind_of(piece.view) for piece in variant.pieces)


def injections(variant: Variant, inside: abc.Mapping[str, Tensor], parts: Parts) -> abc.Iterator[Injection]:
    """Every injection, in a stable order; ``inside`` are the instruction's tensors."""
    search = _Search(variant, inside, parts)
    seen: set[Injection] = set()
    start = _State(constants=variant.constants, parameters=variant.parameters)
    for links, state in search.links(0, (), start):
        tensors = tuple(sorted((name, pair[1].tensor) for name, pair in state.tensors))
        found = Injection(links, tensors, tuple(sorted(state.constants)), tuple(sorted(state.parameters)))
        if found not in seen:
            seen.add(found)
            yield found


class _Search:
    def __init__(self, variant: Variant, inside: abc.Mapping[str, Tensor], parts: Parts) -> None:
        self.pieces, self.inside, self.parts = variant.pieces, inside, parts
        self.written = {piece.target for piece in variant.pieces}
        free = [part for part in parts.graph.parts if not part.conditions and not part.exclusions]
        self.fitting = [
            (piece.accesses, [part for part in free if parts.kinds[part.index] == kind_of(piece.view)])
            for piece in variant.pieces
        ]

    def links(self, place: int, done: tuple[Link, ...], state: _State) -> abc.Iterator[tuple[tuple[Link, ...], _State]]:
        if place == len(self.pieces):
            yield done, state
            return
        wanted, fitting = self.fitting[place]
        for part in fitting:
            if any(link.part.index == part.index for link in done):
                continue
            for link, after in self._link(self.pieces[place], wanted, part, state):
                yield from self.links(place + 1, (*done, link), after)

    def _link(
        self, piece: Piece, wanted: tuple[Access, ...], part: Statement, state: _State
    ) -> abc.Iterator[tuple[Link, _State]]:
        view, found = self.parts.views[part.index], self.parts.accesses[part.index]
        around = self.parts.around[part.index]
        shared = around if state.shared is None else state.shared & around
        started = self._paired(wanted[0], found[0], replace(state, pairs=(), shared=shared))
        if started is None:
            return
        for after in self._unified(piece.view.term, view.term, (wanted, found), started):
            yield Link(piece, part, after.pairs), after

    # tensors

    def _paired(self, wanted: Access, found: Access, state: _State) -> _State | None:
        """The state with one more pair of accesses; None where their tensors play others already."""
        inside, outside = self.inside[wanted.tensor], self.parts.outside[found.tensor]
        if inside.dtype != outside.dtype or inside.block != outside.block:
            return None
        if wanted.tensor in dict(state.constants):
            return None
        if inside.direction is Direction.LOCAL and outside.direction is not Direction.LOCAL:
            return None
        if found.otherwise is not None and wanted.tensor in self.written:
            return None
        pairs = (*state.pairs, (wanted, found))
        known = dict(state.tensors).get(wanted.tensor)
        if known is None:
            taken = (name for name, pair in state.tensors if pair[1].tensor == found.tensor)
            if any(self._collide(wanted.tensor, found, name, state) for name in taken):
                return None
            return replace(state, tensors=(*state.tensors, (wanted.tensor, (wanted, found))), pairs=pairs)
        first_wanted, first_found = known
        if first_found.tensor != found.tensor or first_found.otherwise != found.otherwise:
            return None
        if sorted(_shifts(first_wanted, wanted)) != sorted(_shifts(first_found, found)):
            return None
        return replace(state, pairs=pairs)

    def _collide(self, name: str, found: Access, other: str, state: _State) -> bool:
        """Whether two tensors of the instruction must not be one of the kernel's: one is written, none lies apart."""
        if name not in self.written and other not in self.written:
            return False
        return not _apart(dict(state.tensors)[other][1], found, state.shared or frozenset())

    # expressions

    def _unified(
        self, wanted: Term, found: Term, accesses: tuple[tuple[Access, ...], tuple[Access, ...]], state: _State
    ) -> abc.Iterator[_State]:
        if isinstance(wanted, Leaf):
            yield from self._leaf(wanted, found, accesses, state)
        elif isinstance(wanted, Setting):
            value = setting_value(wanted, found)
            known = dict(state.parameters)
            if value is not None and known.get(wanted.parameter, value.value) == value.value:
                known[wanted.parameter] = int(value.value)
                yield replace(state, parameters=tuple(sorted(known.items())))
        elif isinstance(wanted, Literal):
            if wanted == found:
                yield state
        elif wanted.op == "cast" and isinstance(found, Literal):
            inner = narrowed(wanted, found)
            if inner is not None:
                yield from self._unified(wanted.parts[0], inner, accesses, state)
        elif isinstance(found, Node) and _alike(wanted, found):
            yield from self._operands(wanted, found, accesses, state)

    def _leaf(
        self, wanted: Leaf, found: Term, accesses: tuple[tuple[Access, ...], tuple[Access, ...]], state: _State
    ) -> abc.Iterator[_State]:
        if wanted.dtype != found.dtype or wanted.access < 0:
            return
        own = accesses[0][wanted.access]
        if isinstance(found, Literal) and self.inside[own.tensor].direction is Direction.IN:
            known = dict(state.constants)
            if own.tensor not in dict(state.tensors) and known.setdefault(own.tensor, found.value) == found.value:
                yield replace(state, constants=tuple(sorted(known.items())))
        elif isinstance(found, Leaf) and found.access >= 0:
            after = self._paired(own, accesses[1][found.access], state)
            if after is not None:
                yield after

    def _operands(
        self, wanted: Node, found: Node, accesses: tuple[tuple[Access, ...], tuple[Access, ...]], state: _State
    ) -> abc.Iterator[_State]:
        if wanted.op in ASSOCIATIVE:
            yield from self._arranged(wanted.parts, found.parts, accesses, state)
            return
        parts = found.parts
        if wanted.op in SHIFTS:
            parts = (parts[0], retyped(parts[1], wanted.parts[1]))
        yield from self._in_order(wanted.parts, parts, accesses, state)
        if wanted.op in ("select ==", "select !="):
            yield from self._in_order(wanted.parts, (parts[1], parts[0], *parts[2:]), accesses, state)

    def _arranged(
        self,
        wanted: tuple[Term, ...],
        found: tuple[Term, ...],
        accesses: tuple[tuple[Access, ...], tuple[Access, ...]],
        state: _State,
    ) -> abc.Iterator[_State]:
        """The parts of a commutative operator, in every order."""
        if not wanted:
            yield state
            return
        for place, part in enumerate(found):
            rest = (*found[:place], *found[place + 1 :])
            for after in self._unified(wanted[0], part, accesses, state):
                yield from self._arranged(wanted[1:], rest, accesses, after)

    def _in_order(
        self,
        wanted: tuple[Term, ...],
        found: tuple[Term, ...],
        accesses: tuple[tuple[Access, ...], tuple[Access, ...]],
        state: _State,
    ) -> abc.Iterator[_State]:
        if not wanted:
            yield state
            return
        for after in self._unified(wanted[0], found[0], accesses, state):
            yield from self._in_order(wanted[1:], found[1:], accesses, after)


def _alike(wanted: Node, found: Node) -> bool:
    return (wanted.op, wanted.dtype, len(wanted.parts)) == (found.op, found.dtype, len(found.parts))


def _shifts(one: Access, other: Access) -> list[int]:
    """How far apart two accesses of one tensor are along the axes where both stand still, zeros left out."""
    pairs = zip(one.map.results, other.map.results, strict=True)
    found = (b.constant - a.constant for a, b in pairs if not a.terms and not b.terms)
    return [shift for shift in found if shift]


def _apart(one: Access, other: Access, shared: abc.Set[str]) -> bool:
    """Whether two accesses of one tensor never meet in a call: some index stands still in both, at other places."""
    return any(
        a.terms == b.terms and a.names <= shared and not a.rotations and a.constant != b.constant
        for a, b in zip(one.map.results, other.map.results, strict=True)
    )
