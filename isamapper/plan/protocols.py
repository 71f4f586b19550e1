"""What a search strategy and a cost model promise; the built-in ones are registered like anybody's."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Protocol

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.plan.fixed import Fixed
from isamapper.plan.steps import Schedule


@dataclass(frozen=True, slots=True)
class SearchProblem:
    """What is to be scheduled where, and for what.

    ``fixed`` holds decisions that are not the strategy's to take; ``objective`` the powers of quantities whose product
    the cost model gives (empty: cycles), for strategies that rank before they judge.
    """

    kernel: Kernel
    machine: Machine
    fixed: Fixed | None = None
    objective: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A schedule that lowers, with its cost under the cost model; ``optimal``: proven under that model.

    ``bound``: no schedule of the strategy's space costs less, as far as the strategy has proved it.
    """

    schedule: Schedule
    cycles: float
    optimal: bool = False
    bound: float | None = None


class NotSchedulable(Exception):
    """The honest no: the kernel cannot be scheduled on the machine, for these reasons."""

    def __init__(self, *rejections: Rejection) -> None:
        super().__init__("; ".join(f"{each.subject}: {each.reason}" for each in rejections))
        self.rejections = rejections


class CostModel(Protocol):
    """Cycles of a schedule, estimated or measured; deterministic; never changes the schedule."""

    name: str

    def cycles(self, schedule: Schedule) -> float:
        """Cycles of ``schedule``, which lowers."""
        ...


class SearchStrategy(Protocol):
    """Finds schedules: every candidate yielded is better than the one before, and may be the last one asked for.

    A last one may repeat the one before with what has been proved of it.

    ``budget_seconds`` (None: none) bounds the time; the best so far has been yielded by then. Same problem and seed,
    same candidates, as long as the budget does not end the search.
    """

    def __call__(
        self, problem: SearchProblem, cost_model: CostModel, *, budget_seconds: float | None, seed: int
    ) -> abc.Iterator[Candidate]:
        """Candidates in order of falling cost; NotSchedulable where there is none."""
        ...
