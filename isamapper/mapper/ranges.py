"""The values that integer tensors can hold, by interval arithmetic over a kernel's statements in textual order.

Inputs take every value of their data type; a sum over n iterations is n times its summand. A result that its data type
cannot hold wraps, so the whole range of the type is assumed. Floats have no range here (None).
"""

from __future__ import annotations

import math
from collections import abc
from typing import TypeAlias, assert_never

from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Direction, Kernel, Reduction, Tensor
from isamapper.ir.types import DType, integer_range
from isamapper.mapper.algebra.terms import Leaf, Literal, Node, Setting, Term, term_of
from isamapper.mapper.matching.find import subjects

Range: TypeAlias = tuple[int, int]
"""Least and greatest value."""


def tensor_ranges(kernel: Kernel) -> dict[str, Range]:
    """The range of every integer tensor that is given or written."""
    found: dict[str, Range] = {}
    written: set[str] = set()
    for tensor in kernel.tensors:
        if tensor.direction in (Direction.IN, Direction.INOUT) and tensor.dtype.is_integer:
            found[tensor.name] = integer_range(tensor.dtype)
    for subject in subjects(kernel):
        tensors = {tensor.name: tensor for tensor in subject.tensors}
        target = tensors[subject.statement.assign.target.tensor]
        if not target.dtype.is_integer:
            continue
        value = _written(subject.statement, tensors, found)
        if target.name in written or target.direction is Direction.INOUT:
            value = _hull(value, found[target.name])
        found[target.name] = value
        written.add(target.name)
    return found


def _written(statement: Statement, tensors: abc.Mapping[str, Tensor], known: abc.Mapping[str, Range]) -> Range:
    """The range of the target after the statement, from a fresh start."""
    dtype = tensors[statement.assign.target.tensor].dtype
    accesses = statement.accesses
    leaves = {
        number: _hull(known.get(access.tensor, integer_range(tensors[access.tensor].dtype)), access.otherwise)
        for number, access in enumerate(accesses)
        if tensors[access.tensor].dtype.is_integer
    }
    value = range_of(term_of(statement.assign.value, tensors), leaves)
    if value is None or statement.assign.reduction is Reduction.MUL:
        return integer_range(dtype)
    if statement.assign.reduction is not Reduction.ADD:
        return _held(value, dtype)
    moving = {name for index in statement.assign.target.map.results for name, _ in index.terms}
    count = math.prod(each.extent for each in statement.iterators if each.name not in moving)
    return _held((min(0, value[0] * count), max(0, value[1] * count)), dtype)


def magnitude_bits(value: Range) -> int:
    """Bits that a two's complement number needs for the range, the sign not counted."""
    low, high = value
    return max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)


def fits(value: Range, dtype: DType) -> bool:
    """Whether ``dtype`` holds every value of the range."""
    low, high = integer_range(dtype)
    return low <= value[0] and value[1] <= high


def range_of(term: Term, leaves: abc.Mapping[int, Range]) -> Range | None:
    """The range of an integer expression; None where a float or an unknown operator is involved."""
    match term:
        case Leaf(access):
            return leaves.get(access)
        case Literal(value, dtype):
            return (int(value), int(value)) if dtype.is_integer else None
        case Setting():
            return None
        case Node(_, dtype):
            parts = [range_of(part, leaves) for part in term.parts]
            known = [part for part in parts if part is not None]
            if not dtype.is_integer:
                return None
            if len(known) < len(parts):
                return integer_range(dtype)
            found = _applied(term.op, known)
            return integer_range(dtype) if found is None else _held(found, dtype)
        case _:
            assert_never(term)


def _applied(op: str, parts: abc.Sequence[Range]) -> Range | None:
    first, last = parts[0], parts[-1]
    match op:
        case "+":
            return sum(part[0] for part in parts), sum(part[1] for part in parts)
        case "*":
            total = first
            for part in parts[1:]:
                total = _corners(total, part)
            return total
        case "min" | "max":
            pick = min if op == "min" else max
            return pick(part[0] for part in parts), pick(part[1] for part in parts)
        case "neg":
            return -first[1], -first[0]
        case "abs":
            low = 0 if first[0] <= 0 <= first[1] else min(abs(first[0]), abs(first[1]))
            return low, max(abs(first[0]), abs(first[1]))
        case "cast" | "round" | "floor":
            return first
        case ">>" | "shr_round" if last[0] == last[1] >= 0:
            return first[0] >> last[0], -(-first[1] >> last[0])
        case "<<" if last[0] == last[1] >= 0:
            return first[0] << last[0], first[1] << last[0]
        case _ if op.startswith("select "):
            return _hull(parts[2], parts[3])
        case _:
            return None


def _corners(one: Range, other: Range) -> Range:
    products = [left * right for left in one for right in other]
    return min(products), max(products)


def _held(value: Range, dtype: DType) -> Range:
    """The range itself, or that of the type where values wrap."""
    return value if fits(value, dtype) else integer_range(dtype)


def _hull(one: Range, other: Range | float | None) -> Range:
    if other is None:
        return one
    low, high = other if isinstance(other, tuple) else (int(other), int(other))
    return min(one[0], low), max(one[1], high)
