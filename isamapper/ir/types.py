"""Scalar data types of the IR.

What does not belong here: conversions of arrays (see ``ir/numeric.py``) and expressions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How the bits of a data type are read."""

    FLOAT = "float"
    SIGNED = "signed"
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class DType:
    """A scalar data type: its text name, storage width in bits and kind."""

    name: str
    bits: int
    kind: Kind

    @property
    def is_float(self) -> bool:
        return self.kind is Kind.FLOAT

    @property
    def is_integer(self) -> bool:
        return self.kind is not Kind.FLOAT

    def __str__(self) -> str:
        return self.name


DTYPES: dict[str, DType] = {
    dtype.name: dtype
    for dtype in (
        DType("f64", 64, Kind.FLOAT),
        DType("f32", 32, Kind.FLOAT),
        DType("tf32", 32, Kind.FLOAT),
        DType("f16", 16, Kind.FLOAT),
        DType("bf16", 16, Kind.FLOAT),
        DType("fp8_e4m3", 8, Kind.FLOAT),
        DType("fp8_e5m2", 8, Kind.FLOAT),
        DType("i64", 64, Kind.SIGNED),
        DType("i32", 32, Kind.SIGNED),
        DType("i16", 16, Kind.SIGNED),
        DType("i8", 8, Kind.SIGNED),
        DType("u8", 8, Kind.UNSIGNED),
        DType("i4", 4, Kind.SIGNED),
        DType("u4", 4, Kind.UNSIGNED),
    )
}
"""Every data type by its text name. ``tf32`` is stored in 32 bits and rounds to 10 mantissa bits."""


def integer_range(dtype: DType) -> tuple[int, int]:
    """The least and greatest value of an integer data type."""
    if dtype.kind is Kind.UNSIGNED:
        return 0, 2**dtype.bits - 1
    if dtype.kind is Kind.SIGNED:
        return -(2 ** (dtype.bits - 1)), 2 ** (dtype.bits - 1) - 1
    raise ValueError(f"'{dtype}' is not an integer type")


def storage_bytes(dtype: DType, elements: int) -> int:
    """Bytes that ``elements`` packed values of ``dtype`` take, rounded up to whole bytes."""
    return -(-elements * dtype.bits // 8)
