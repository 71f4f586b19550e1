"""Random machines whose units share a port, and random programs for them."""

from __future__ import annotations

from random import Random

from isamapper.hwdesc.model import Machine
from isamapper.plan.program import Program
from isamapper.sim.sites import Model, model
from tests.sim import micro

WORK = "(r in 1..8) (x: i8[r, 16] @m) -> (z: i8[r, 16] @n) { for i < r, j < 16 { z[i, j] = x[i, j] + x[i, j] } }"


def sharing(seed: int, rule: str = "oldest") -> Model:
    """Copies there and back and arithmetic, on units of all kinds, over one port; no row is written twice."""
    random = Random(seed)
    return model(stream(random, machine(random, rule)))


def machine(random: Random, rule: str) -> Machine:
    """Three units of all kinds that move and calculate over the port of memory ``m``."""
    banks = random.choice(
        ("", ", banks: 2, bank_of: 16, capacity_bytes: 8KiB", ", banks: 4, bank_of: 8, capacity_bytes: 8KiB")
    )
    rates = f"bytes_per_cycle: {random.choice((3, 4, 8, 16))}, request_bytes: {random.choice((1, 12, 32))}"
    port = f"{{name: p, direction: both, {rates}, burst_bytes: {random.choice((1, 1, 24))}, arbitration: {rule}}}"
    kind, latency = "addressed" if banks else "host", random.randint(0, 9)
    shared = f"{{name: m, kind: {kind}, ports: [{port}], latency_cycles: {latency}{banks}}}"
    units = tuple(
        f"{{name: {name}{random.choice(('', ', queue_depth: 2', ', serial: true', ', in_flight: 2', ', count: 2'))}}}"
        for name in "uvw"
    )

    def timing() -> str:
        occupies = random.randint(0, 6)
        return f"occupies_cycles: {occupies}, latency_cycles: {occupies + random.randint(0, 5)}"

    return micro.machine(
        micro.op("copy", micro.COPY, timing(), "u"),
        micro.op("back", micro.BACK, timing(), "v"),
        micro.op("work", WORK, timing(), "w"),
        units=units,
        memories=(shared, "{name: n, kind: host}"),
        dispatch=random.choice(
            ("{per_cycle: 1}", "{per_cycle: 2}", "{per_cycle: 1, window: 4}", "{window: 3, window_order: any}")
        ),
    )


def stream(random: Random, on: Machine, rows: int = 56) -> Program:
    """Copies there and back and arithmetic over so many rows; none is written twice."""
    taken = {"s": 0, "t": 0}
    body = []
    while max(taken.values()) <= rows:
        name, buffers = random.choice((("copy", "st"), ("back", "ts"), ("work", "st")))
        count = random.randint(1, 4)
        source = random.randrange(max(1, min(60, taken[buffers[0]] + 2)))
        body.append(micro.copy(name, source, taken[buffers[1]], count, buffers))
        taken[buffers[1]] += count
    return micro.program(on, " ".join(body))
