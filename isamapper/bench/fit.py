"""``isamapper fit``: a learned cost model from schedules that this machine simulates itself.

Problems are kernels at random sizes on machines; of each problem's candidates some are simulated. What was learned is
judged on kernels and on a machine that were held out, beside the analytic model; the model that is written is then
learned from everything. Needs ``isamapper[learned]``.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from typing import Any, TypeAlias

import lightgbm
import numpy as np

from isamapper.bench import ranks
from isamapper.costmodels.analytic import Analytic
from isamapper.costmodels.features import features
from isamapper.costmodels.learned import model_text, repetitions, rounded
from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import Statement, statements
from isamapper.pipeline import resolve
from isamapper.plan.lower import lower
from isamapper.plan.steps import Schedule, steps_of
from isamapper.scheduler.campaign.executors import Executor, Here
from isamapper.scheduler.space.candidates import Found, Subject, ranked_candidates, subject_of
from isamapper.scheduler.statements.isolate import isolated
from isamapper.sim.timing import simulate

Report: TypeAlias = abc.Callable[[str, int, int], None]

TREES = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_data_in_leaf": 12,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}
ROUNDS = 200
FEWEST = 4
"""Candidates a problem must have to say anything about a ranking."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A kernel at sizes on a machine; ``group`` says what it is for: ``train``, ``kernel`` or ``machine``."""

    group: str
    kernel: str
    sizes: tuple[tuple[str, int], ...]
    machine: str
    samples: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Candidates of one problem: features (rows, features), estimated and simulated cycles (rows,).

    ``estimated`` is what the features come with and what the trees correct; ``analytic`` is what the analytic cost
    model says of the schedule, which the learned one is compared with.
    """

    problem: Problem
    rows: tuple[tuple[float, ...], ...]
    estimated: tuple[float, ...]
    analytic: tuple[float, ...]
    simulated: tuple[float, ...]


def problems(
    kernels: abc.Sequence[str],
    machines: abc.Sequence[str],
    held_kernels: abc.Sequence[str],
    held_machine: str,
    *,
    count: int,
    samples: int,
    seed: int,
) -> tuple[Problem, ...]:
    """``count`` problems to learn from and a quarter as many of each kind held out; the same for the same seed."""
    random = np.random.default_rng(seed)
    for machine in (*machines, held_machine):
        load_machine(machine)
    known = [machine for machine in machines if machine != held_machine]
    seen = [kernel for kernel in kernels if kernel not in held_kernels]
    held = max(4, count // 4)
    plans = [
        ("train", seen, known, count),
        ("kernel", list(held_kernels), known, held),
        ("machine", seen, [held_machine], held),
    ]
    found: list[Problem] = []
    for group, from_kernels, from_machines, wanted in plans:
        for number in range(wanted if from_kernels and from_machines else 0):
            kernel = from_kernels[number % len(from_kernels)]
            machine = from_machines[(number // len(from_kernels)) % len(from_machines)]
            found.append(Problem(group, kernel, _sizes(kernel, machine, random), machine, samples))
    return tuple(found)


def _sizes(kernel: str, machine: str, random: np.random.Generator) -> tuple[tuple[str, int], ...]:
    """The kernel's own sizes, each greater than 8 multiplied by a random number between 1/4 and 4."""
    own = resolve(kernel, machine)[0].sizes
    for _ in range(20):
        sizes = tuple((n, max(1, round(s * 2 ** random.uniform(-2, 2))) if s > 8 else s) for n, s in own)
        try:
            resolve(kernel, machine, dict(sizes))
        except SourceError:
            continue  # sizes that do not go together, such as groups that do not divide channels
        return sizes
    return own


def measure(problem: Problem) -> Measured:
    """Simulates candidates of a problem: the best by the analytic model, and others spread over its ranking."""
    kernel, machine = resolve(problem.kernel, problem.machine, dict(problem.sizes))
    subject = subject_of(machine, kernel, max(statements(kernel), key=_volume))
    ranked = ranked_candidates(subject, nests=problem.samples)
    rows, estimated, analytic, simulated = [], [], [], []
    model = Analytic()
    for found in () if isinstance(ranked, Rejection) else _spread(ranked, problem.samples):
        try:
            alone = _alone(subject, found)
            cycles = simulate(lower(alone)).cycles
            priced = model.cycles(alone)
        except SourceError:
            continue  # a candidate that does not lower teaches nothing
        judged, row = features(machine, subject.tensors, subject.home, found.nest, repetitions(found.nest)[1])
        rows.append(row)
        estimated.append(judged.cycles)
        analytic.append(priced)
        simulated.append(float(cycles))
    return Measured(problem, tuple(rows), tuple(estimated), tuple(analytic), tuple(simulated))


def _volume(statement: Statement) -> int:
    return math.prod(iterator.extent for iterator in statement.iterators)


