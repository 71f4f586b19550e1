"""All mappings of a kernel on a machine."""

from __future__ import annotations

from collections import abc

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel, Tensor
from isamapper.ir.walk import sites
from isamapper.ir.analysis import statements
from isamapper.mapper.match import Subject, enumerate_mappings
from isamapper.mapper.needle import needle_of
from isamapper.plan.mapping import Mapping


def find_mappings(
    kernel: Kernel,
    machine: Machine,
    *,
    statement: int | None = None,
    instruction: str | None = None,
    criterion: str | None = None,
    every: bool = False,
) -> abc.Iterator[Mapping]:
    """Every mapping of a statement of ``kernel`` on an instruction of ``machine``.

    Lazy, in a stable order: statements in textual order, instructions in file order.
    """
    for subject in subjects(kernel):
        if statement is not None and subject.statement.index != statement:
            continue
        for candidate in machine.instructions:
            needle = needle_of(candidate) if instruction in (None, candidate.name) else None
            if needle is not None:
                yield from enumerate_mappings(subject, needle)


def subjects(kernel: Kernel) -> tuple[Subject, ...]:
    """The statements of ``kernel``, each with the tensors it sees."""
    return tuple(
        Subject(kernel, statement, _visible(site.place.scope))
        for statement, site in zip(statements(kernel), sites(kernel), strict=True)
    )


def _visible(scope: tuple[tuple[Tensor, int], ...]) -> tuple[Tensor, ...]:
    """Innermost declarations only."""
    return tuple({tensor.name: tensor for tensor, _ in scope}.values())
