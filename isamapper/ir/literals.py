"""Literals: which numbers a data type holds, how a number is written, and other people's names of data types.

A number is written without a fraction where it has none, so that equal nodes print alike.
"""

from __future__ import annotations

import math

from isamapper.ir.types import DTYPES, DType, integer_range

_GREATEST = {
    "f64": (2 - 2**-52) * 2.0**1023,
    "f32": (2 - 2**-23) * 2.0**127,
    "tf32": (2 - 2**-10) * 2.0**127,
    "f16": 65504.0,
    "bf16": (2 - 2**-7) * 2.0**127,
    "fp8_e4m3": 448.0,
    "fp8_e5m2": 57344.0,
}
"""Greatest finite values: IEEE 754-2019 for the binary formats, OCP OFP8 revision 1.0 for the 8-bit ones."""


def literal_of(value: int | float, dtype: DType) -> int | float | None:
    """``value`` as a literal of ``dtype``: an int for integers, a float for floats; None where it does not fit."""
    if dtype.is_float:
        infinite = value in (math.inf, -math.inf) and dtype.name != "fp8_e4m3"  # which has no infinities
        return float(value) if infinite or abs(value) <= _GREATEST[dtype.name] else None
    low, high = integer_range(dtype)
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if low <= value <= high else None


def greatest(dtype: DType) -> int | float:
    """The greatest finite value of ``dtype``."""
    return _GREATEST[dtype.name] if dtype.is_float else integer_range(dtype)[1]


def print_number(value: int | float) -> str:
    """The shortest text that reads back as ``value``."""
    if isinstance(value, float):
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        if value.is_integer() and abs(value) < 2**53 and str(value) != "-0.0":
            return str(int(value))
    return repr(value)


_SPELLINGS = {
    **{f"int{bits}": f"i{bits}" for bits in (4, 8, 16, 32, 64)},
    **{f"{prefix}{bits}": f"f{bits}" for prefix in ("float", "fp") for bits in (16, 32, 64)},
    "uint4": "u4",
    "uint8": "u8",
    "bfloat16": "bf16",
    "half": "f16",
    "float": "f32",
    "double": "f64",
    "int": "i32",
}


def named_dtype(dtype: DType | str) -> DType:
    """The data type itself, or the one of that name; ValueError where there is none."""
    if isinstance(dtype, DType):
        return dtype
    if dtype not in DTYPES:
        raise ValueError(f"unknown data type '{dtype}'; known: {', '.join(DTYPES)}")
    return DTYPES[dtype]


def spelled_dtype(word: str) -> str | None:
    """The data type that other projects call ``word``."""
    return _SPELLINGS.get(word.lower())
