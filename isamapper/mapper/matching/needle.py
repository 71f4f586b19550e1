"""A one-statement instruction as the mapper sees it: the statement, the extents its iterators may take, its effect.

Everything is derived from the semantics; nothing depends on the names of instructions, operands or machines.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from isamapper.hwdesc.bind import bind_instruction, controls
from isamapper.hwdesc.model import Instruction, Operand, ParameterRange
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.mapper.algebra.terms import Literal, Node, Setting, Term
from isamapper.mapper.matching.views import View, natural_view


class Effect(Enum):
    """What an instruction does with the value its target had before."""

    OVERWRITES = "overwrites"
    ACCUMULATES = "accumulates"


@dataclass(frozen=True, slots=True)
class NeedleIterator:
    """An instruction iterator: it may run ``low, low + step, ... <= extent`` times (fixed where ``low == extent``)."""

    name: str
    extent: int
    low: int
    step: int = 1

    def takes(self, extent: int) -> bool:
        """Whether the iterator can run exactly ``extent`` times."""
        return self.low <= extent <= self.extent and (extent - self.low) % self.step == 0


@dataclass(frozen=True, slots=True)
class Needle:
    """What is looked for in kernels; ``tensors`` are the operands in declaration order.

    ``view`` is the statement's reduction and value, with the constants that parameters set as such.
    ``demands`` holds what the hardware asks of each operand: (name, demands without names, contiguous axes).
    """

    instruction: str
    statement: Statement
    tensors: tuple[Tensor, ...]
    iterators: tuple[NeedleIterator, ...]
    view: View
    demands: tuple[tuple[str, Operand, tuple[str, ...] | None], ...] = ()


def needle_of_kernel(semantics: Kernel, parameters: abc.Mapping[str, tuple[int, int]] | None = None) -> Needle | None:
    """The needle that ``semantics`` is, or None where it has several statements.

    ``parameters`` gives (low, step) for the iterators whose extent can be set; all others are fixed.
    """
    found = statements(semantics)
    if len(found) != 1:
        return None
    given = parameters or {}
    iterators = []
    for iterator in found[0].iterators:
        low, step = given.get(iterator.name, (iterator.extent, 1))
        iterators.append(NeedleIterator(iterator.name, iterator.extent, low, step))
    view = natural_view(found[0], semantics.tensors)
    return Needle(semantics.name, found[0], semantics.tensors, tuple(iterators), view)


@lru_cache(maxsize=4096)
def needle_of(instruction: Instruction) -> Needle | None:
    """The needle of an instruction, or None where its meaning has several statements."""
    ranges = {parameter.name: parameter for parameter in instruction.parameters}
    settable = {
        iterator: (ranges[name].low * factor, ranges[name].step * factor)
        for iterator, (name, factor) in controls(instruction).items()
    }
    needle = needle_of_kernel(instruction.semantics, settable)
    if needle is None:
        return None
    demands = tuple(
        (each.name, replace(each, name="", contiguous=None, span=None), each.contiguous)
        for each in instruction.operands
    )
    view = _with_settings(instruction, needle.view)
    return replace(needle, instruction=instruction.name, view=view, demands=demands)


def _with_settings(instruction: Instruction, view: View) -> View:
    """The view with the constants that parameters set: those which change when the parameter does."""
    resizing = {name for name, _ in controls(instruction).values()}
    for parameter in instruction.parameters:
        if parameter.name in resizing or parameter.low == parameter.high:
            continue
        semantics = bind_instruction(instruction, {parameter.name: parameter.low})
        lowest = natural_view(statements(semantics)[0], semantics.tensors)
        view = replace(view, term=_settings(view.term, lowest.term, parameter))
    return view


def _settings(high: Term, low: Term, parameter: ParameterRange) -> Term:
    """``high`` with settings where ``low``, the term at the parameter's least value, has other constants."""
    match high, low:
        case Literal(), Literal() if high != low:
            factor = (int(high.value) - int(low.value)) // (parameter.high - parameter.low)
            offset = int(low.value) - factor * parameter.low
            limits = parameter.low, parameter.high, parameter.step
            return Setting(parameter.name, factor, offset, high.dtype, *limits)
        case Node(), Node():
            parts = tuple(_settings(one, other, parameter) for one, other in zip(high.parts, low.parts, strict=True))
            return replace(high, parts=parts)
        case _:
            return high


def effect_of(needle: Needle) -> Effect:
    """Whether the target's former value survives: only an ``inout`` target of a reduction keeps it."""
    target = needle.statement.assign.target.tensor
    direction = next(tensor.direction for tensor in needle.tensors if tensor.name == target)
    if needle.view.reduction is not None and direction is Direction.INOUT:
        return Effect.ACCUMULATES
    return Effect.OVERWRITES
