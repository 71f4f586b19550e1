"""Which precisions DeepBench asks for at least, and whether the types of a kernel reach them.

The official minimum (README of the source, "Precision"): training multiplies in 16 bits, inference in 8; both
accumulate in 32.
"""

from __future__ import annotations

from isamapper.bench.deepbench.kernels import Work
from isamapper.ir.analysis import Iterator, statements
from isamapper.ir.types import DType
from isamapper.plan.homes import all_tensors

MULTIPLY_BITS = {True: 16, False: 8}
"""By whether the problem belongs to training."""
ACCUMULATE_BITS = 32


def precision_of(work: Work) -> dict[str, object]:
    """The types that are multiplied and accumulated, the official minimum, and whether it is kept."""
    factors, total = multiplied(work)
    least = MULTIPLY_BITS[work.problem.training]
    wide = min(dtype.bits for dtype in factors) >= least and total.bits >= ACCUMULATE_BITS
    return {
        "multiply": "/".join(dict.fromkeys(dtype.name for dtype in factors)),
        "accumulate": total.name,
        "official_multiply_bits": least,
        "official_accumulate_bits": ACCUMULATE_BITS,
        "meets_official": wide and (not work.problem.training or all(dtype.is_float for dtype in factors)),
    }


def multiplied(work: Work) -> tuple[tuple[DType, ...], DType]:
    """Types of the operands and of the sum of the statement with the most iterations that reduces."""
    tensors = all_tensors(work.kernel)
    reducing = [each for each in statements(work.kernel) if each.assign.reduction is not None]
    chief = max(reducing, key=lambda each: _iterations(each.iterators))
    target, *operands = chief.accesses
    return tuple(tensors[access.tensor].dtype for access in operands), tensors[target.tensor].dtype


def _iterations(iterators: tuple[Iterator, ...]) -> int:
    total = 1
    for iterator in iterators:
        total *= iterator.extent
    return total
