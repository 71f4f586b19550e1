"""All mappings of a kernel on a machine."""

from __future__ import annotations

from collections import abc
from functools import lru_cache

from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.ir.walk import Declaration, sites
from isamapper.mapper.matching.criteria import CRITERIA
from isamapper.mapper.matching.match import enumerate_mappings
from isamapper.mapper.matching.needle import needle_of
from isamapper.mapper.matching.sigma import Subject, target_tensor
from isamapper.mapper.matching.views import natural_view
from isamapper.plan.mapping import Mapping


def find_mappings(
    kernel: Kernel,
    machine: Machine,
    *,
    statement: int | None = None,
    instruction: str | None = None,
    criterion: str | None = None,
    every: bool = False,
    symbolic: bool = False,
) -> abc.Iterator[Mapping]:
    """Every mapping of a statement of ``kernel`` on an instruction of ``machine``, up to twins.

    Lazy, in a stable order: statements in textual order, instructions in file order. ``criterion`` (``full``, ``amos``
    or ``strict``) keeps the exact mappings that satisfy it; without one, the class broadcast is there as well.
    ``every`` adds the unsaturated. ``symbolic`` counts as the definition does: unit axes kept, extents as large as
    need be. ValueError for a criterion that is none.
    """
    if criterion is not None and criterion not in CRITERIA:
        raise ValueError(f"no criterion '{criterion}': {', '.join(CRITERIA)}")
    for subject in subjects(kernel):
        if statement is not None and subject.statement.index != statement:
            continue
        for candidate in machine.instructions:
            needle = needle_of(candidate) if instruction in (None, candidate.name) else None
            if needle is not None:
                yield from enumerate_mappings(subject, needle, criterion=criterion, every=every, symbolic=symbolic)


@lru_cache(maxsize=256)
def subjects(kernel: Kernel) -> tuple[Subject, ...]:
    """The statements of ``kernel``, each with the tensors it sees."""
    found = []
    written: set[str] = set()
    for statement, site in zip(statements(kernel), sites(kernel), strict=True):
        tensors = _visible(site.place.scope)
        found.append(
            Subject(
                kernel, statement, tensors, natural_view(statement, tensors), _is_fresh(statement, tensors, written)
            )
        )
        written.add(statement.assign.target.tensor)
    return tuple(found)


def _visible(scope: tuple[Declaration, ...]) -> tuple[Tensor, ...]:
    """Innermost declarations only."""
    return tuple({each.tensor.name: each.tensor for each in scope}.values())


def _is_fresh(statement: Statement, tensors: tuple[Tensor, ...], written: set[str]) -> bool:
    """Whether the target holds nothing but the identity before the statement."""
    target = target_tensor(statement, tensors)
    return target.direction in (Direction.OUT, Direction.LOCAL) and target.name not in written
