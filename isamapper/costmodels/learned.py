"""A cost model that has learned from the simulator where the analytic one is wrong.

It predicts, per nest, the logarithm of simulated over analytic cycles by gradient-boosted trees (LightGBM: Ke et al.,
NeurIPS 2017) on the features of ``features.py``. Differences smaller than its own error are no differences: costs are
rounded to steps of that error, so that candidates within it stay in the order of the analytic model. Needs
``isamapper[learned]``.

A model file is LightGBM's text format and one line of JSON after it; a model comes with the package, and
``isamapper fit`` makes others.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from isamapper.costmodels.features import NAMES, features
from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.nest import Nest
from isamapper.plan.steps import Schedule, replay
from isamapper.plan.work import call_cycles

MARK = "\nisamapper: "
"""Between LightGBM's text and ours."""

VARIABLE = "ISAMAPPER_COST_MODEL"
"""Environment variable that names another model file than the package's."""


@dataclass(frozen=True, slots=True)
class Model:
    """Trees and what must be known of them: the error (standard deviation of the logarithm) on kernels never seen."""

    booster: Any
    error: float
    trained_on: str

    def ratios(self, rows: np.ndarray) -> np.ndarray:
        """Predicted log(simulated / analytic) per row of features, shape (rows, len(NAMES)) to (rows,)."""
        return np.asarray(self.booster.predict(rows, num_threads=1))


class Learned:
    """The learned model as a cost model of whole schedules."""

    name = "learned"

    def __init__(self, path: str | Path | None = None) -> None:
        self.model = load_model(path)

    def cycles(self, schedule: Schedule) -> float:
        """Predicted cycles, in steps of the model's error; SourceError where a step cannot be replayed."""
        home, tensors = home_memory(schedule.machine), all_tensors(schedule.covered)
        times, rows, estimates = [], [], []
        for nest in replay(schedule):
            repeated, busy = repetitions(nest)
            found, row = features(schedule.machine, tensors, home, nest, busy)
            times.append(repeated)
            estimates.append(found.cycles)
            rows.append(row)
        ratios = self.model.ratios(np.array(rows))
        total = float(
            sum(n * cycles * math.exp(ratio) for n, cycles, ratio in zip(times, estimates, ratios, strict=True))
        )
        return rounded(total, self.model.error)


def repetitions(nest: Nest) -> tuple[int, int]:
    """How often a nest is run by loops around it, and the cycles its calls occupy their unit each time."""
    outer = [digit for digit in nest.digits if digit.bound is None and digit.name not in nest.order]
    bound = tuple(digit for digit in nest.digits if digit.bound is not None)
    busy = call_cycles(nest.statement, nest.call, bound, frozenset(digit.iterator for digit in outer))
    return math.prod(digit.extent for digit in outer), busy


def rounded(cycles: float, error: float) -> float:
    """``cycles`` at the nearest step of ``error`` on the logarithmic scale; exactly where there is no error."""
    return cycles if error <= 0 or cycles <= 0 else math.exp(round(math.log(cycles) / error) * error)


def load_model(path: str | Path | None = None) -> Model:
    """The model in ``path``, else in the file that ISAMAPPER_COST_MODEL names, else the package's own.

    SourceError COST001 where it cannot be read or knows other features.
    """
    chosen = path or os.environ.get(VARIABLE)
    try:
        if chosen is None:
            text = resources.files("isamapper.costmodels").joinpath("data/learned.txt").read_text(encoding="utf-8")
        else:
            text = Path(chosen).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(chosen, f"{error}") from None
    trees, mark, ours = text.rpartition(MARK)
    try:
        facts = json.loads(ours) if mark else {}
    except ValueError:
        facts = {}
    if facts.get("features") != list(NAMES):
        raise _unusable(chosen, "it was made by another program or for other features")
    try:
        return Model(lightgbm.Booster(model_str=trees), float(facts["error"]), str(facts["trained_on"]))
    except (lightgbm.basic.LightGBMError, KeyError, TypeError, ValueError) as error:
        raise _unusable(chosen, f"{error}") from None


def model_text(booster: Any, error: float, trained_on: str) -> str:
    """The file of a model."""
    ours = {"features": list(NAMES), "error": error, "trained_on": trained_on}
    return f"{booster.model_to_string().rstrip()}{MARK}{json.dumps(ours)}\n"


def _unusable(path: str | Path | None, reason: str) -> SourceError:
    what = f"'{path}'" if path is not None else "the package's file"
    message = f"cost model 'learned' cannot use {what}: {reason}"
    return SourceError(Diagnostic("COST001", message, help="'isamapper fit -o FILE' makes one"))
