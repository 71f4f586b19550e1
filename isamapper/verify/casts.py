"""Which casts lose something that only floats show: part 2 must tell them from values that were not cast.

Casts between integers are not among them: part 3 compares integers exactly. Significands count the leading one.
"""

from __future__ import annotations

from isamapper.ir.types import DType, Kind

_SIGNIFICANDS = {"f64": 53, "f32": 24, "tf32": 11, "f16": 11, "bf16": 8, "fp8_e4m3": 4, "fp8_e5m2": 3}
_EXPONENTS = {"f64": 1023, "f32": 127, "tf32": 127, "f16": 15, "bf16": 127, "fp8_e4m3": 8, "fp8_e5m2": 15}
"""The greatest exponent of each format: IEEE 754-2019, table 3.5; bfloat16 and TF32 have the one of f32; OCP 8-bit
Floating Point Specification (OFP8) 1.0, table 1."""


def rounds(source: DType, target: DType) -> bool:
    """Whether a cast from or to floats changes some value of ``source``."""
    if source.is_integer and target.is_integer:
        return False
    if target.is_integer:
        return True
    bits, exponent = _SIGNIFICANDS[target.name], _EXPONENTS[target.name]
    if source.is_integer:
        digits = source.bits - (source.kind is Kind.SIGNED)
        return digits > bits or digits > exponent
    return _SIGNIFICANDS[source.name] > bits or _EXPONENTS[source.name] > exponent
