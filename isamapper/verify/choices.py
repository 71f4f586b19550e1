"""Random elements of a field by name and seed, and which literals stand for one. No code generation here."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from typing import TypeAlias

from isamapper.ir import numeric
from isamapper.ir.nodes import BinaryOp, Reduction
from isamapper.ir.types import DType

Name: TypeAlias = tuple[str, ...]
"""What a random element is for: ``("literal", "0.1")``, ``("neutral", "max")``, ``("bend", "min")``."""

EXTREMA = {Reduction.MIN: BinaryOp.MIN, Reduction.MAX: BinaryOp.MAX}
"""Reductions that the field does not have, with their operators."""


_OPPOSITE = ("neutral", "-max")
"""What a least float starts from: ``min`` is ``-max`` of the negated, and infinity the negative of minus infinity."""
_PARTS = 1024
"""The finest binary fractions that stand for themselves: 0.5 is what doubled gives 1."""


def neutral_name(reduction: Reduction, dtype: DType) -> Name:
    """The random element that a ``min`` or ``max`` starts from."""
    opposite = reduction is Reduction.MIN and dtype.is_float
    return _OPPOSITE if opposite else ("neutral", EXTREMA[reduction].value)


def opposite_of(name: Name) -> Name | None:
    """The element whose negative ``name`` is; None where it is one of its own."""
    if name[0] == "literal" and name[1].startswith("-"):  # taking away -0.1 is adding 0.1
        return ("literal", name[1][1:])
    return ("neutral", BinaryOp.MAX.value) if name == _OPPOSITE else None


def literal_name(value: int | float, dtype: DType) -> Name | None:
    """The random element that a literal stands for; None for whole numbers and halves of them, and halves of those."""
    for reduction in EXTREMA:
        if value == float(numeric.identity(reduction, dtype)) and value != 0:
            return neutral_name(reduction, dtype)
    stands = math.isfinite(value) and Fraction(value).denominator <= _PARTS
    return None if stands else ("literal", repr(float(value)))


def residue_of(value: int | float, prime: int) -> int:
    """The residue of a literal that stands for itself."""
    exact = Fraction(value)
    return exact.numerator * pow(exact.denominator, -1, prime) % prime


def random_residue(seed: int, name: Name, prime: int) -> int:
    """The element for ``name``, from 1 below the prime."""
    digest = hashlib.sha256(repr((seed, name)).encode()).digest()
    return int.from_bytes(digest[:16], "little") % (prime - 1) + 1


def random_word(seed: int, name: Name) -> int:
    """64 random bits for ``name``, as a signed number."""
    return int.from_bytes(hashlib.sha256(repr((seed, name)).encode()).digest()[:8], "little", signed=True)
