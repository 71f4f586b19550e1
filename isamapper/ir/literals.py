"""Literals: which numbers a data type holds, and how a number is written.

A number is written without a fraction where it has none, so that equal nodes print alike.
"""

from __future__ import annotations

import math

from isamapper.ir.types import DType, integer_range


def literal_of(value: int | float, dtype: DType) -> int | float | None:
    """``value`` as a literal of ``dtype``: an int for integers, a float for floats; None where it does not fit."""
    if dtype.is_float:
        return _as_float(value)
    low, high = integer_range(dtype)
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if low <= value <= high else None


def _as_float(value: int | float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def print_number(value: int | float) -> str:
    """The shortest text that reads back as ``value``."""
    if isinstance(value, float):
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        if value.is_integer() and abs(value) < 2**53 and str(value) != "-0.0":
            return str(int(value))
    return repr(value)
