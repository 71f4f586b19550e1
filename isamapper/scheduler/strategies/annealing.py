"""``anneal``: many chains at once walk through the decision space, uphill less and less often (Metropolis).

Kirkpatrick, Gelatt, Vecchi, 'Optimization by Simulated Annealing', Science 220 (1983). The energy is the logarithm of
the analytic price, so a temperature means the same on every problem; the cost model judges the best rows met.
"""

from __future__ import annotations

from collections import abc

import numpy as np

from isamapper.scheduler.strategies.exploring import strategy
from isamapper.scheduler.strategies.moves import mutated, seeds
from isamapper.scheduler.strategies.starting import started
from isamapper.scheduler.strategies.task import Improvement, Task

CHAINS = 96
SWEEPS = 8
"""How often the best rows met are judged."""
STEPS = 20
"""Moves of every chain per sweep."""
HOT, COLD = 0.3, 0.002
"""First and last temperature: uphill moves of 35 % and of 0.2 % are taken with the same probability."""
JUDGED = 4


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Cools down in ``SWEEPS`` steps and judges the best rows after each."""
    yield from started(task)
    rows = seeds(task, CHAINS)
    if not len(rows):
        return
    found = task.prices(rows)
    energy = np.log(found.cycles)
    best_rows, best_cycles, best_bytes = rows.copy(), found.cycles.copy(), found.bytes_moved.copy()
    yield from task.offered(best_rows, best_cycles, best_bytes, JUDGED)
    for temperature in np.geomspace(HOT, COLD, SWEEPS):
        for _ in range(STEPS):
            moved = mutated(task.space, rows, task.generator)
            found = task.prices(moved)
            rise = np.log(found.cycles) - energy
            taken = task.generator.random(len(rows)) < np.exp(-np.maximum(rise, 0.0) / temperature)
            rows[taken], energy[taken] = moved[taken], np.log(found.cycles[taken])
            better = found.cycles < best_cycles
            best_rows[better], best_cycles[better] = moved[better], found.cycles[better]
            best_bytes[better] = found.bytes_moved[better]
            if task.late():
                break
        yield from task.offered(*_distinct(best_rows, best_cycles, best_bytes), JUDGED)
        if task.late():
            return


def _distinct(rows: np.ndarray, cycles: np.ndarray, moved: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    _, first = np.unique(rows, axis=0, return_index=True)
    return rows[first], cycles[first], moved[first]


anneal = strategy(explore)
