"""What an instruction does at points that mean nothing, and what its operands must hold there.

Points without a kernel iteration arise where a digit is cut short, an instruction iterator stays empty, or a guard cuts
the domain. Per instruction iterator such points are harmless when (in this order)
- the target holds the iterator: those cells are not written back (``cells``);
- pad values in operands that hold it make the value the identity of the reduction, whatever the other operands are
  (``values``: 0 * x for sums, -inf + x for maxima);
- the reduction is idempotent, or there is none: a valid point is repeated (``repeats``);
- and otherwise the extent must be met exactly (``exact_only``).

The groups hold for every relation where operand maps are injective; others are judged in ``invalid.py`` as well.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import TypeAlias, assert_never

from isamapper.ir import numeric
from isamapper.ir.nodes import BinaryOp, Reduction, UnaryOp
from isamapper.ir.types import DType, integer_range
from isamapper.mapper.algebra.terms import ASSOCIATIVE, Leaf, Literal, Node, Setting, Term
from isamapper.mapper.matching.delta import determined, injective, moves
from isamapper.mapper.matching.needle import Needle

Number: TypeAlias = int | float


@dataclass(frozen=True, slots=True)
class Padding:
    """How invalid points of each instruction iterator are made harmless; every iterator is in exactly one group.

    ``values`` are the pad values, by operand, that the iterators in ``padded`` rely on.
    """

    cells: frozenset[str]
    padded: frozenset[str]
    values: tuple[tuple[str, Number], ...]
    repeats: frozenset[str]
    exact_only: frozenset[str]


@lru_cache(maxsize=16384)
def padding_of(needle: Needle, constants: tuple[tuple[int, Number], ...]) -> Padding:
    """The padding of ``needle``; ``constants`` are its accesses that take a constant, with the value."""
    view = needle.view
    term, reduction = view.term, view.reduction
    lanes = frozenset(lane.name for lane in needle.iterators)
    extents = {lane.name: lane.extent for lane in needle.iterators}
    target = needle.statement.assign.target
    held = moves(target) & lanes
    cells = held if injective(target, extents) else frozenset[str]()
    rest = lanes - cells
    padded: frozenset[str] = frozenset()
    values: tuple[tuple[str, Number], ...] = ()
    if reduction is not None and rest:
        padded, values = _best(needle, term, reduction, rest, dict(constants))
    left = rest - padded
    repeats = left - held if reduction not in (Reduction.ADD, Reduction.MUL) else frozenset[str]()
    repeats -= frozenset().union(
        *(moves(access) - determined(access, extents) for access in needle.statement.accesses[1:])
    )
    return Padding(cells, padded, values, repeats, left - repeats)


def _best(
    needle: Needle, term: Term, reduction: Reduction, lanes: frozenset[str], constants: dict[int, Number]
) -> tuple[frozenset[str], tuple[tuple[str, Number], ...]]:
    """The fewest pad values that cover the most iterators; stable."""
    wanted = numeric.identity(reduction, term.dtype)
    holders = _holders(needle)
    dtypes = {tensor.name: tensor.dtype for tensor in needle.tensors}
    best: tuple[frozenset[str], tuple[tuple[str, Number], ...]] = (frozenset(), ())
    for size in range(1, len(holders) + 1):
        for chosen in combinations(holders, size):
            for values in product(*(candidates(term, dtypes[operand]) for operand in chosen)):
                pads = dict(zip(chosen, values, strict=True))
                covered = frozenset(lane for lane in lanes if _vanishes(needle, term, wanted, lane, pads, constants))
                if len(covered) > len(best[0]):
                    best = covered, tuple(pads.items())
        if best[0] == lanes:
            break
    return best


@lru_cache(maxsize=16384)
def masks(needle: Needle, constants: tuple[tuple[int, Number], ...]) -> tuple[frozenset[str], ...]:
    """The iterators of every operand that can take any set of points out of the reduction by itself."""
    view = needle.view
    if view.reduction is None:
        return ()
    wanted = numeric.identity(view.reduction, view.term.dtype)
    dtypes = {tensor.name: tensor.dtype for tensor in needle.tensors}
    accesses, extents = needle.statement.accesses, {lane.name: lane.extent for lane in needle.iterators}
    found = []
    for operand in _holders(needle):
        numbers = [number for number, access in enumerate(accesses) if access.tensor == operand]
        for value in candidates(view.term, dtypes[operand]):
            if evaluate(view.term, dict(constants) | dict.fromkeys(numbers, value)) == wanted:
                found.append(frozenset().union(*(determined(accesses[number], extents) for number in numbers)))
                break
    return tuple(found)


def split_is_harmless(
    needle: Needle, padding: Padding, constants: tuple[tuple[int, Number], ...], lanes: frozenset[str]
) -> bool:
    """Whether points beyond an iterator that is split over ``lanes`` are harmless.

    Every one of the lanes is at a position that valid points use, too: only operands that hold all of them are free
    there. A valid point can always be repeated: what moves with the iterator holds all of the lanes.
    """
    view = needle.view
    if lanes <= padding.cells or view.reduction not in (Reduction.ADD, Reduction.MUL):
        return True
    if any(lanes <= group for group in masks(needle, constants)):
        return True
    accesses, pads = list(enumerate(needle.statement.accesses))[1:], dict(padding.values)
    known = dict(constants) | {n: pads[a.tensor] for n, a in accesses if a.tensor in pads and lanes <= moves(a)}
    return bool(evaluate(view.term, known) == numeric.identity(view.reduction, view.term.dtype))


def _holders(needle: Needle) -> tuple[str, ...]:
    """Operands that are only read: those that can hold pad values."""
    accesses = needle.statement.accesses
    return tuple(
        operand for operand in dict.fromkeys(access.tensor for access in accesses[1:]) if operand != accesses[0].tensor
    )


def _vanishes(
    needle: Needle, term: Term, wanted: object, lane: str, pads: abc.Mapping[str, Number], constants: dict[int, Number]
) -> bool:
    known = dict(constants)
    extents = {each.name: each.extent for each in needle.iterators}
    for number, access in enumerate(needle.statement.accesses):
        if number and access.tensor in pads and lane in determined(access, extents):
            known[number] = pads[access.tensor]
    return evaluate(term, known) == wanted


def candidates(term: Term, dtype: DType) -> tuple[Number, ...]:
    """Values worth trying: 0, 1, the ends of the range, and the constants of the expression with either sign."""
    found: list[Number] = [0, 1]
    found += [-math.inf, math.inf] if dtype.is_float else list(integer_range(dtype))
    found += [sign * value for value in _constants(term) for sign in (1, -1)]
    if dtype.is_integer:
        low, high = integer_range(dtype)
        found = [value for value in found if value == int(value) and low <= value <= high]
    return tuple(dict.fromkeys(found))


def _constants(term: Term) -> tuple[Number, ...]:
    match term:
        case Literal(value):
            return (value,) if math.isfinite(value) else ()
        case Leaf() | Setting():
            return ()
        case Node():
            return tuple(value for part in term.parts for value in _constants(part))
        case _:
            assert_never(term)


def evaluate(term: Term, known: abc.Mapping[int, Number]) -> Number | None:
    """The value of ``term`` where the leaves in ``known`` have theirs and all others may be anything; None: unknown."""
    match term:
        case Literal(value):
            return value
        case Leaf(access):
            return known.get(access)
        case Setting():
            return None
        case Node():
            return _evaluate(term, [evaluate(part, known) for part in term.parts])
        case _:
            assert_never(term)


def _evaluate(node: Node, parts: abc.Sequence[Number | None]) -> Number | None:
    if node.op.startswith("select "):
        return parts[2] if parts[2] is not None and parts[2] == parts[3] else None
    known = [part for part in parts if part is not None]
    absorbed = [value for value in _absorbing(node) if value in known]
    if absorbed:
        return absorbed[0] if len(absorbed) == 1 else None
    return _compute(node, known) if len(known) == len(parts) else None


def _absorbing(node: Node) -> tuple[Number, ...]:
    """The values that win whatever (finite) else stands beside them."""
    low, high = (-math.inf, math.inf) if node.dtype.is_float else integer_range(node.dtype)
    match node.op:
        case "*":
            return (0,)
        case "min":
            return (low,)
        case "max":
            return (high,)
        case "+":
            return (low, high) if node.dtype.is_float else ()
        case _:
            return ()


def _compute(node: Node, parts: abc.Sequence[Number]) -> Number | None:
    with numeric.quiet():
        values = [numeric.constant(value, part.dtype) for value, part in zip(parts, node.parts, strict=True)]
        if node.op == "cast":
            return _plain(numeric.cast(node.dtype)(values[0]))
        if node.op in ASSOCIATIVE or len(parts) == 2:
            function = numeric.binary(BinaryOp(node.op), node.dtype)
            total = values[0]
            for value in values[1:]:
                total = function(total, value)
            return _plain(total)
        return _plain(numeric.unary(UnaryOp(node.op), node.dtype)(values[0]))


def _plain(value: object) -> Number | None:
    number = value.item() if hasattr(value, "item") else value
    return (
        number if isinstance(number, int | float) and not (isinstance(number, float) and math.isnan(number)) else None
    )
