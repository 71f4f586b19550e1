"""Doing many independent tasks: here, in processes of this machine, or on a Dask cluster.

Executors are plugins: ``local`` here, ``dask`` in ``dask.py``; a registered one is called with what stands behind
``NAME://`` and the number of jobs. An executor takes a function and tasks, both of which travel between the user's own
processes, and yields ``(number of the task, answer)`` as they are done, in any order. What does not belong here: what
a task is.
"""

from __future__ import annotations

import multiprocessing
from collections import abc
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Protocol, TypeVar

from isamapper.diagnostics.source import Diagnostic, SourceError

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class Executor(Protocol):
    """Does tasks; closing the iterator early gives up those that have not begun."""

    def each(
        self, function: abc.Callable[[Task], Answer], tasks: abc.Sequence[Task]
    ) -> abc.Iterator[tuple[int, Answer]]:
        """Number and answer of every task, as they are done."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """One after the other, in this process."""

    def each(
        self, function: abc.Callable[[Task], Answer], tasks: abc.Sequence[Task]
    ) -> abc.Iterator[tuple[int, Answer]]:
        for number, task in enumerate(tasks):
            yield number, function(task)


RESTARTS = 3
"""How often processes that were killed from outside are started again."""


@dataclass(frozen=True, slots=True)
class Processes:
    """``jobs`` processes of this machine; at most two tasks a process are under way, so that stopping is quick.

    Where a process is killed from outside, the tasks under way are begun again; RuntimeError after RESTARTS times.
    """

    jobs: int

    def each(
        self, function: abc.Callable[[Task], Answer], tasks: abc.Sequence[Task]
    ) -> abc.Iterator[tuple[int, Answer]]:
        left = dict(enumerate(tasks))
        for _ in range(1 + RESTARTS):
            try:
                for number, answer in self._once(function, left):
                    del left[number]
                    yield number, answer
            except BrokenProcessPool:
                continue
            return
        raise RuntimeError(f"a process died {1 + RESTARTS} times while it did a task")

    def _once(
        self, function: abc.Callable[[Task], Answer], tasks: abc.Mapping[int, Task]
    ) -> abc.Iterator[tuple[int, Answer]]:
        pool = ProcessPoolExecutor(self.jobs, multiprocessing.get_context("spawn"))
        waiting = iter(tuple(tasks.items()))
        running: dict[Future[Answer], int] = {}
        try:
            while True:
                while len(running) < 2 * self.jobs and (item := next(waiting, None)) is not None:
                    running[pool.submit(function, item[1])] = item[0]
                if not running:
                    break
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(done), done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def local(address: str, jobs: int) -> Executor:
    """``jobs`` processes of this machine; SourceError SCH051 where an address is given."""
    if address:
        raise SourceError(Diagnostic("SCH051", f"a local executor has no address, found '{address}'"))
    return Processes(jobs) if jobs > 1 else Here()
