"""The official lists of DeepBench as values, and which of them a run takes.

A problem keeps the words of its list; what kernel it is on a machine is said in ``kernels.py``.
"""

from __future__ import annotations

import csv
import fnmatch
from collections import abc
from dataclasses import dataclass
from functools import cache
from importlib import resources

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, SourceError


@dataclass(frozen=True, slots=True)
class Suite:
    """One official list: its name, the file, what kind of problem it holds, and whether it is of training."""

    name: str
    file: str
    family: str
    training: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of a list; ``pass_name`` is the pass of a convolution: forward, backward_data or backward_weights."""

    suite: str
    number: int
    family: str
    training: bool
    values: tuple[tuple[str, int | str | float], ...]
    pass_name: str = "forward"

    @property
    def name(self) -> str:
        """Unique over all lists, as ``--filter`` takes it."""
        return f"{self.suite}/{self.number}"

    def __getitem__(self, key: str) -> int:
        """A whole number of the line."""
        return int(dict(self.values)[key])

    def text(self, key: str) -> str:
        """A word of the line."""
        return str(dict(self.values)[key])


SUITES = (
    Suite("gemm-train", "gemm_training", "gemm", True),
    Suite("gemm-server", "gemm_inference_server", "gemm", False),
    Suite("gemm-device", "gemm_inference_device", "gemm", False),
    Suite("sparse-server", "sparse_gemm_inference_server", "gemm", False),
    Suite("sparse-device", "sparse_gemm_inference_device", "gemm", False),
    Suite("rnn-train", "rnn_training", "rnn", True),
    Suite("rnn-server", "rnn_inference_server", "rnn", False),
    Suite("rnn-device", "rnn_inference_device", "rnn", False),
    Suite("conv-train", "conv_training", "conv", True),
    Suite("conv-train-data", "conv_training", "conv", True),
    Suite("conv-train-weights", "conv_training", "conv", True),
    Suite("conv-server", "conv_inference_server", "conv", False),
    Suite("conv-device", "conv_inference_device", "conv", False),
)
"""Every list; the training convolutions stand three times, forward and both gradients."""

PASSES = {"conv-train-data": "backward_data", "conv-train-weights": "backward_weights"}

GROUPS = {
    "gemm": ("gemm-train", "gemm-server", "gemm-device"),
    "sparse": ("sparse-server", "sparse-device"),
    "rnn": ("rnn-train", "rnn-server", "rnn-device"),
    "conv": ("conv-train", "conv-server", "conv-device"),
    "conv-gradients": ("conv-train-data", "conv-train-weights"),
    "all": tuple(suite.name for suite in SUITES),
}
"""Names for several suites at once."""

QUICK = (
    *("gemm-train/3", "gemm-train/27", "gemm-train/41", "gemm-server/1", "gemm-server/45", "gemm-device/2"),
    *("sparse-device/0", "rnn-device/0", "rnn-device/1", "rnn-server/0", "conv-device/12", "conv-server/21"),
)
"""A dozen that stands for the rest: square, skewed, transposed, one column, odd extents, each cell, 1x1 and 3x3."""


def suite_names() -> tuple[str, ...]:
    """Every name that chooses suites."""
    return (*(suite.name for suite in SUITES), *GROUPS)


@cache
def suite_problems(name: str) -> tuple[Problem, ...]:
    """The problems of one suite in the order of its file."""
    suite = next(each for each in SUITES if each.name == name)
    file = resources.files("isamapper.bench").joinpath(f"data/deepbench/{suite.file}.csv")
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    found = []
    for row in rows:
        values = tuple((key, _value(cell)) for key, cell in row.items() if key != "id")
        found.append(Problem(name, int(row["id"]), suite.family, suite.training, values, PASSES.get(name, "forward")))
    return tuple(found)


def _value(cell: str) -> int | str | float:
    if cell.lstrip("-").isdecimal():
        return int(cell)
    try:
        return float(cell)
    except ValueError:
        return cell


def chosen_problems(
    suites: abc.Sequence[str], *, quick: bool = False, patterns: abc.Sequence[str] = (), limit: int | None = None
) -> tuple[Problem, ...]:
    """The problems of ``suites`` (all GEMM, RNN and convolution lists where none is named) that a pattern matches.

    ``quick`` takes the dozen, or of named suites what belongs to it (or, where none does, their first two). A pattern
    such as ``gemm-train/1*`` is matched against names; ``limit`` keeps the first so many. BEN001 for an unknown suite,
    BEN002 where nothing is left.
    """
    names = [name for given in suites or ("all",) for name in _expanded(given)]
    found = [problem for name in dict.fromkeys(names) for problem in suite_problems(name)]
    if quick:
        short = [problem for problem in found if problem.name in QUICK]
        found = short or found[:2]
    if patterns:
        found = [problem for problem in found if any(fnmatch.fnmatchcase(problem.name, each) for each in patterns)]
    if not found:
        message = f"no problem is called '{', '.join(patterns)}'"
        raise SourceError(Diagnostic("BEN002", message, help="problems are called SUITE/NUMBER, as 'gemm-train/0'"))
    return tuple(found if limit is None else found[:limit])


def _expanded(name: str) -> tuple[str, ...]:
    if name in GROUPS:
        return GROUPS[name]
    if any(suite.name == name for suite in SUITES):
        return (name,)
    raise SourceError(Diagnostic("BEN001", f"unknown suite '{name}'", help=did_you_mean(name, suite_names())))
