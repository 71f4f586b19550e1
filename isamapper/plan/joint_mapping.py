"""Mappings of several statements on one instruction, by the definition in docs/reference/mapping.md."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.hwdesc.model import Instruction
from isamapper.ir.nodes import Kernel
from isamapper.plan.joint import Join
from isamapper.plan.mapping import MappingClass
from isamapper.plan.needle import lone_axes


@dataclass(frozen=True, slots=True)
class JointMapping:
    """Statements of ``kernel`` on one instruction: ``join`` says which, and how each operand is indexed.

    ``kernel`` is the one that was matched: the user's, or what ``rewrites`` made of it, with a local tensor for every
    operand that holds a constant. ``rho`` holds (joint iterator, lane) pairs, sorted, those of positions that only
    constants index included. ``whole`` are the joint iterators that must lie wholly inside a call. ``fresh``: what the
    call adds to holds nothing before, so what a sum starts from must be put there first.
    """

    kernel: Kernel
    join: Join
    rho: tuple[tuple[str, str], ...]
    kind: MappingClass
    whole: tuple[str, ...] = ()
    fresh: bool = False
    rewrites: tuple[str, ...] = ()

    @property
    def instruction(self) -> str:
        """The name of the instruction."""
        return self.join.instruction


def joint_class(join: Join, rho: tuple[tuple[str, str], ...], front: Instruction) -> MappingClass:
    """The class of a relation: exact where iterator and lane stand in the same operands. ``front`` is the facade."""
    held = {name for name, _ in join.constants}
    for operand, access in join.operands:
        lanes = lone_axes(front.semantics, operand)
        names = frozenset().union(*(index.names for index in access.map.results))
        if access.tensor not in held and any((name in names) != (lane in lanes) for name, lane in rho):
            return MappingClass.BROADCAST
    return MappingClass.EXACT


def moved(mapping: JointMapping, shifts: abc.Sequence[tuple[int, int]]) -> JointMapping:
    """The mapping with its statements as they are numbered after others have become more."""

    def now(statement: int) -> int:
        return statement + sum(more for index, more in shifts if index < statement)

    join = mapping.join
    iterators = tuple((name, tuple((now(s), each) for s, each in members)) for name, members in join.iterators)
    members = tuple(now(member) for member in join.members)
    return replace(mapping, join=replace(join, statement=now(join.statement), members=members, iterators=iterators))
