"""What an instruction of several statements computes, and what it computes with some operands neutral.

    t[i, j] = acc[i, j] + b[j]        with b = 0:  t is acc
    y[i, j] = clamp(t[i, j], l, h)    with the parameters at the ends of the range:  y is t

What does not belong here: where it is found (``match.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations, islice, product
from typing import TypeAlias

from isamapper.hwdesc.bind import bind_instruction, controls
from isamapper.hwdesc.model import Instruction, ParameterRange
from isamapper.ir import numeric
from isamapper.ir.affine import AccessMap
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, Direction, Kernel, Tensor
from isamapper.mapper.algebra.terms import ASSOCIATIVE, SHIFTS, Leaf, Literal, Node, Setting, Term, identity_of, leaves
from isamapper.mapper.compound.forms import plain, separated
from isamapper.mapper.compound.normal import normal_view
from isamapper.mapper.compound.value_graph import ValueGraph, copied_order, spelled_graph, value_graph
from isamapper.mapper.matching.views import View

Number: TypeAlias = int | float
Fixed: TypeAlias = tuple[tuple[str, Number], ...]
"""Names of operands and parameters, with the value that makes them neutral."""

MOST_TRIED = 384
"""Sets of operands and parameters that are tried as neutral."""
MOST_VARIANTS = 256
"""Neutral variants of one instruction that are looked for, those with the fewest neutral operands first."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement of the instruction: ``view`` is what it computes, its leaves numbered as the ``accesses``."""

    statement: Statement
    view: View
    accesses: tuple[Access, ...] = field(compare=False, repr=False)

    @property
    def target(self) -> str:
        """The tensor it writes."""
        return self.statement.assign.target.tensor


@dataclass(frozen=True, slots=True)
class Variant:
    """The pieces in order.

    ``constants`` are what neutral operands hold, ``parameters`` the values that make neutral.
    """

    pieces: tuple[Piece, ...]
    constants: tuple[tuple[str, Number], ...] = ()
    parameters: tuple[tuple[str, int], ...] = ()


@lru_cache(maxsize=1024)
def variants(
    instruction: Instruction, *, through_results: bool = True, apart: bool = False, respelled: bool = False
) -> tuple[Variant, ...]:
    """The instruction as it is, then with neutral operands, none twice.

    ``apart``: every value that a tensor has one after the other is a tensor of its own. ``respelled``: what limits
    values is in one spelling; none where it is so already, or parameters set limits, which would be lost in it.
    """
    seen = _Seen(through_results, apart, respelled)
    graph, origins = seen.graph(instruction.semantics)
    if respelled:
        before = replace(seen, respelled=False)
        same = graph.parts == before.graph(instruction.semantics)[0].parts
        if same or _sets_limits(instruction, before):
            return ()
    tensors = graph.tensors
    views = [(part, _view(instruction, part, tensors, seen)) for part in graph.parts]
    pieces = tuple(Piece(replace(part, index=origins[part.index]), view, part.accesses) for part, view in views)
    found: dict[Variant, None] = {}
    for chosen in islice(_choices(pieces, tensors), MOST_TRIED):
        variant = _variant(pieces, chosen, tensors)
        if variant is not None:
            found[variant] = None
        if len(found) == MOST_VARIANTS:
            break
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Seen:
    """How an instruction's meaning is looked at."""

    through_results: bool
    apart: bool
    respelled: bool

    def graph(self, semantics: Kernel) -> tuple[ValueGraph, tuple[int, ...]]:
        """The value graph, and of every statement in it the one of the instruction that it comes from."""
        form = separated(semantics) if self.apart else plain(semantics)
        graph = value_graph(form.kernel, through_results=self.through_results)
        return (spelled_graph(graph) if self.respelled else graph), form.origins


def _sets_limits(instruction: Instruction, seen: _Seen) -> bool:
    """Whether a parameter sets more than how much is done, how far is shifted, and what is added or multiplied."""
    graph, _ = seen.graph(instruction.semantics)
    views = (_view(instruction, part, graph.tensors, seen) for part in graph.parts)
    return any(_has_setting(view.term) for view in views)


def _has_setting(term: Term, around: str = "") -> bool:
    match term:
        case Setting():
            return around not in SHIFTS | {"+", "*"}
        case Node(op, _, parts):
            return any(_has_setting(part, op) for part in parts)
        case _:
            return False


