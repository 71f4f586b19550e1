"""A tensor that is there to hold a constant: an operand that the kernel has no use for looks at it.

Before:
    t[m, n] = acc[m, n] * 3
After ``hold held_b_1 i32 [16]``:
    local held_b_1: i32[16]
    t[m, n] = acc[m, n] * 3

Legal always: no statement touches it. What it holds is said where statements are joined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.ir.types import DTYPES, DType
from isamapper.plan.homes import all_tensors
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Hold:
    """The step: declare a local tensor."""

    tensor: str
    dtype: DType
    shape: tuple[int, ...]

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        if self.tensor in all_tensors(kernel):
            return Rejection("RW090", f"tensor '{self.tensor}'", "the kernel has a tensor of that name already")
        held = Tensor(self.tensor, self.dtype, self.shape, direction=Direction.LOCAL)
        return replace(kernel, tensors=(*kernel.tensors, held))

    def text(self, kernel: Kernel) -> str:
        """``hold held_b_1 i32 [16]``."""
        del kernel
        return f"hold {self.tensor} {self.dtype.name} [{', '.join(map(str, self.shape))}]"


def read(words: StepReader, kernel: Kernel) -> Hold:
    """The step after its first word."""
    del kernel
    name = words.name("a name for the tensor")
    dtype = words.word("a data type")
    if dtype not in DTYPES:
        raise words.wrong(f"'{dtype}' is no data type", f"one of {', '.join(DTYPES)}")
    words.expect("[")
    shape: list[int] = []
    if not words.accept("]"):
        shape.append(words.number())
        while words.accept(","):
            shape.append(words.number())
        words.expect("]")
    return Hold(name, DTYPES[dtype], tuple(shape))
