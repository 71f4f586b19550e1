"""Rounding of f64 to the small float formats in generated code, once, to nearest even, as ``ir/numeric.py`` does.

The trick: adding and subtracting 1.5 * 2**(52 + e) leaves a multiple of 2**e, rounded to nearest even, for any number
below 2**(51 + e) (Knuth, The Art of Computer Programming, volume 2, section 4.2.2).
"""

from __future__ import annotations

from isamapper.ir.numeric import SMALL_FLOATS
from isamapper.ir.types import DType
from isamapper.sim.functional.lanes import DOUBLE, INDEX, Lanes, Raw


def is_small(dtype: DType) -> bool:
    """Whether ``dtype`` is a float format narrower than f32, stored as the f32 number it is."""
    return dtype.name in SMALL_FLOATS


def round_small(lanes: Lanes, wide: Raw, dtype: DType) -> Raw:
    """f64 ``wide`` rounded to ``dtype``, still as f64."""
    form, builder = SMALL_FLOATS[dtype.name], lanes.builder
    bits = builder.bitcast(wide, lanes.type(INDEX))
    exponent = builder.and_(builder.lshr(bits, lanes.constant(INDEX, 52)), lanes.constant(INDEX, 0x7FF))
    least = lanes.constant(INDEX, form.least_exponent + form.precision - 1 + 1023)
    most = lanes.constant(INDEX, 1023 + 900)  # far beyond every small format; keeps the magic number finite
    exponent = lanes.intrinsic("smin", INDEX, [lanes.intrinsic("smax", INDEX, [exponent, least]), most])
    shifted = builder.add(exponent, lanes.constant(INDEX, 52 - (form.precision - 1)))
    magic_bits = builder.or_(builder.shl(shifted, lanes.constant(INDEX, 52)), lanes.constant(INDEX, 1 << 51))
    magic = builder.bitcast(magic_bits, lanes.type(DOUBLE))
    rounded = builder.fsub(builder.fadd(wide, magic), magic)
    signed = lanes.intrinsic("copysign", DOUBLE, [rounded, wide])
    over = lanes.intrinsic("copysign", DOUBLE, [lanes.constant(DOUBLE, form.overflow), wide])
    size = lanes.intrinsic("fabs", DOUBLE, [signed])
    fits = builder.fcmp_ordered("<=", size, lanes.constant(DOUBLE, form.greatest))
    number = builder.select(fits, signed, over)
    return builder.select(builder.fcmp_unordered("uno", wide, wide), wide, number)
