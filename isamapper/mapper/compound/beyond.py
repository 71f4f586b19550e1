"""What an instruction of several statements does beyond the kernel's iterations, and what makes that harmless.

Along a lane that runs further than the kernel does, every operand that holds the lane may be given one value there. The
pieces are gone through in order with what is then known: a cell of a temporary has a known value, an accumulation over
the lane must add nothing, and what is written beyond the edge is not kept.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from isamapper.ir import numeric
from isamapper.ir.nodes import Reduction
from isamapper.ir.types import DType
from isamapper.mapper.algebra.terms import Leaf, Node, Term
from isamapper.mapper.compound.variants import Piece
from isamapper.mapper.matching.padding import candidates, evaluate
from isamapper.plan.facade import Facade

Number: TypeAlias = int | float


@dataclass(frozen=True, slots=True)
class Beyond:
    """``loose`` lanes may run on whatever stands there; others where an operand holds a value.

    ``pads`` are (lane, operand, value): each of a lane's is enough alone, and an operand has one value for all lanes.
    """

    loose: frozenset[str]
    pads: tuple[tuple[str, str, Number], ...]

    @property
    def lanes(self) -> frozenset[str]:
        """Lanes that may run further than the kernel."""
        return self.loose | {lane for lane, _, _ in self.pads}


@lru_cache(maxsize=4096)
def beyond(pieces: tuple[Piece, ...], front: Facade, constants: tuple[tuple[str, Number], ...]) -> Beyond:
    """The lanes that may run beyond, with one value for each operand; ``constants`` are what operands hold anyhow."""
    lanes = sorted({front.lane(p.statement.index, each.name) for p in pieces for each in p.statement.iterators})
    loose: set[str] = set()
    pads: dict[str, Number] = {}
    rests: list[tuple[str, str, Number]] = []
    for lane in lanes:
        if _is_harmless(pieces, front, lane, dict(constants)):
            loose.add(lane)
    for lane in (each for each in lanes if each not in loose):
        for operand, options in _holders(pieces, front, lane).items():
            for value in (pads[operand],) if operand in pads else options:
                if _is_harmless(pieces, front, lane, {**dict(constants), operand: value}):
                    pads[operand] = value
                    rests.append((lane, operand, value))
                    break
    return Beyond(frozenset(loose), tuple(rests))


def _holders(pieces: tuple[Piece, ...], front: Facade, lane: str) -> dict[str, tuple[Number, ...]]:
    """Operands that nothing writes and the lane indexes, with the values worth trying."""
    written = {piece.target for piece in pieces}
    found: dict[str, tuple[Number, ...]] = {}
    for piece in pieces:
        dtypes = _dtypes(piece.view.term)
        for number, access in enumerate(piece.accesses):
            if number in dtypes and access.tensor not in written and lane in _lanes(piece, front, number):
                known = found.get(access.tensor, ())
                found[access.tensor] = tuple(dict.fromkeys((*known, *candidates(piece.view.term, dtypes[number]))))
    return found


def _dtypes(term: Term) -> dict[int, DType]:
    match term:
        case Leaf(access, dtype):
            return {access: dtype}
        case Node():
            return {number: dtype for part in term.parts for number, dtype in _dtypes(part).items()}
        case _:
            return {}


def _lanes(piece: Piece, front: Facade, number: int) -> frozenset[str]:
    access, index = piece.accesses[max(number, 0)], piece.statement.index
    return frozenset(front.lane(index, name) for result in access.map.results for name, _ in result.terms)


def _is_harmless(pieces: tuple[Piece, ...], front: Facade, lane: str, values: abc.Mapping[str, Number]) -> bool:
    """Whether nothing that is kept depends on what lies beyond the edge of ``lane``."""
    known = dict(values)
    local: dict[str, Number | None] = {}
    for piece in pieces:
        index = piece.statement.index
        if lane not in {front.lane(index, each.name) for each in piece.statement.iterators}:
            continue
        leaves = {
            number: value
            for number in _dtypes(piece.view.term)
            if lane in _lanes(piece, front, number)
            and (value := _value(piece.accesses[max(number, 0)].tensor, known, local)) is not None
        }
        if not _is_safe(piece.view.term, leaves):
            leaves = {number: known_value for number, known_value in leaves.items() if math.isfinite(known_value)}
        value = evaluate(piece.view.term, leaves)
        reduction = piece.view.reduction
        if lane in _lanes(piece, front, 0):
            local[piece.target] = _kept(reduction, value, piece, local)
        elif reduction is None or value is None or value != _identity(reduction, piece):
            return False
    return True


def _is_safe(term: Term, leaves: abc.Mapping[int, Number]) -> bool:
    """Whether infinities go no further than laws that verification knows: they are compared, or minus infinity is added
    to and taken the exponential of.
    """
    if not isinstance(term, Node):
        return True
    found = [value for part in term.parts if (value := evaluate(part, leaves)) is not None and math.isinf(value)]
    lawful = not found or term.op in ("min", "max") or (term.op in ("+", "exp") and max(found) < 0)
    return lawful and all(_is_safe(part, leaves) for part in term.parts)


def _value(tensor: str, known: abc.Mapping[str, Number], local: abc.Mapping[str, Number | None]) -> Number | None:
    return local[tensor] if tensor in local else known.get(tensor)


def _identity(reduction: Reduction, piece: Piece) -> object:
    return numeric.identity(reduction, piece.view.term.dtype).item()


def _kept(
    reduction: Reduction | None, value: Number | None, piece: Piece, local: abc.Mapping[str, Number | None]
) -> Number | None:
    """What a cell beyond the edge holds afterwards, where that is known."""
    if reduction is None or value is None:
        return value
    unchanged = value == _identity(reduction, piece)
    before = local.get(piece.target, value) if piece.target in local else value
    if unchanged:
        return before
    return value if reduction in (Reduction.MIN, Reduction.MAX) and piece.target not in local else None
