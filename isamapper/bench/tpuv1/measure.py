"""``bench tpuv1``: simulated operations per second of published applications, beside the published ones."""

from __future__ import annotations

from typing import Any

from isamapper.bench.tpuv1.applications import Application, applications
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.plan.program import Program
from isamapper.sim.timing import simulate

MACHINE = "tpuv1"
BANDWIDTHS = (("30 GB/s", 30 * 10**9), ("34 GB/s", 34 * 10**9))
"""Weight bandwidths of the paper's figure 1 and of its text."""

BURST_BYTES = 64


def measure() -> dict[str, Any]:
    """A row for each application and bandwidth, and the greatest error of each bandwidth."""
    rows = []
    for name, bytes_per_second in BANDWIDTHS:
        machine = load_machine(MACHINE, (f"memories.wmem.ports.ddr3.clock_hz={bytes_per_second // BURST_BYTES}",))
        rows += [_row(application, machine, name, bytes_per_second) for application in applications()]
    greatest = {
        name: max(abs(row["error_percent"]) for row in rows if row["weight_bandwidth"] == name)
        for name, _ in BANDWIDTHS
    }
    return {"bench": MACHINE, "machine": MACHINE, "rows": rows, "summary": {"greatest_error_percent": greatest}}


def _row(application: Application, machine: Machine, bandwidth: str, bytes_per_second: int) -> dict[str, Any]:
    found = simulate(Program(application.program, machine, application.program))
    tops = 2 * application.products * machine.clock_hz / found.cycles / 1e12
    return {
        "application": application.name,
        "layers": application.layers,
        "batch": application.batch,
        "weights": application.weights,
        "weight_bandwidth": bandwidth,
        "weight_bytes_per_second": bytes_per_second,
        "cycles": found.cycles,
        "tops": round(tops, 3),
        "published_tops": application.published_tops,
        "error_percent": round(100 * (tops / application.published_tops - 1), 2),
    }
