"""Random elements of a field by name and seed, and which literals stand for one. No code generation here."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

from isamapper.ir import numeric
from isamapper.ir.nodes import BinaryOp, Reduction
from isamapper.ir.types import DType

Name: TypeAlias = tuple[str, ...]
"""What a random element is for: ``("literal", "0.1")``, ``("neutral", "max")``, ``("bend", "min")``."""

EXTREMA = {Reduction.MIN: BinaryOp.MIN, Reduction.MAX: BinaryOp.MAX}
"""Reductions that the field does not have, with their operators."""


def literal_name(value: int | float, dtype: DType) -> Name | None:
    """The random element that a literal stands for; None for whole numbers, which stand for themselves."""
    for reduction, op in EXTREMA.items():
        if value == float(numeric.identity(reduction, dtype)) and value != 0:
            return ("neutral", op.value)
    return None if float(value).is_integer() else ("literal", repr(float(value)))


def random_residue(seed: int, name: Name, prime: int) -> int:
    """The element for ``name``, from 1 below the prime."""
    digest = hashlib.sha256(repr((seed, name)).encode()).digest()
    return int.from_bytes(digest[:16], "little") % (prime - 1) + 1


def random_word(seed: int, name: Name) -> int:
    """64 random bits for ``name``, as a signed number."""
    return int.from_bytes(hashlib.sha256(repr((seed, name)).encode()).digest()[:8], "little", signed=True)
