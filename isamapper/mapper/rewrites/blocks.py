"""What steps that make products with zeros and ones of blocks share: how they are spelled, and in which types they sum.

What does not belong here: which copies are such products (``sieve.py``, ``spread.py``).
"""

from __future__ import annotations

from isamapper.ir.nodes import Binary, BinaryOp, Cast, Clamp, Constant, Expression, Kernel, Load
from isamapper.ir.types import DTYPES, DType, integer_range
from isamapper.mapper.rewrites.reader import iterator_of, statement_of
from isamapper.plan.step_reader import StepReader


def read_blocks(words: StepReader, kernel: Kernel) -> tuple[int, str, int, DType | None, int | None]:
    """Statement, iterator, block, wider data type and shift of a step, after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterator = iterator_of(words, kernel, statement)
    words.expect("by")
    block = words.number()
    if not words.accept("in"):
        return statement, iterator, block, None, None
    wide = words.word("a data type")
    if wide not in DTYPES:
        raise words.wrong(f"'{wide}' is no data type", f"one of {', '.join(DTYPES)}")
    shift = None
    if words.accept("scaled"):
        words.expect("by")
        shift = words.number()
    return statement, iterator, block, DTYPES[wide], shift


def blocks_text(statement: int, iterator: str, block: int, wide: DType | None, shift: int | None) -> str:
    """``statement 0: j by 16 in i32 scaled by 1``, which ``read_blocks`` reads."""
    inside = "" if wide is None else f" in {wide}"
    scaled = "" if shift is None else f" scaled by {shift}"
    return f"statement {statement}: {iterator} by {block}{inside}{scaled}"


def holds(wide: DType, dtype: DType, shift: int) -> bool:
    """Whether every value, and sums of one of them and zeros, have their place in the wider type."""
    if not (wide.is_integer and dtype.is_integer):
        return wide.is_float and dtype.is_float and not shift and wide.bits >= dtype.bits
    (low, high), (least, most) = integer_range(dtype), integer_range(wide)
    return least <= low << shift and high << shift <= most and 1 << shift <= high


def multiplied(left: Load, right: Load, wide: DType | None) -> Expression:
    """The product, in a wider data type if one is given."""
    if wide is None:
        return Binary(BinaryOp.MUL, left, right)
    return Binary(BinaryOp.MUL, Cast(wide, left), Cast(wide, right))


def narrowed(value: Load, wide: DType, dtype: DType, shift: int | None) -> Expression:
    """The sum in its own data type again: by a cast, or as so many bits less."""
    if shift is None:
        return Cast(dtype, value)
    inner = Binary(BinaryOp.SHR_ROUND, value, Constant(shift, wide)) if shift else value
    return Cast(dtype, Clamp(inner, *integer_range(dtype)))
