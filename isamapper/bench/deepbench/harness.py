"""Many problems on many machines: in parallel, stored as they finish, resumed where they were interrupted.

A problem whose process dies (memory, a crash of a library), or that meets a mistake of ours or of a plugin, is a row
with that failure; it is not stored, so the next run tries it again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import abc
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from isamapper.bench.deepbench.measure import Options, measure, row_key
from isamapper.bench.deepbench.problems import Problem
from isamapper.bench.deepbench.store import Appender, Row, read_rows
from isamapper.hwdesc.loader import load_machine

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
    measured = _parallel(left, options, jobs) if jobs > 1 else _one_by_one(left, options)
    for done, (task, row) in enumerate(measured, 1):
        rows[task.key] = row
        if append is not None and "lost" not in row:
            append(row)
        tell("problems", done, len(left))
    return [rows[task.key] for task in tasks]


def _one_by_one(tasks: abc.Iterable[Task], options: Options) -> abc.Iterator[tuple[Task, Row]]:
    for task in tasks:
        try:
            yield task, measure(task.problem, task.machine, options, task.key)
        except Exception as error:  # ours or a plugin's: one broken problem must not cost the others
            yield task, _lost(task, f"internal error: {type(error).__name__}: {error}")


def _silent(what: str, done: int, whole: int) -> None:
    del what, done, whole


def _parallel(tasks: abc.Sequence[Task], options: Options, jobs: int) -> abc.Iterator[tuple[Task, Row]]:
    """Rows as they finish. As many tasks as processes are under way, so a dead process costs those and no more."""
    waiting = list(reversed(tasks))
    while waiting:
        pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_begin)
        running: dict[Future[Row], Task] = {}
        try:
            broken = False
            while running or (waiting and not broken):
                while waiting and len(running) < jobs and not broken:
                    task = waiting.pop()
                    running[pool.submit(measure, task.problem, task.machine, options, task.key)] = task
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    task = running.pop(future)
                    try:
                        yield task, future.result()
                    except BrokenProcessPool:
                        broken = True
                        yield task, _lost(task, "the process that measured it died")
                    except Exception as error:  # as in _one_by_one
                        yield task, _lost(task, f"internal error: {type(error).__name__}: {error}")
        except BaseException:  # an interruption, too: workers must not outlive it; it is raised again
            for child in multiprocessing.active_children():
                child.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


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


def _begin() -> None:
    """A worker ends with its parent, however that ends, and leaves interruptions to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