def _view(instruction: Instruction, part: Statement, tensors: tuple[Tensor, ...], seen: _Seen) -> View:
    """What a part computes, with the constants that parameters set as such."""
    view = normal_view(part, tensors)
    resizing = {name for name, _ in controls(instruction).values()}
    for parameter in instruction.parameters:
        if parameter.name in resizing or parameter.low == parameter.high:
            continue
        semantics = bind_instruction(instruction, {parameter.name: parameter.low})
        low, _ = seen.graph(semantics)
        same = next((each for each in low.parts if each.index == part.index), None)
        if same is not None:
            view = replace(view, term=settings(view.term, normal_view(same, low.tensors).term, parameter))
    return view


def settings(high: Term, low: Term, parameter: ParameterRange) -> Term:
    """``high`` with settings where ``low``, the term at the parameter's least value, has other constants."""
    match high, low:
        case Literal(), Literal() if high != low:
            factor = (int(high.value) - int(low.value)) // (parameter.high - parameter.low)
            offset = int(low.value) - factor * parameter.low
            limits = parameter.low, parameter.high, parameter.step
            return Setting(parameter.name, factor, offset, high.dtype, *limits)
        case Node(), Node() if len(high.parts) == len(low.parts):
            parts = tuple(settings(one, other, parameter) for one, other in zip(high.parts, low.parts, strict=True))
            return replace(high, parts=parts)
        case _:
            return high


def _choices(pieces: abc.Sequence[Piece], tensors: tuple[Tensor, ...]) -> abc.Iterator[Fixed]:
    """Sets of operands and parameters that may be neutral, each with its value, the smallest sets first.

    Of those that are not zero (factors, bounds) there are two at most: nobody leaves out more.
    """
    inputs = {tensor.name for tensor in tensors if tensor.direction is Direction.IN}
    found: dict[tuple[str, Number], None] = {}
    for piece in pieces:
        for key, value in _keys(piece.view.term):
            name = key if isinstance(key, str) else piece.accesses[key].tensor
            if isinstance(key, str) or name in inputs:
                found[name, value] = None
    zeros, others = ([each for each in found if (each[1] == 0) is zero] for zero in (True, False))
    for size in range(len(found) + 1):
        for few in range(min(size, 2 if size < 3 else 1), -1, -1):
            for chosen in product(combinations(zeros, size - few), combinations(others, few)):
                together = (*chosen[0], *chosen[1])
                if len({name for name, _ in together}) == size:
                    yield together


def _keys(term: Term) -> abc.Iterator[tuple[int | str, Number]]:
    """Leaves and parameters that change nothing with some value, wherever they stand."""
    if isinstance(term, Node):
        for place, part in enumerate(term.parts):
            yield from _neutral(part, term, place)
            yield from _keys(part)


def _reduced(term: Term, fixed: abc.Mapping[int | str, Number]) -> Term | None:
    """``term`` without the leaves and parameters that change nothing; None where an operator has no part left."""
    if not isinstance(term, Node):
        return term
    parts: list[Term] = []
    for place, part in enumerate(term.parts):
        if any(fixed.get(key) == value for key, value in _neutral(part, term, place)):
            continue
        made = _reduced(part, fixed)
        if made is None:
            return None
        parts.append(made)
    if len(parts) == len(term.parts):
        return replace(term, parts=tuple(parts))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else replace(term, parts=tuple(parts))


def _neutral(part: Term, around: Node, place: int) -> tuple[tuple[int | str, Number], ...]:
    """The leaves and parameters in a part and their values each of which makes the part change nothing."""
    if around.op in SHIFTS:
        return _key_for(part, 0) if place == 1 else ()
    if around.op == "/":
        return _key_for(part, 1) if place == 1 and around.dtype.is_float else ()
    if around.op not in ASSOCIATIVE:
        return ()
    wanted = identity_of(around.op, around.dtype)
    if isinstance(part, Node) and part.op == "neg" and around.op == "+":
        return _neutral(part.parts[0], around, place)
    if isinstance(part, Node) and part.op == "*" and around.op == "+":
        return tuple(each for factor in part.parts for each in _neutral(factor, around, place))
    if isinstance(part, Node) and part.op == "cast":
        inner = part.parts[0]
        with numeric.quiet():
            narrow = numeric.cast(inner.dtype)(numeric.constant(wanted, around.dtype))
            back = numeric.cast(part.dtype)(narrow)
            fits = back == numeric.constant(wanted, around.dtype)
        return _key_for(inner, narrow.item()) if fits else ()
    return _key_for(part, wanted)