def _spread(ranked: abc.Sequence[Found], samples: int) -> list[Found]:
    best = list(ranked[: samples // 2])
    rest = ranked[len(best) :]
    step = max(1, len(rest) // max(1, samples - len(best)))
    return best + list(rest[::step])[: samples - len(best)]


def _alone(subject: Subject, found: Found) -> Schedule:
    """The statement as a kernel of its own."""
    own, moved = isolated(subject.tensors, found.nest, subject.shared, subject.fresh)
    return Schedule(own, own, subject.machine, steps_of(moved))


def fit(
    asked: abc.Sequence[Problem], *, seed: int = 0, executor: Executor | None = None, report: Report | None = None
) -> tuple[dict[str, Any], str]:
    """The report (``rows`` per held-out problem, ``summary``) and the text of the model."""
    tell = report or _silent
    found: dict[int, Measured] = {}
    for number, one in (executor or Here()).each(measure, asked):
        found[number] = one
        tell("problems", len(found), len(asked))
    useful = [found[number] for number in sorted(found) if len(found[number].rows) >= FEWEST]
    train = [one for one in useful if one.problem.group == "train"]
    if sum(len(one.rows) for one in train) < 10 * FEWEST:
        message = f"only {sum(len(one.rows) for one in train)} candidates could be simulated, too few to learn from"
        raise SourceError(Diagnostic("COST002", message, help="give more problems, samples or machines"))
    judged = _booster(train, seed)
    error = _error(judged, [one for one in useful if one.problem.group != "train"])
    rows = [_row(judged, error, one) for one in useful if one.problem.group != "train"]
    machines = ", ".join(dict.fromkeys(one.problem.machine for one in useful))
    text = model_text(_booster(useful, seed), error, f"{len(useful)} problems on {machines}")
    return {"rows": rows, "summary": _summary(rows, useful, error)}, text


def _booster(data: abc.Sequence[Measured], seed: int) -> Any:
    x = np.concatenate([np.array(one.rows) for one in data])
    y = np.concatenate([np.log(np.array(one.simulated) / np.array(one.estimated)) for one in data])
    weight = np.concatenate([np.full(len(one.rows), 1 / len(one.rows)) for one in data])
    return lightgbm.train({**TREES, "seed": seed}, lightgbm.Dataset(x, y, weight=weight), ROUNDS)


def _predicted(booster: Any, one: Measured) -> np.ndarray:
    return np.asarray(np.array(one.estimated) * np.exp(booster.predict(np.array(one.rows), num_threads=1)))


def _error(booster: Any, held: abc.Sequence[Measured]) -> float:
    """Within a problem, how far predictions scatter about the truth: what ranking must not be trusted beyond."""
    spread = []
    for one in held:
        off = np.log(_predicted(booster, one) / np.array(one.simulated))
        spread.append(float(np.std(off)))
    return float(np.median(spread)) if spread else 0.0


def _row(booster: Any, error: float, one: Measured) -> dict[str, Any]:
    learned = np.array([rounded(cycles, error) for cycles in _predicted(booster, one)])
    truth, analytic = np.array(one.simulated), np.array(one.analytic)
    return {
        "held_out": one.problem.group,
        "kernel": one.problem.kernel,
        "sizes": dict(one.problem.sizes),
        "machine": one.problem.machine,
        "candidates": len(truth),
        "analytic": _judged(analytic, truth, analytic),
        "learned": _judged(learned, truth, analytic),
    }


def _judged(cost: np.ndarray, truth: np.ndarray, order: np.ndarray) -> dict[str, float]:
    """Rank correlation with the truth, and how much worse the first choice is than the best; ties go by ``order``."""
    choice = np.lexsort((order, cost))[0]
    return {
        "spearman": spearman(cost, truth),
        "regret_percent": float(100 * (truth[choice] / truth.min() - 1)),
        "error_percent": float(100 * np.mean(np.abs(cost / truth - 1))),
    }


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation, ties at their mean rank; 1 where nothing differs."""
    found = ranks.spearman(first.tolist(), second.tolist())
    if found is None:
        return 1.0 if len(set(first.tolist())) == len(set(second.tolist())) else 0.0
    return found


def _summary(rows: abc.Sequence[dict[str, Any]], data: abc.Sequence[Measured], error: float) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "problems": len(data),
        "candidates": sum(len(one.rows) for one in data),
        "error_percent": 100 * (math.exp(error) - 1),
    }
    for group in ("kernel", "machine"):
        own = [row for row in rows if row["held_out"] == group]
        summary[f"held_out_{group}"] = {
            "problems": len(own),
            **{
                f"{model}_{figure}": _mean(own, model, figure)
                for model in ("analytic", "learned")
                for figure in FIGURES
            },
            "better": _better(own),
        }
    return summary


FIGURES = ("spearman", "regret_percent", "error_percent")


def _mean(rows: abc.Sequence[dict[str, Any]], model: str, figure: str) -> float | None:
    return float(np.mean([row[model][figure] for row in rows])) if rows else None


def _better(rows: abc.Sequence[dict[str, Any]]) -> bool | None:
    """Whether the learned model's first choices are better than the analytic model's, in the mean."""
    if not rows:
        return None
    return bool((_mean(rows, "learned", "regret_percent") or 0.0) < (_mean(rows, "analytic", "regret_percent") or 0.0))


def _silent(what: str, done: int, whole: int) -> None:
    del what, done, whole
