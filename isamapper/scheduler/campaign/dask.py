"""Tasks on a Dask cluster that is already running.

A task that was running on a worker that dies is done again by another (the scheduler does that); an answer that
has reached this process is kept here and never asked for again. Needs ``isamapper[dask]`` (distributed, BSD-3).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Any, TypeVar

import distributed

from isamapper.diagnostics.source import Diagnostic, SourceError

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_DISTRIBUTED: Any = distributed  # its functions have no types
CONNECT_SECONDS = 10
RETRIES = 3
"""Workers that may die under one task before it is given up."""


def cluster(address: str, jobs: int) -> Cluster:
    """The cluster whose scheduler listens at ``address``; how many jobs it does at a time is its own business."""
    del jobs
    if not address:
        raise SourceError(
            Diagnostic(
                "SCH051",
                "a Dask cluster needs an address, which 'dask' alone has not",
                help="such as dask://127.0.0.1:8786",
            )
        )
    return Cluster(address)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster by the HOST:PORT of its scheduler."""

    address: str

    def each(
        self, function: abc.Callable[[Task], Answer], tasks: abc.Sequence[Task]
    ) -> abc.Iterator[tuple[int, Answer]]:
        """Number and answer of every task, as they are done."""
        with self._client() as client:
            futures = {client.submit(function, task, pure=False, retries=RETRIES): i for i, task in enumerate(tasks)}
            for future in _DISTRIBUTED.as_completed(futures):
                answer: Answer = future.result()
                number = futures.pop(future)
                future.release()
                yield number, answer

    def _client(self) -> Any:
        try:
            return _DISTRIBUTED.Client(self.address, timeout=CONNECT_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            message = f"no Dask scheduler answers at '{self.address}': {error}"
            raise SourceError(Diagnostic("SCH051", message, help="start one with 'dask scheduler'")) from None
