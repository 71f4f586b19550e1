"""One statement to be scheduled, with what must be known of its surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import Affine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel, Tensor
from isamapper.ir.walk import value_range
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.nest import Epilogue
from isamapper.plan.skeleton import shared_iterators
from isamapper.scheduler.statements.frames import target_is_fresh


@dataclass(frozen=True, slots=True)
class Subject:
    """``shared`` iterators are loops around the whole nest; a ``fresh`` target holds nothing that must be kept."""

    machine: Machine
    kernel: Kernel
    statement: Statement
    home: str
    tensors: dict[str, Tensor]
    shared: frozenset[str]
    fresh: bool
    epilogue: Epilogue | None = None


def subject_of(machine: Machine, kernel: Kernel, statement: Statement, epilogue: Epilogue | None = None) -> Subject:
    """What the search must know of a statement of ``kernel``."""
    tensors = all_tensors(kernel)
    target = statement.assign.target.tensor
    before = (other for other in statements(kernel) if other.index < statement.index)
    written = any(other.assign.target.tensor == target and not _apart(other, statement) for other in before)
    fresh = target_is_fresh(tensors[target].direction, written)
    shared = frozenset(shared_iterators(kernel, statement))
    return Subject(machine, kernel, statement, home_memory(machine), tensors, shared, fresh, epilogue)


def _apart(one: Statement, other: Statement) -> bool:
    """Whether two statements write different positions of some axis, whatever loops stand around them.

    ``y[2*p]`` and ``y[2*q + 1]`` do, and so do ``y[p]`` and ``y[q + 8]`` for ``p < 8``.
    """
    pairs = zip(one.assign.target.map.results, other.assign.target.map.results, strict=True)
    if any(_residues_differ(index, theirs) for index, theirs in pairs):
        return True
    ranges = (
        [value_range(index, {each.name: each.extent for each in statement.iterators}) for index in results]
        for statement, results in ((s, s.assign.target.map.results) for s in (one, other))
    )
    return any(low > most or least > high for (low, high), (least, most) in zip(*ranges, strict=True))


def _residues_differ(one: Affine, other: Affine) -> bool:
    """Whether two indices leave different remainders by what all their steps have in common."""
    common = math.gcd(*(step for index in (one, other) for _, step in index.terms))
    rotated = one.rotations or other.rotations
    return not rotated and common > 1 and (one.constant - other.constant) % common != 0
