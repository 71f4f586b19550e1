"""How an operand wants its tensor to lie, where it does not lie so: what must be gathered, turned or packed.

Rows any stride apart are no obstacle: copies bring them. What counts is which elements lie side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.hwdesc.classify import Work, classify, meaning, tensor_of
from isamapper.hwdesc.graph import routes
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.affine import Affine
from isamapper.ir.nodes import Access, Role, Tensor
from isamapper.mapper.matching.needle import Needle
from isamapper.mapper.matching.relation import Relation
from isamapper.mapper.measures.footprint import flat_steps
from isamapper.mapper.reasons.words import in_words, index_text

WORD_BITS = 32
"""An innermost axis up to this wide is a group inside a word of the operand, such as the bytes of a dot product."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand of a mapping, with the access and the tensor that it plays; ``written``: it is the target."""

    instruction: Instruction
    needle: Needle
    name: str
    access: Access
    tensor: Tensor
    relation: Relation
    written: bool

    def rows(self) -> list[tuple[str, ...]]:
        """Per axis of the operand the instruction iterators that move along it."""
        outside = next(access for access in self.needle.statement.accesses if access.tensor == self.name)
        return [tuple(name for name, _ in index.terms) for index in outside.map.results]

    def members(self, row: tuple[str, ...]) -> tuple[str, ...]:
        """Kernel iterators with digits along an axis that move the tensor's access."""
        steps = flat_steps(self.access, self.tensor)
        return tuple(name for name, lane in self.relation if lane in row and steps.get(name))


def repeated(operand: Operand, duplication: float, verb: str) -> str:
    """What is read several times, by gathering it or by copying overlapping rows."""
    bound = {name for name, _ in operand.relation}
    results = operand.access.map.results
    indices = [index_text(index) for index in results if sum(name in bound for name, _ in index.terms) > 1]
    what = in_words([f"'{index}'" for index in indices]) or "its indices"
    how = f"{what} {'read' if len(indices) > 1 else 'reads'} each element {duplication:.2g}x"
    return f"operand '{operand.name}' of '{operand.instruction.name}' {verb} '{operand.access.tensor}': {how}"


def order(operand: Operand, machine: Machine) -> tuple[str, str] | None:
    """How the tensor would have to lie, and the cheapest way to get there; None where it lies well enough."""
    filled = [row for row in operand.rows() if operand.members(row)]
    steps = flat_steps(operand.access, operand.tensor)
    if not filled or any(abs(steps[name]) == 1 for name in operand.members(filled[-1])):
        return None
    inner = operand.members(filled[-1])
    group = _group(operand, filled[-1])
    lone = [index.terms[0][0] for index in operand.access.map.results if len(index.terms) == 1]
    turned = len(operand.access.map.results) == 2 == len(lone) and inner == (lone[0],)
    if group > 1:
        how = f"in groups of {group} along '{inner[0]}'"
    elif turned:
        how = "transposed"
    else:
        how = f"with {in_words([repr(name) for name in inner])} innermost"
    called, anew = operand.access.tensor, _anew(operand, inner)
    if group == 1 and anew == operand.access.map.results:
        how = "without gaps"
    reason = f"operand '{operand.name}' of '{operand.instruction.name}' needs '{called}' {how}"
    if operand.tensor.role in (Role.CONST, Role.FREE):
        return reason, "it is done once, offline"
    turner = _turner(operand, machine) if group == 1 else None
    if turner is not None:
        return reason, f"'{turner}' does it on the way"
    if group > 1 or how == "without gaps":
        return reason, f"declare '{called}' as const or free"
    return reason, f"declare '{called}' as {called}[{', '.join(index_text(index) for index in anew)}]"


def _group(operand: Operand, row: tuple[str, ...]) -> int:
    """How many elements of one iterator stand side by side in a word, where more of the operand lies around them."""
    widths = [lane.extent for lane in operand.needle.iterators if lane.name in row]
    axes = sum(bool(each) for each in operand.rows())
    if len(widths) != 1 or axes < 2 or widths[0] * operand.tensor.dtype.bits > WORD_BITS:
        return 1
    return widths[0]


def _anew(operand: Operand, inner: tuple[str, ...]) -> tuple[Affine, ...]:
    """The indices of the access with those of ``inner`` last."""
    results = operand.access.map.results
    moved = tuple(index for index in results if any(name in inner for name, _ in index.terms))
    return (*(index for index in results if index not in moved), *moved)


def _turner(operand: Operand, machine: Machine) -> str | None:
    """A copy on the way of the operand that changes which elements lie side by side."""
    spec = next(each for each in operand.instruction.operands if each.name == operand.name)
    shape = tensor_of(operand.instruction, operand.name).shape
    for instruction in machine.instructions:
        if classify(instruction) is not Work.COPY or not _turns(instruction):
            continue
        far, near = (access.tensor for access in meaning(instruction)[0].accesses[:2])
        far, near = (far, near) if operand.written else (near, far)
        tensor = tensor_of(instruction, near)
        places = next(each.memories for each in instruction.operands if each.name == near)
        if tensor.dtype == operand.tensor.dtype and any(
            _leads(machine, place, goal, operand.written) and (place != goal or tensor.shape == shape)
            for place in places
            for goal in spec.memories
        ):
            return instruction.name
    return None


def _turns(instruction: Instruction) -> bool:
    """Whether a copy's neighbours in its source are no neighbours in its target."""
    target, source = meaning(instruction)[0].accesses[:2]
    ends = [access.map.results[-1].terms if access.map.results else () for access in (target, source)]
    return all(ends) and ends[0] != ends[1]


def _leads(machine: Machine, place: str, operand: str, written: bool) -> bool:
    """Whether data goes from ``place`` to the operand's memory, or from there to ``place`` where it is written."""
    ends = (operand, place) if written else (place, operand)
    return bool(routes(machine, *ends))