def _key_for(part: Term, wanted: Number) -> tuple[tuple[int | str, Number], ...]:
    if isinstance(part, Leaf) and part.access > 0:
        return ((part.access, wanted),)
    if isinstance(part, Setting):
        value = part.parameter_for(wanted)
        return () if value is None else ((part.parameter, value),)
    return ()


def _variant(pieces: tuple[Piece, ...], chosen: Fixed, tensors: tuple[Tensor, ...]) -> Variant | None:
    """The pieces with what is chosen neutral; None where something would be neutral here and read there."""
    values, inputs = dict(chosen), {tensor.name for tensor in tensors if tensor.direction is Direction.IN}
    made: list[Piece] = []
    for piece in pieces:
        accesses = piece.accesses
        fixed: dict[int | str, Number] = {}
        fixed.update(values)
        fixed |= {number: values[each.tensor] for number, each in enumerate(accesses) if each.tensor in values}
        term = _reduced(piece.view.term, fixed)
        if term is None or any(accesses[leaf.access].tensor in values for leaf in leaves(term)):
            return None
        if any(name in values for name in _setting_names(term)):
            return None
        made.append(replace(piece, view=replace(piece.view, term=term)))
    before, after = (frozenset(_used(those)) for those in (pieces, made))
    unread = before - after - values.keys()
    if not unread <= inputs:
        return None
    known = {tensor.name: tensor for tensor in tensors}
    values |= dict.fromkeys(unread, 0)
    constants = tuple((name, value) for name, value in sorted(values.items()) if name in known)
    parameters = tuple((name, int(value)) for name, value in sorted(values.items()) if name not in known)
    return Variant(_renamed(made, known), constants, parameters)


def _used(pieces: abc.Iterable[Piece]) -> abc.Iterator[str]:
    """Tensors that the pieces read and parameters that set constants of theirs."""
    for piece in pieces:
        yield from _setting_names(piece.view.term)
        for leaf in leaves(piece.view.term):
            yield piece.accesses[leaf.access].tensor


def _setting_names(term: Term) -> abc.Iterator[str]:
    match term:
        case Setting(parameter):
            yield parameter
        case Node():
            for part in term.parts:
                yield from _setting_names(part)
        case _:
            return


def _renamed(pieces: list[Piece], tensors: abc.Mapping[str, Tensor]) -> tuple[Piece, ...]:
    """The pieces without copies of local tensors that nothing else reads: what made those makes the copy."""
    for piece in tuple(pieces):
        term = piece.view.term
        if piece.view.reduction is not None or not isinstance(term, Leaf) or piece not in pieces:
            continue
        source, target = piece.accesses[term.access], piece.statement.assign.target
        old, new = tensors[source.tensor], tensors[target.tensor]
        readers = [each for each in pieces if _reads(each, old.name)]
        writers = [each for each in pieces if each.target == old.name]
        order = copied_order(source, target, piece.statement, old, new)
        if old.direction is not Direction.LOCAL or readers != [piece] or not writers or order is None:
            continue
        if old.dtype != new.dtype or sum(each.target == new.name for each in pieces) != 1:
            continue
        if new.direction not in (Direction.LOCAL, Direction.OUT):
            continue
        pieces = [
            _writing(each, new.name, order) if each.target == old.name else each for each in pieces if each is not piece
        ]
    return tuple(pieces)


def _reads(piece: Piece, name: str) -> bool:
    return any(piece.accesses[leaf.access].tensor == name for leaf in leaves(piece.view.term))


def _writing(piece: Piece, name: str, order: tuple[int, ...]) -> Piece:
    target = piece.statement.assign.target
    results = tuple(target.map.results[axis] for axis in order)
    moved = replace(target, tensor=name, map=AccessMap(results))
    statement = replace(piece.statement, assign=replace(piece.statement.assign, target=moved))
    return Piece(statement, piece.view, statement.accesses)
