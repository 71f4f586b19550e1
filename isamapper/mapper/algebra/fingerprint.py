"""A number that two values share iff they are equal under the laws that verification knows.

The value in the field of 2**61 - 1 elements, loads and opaque functions random: ring laws hold, ``min`` is ``-max`` of
the negated, ``sigmoid``, ``tanh`` and ``rsqrt`` are what ``spellings.py`` says. Values that are not equal share a
number with a chance of about 2**-58. What does not belong here: programs (``verify``).
"""

from __future__ import annotations

import hashlib
import math
from collections import abc
from fractions import Fraction
from typing import assert_never

from isamapper.ir.nodes import Access
from isamapper.mapper.algebra.terms import ASSOCIATIVE, Leaf, Literal, Node, Setting, Term

PRIME = 2**61 - 1


def fingerprint(term: Term, accesses: abc.Sequence[Access]) -> int:
    """The number; ``accesses`` are the loads that the leaves 1, 2, ... stand for."""
    match term:
        case Leaf(access, dtype):
            found = accesses[access - 1]
            return _random("load", dtype.name, found.tensor, found.map, found.otherwise)
        case Literal(value):
            return _number(value)
        case Setting():
            raise ValueError("a setting is no part of a kernel")
        case Node(op, _, parts):
            return _node(op, term.dtype.name, [fingerprint(part, accesses) for part in parts])
        case _:
            assert_never(term)


def _node(op: str, dtype: str, parts: abc.Sequence[int]) -> int:
    if op in ASSOCIATIVE:
        total = parts[0]
        for part in parts[1:]:
            total = _joined(op, dtype, total, part)
        return total
    match op:
        case "neg":
            return -parts[0] % PRIME
        case "abs":
            return _joined("max", dtype, parts[0], -parts[0])
        case "/":
            return parts[0] * _random("inverse", dtype, parts[1]) % PRIME
        case "rsqrt":
            return _random("inverse", dtype, _random("sqrt", dtype, parts[0]))
        case "sigmoid":
            return _sigmoid(dtype, parts[0])
        case "tanh":
            return (2 * _sigmoid(dtype, 2 * parts[0] % PRIME) - 1) % PRIME
        case _:
            return _random(op, dtype, *parts)


def _sigmoid(dtype: str, part: int) -> int:
    return _random("inverse", dtype, (1 + _random("exp", dtype, -part % PRIME)) % PRIME)


def _joined(op: str, dtype: str, one: int, other: int) -> int:
    match op:
        case "+":
            return (one + other) % PRIME
        case "*":
            return one * other % PRIME
        case "min":
            return -_joined("max", dtype, -one, -other) % PRIME
        case _:
            neutral, bend = _number(-math.inf), _random("bend")
            return (one + other - neutral + bend * (one - neutral) * (other - neutral)) % PRIME


def _number(value: int | float) -> int:
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: -_random("least") % PRIME, -math.inf: _random("least")}.get(value, _random("nan"))
    exact = Fraction(value)
    return exact.numerator * pow(exact.denominator, -1, PRIME) % PRIME


def _random(*name: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(name).encode()).digest()[:16], "little") % PRIME
