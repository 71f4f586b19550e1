"""What a strategy works on: one statement's decision space, prices of its rows, and the cost model as the judge.

The analytic prices are a filter, the cost model decides: it sees only rows that a strategy offers, each once. What does
not belong here: which rows are worth offering (the strategies) and kernels of several statements (``exploring.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, field, replace

import numpy as np

from isamapper.costmodels.batch import Prices
from isamapper.costmodels.geometry import Column
from isamapper.costmodels.objectives import priced_for
from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import CostModel
from isamapper.plan.steps import Schedule, steps_of
from isamapper.scheduler.clock import over
from isamapper.scheduler.nests.build import build_nest
from isamapper.scheduler.space.ranking import by_cycles_then_bytes
from isamapper.scheduler.space.space import Rows, StatementSpace
from isamapper.scheduler.statements.isolate import isolated


@dataclass(frozen=True, slots=True)
class Improvement:
    """A nest that costs less than those before; ``bound``: no row of the space costs less, as far as is proven.

    ``row`` is empty where the nest was not decoded from one.
    """

    nest: Nest
    cycles: float
    row: tuple[int, ...]
    bound: float = 0.0


@dataclass
class Task:
    """One statement's search; ``judged`` maps rows to costs (None: cannot be built or lowered);
    prices are those of the ``objective`` (empty: cycles). ``promising`` are the families that rows are drawn from, None
    until all have been looked at."""

    space: StatementSpace
    cost_model: CostModel
    generator: np.random.Generator
    deadline: float | None = None
    objective: tuple[tuple[str, float], ...] = ()
    judged: dict[tuple[int, ...], float | None] = field(default_factory=dict)
    failures: list[Rejection] = field(default_factory=list)
    best: Improvement | None = None
    priced: int = 0
    promising: tuple[int, ...] | None = None
    _alive: dict[int, bool] = field(default_factory=dict)

    def late(self) -> bool:
        """Whether the time is over and there is something to show for it."""
        return self.best is not None and over(self.deadline)

    def alive(self, family: int) -> bool:
        """Whether a family has any schedule: what fails for one block at a time fails for every tiling."""
        if family not in self._alive:
            subject, own = self.space.subject, self.space.families[family]
            nest = build_nest(subject.machine, subject.kernel, subject.home, own.smallest())
            if isinstance(nest, Rejection):
                self.failures.append(nest)
            self._alive[family] = isinstance(nest, Nest)
        return self._alive[family]

    def prices(self, rows: Rows) -> Prices:
        """Analytic prices, infinite for rows of families that have no schedule."""
        self.priced += len(rows)
        found = self.space.priced(rows)
        dead = np.array([not self.alive(int(family)) for family in np.unique(rows[:, 0])])
        if dead.any():
            found.cycles[np.isin(rows[:, 0], np.unique(rows[:, 0])[dead])] = math.inf
        return replace(found, cycles=priced_for(found, self.objective)) if self.objective else found

    def cost(self, row: abc.Iterable[int]) -> float | None:
        """What the cost model says of one row; None where it cannot be built or lowered. Notes the best."""
        key = tuple(int(each) for each in row)
        if key not in self.judged:
            self.judged[key] = self._judge(key)
        return self.judged[key]

    def _judge(self, row: tuple[int, ...]) -> float | None:
        nest = self.space.decoded(row)
        if isinstance(nest, Rejection):
            self.failures.append(nest)
            return None
        return self.cost_of(nest, row)

    def cost_of(self, nest: Nest, row: tuple[int, ...] = ()) -> float | None:
        """What the cost model says of a nest; None where it cannot be lowered. Notes the best."""
        subject = self.space.subject
        kernel, moved = isolated(subject.tensors, nest, subject.shared, subject.fresh)
        try:
            cycles = self.cost_model.cycles(Schedule(kernel, kernel, subject.machine, steps_of(moved)))
        except SourceError:
            return None
        if self.best is None or cycles < self.best.cycles:
            self.best = Improvement(nest, cycles, row)
        return cycles

    def offered(self, rows: Rows, cycles: Column, bytes_moved: Column, count: int) -> abc.Iterator[Improvement]:
        """Judges the ``count`` best of ``rows`` by price, fewer bytes first among equals; yields what improves."""
        least = float(cycles.min()) if len(cycles) else math.inf
        if not math.isfinite(least):
            return
        keys = [by_cycles_then_bytes(float(c), float(b), least) for c, b in zip(cycles, bytes_moved, strict=True)]
        tried = 0
        for place in sorted(range(len(rows)), key=keys.__getitem__):
            if tried >= count or not math.isfinite(cycles[place]) or self.late():
                return
            before = self.best
            tried += self.cost(rows[place]) is not None
            if self.best is not None and self.best is not before:
                yield self.best

    def offered_all(self, rows: Rows) -> abc.Iterator[Improvement]:
        """Judges every one of ``rows``, best price first."""
        found = self.prices(rows)
        yield from self.offered(rows, found.cycles, found.bytes_moved, len(rows))
