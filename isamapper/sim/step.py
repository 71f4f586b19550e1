"""Whether two cores run in step: their programs differ in nothing that takes time, so neither is ever ahead.

They may touch other places: every window on a tensor moved by as much, in a memory whose banks see no difference.
Bounds that never bind say nothing.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.ir.affine import Affine, Extent, constant
from isamapper.ir.nodes import Allocate, Assign, Guard, Invoke, Loop, Node, Prepare, Window
from isamapper.ir.walk import value_range
from isamapper.plan.program import Program
from isamapper.sim.sites import bank_count

Moves = dict[tuple[str, int], int]
"""By how much windows on a tensor are moved along an axis."""


def in_step(one: Program, other: Program) -> bool:
    """Whether a core that runs ``one`` and a core that runs ``other`` do the same in every cycle."""
    machine = one.machine
    banked = {memory.name for memory in machine.memories if bank_count(memory) > 1}
    pairs = _Pairs({tensor.name for tensor in one.body.tensors if tensor.memory in banked})
    return machine == other.machine and one.together == other.together and pairs.bodies(one.body.body, other.body.body)


class _Pairs:
    """Two bodies, node by node; ``still`` are tensors whose windows may not move."""

    def __init__(self, still: set[str]) -> None:
        self.still = still
        self.moves: Moves = {}
        self.extents: dict[str, int] = {}

    def bodies(self, one: abc.Sequence[Node], other: abc.Sequence[Node]) -> bool:
        """Whether nodes do the same, one by one."""
        return len(one) == len(other) and all(map(self._nodes, one, other))

    def _nodes(self, one: Node, other: Node) -> bool:
        match one, other:
            case Loop(), Loop():
                self.extents[one.iterator] = max(self._most(one.extent), self._most(other.extent))
                alike = one.iterator == other.iterator and self._alike(one.extent, other.extent)
                return alike and self.bodies(one.body, other.body)
            case Guard(), Guard():
                same = one.conditions == other.conditions and self.bodies(one.body, other.body)
                return same and self.bodies(one.otherwise, other.otherwise)
            case Invoke(), Invoke():
                parameters = zip(one.parameters, other.parameters, strict=False)
                return (
                    one.instruction == other.instruction
                    and len(one.parameters) == len(other.parameters)
                    and all(a == b and self._alike(mine, theirs) for (a, mine), (b, theirs) in parameters)
                    and len(one.windows) == len(other.windows)
                    and all(
                        a == b and self._windows(mine, theirs)
                        for (a, mine), (b, theirs) in zip(one.windows, other.windows, strict=True)
                    )
                )
            case Allocate(), Allocate():
                return one.tensor == other.tensor
            case (Prepare(), Prepare()) | (Assign(), Assign()):
                return one == other
            case _:
                return False

    def _windows(self, one: Window, other: Window) -> bool:
        if one.tensor != other.tensor or one.otherwise != other.otherwise or len(one.axes) != len(other.axes):
            return False
        axes = zip(one.axes, other.axes, strict=True)
        if not all(a.steps == b.steps and self._alike(a.extent, b.extent) for a, b in axes):
            return False
        fixed = one.otherwise is not None or one.tensor in self.still
        for axis, (mine, theirs) in enumerate(zip(one.offsets, other.offsets, strict=True)):
            moved = _turned(theirs) - _turned(mine)
            if not _is_number(moved) or (fixed and moved.constant):
                return False
            if self.moves.setdefault((one.tensor, axis), moved.constant) != moved.constant:
                return False
        return True

    def _alike(self, one: Extent, other: Extent) -> bool:
        return one == other or self._tight(one) == self._tight(other)

    def _most(self, extent: Extent) -> int:
        return max(0, min(value_range(bound, self.extents)[1] for bound in extent.bounds))

    def _tight(self, extent: Extent) -> frozenset[Affine]:
        """The bounds that may bind."""
        numbers = [bound.constant for bound in extent.bounds if _is_number(bound)]
        least = min(numbers, default=None)
        found = {bound for bound in extent.bounds if not _is_number(bound)}
        if least is not None:
            found = {bound for bound in found if value_range(bound, self.extents)[0] < least}
            found.add(constant(least))
        return frozenset(found)


def _turned(function: Affine) -> Affine:
    """The same function, what is added inside a rotation less than its modulus."""
    if not function.rotations:
        return function
    turned = tuple(
        (replace(each, value=each.value - each.value.constant // each.modulus * each.modulus), factor)
        for each, factor in function.rotations
    )
    return replace(function, rotations=turned)


def _is_number(function: Affine) -> bool:
    return not function.terms and not function.rotations
