"""Whether two statements are alike but for their tensors and the names of their iterators.

What does not belong here: telling equal kernels apart (``canonical.py``).
"""

from __future__ import annotations

from collections import abc
from typing import TypeAlias, assert_never

from isamapper.ir.affine import Affine, variable
from isamapper.ir.analysis import Statement
from isamapper.ir.expressions import operands
from isamapper.ir.nodes import Access, Binary, BinaryOp, Cast, Clamp, Constant, Expression, Load, Select, Unary
from isamapper.mapper.rewrites.edit import reindexed

Pairs: TypeAlias = tuple[tuple[Access, Access], ...]

_COMMUTATIVE = frozenset((BinaryOp.ADD, BinaryOp.MUL, BinaryOp.MIN, BinaryOp.MAX))


def alike(one: Statement, other: Statement) -> tuple[Access, ...] | None:
    """The accesses of ``other`` in the order and the iterators of ``one``'s, target first; None where they differ.

    Operands of commutative operators may stand in either order; accesses of the same tensor are paired first.
    """
    if one.assign.reduction is not other.assign.reduction or one.conditions or other.conditions:
        return None
    extents = [{each.name: each.extent for each in side.iterators} for side in (one, other)]
    shared = [each.name for each, loop in zip(other.iterators, other.loops, strict=True) if loop in one.loops]
    found: list[tuple[int, tuple[Access, ...]]] = []
    for pairs in _pairs(one.assign.value, other.assign.value):
        names = _names(((one.assign.target, other.assign.target), *pairs), extents[0], extents[1], shared)
        if names is not None:
            renaming = {old: variable(new) for old, new in names.items()}
            accesses = [reindexed(access, renaming) for access in (other.assign.target, *(two for _, two in pairs))]
            same = sum(a == b for a, b in zip([access for access, _ in pairs], accesses[1:], strict=True))
            found.append((same, tuple(accesses)))
    return max(found, key=lambda item: item[0])[1] if found else None


def _pairs(one: Expression, other: Expression) -> abc.Iterator[Pairs]:
    """The loads of two values side by side, in every order that makes the values the same."""
    if isinstance(one, Load) or isinstance(other, Load):
        if isinstance(one, Load) and isinstance(other, Load):
            yield ((one.access, other.access),)
        return
    left, right = operands(one), operands(other)
    if type(one) is not type(other) or len(left) != len(right) or _hollow(one) != _hollow(other):
        return
    orders = [right]
    if isinstance(one, Binary) and one.op in _COMMUTATIVE:
        orders.append(right[::-1])
    for order in orders:
        yield from _in_order(left, order)


def _in_order(left: tuple[Expression, ...], right: tuple[Expression, ...]) -> abc.Iterator[Pairs]:
    if not left:
        yield ()
        return
    for first in _pairs(left[0], right[0]):
        for rest in _in_order(left[1:], right[1:]):
            yield (*first, *rest)


def _hollow(value: Expression) -> object:
    """What a value is apart from its operands."""
    match value:
        case Constant(number, dtype):
            return number, dtype
        case Unary(op) | Binary(op):
            return op
        case Cast(dtype):
            return dtype
        case Clamp(_, low, high):
            return low, high
        case Select(op):
            return op
        case Load():
            return None
        case _:
            assert_never(value)


def _names(
    pairs: Pairs, extents: abc.Mapping[str, int], others: abc.Mapping[str, int], shared: abc.Iterable[str]
) -> dict[str, str] | None:
    """The iterators of the second side by those of the first; None where the indices do not correspond.

    ``shared`` are iterators of loops that both stand in: they are the same.
    """
    names = {name: name for name in shared}
    rows = [(a, b) for one, two in pairs for a, b in zip(one.map.results, two.map.results, strict=False)]
    if any(len(one.map.results) != len(two.map.results) for one, two in pairs) or len(extents) != len(others):
        return None
    for one, two in sorted(rows, key=lambda row: len(row[0].terms)):
        if not _matched(one, two, names):
            return None
    if set(names) != set(others) or len(set(names.values())) < len(names):
        return None
    return names if all(others[old] == extents[new] for old, new in names.items()) else None


def _matched(one: Affine, two: Affine, names: dict[str, str]) -> bool:
    """Whether two indices have the same terms, iterators that are met for the first time being one."""
    left = dict(one.terms)
    if one.rotations or two.rotations or len(one.terms) != len(two.terms):
        return False
    for name, factor in two.terms:
        known = names.get(name)
        options = (
            [known] if known is not None else [n for n, f in left.items() if f == factor and n not in names.values()]
        )
        if not options or left.get(options[0]) != factor:
            return False
        names[name] = options[0]
        del left[options[0]]
    return not left
