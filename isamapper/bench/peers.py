"""``bench peers``: nine workloads that other mappers were run for: their claims beside cycles that were simulated.

The tiled bound holds the second operand of a product still, as the peers' set-up does:

    products      max(ceil(N / d) * ceil(K / d) * M, compulsory bytes / bytes per cycle)
    convolutions  multiplications / d**2

Their figures are each tool's own claim for ws16, divided by the bound: none of them runs its schedule. Ours are cycles
of a simulated and verified program. A product whose first operand is held still instead can go below the bound: such
rows are marked. Bytes are held against the fewest that were found, by this search or by one for bytes alone.
What does not belong here: the claims (``data/peers.csv``) and mappings of other tools (``replay.py``).
"""

from __future__ import annotations

import csv
import math
import time
from collections import abc
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeAlias

from isamapper.bench.smoke import geometric_mean
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir.nodes import Direction
from isamapper.pipeline import evaluate, find_schedule, resolve
from isamapper.plan.fixed import Fixed
from isamapper.plan.lower import lower
from isamapper.result import Result
from isamapper.sim.timeline import Timeline
from isamapper.sim.timing import simulate

Report: TypeAlias = abc.Callable[[str, int, int], None]
"""Told what is being done, how many rows are done, how many there are."""

PEERS = ("accelforge", "zigzag", "timeloop", "gamma")
CLAIMED = "ws16"
"""The machine that the claims of the single workloads are for."""
MEANS = {"ws32": {"accelforge": (1.001, 119.0), "zigzag": (1.086, 9.0), "timeloop": (1.98, 155.0)}}
"""On other machines: geometric mean and seconds of all nine, as each tool claims."""
BYTES_SECONDS = 10.0
"""The budget of the search for fewest bytes."""
EXECUTED_OPERATIONS = 10**8
"""Larger programs are verified in their reduced form."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload: what it is called, the kernel with its sizes, and per peer (ratio to the bound, seconds)."""

    name: str
    kernel: str
    sizes: tuple[tuple[str, int], ...]
    claims: tuple[tuple[str, float, float], ...]


def workloads() -> tuple[Workload, ...]:
    """The nine, in the order of the file."""
    text = resources.files("isamapper.bench").joinpath("data/peers.csv").read_text(encoding="utf-8")
    found = []
    for row in csv.DictReader(text.splitlines()):
        pairs = (pair.split("=") for pair in row["sizes"].split())
        claims = tuple((peer, float(row[peer]), float(row[f"{peer}_seconds"])) for peer in PEERS)
        found.append(Workload(row["workload"], row["kernel"], tuple((n, int(v)) for n, v in pairs), claims))
    return tuple(found)


