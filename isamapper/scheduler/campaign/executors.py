"""Doing many independent tasks: here, in processes of this machine, or on a Dask cluster.

Executors are plugins: ``local`` here, ``dask`` in ``dask.py``; a registered one is called with what stands behind
``NAME://`` and the number of jobs. An executor takes a function and tasks, both of which travel between the user's own
processes, and yields ``(number of the task, answer)`` as they are done, in any order. What does not belong here: what
a task is.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import abc
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

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


@dataclass(frozen=True, slots=True)
class Processes:
    """``jobs`` processes of this machine; at most two tasks a process are under way, so that stopping is quick.

    Where a process is killed from outside, each task under way is begun again in a process of its own. One that ends
    that as well is answered by ``died``; without it that is a RuntimeError. The processes end with this one, however
    that ends, and leave interruptions to it.
    """

    jobs: int
    died: abc.Callable[[Any], Any] | None = None

    def each(
        self, function: abc.Callable[[Task], Answer], tasks: abc.Sequence[Task]
    ) -> abc.Iterator[tuple[int, Answer]]:
        left = dict(enumerate(tasks))
        while left:
            under_way: dict[Future[Answer], int] = {}
            try:
                for number, answer in self._once(function, left, under_way):
                    del left[number]
                    yield number, answer
            except BrokenProcessPool:
                for number in sorted(under_way.values()):
                    yield number, self._alone(function, left.pop(number))

    def _once(
        self,
        function: abc.Callable[[Task], Answer],
        tasks: abc.Mapping[int, Task],
        under_way: dict[Future[Answer], int],
    ) -> abc.Iterator[tuple[int, Answer]]:
        """Answers as they come; ``under_way`` holds the tasks that were begun and have none yet."""
        waiting = iter(tuple(tasks.items()))
        with _pool(self.jobs) as pool:
            while True:
                while len(under_way) < 2 * self.jobs and (item := next(waiting, None)) is not None:
                    under_way[pool.submit(function, item[1])] = item[0]
                if not under_way:
                    return
                for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                    answer = done.result()
                    yield under_way.pop(done), answer

    def _alone(self, function: abc.Callable[[Task], Answer], task: Task) -> Answer:
        try:
            with _pool(1) as pool:
                return pool.submit(function, task).result()
        except BrokenProcessPool:
            if self.died is None:
                raise RuntimeError("a process died twice while it did one task") from None
            answer: Answer = self.died(task)
            return answer


@contextmanager
def _pool(jobs: int) -> abc.Iterator[ProcessPoolExecutor]:
    """A pool whose processes are stopped where it is left before its tasks are done."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_begin)
    try:
        yield pool
    except BaseException:  # an interruption, too: it is raised again
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def local(address: str, jobs: int) -> Executor:
    """``jobs`` processes of this machine; SourceError SCH051 where an address is given."""
    if address:
        raise SourceError(Diagnostic("SCH051", f"a local executor has no address, found '{address}'"))
    return Processes(jobs) if jobs > 1 else Here()
