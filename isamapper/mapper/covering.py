"""Covers: every statement of a kernel with the mappings that can do it, or why nothing can."""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covers.covers import covers
from isamapper.mapper.matching.find import find_mappings, subjects
from isamapper.mapper.reasons.why_not import uncovered
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Cover:
    """``mappings`` has one entry per statement of ``kernel``; what cannot be covered has a rejection.

    ``rewrites`` lead from the user's kernel to this one. ``groups`` are the statements that one instruction does
    together.
    """

    kernel: Kernel
    rewrites: tuple[str, ...]
    mappings: tuple[tuple[Mapping, ...], ...]
    rejections: tuple[Rejection, ...]
    groups: tuple[JointMapping, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every statement can be done."""
        return not self.rejections


def cover(kernel: Kernel, machine: Machine) -> Cover:
    """The cover of the cheapest equal kernel; of the kernel itself, with rejections, where none is complete."""
    best = next(covers(kernel, machine), None)
    if best is None:
        return Cover(kernel, (), _mappings(kernel, machine), tuple(uncovered(kernel, machine)))
    return Cover(best.kernel, best.rewrites, _mappings(best.kernel, machine), (), best.groups)


def _mappings(kernel: Kernel, machine: Machine) -> tuple[tuple[Mapping, ...], ...]:
    return tuple(
        tuple(find_mappings(kernel, machine, statement=subject.statement.index)) for subject in subjects(kernel)
    )
