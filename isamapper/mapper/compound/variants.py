"""What an instruction of several statements computes, and what it computes with some operands neutral.

    t[i, j] = acc[i, j] + b[j]        with b = 0:  t is acc
    y[i, j] = clamp(t[i, j], l, h)    with the parameters at the ends of the range:  y is t

What does not belong here: where it is found (``match.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TypeAlias

from isamapper.hwdesc.bind import bind_instruction, controls
from isamapper.hwdesc.model import Instruction, ParameterRange
from isamapper.ir import numeric
from isamapper.ir.affine import AccessMap
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.mapper.compound.forms import plain, separated
from isamapper.mapper.compound.normal import normal_view
from isamapper.mapper.compound.value_graph import ValueGraph, copied_order, value_graph
from isamapper.mapper.terms import ASSOCIATIVE, SHIFTS, Leaf, Literal, Node, Setting, Term, identity_of, leaves
from isamapper.mapper.views import View

Number: TypeAlias = int | float
Fixed: TypeAlias = tuple[tuple[int | str, Number], ...]
"""Access numbers and names of parameters, with the value that makes them neutral."""

MOST_VARIANTS = 48
"""Neutral variants of one instruction that are looked for, those with the fewest neutral operands first."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement of the instruction: ``view`` is what it computes, its leaves numbered as the accesses."""

    statement: Statement
    view: View

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
def variants(instruction: Instruction, *, through_results: bool = True, apart: bool = False) -> tuple[Variant, ...]:
    """The instruction as it is, then with neutral operands, none twice.

    ``apart``: every value that a tensor has one after the other is a tensor of its own.
    """
    seen = _Seen(through_results, apart)
    graph, origins = seen.graph(instruction.semantics)
    tensors = graph.tensors
    views = [(part, _view(instruction, part, tensors, seen)) for part in graph.parts]
    pieces = tuple(Piece(replace(part, index=origins[part.index]), view) for part, view in views)
    choices = [_reductions(piece.view.term) for piece in pieces]
    found: dict[Variant, None] = {}
    for chosen in sorted(_combinations(choices), key=lambda each: sum(len(fixed) for _, fixed in each)):
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

    def graph(self, semantics: Kernel) -> tuple[ValueGraph, tuple[int, ...]]:
        """The value graph, and of every statement in it the one of the instruction that it comes from."""
        form = separated(semantics) if self.apart else plain(semantics)
        return value_graph(form.kernel, through_results=self.through_results), form.origins


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


def _combinations(
    choices: abc.Sequence[abc.Sequence[tuple[Term, Fixed]]],
) -> abc.Iterator[tuple[tuple[Term, Fixed], ...]]:
    total = 1
    for each in choices:
        total *= len(each)
    if total <= 4096:
        yield from product(*choices)
        return
    plain = tuple(each[0] for each in choices)
    yield plain
    for place, each in enumerate(choices):
        for choice in each[1:]:
            yield (*plain[:place], choice, *plain[place + 1 :])


def _reductions(term: Term) -> list[tuple[Term, Fixed]]:
    """The term, then what it is with some leaves neutral."""
    if not isinstance(term, Node):
        return [(term, ())]
    if len(leaves(term)) > 12:
        return [(term, ())]
    parts = [_reductions(part) for part in term.parts]
    found: dict[tuple[Term, Fixed], None] = {}
    for chosen in product(*parts):
        fixed = tuple(each for _, those in chosen for each in those)
        made = tuple(part for part, _ in chosen)
        found[replace(term, parts=made), fixed] = None
        for rest, added in _without_neutral(term, made):
            found[rest, (*fixed, *added)] = None
    return sorted(found, key=lambda item: len(item[1]))


def _without_neutral(term: Node, parts: tuple[Term, ...]) -> abc.Iterator[tuple[Term, Fixed]]:
    """What is left of an operator without the parts that can be neutral, one or several of them."""
    if term.op in ASSOCIATIVE:
        options = [_neutral(part, term) for part in parts]
        for mask in range(1, 1 << len(parts)):
            dropped = [number for number in range(len(parts)) if mask >> number & 1]
            if len(dropped) == len(parts) or any(options[number] is None for number in dropped):
                continue
            left = tuple(part for number, part in enumerate(parts) if not mask >> number & 1)
            fixed = tuple(each for number in dropped if (each := options[number]) is not None)
            yield (left[0] if len(left) == 1 else replace(term, parts=left)), fixed
    elif term.op in SHIFTS or term.op == "/":
        count = _key_for(parts[1], 1 if term.op == "/" else 0)
        if count is not None and (term.op != "/" or term.dtype.is_float):
            yield parts[0], (count,)


def _neutral(part: Term, around: Node) -> tuple[int | str, Number] | None:
    """The leaf or parameter in ``part`` and its value that makes the part change nothing."""
    wanted = identity_of(around.op, around.dtype)
    if isinstance(part, Node) and part.op == "neg" and around.op == "+":
        return _key_for(part.parts[0], 0)
    if isinstance(part, Node) and part.op == "cast":
        inner = part.parts[0]
        with numeric.quiet():
            narrow = numeric.cast(inner.dtype)(numeric.constant(wanted, around.dtype))
            back = numeric.cast(part.dtype)(narrow)
            fits = back == numeric.constant(wanted, around.dtype)
        return _key_for(inner, narrow.item()) if fits else None
    return _key_for(part, wanted)


def _key_for(part: Term, wanted: Number) -> tuple[int | str, Number] | None:
    if isinstance(part, Leaf) and part.access > 0:
        return part.access, wanted
    if isinstance(part, Setting):
        value = part.parameter_for(wanted)
        return None if value is None else (part.parameter, value)
    return None


def _variant(
    pieces: tuple[Piece, ...], chosen: abc.Sequence[tuple[Term, Fixed]], tensors: tuple[Tensor, ...]
) -> Variant | None:
    """The pieces with the chosen terms; None where an operand would be neutral here and read there."""
    inputs = {tensor.name for tensor in tensors if tensor.direction is Direction.IN}
    constants: dict[str, Number] = {}
    parameters: dict[str, int] = {}
    made: list[Piece] = []
    for piece, (term, fixed) in zip(pieces, chosen, strict=True):
        for key, value in fixed:
            if isinstance(key, str):
                if parameters.setdefault(key, int(value)) != value:
                    return None
                continue
            operand = piece.statement.accesses[key].tensor
            if operand not in inputs or constants.setdefault(operand, value) != value:
                return None
        made.append(Piece(piece.statement, replace(piece.view, term=term)))
    for piece in made:
        if any(piece.statement.accesses[leaf.access].tensor in constants for leaf in leaves(piece.view.term)):
            return None
        if any(name in parameters for name in _setting_names(piece.view.term)):
            return None
    settled = _renamed(made, {tensor.name: tensor for tensor in tensors})
    return Variant(settled, tuple(sorted(constants.items())), tuple(sorted(parameters.items())))


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
        source, target = piece.statement.accesses[term.access], piece.statement.assign.target
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
    return any(piece.statement.accesses[leaf.access].tensor == name for leaf in leaves(piece.view.term))


def _writing(piece: Piece, name: str, order: tuple[int, ...]) -> Piece:
    target = piece.statement.assign.target
    results = tuple(target.map.results[axis] for axis in order)
    moved = replace(target, tensor=name, map=AccessMap(results))
    return Piece(replace(piece.statement, assign=replace(piece.statement.assign, target=moved)), piece.view)
