"""``learned``: propose rows, judge a few, learn where the analytic prices are wrong, and repeat.

A surrogate predicts the logarithm of cost over price from a row's own integers and the parts of its price. It is an
ensemble of small boosted trees (LightGBM), each grown on another sample of what has been judged so far; where its
members disagree nothing is known yet, so rows are chosen by the least cost that may well be true (a lower confidence
bound: Cox and John, 1992). Needs ``isamapper[learned]``. What does not belong here: the cost model that was learned
from many problems (``costmodels/learned.py``); this one starts from nothing and is forgotten with its problem.
"""

from __future__ import annotations

from collections import abc
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from isamapper.costmodels.batch import Prices
from isamapper.scheduler.space.space import Rows
from isamapper.scheduler.strategies.exploring import strategy
from isamapper.scheduler.strategies.moves import mutated, repaired, seeds
from isamapper.scheduler.strategies.starting import started
from isamapper.scheduler.strategies.task import Improvement, Task

POOL = 384
"""Rows that are proposed at a time."""
FIRST = 8
"""Rows judged before anything is learned: the cheapest by price."""
JUDGED = 5
"""Rows judged in a round."""
ROUNDS = 14
MEMBERS = 5
"""Surrogates in the ensemble."""
DOUBT = 1.0
"""How many standard deviations below its mean a prediction is hoped to be."""
LEARNS = 6
"""Judged rows from which on something can be learned."""
TREES = {
    "objective": "regression",
    "learning_rate": 0.15,
    "num_leaves": 6,
    "min_data_in_leaf": 2,
    "min_data_in_bin": 1,
    "feature_fraction": 0.7,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}
GROWN = 30
"""Trees of one member."""

Features = NDArray[np.float64]


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Judges the cheapest rows, then round by round what the surrogate thinks may be best."""
    yield from started(task)
    pool = seeds(task, POOL)
    if not len(pool):
        return
    found = task.prices(pool)
    yield from task.offered(pool, found.cycles, found.bytes_moved, FIRST)
    for _ in range(ROUNDS):
        if task.late():
            return
        pool = _proposed(task, pool)
        found = task.prices(pool)
        hoped = found.cycles * np.exp(_corrections(task, pool, found))
        fresh = np.array([tuple(row) not in task.judged for row in pool.tolist()]) & np.isfinite(hoped)
        if not fresh.any():
            return
        yield from task.offered(pool[fresh], hoped[fresh], found.bytes_moved[fresh], JUDGED)
        pool = pool[np.argsort(hoped, kind="stable")[: POOL // 2]]


def _proposed(task: Task, pool: Rows) -> Rows:
    """The better half of the pool, its neighbours, those of the best rows judged, and rows from anywhere."""
    good = sorted((cost, row) for row, cost in task.judged.items() if cost is not None)[: POOL // 16]
    elite = np.array([row for _, row in good], dtype=np.int64).reshape(len(good), task.space.width)
    near = [mutated(task.space, np.repeat(elite, 8, axis=0), task.generator), mutated(task.space, pool, task.generator)]
    far = mutated(task.space, near[0], task.generator)
    rows = np.concatenate([pool, *near, far, seeds(task, POOL // 8)])
    distinct: Rows = np.unique(repaired(task, rows, 2), axis=0)
    return distinct


def _corrections(task: Task, rows: Rows, found: Prices) -> NDArray[np.float64]:
    """What the surrogate adds to the logarithm of each price; nothing while too little has been judged."""
    known = [(row, cost) for row, cost in task.judged.items() if cost is not None]
    if len(known) < LEARNS:
        return np.zeros(len(rows))
    judged = np.array([row for row, _ in known], dtype=np.int64)
    prices = task.prices(judged)
    priced = np.isfinite(prices.cycles)
    wrong = np.log(np.array([cost for _, cost in known])[priced] / prices.cycles[priced])
    told, asked = described(task, judged, prices)[priced], described(task, rows, found)
    members = np.array([member.predict(asked, num_threads=1) for member in _ensemble(task, told, wrong)])
    means: NDArray[np.float64] = members.mean(axis=0) - DOUBT * members.std(axis=0)
    return means


def _ensemble(task: Task, told: Features, wrong: NDArray[np.float64]) -> abc.Iterator[Any]:
    """One booster per sample, drawn with replacement."""
    for _ in range(MEMBERS):
        drawn = task.generator.integers(len(told), size=len(told))
        parameters = {**TREES, "seed": int(task.generator.integers(2**31))}
        yield lightgbm.train(parameters, lightgbm.Dataset(told[drawn], wrong[drawn]), GROWN)


def described(task: Task, rows: Rows, found: Prices) -> Features:
    """Features of rows: family, tiles in powers of two, orders and slots, and the parts of the price."""
    space, cycles = task.space, np.where(np.isfinite(found.cycles), found.cycles, 1.0)
    tiles = np.log2(np.maximum(rows[:, 1 : 1 + space.tile_columns], 1))
    chosen = rows[:, 1 + space.tile_columns :]
    least = np.maximum(found.least, 1.0)
    parts = (cycles / least, found.bytes_moved / least, np.log2(1 + found.footprint_bytes), np.log2(1 + least))
    return np.column_stack([rows[:, 0], tiles, chosen, *parts]).astype(np.float64)


learned = strategy(explore)
