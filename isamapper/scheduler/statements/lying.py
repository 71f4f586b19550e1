"""Whether what lies at home lies as an instruction wants it, for statements that only copy.

A transfer that reads or writes rows at home can take them from anywhere, but not make them: where digits of a lane that
must be dense are no neighbours in the tensor, somebody would have to copy the tensor first. For a statement that is a
copy itself there is nothing to gain by that, and of the ways to lay a transfer over six loops nearly all are of that
kind.
What does not belong here: layouts of buffers (``nests/layouts.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.hwdesc.model import Instruction
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, Load, Tensor
from isamapper.plan.mapping import Mapping
from isamapper.plan.needle import operand_spec
from isamapper.plan.nest import Digit


def only_copies(statement: Statement) -> bool:
    """Whether the statement gives what it reads and nothing else."""
    return statement.assign.reduction is None and isinstance(statement.assign.value, Load)


def lies_right(
    instruction: Instruction,
    statement: Statement,
    mapping: Mapping,
    bound: tuple[Digit, ...],
    tensors: abc.Mapping[str, Tensor],
    home: str,
) -> bool:
    """Whether every operand that must lie at home has its dense axes along neighbours of the tensor."""
    for pairing in mapping.sigma:
        spec = operand_spec(instruction, pairing.operand)
        if pairing.access is None or spec.memories != (home,) or not spec.contiguous:
            continue
        access = statement.accesses[pairing.access]
        dense = [digit for lane in spec.contiguous for digit in bound if digit.bound == lane]
        if not _neighbours(dense, bound, access, tensors[access.tensor].shape):
            return False
    return True


def _neighbours(dense: abc.Sequence[Digit], bound: tuple[Digit, ...], access: Access, shape: tuple[int, ...]) -> bool:
    """Whether the digits, outermost first, walk one run of elements."""
    run = 1
    for digit in reversed(dense):
        if abs(_step(digit, bound, access, shape)) != run:
            return False
        run *= digit.extent
    return True


def _step(digit: Digit, bound: tuple[Digit, ...], access: Access, shape: tuple[int, ...]) -> int:
    """Elements of the tensor from one value of the digit to the next."""
    step, row = 0, 1
    for index, size in zip(reversed(access.map.results), reversed(shape), strict=True):
        step += row * index.coefficient(digit.iterator)
        row *= size
    inner = bound[bound.index(digit) + 1 :]
    for other in inner:
        step *= other.extent if other.iterator == digit.iterator else 1
    return step