def tiled_bound(workload: Workload, machine: Machine) -> int:
    """Cycles at least with the second operand held still, on a weight-stationary array."""
    side = math.isqrt(max((m.row_bytes or 0) for m in machine.memories if m.kind is MemoryKind.REGISTERS))
    sizes = dict(workload.sizes)
    if "M" not in sizes:
        return math.prod(sizes[name] for name in "NCKHWRS") // side**2
    m, n, k = sizes["M"], sizes["N"], sizes["K"]
    port = next(memory for memory in machine.memories if memory.kind is MemoryKind.HOST).ports[0]
    compulsory = -(-(m * k + k * n + m * n) // port.bytes_per_cycle)
    return max(-(-n // side) * -(-k // side) * m, compulsory)


def measure(
    machine: str = CLAIMED,
    *,
    strategy: str = "heuristic",
    cost_model: str = "simulated",
    budget_seconds: float | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> dict[str, Any]:
    """``rows``, one per workload, and the means in ``summary``."""
    tell, target, rows = report or _silent, load_machine(machine), []
    every = workloads()
    _warm(every[0], target, strategy, cost_model)
    for place, workload in enumerate(every):
        tell(workload.name, place, len(every))
        row = measured_row(
            workload, target, strategy=strategy, cost_model=cost_model, budget_seconds=budget_seconds, seed=seed
        )
        fewest = min(row["dram_bytes"], _fewest_bytes(workload, target, seed))
        rows.append({**row, "fewest_dram_bytes": fewest, "bytes_over_fewest": row["dram_bytes"] / fewest})
    return {"bench": "peers", "machine": machine, "rows": rows, "summary": _summary(machine, rows)}


def measured_row(
    workload: Workload,
    machine: Machine,
    *,
    strategy: str = "heuristic",
    cost_model: str = "simulated",
    budget_seconds: float | None = None,
    seed: int = 0,
    fixed: Fixed | None = None,
) -> dict[str, Any]:
    """One workload searched, simulated and verified; ``fixed`` decisions are kept."""
    kernel, _ = resolve(workload.kernel, machine, dict(workload.sizes))
    began = time.process_time()
    found = find_schedule(
        kernel,
        machine,
        strategy=strategy,
        cost_model=cost_model,
        budget_seconds=budget_seconds,
        seed=seed,
        fixed=fixed,
    )
    took = time.process_time() - began
    program = lower(found.schedule)
    result = evaluate(program, seed=seed, executed_operations=EXECUTED_OPERATIONS, found=found)
    return {**_row(workload, machine, result), "processor_seconds": took}


def _fewest_bytes(workload: Workload, machine: Machine, seed: int) -> int:
    """Bytes at home of the schedule that a search for fewest bytes finds."""
    kernel, _ = resolve(workload.kernel, machine, dict(workload.sizes))
    found = find_schedule(kernel, machine, objective="bytes", budget_seconds=BYTES_SECONDS, seed=seed)
    return _home_bytes(machine, simulate(lower(found.schedule)))


def _home_bytes(machine: Machine, timeline: Timeline) -> int:
    home = next(memory.name for memory in machine.memories if memory.kind is MemoryKind.HOST)
    return sum(each.read_bytes + each.written_bytes for each in timeline.traffic if each.memory == home)


def _warm(workload: Workload, machine: Machine, strategy: str, cost_model: str) -> None:
    """Loads what is compiled on first use: that is no search."""
    kernel, _ = resolve(workload.kernel, machine, {name: 16 for name, _ in workload.sizes})
    find_schedule(kernel, machine, strategy=strategy, cost_model=cost_model, budget_seconds=1.0)


def _row(workload: Workload, machine: Machine, result: Result) -> dict[str, Any]:
    answer = result.to_dict()
    bound = tiled_bound(workload, machine)
    assert result.search is not None
    return {
        "workload": workload.name,
        "kernel": workload.kernel,
        "sizes": dict(workload.sizes),
        "tiled_bound_cycles": bound,
        "cycles": result.timeline.cycles,
        "ratio": result.timeline.cycles / bound,
        "below_bound": result.timeline.cycles < bound,
        "optimal": result.search.optimal,
        "dram_bytes": _home_bytes(machine, result.timeline),
        "compulsory_dram_bytes": _compulsory(workload),
        "search_seconds": answer["search_seconds"],
        "verified": result.certificate.ok,
        "verified_size": result.certificate.size.value,
        "failure": None if result.certificate.ok else "does not verify",
        "claims": {peer: {"ratio": ratio, "seconds": seconds} for peer, ratio, seconds in workload.claims}
        if machine.name == CLAIMED
        else None,
    }


def _compulsory(workload: Workload) -> int:
    """Bytes of operands and results, each once."""
    kernel, _ = resolve(workload.kernel, CLAIMED, dict(workload.sizes))
    crossing = (tensor for tensor in kernel.tensors if tensor.direction is not Direction.LOCAL)
    return sum(math.prod(tensor.shape) * tensor.dtype.bits // 8 for tensor in crossing)


def _summary(machine: str, rows: abc.Sequence[abc.Mapping[str, Any]]) -> dict[str, Any]:
    claimed = {
        peer: (
            geometric_mean([row["claims"][peer]["ratio"] for row in rows]),
            sum(row["claims"][peer]["seconds"] for row in rows),
        )
        for peer in PEERS
        if machine == CLAIMED
    } or MEANS.get(machine, {})
    return {
        "workloads": len(rows),
        "verified": sum(row["verified"] for row in rows),
        "geomean_ratio": geometric_mean([row["ratio"] for row in rows]),
        "geomean_ratio_without_first": geometric_mean([row["ratio"] for row in rows[1:]]),
        "search_seconds": sum(row["search_seconds"] for row in rows),
        "processor_seconds": sum(row["processor_seconds"] for row in rows),
        "greatest_bytes_over_fewest": max(row["bytes_over_fewest"] for row in rows),
        "claims": {peer: {"geomean_ratio": mean, "seconds": seconds} for peer, (mean, seconds) in claimed.items()},
    }


def _silent(what: str, done: int, whole: int) -> None:
    del what, done, whole
