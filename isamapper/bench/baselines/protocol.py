"""What a baseline promises."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.plan.steps import Schedule


@dataclass(frozen=True, slots=True)
class Case:
    """What a baseline is asked to do: a bound kernel on a machine.

    ``seconds`` is what the search that it is compared with took, for those that search with an equal budget.
    """

    kernel: Kernel
    machine: Machine
    seconds: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One program of a baseline, started ``calls`` times one after the other; nothing stays on chip between calls."""

    schedule: Schedule
    calls: int = 1
    label: str = ""


Parts: TypeAlias = tuple[Part, ...] | Rejection


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline: ``source`` says whose habit it is and where that is described; ``parts`` gives its programs.

    A Rejection says why it does not apply to a case.
    """

    source: str
    parts: abc.Callable[[Case], Parts]
