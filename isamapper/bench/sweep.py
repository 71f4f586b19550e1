"""Doing a campaign: tasks that the store has are read, the others are done and stored one by one.

A process that dies, however, loses the tasks that were under way and nothing else. What does not belong here: which
tasks there are (``campaign.py``), where they run (``scheduler/campaign/executors.py``), how they look
(``report/sweep.py``).
"""

from __future__ import annotations

import time
from collections import abc
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from isamapper.bench.campaign import Task
from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.files import find_machine
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir.parser import parse_kernel
from isamapper.pipeline import run
from isamapper.registry import load
from isamapper.result import NoMapping
from isamapper.scheduler.campaign.executors import Executor
from isamapper.scheduler.campaign.store import Store

Row: TypeAlias = dict[str, Any]
Report: TypeAlias = abc.Callable[[str, int, int, str], None]
"""Told what is being done, how many tasks are done, how many there are, and what came out last and so far."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The rows of a campaign in the order of its tasks; ``read`` of them came from the store."""

    rows: tuple[Row, ...]
    tasks: int
    read: int
    seconds: float
    interrupted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """``rows`` and ``summary``, as every bench prints them."""
        good = [row for row in self.rows if row["failure"] is None]
        summary = {
            "tasks": self.tasks,
            "done": len(self.rows),
            "read_from_store": self.read,
            "failed": len(self.rows) - len(good),
            "verified": sum(1 for row in good if row["verified"]),
            "seconds": self.seconds,
            "interrupted": self.interrupted,
        }
        return {"rows": list(self.rows), "summary": summary}


def executor_of(where: str, jobs: int) -> Executor:
    """The executor ``NAME`` or ``NAME://ADDRESS``; SourceError where there is none of that name."""
    name, _, address = where.partition("://")
    make = cast("abc.Callable[[str, int], Executor]", load("executor", name))
    return make(address, jobs)


def sweep(
    tasks: abc.Sequence[Task], store: Path, executor: Executor | None = None, report: Report | None = None
) -> Sweep:
    """Every task's row. An interruption ends it with the rows so far; they are in the store."""
    for name in dict.fromkeys(task.strategy for task in tasks):
        load("strategy", name)
    for name in dict.fromkeys(task.cost_model for task in tasks):
        load("cost model", name)
    tell = report or _silent
    began = time.monotonic()
    with Store(store) as kept:
        rows = {number: row for number, task in enumerate(tasks) if (row := kept.get(task.key)) is not None}
        read, left = len(rows), [number for number in range(len(tasks)) if number not in rows]
        interrupted = False
        try:
            done = (executor or executor_of("local", 1)).each(measured, [tasks[number] for number in left])
            tell("tasks", len(rows), len(tasks), "")
            for place, row in done:
                task = tasks[left[place]]
                kept.put(task.key, asdict(task), row)
                rows[left[place]] = row
                tell("tasks", len(rows), len(tasks), _found(task, row, rows.values()))
        except KeyboardInterrupt:
            interrupted = True
    ordered = tuple({**_head(tasks[number]), **rows[number]} for number in sorted(rows))
    return Sweep(ordered, len(tasks), read, time.monotonic() - began, interrupted)


def measured(task: Task) -> Row:
    """The answer of one task; ``failure`` says why there is none. The user's mistakes are failures, too."""
    try:
        text = None if task.machine_text is None else Source(task.machine, task.machine_text)
        machine = load_machine(text or find_machine(task.machine), task.settings)
        result = run(
            parse_kernel(task.kernel_text),
            machine,
            strategy=task.strategy,
            cost_model=task.cost_model,
            seed=task.seed,
            budget_seconds=task.budget_seconds,
            executed_operations=task.executed_operations,
        )
    except NoMapping as refusal:
        first = refusal.rejections[0].reason if refusal.rejections else ""
        return {"failure": f"{refusal}: {first}" if first else str(refusal)}
    except SourceError as error:
        return {"failure": error.diagnostics[0].message}
    answer = result.to_dict()
    schedule = result.search.to_dict()["schedule"] if result.search else None
    certificate = result.certificate
    return {
        **{key: answer[key] for key in _KEYS},
        "dram_bytes": _host_bytes(answer["bytes"], result.program.machine),
        "verified": certificate.ok,
        "verified_size": certificate.size.value,
        "failure": None if certificate.ok else "does not verify",
        "schedule": schedule,
    }


_KEYS = (
    *("types", "cycles", "seconds", "bound_cycles", "mapped_bound_cycles", "percent_of_bound"),
    *("percent_of_mapped_bound", "binding_resource", "utilization", "bytes", "instructions", "energy_pj"),
    *("optimal", "search_seconds", "simulate_seconds", "versions"),
)


def _host_bytes(moved: Any, machine: Machine) -> int:
    """Bytes moved to and from the memories that hold the kernel's tensors."""
    hosts = (memory.name for memory in machine.memories if memory.kind is MemoryKind.HOST)
    return sum(sum(moved.get(name, {}).values()) for name in hosts)


def _head(task: Task) -> Row:
    settings = dict(setting.split("=", 1) for setting in task.settings)
    return {
        "kernel": task.kernel,
        "sizes": dict(task.sizes),
        "machine": task.machine,
        "settings": settings,
        "strategy": task.strategy,
        "cost_model": task.cost_model,
        "seed": task.seed,
    }


def _found(task: Task, row: Row, rows: abc.Iterable[Row]) -> str:
    """What progress says: the best of the task done last, its bound and the gap, and the gaps of all so far."""
    name = f"{task.kernel} on {task.machine}"
    gaps = [_gap(each) for each in rows if each["failure"] is None]
    if row["failure"] is not None:
        return f"{name}: {row['failure']}"
    last = f"{name}: best {row['cycles']:,}, bound {row['bound_cycles']:,}, gap {_gap(row):.1f} %"
    return f"{last} (all: {min(gaps):.1f} to {max(gaps):.1f} %)"


def _gap(row: Row) -> float:
    """How far the cycles are above the bound, in percent of the bound."""
    return 100 * (float(row["cycles"]) / max(1.0, float(row["bound_cycles"])) - 1)


def _silent(what: str, done: int, whole: int, found: str) -> None:
    del what, done, whole, found
