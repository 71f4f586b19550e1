"""Many problems on many machines: in parallel, stored as they finish, resumed where they were interrupted.

A problem whose process dies (memory, a crash of a library), or that meets a mistake of ours or of a plugin, is a row
with that failure; it is not stored, so the next run tries it again.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from isamapper.bench.deepbench.measure import Options, measure, row_key
from isamapper.bench.deepbench.problems import Problem
from isamapper.bench.deepbench.store import Appender, Row, read_rows
from isamapper.hwdesc.loader import load_machine
from isamapper.scheduler.campaign.executors import Executor, Here, Processes

Report: TypeAlias = abc.Callable[[str, int, int], None]
"""Told what is being done, how many rows are done, how many there are."""


@dataclass(frozen=True, slots=True)
class Task:
    """One problem on one machine; ``key`` finds its row in a store."""

    problem: Problem
    machine: str
    key: str


def tasks_of(problems: abc.Sequence[Problem], machines: abc.Sequence[str], options: Options) -> tuple[Task, ...]:
    """Every problem on every machine, machine by machine."""
    return tuple(
        Task(problem, machine, row_key(problem, load_machine(machine), options))
        for machine in machines
        for problem in problems
    )


def measure_all(
    tasks: abc.Sequence[Task],
    options: Options,
    store: Path | None,
    *,
    jobs: int = 1,
    fresh: bool = False,
    report: Report | None = None,
) -> list[Row]:
    """The row of every task in order; rows that ``store`` has are taken from there, new ones are appended to it.

    ``fresh`` takes none from there.
    """
    known = {} if store is None or fresh else {row["key"]: row for row in read_rows(store)}
    append = None if store is None else Appender(store)
    rows = {task.key: known[task.key] for task in tasks if task.key in known}
    left = [task for task in tasks if task.key not in known]
    tell = report or _silent
    tell("problems", 0, len(left))
    executor: Executor = Processes(jobs, died=_died) if jobs > 1 else Here()
    measured = executor.each(_row, [(task, options) for task in left])
    for done, (number, row) in enumerate(measured, 1):
        rows[left[number].key] = row
        if append is not None and "lost" not in row:
            append(row)
        tell("problems", done, len(left))
    return [rows[task.key] for task in tasks]


def _silent(what: str, done: int, whole: int) -> None:
    del what, done, whole


def _row(given: tuple[Task, Options]) -> Row:
    task, options = given
    try:
        return measure(task.problem, task.machine, options, task.key)
    except Exception as error:  # ours or a plugin's: one broken problem must not cost the others
        return _lost(task, f"internal error: {type(error).__name__}: {error}")


def _died(given: tuple[Task, Options]) -> Row:
    return _lost(given[0], "the process that measured it died")


def _lost(task: Task, reason: str) -> Row:
    return {
        "bench": "deepbench",
        "key": task.key,
        "suite": task.problem.suite,
        "problem": task.problem.name,
        "family": task.problem.family,
        "pass": task.problem.pass_name,
        "machine": load_machine(task.machine).name,
        "parameters": dict(task.problem.values),
        "failure": reason,
        "lost": True,
        "verified": False,
        "baselines": {},
        "anchors": [],
    }
