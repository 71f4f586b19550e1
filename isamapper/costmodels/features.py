"""What a learned cost model sees of a nest: numbers that mean the same on every machine.

Shares of the busiest resource, counts in powers of two, and the machine's own parameters in units of one call; no
names of machines, instructions or memories. What does not belong here: learning (``bench/fit.py``) and predicting
(``learned.py``).
"""

from __future__ import annotations

import math
from collections import abc

from isamapper.costmodels.analytic import SHARPNESS, Estimate, estimate, whole_call
from isamapper.costmodels.limits import cycles_ahead
from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Tensor
from isamapper.plan.layout import loop_trips
from isamapper.plan.nest import Nest

LARGEST = 6
"""So many resources are told apart by how busy they are."""

KINDS = ("unit", "port", "chain", "flight", "dispatch")

NAMES = (
    *(f"busy_{rank}" for rank in range(LARGEST)),
    *(f"busiest_{kind}" for kind in KINDS),
    *("call_unit", "exposed", "invocations_log2", "invocations_per_cycle", "calls_log2", "call_cycles_log2"),
    *("latency_in_calls", "window_in_calls", "queue_in_calls", "home_latency_in_calls", "ahead_in_calls"),
    *("buffers", "single_slots", "prefetched", "delayed", "spread", "loops", "innermost_trips_log2"),
    *("calls_per_fill_log2", "calls_per_target_log2", "bytes_per_cycle"),
)
"""Names of the features, in the order of :func:`features`."""


def features(
    machine: Machine, tensors: dict[str, Tensor], home: str, nest: Nest, call_cycles: int
) -> tuple[Estimate, tuple[float, ...]]:
    """The analytic estimate of a nest and its features; the cost of the estimate, O(buffers x coordinates)."""
    found = estimate(machine, tensors, home, nest, call_cycles)
    busy = dict(found.busy)
    longest = max(busy.values())
    calls = math.prod(loop_trips(nest, name) for name in nest.order)
    one_call = max(1.0, call_cycles / max(1, calls))
    values = (
        *_ranked(busy.values(), longest),
        *(
            max((cycles for name, cycles in busy.items() if _kind(name) == kind), default=0.0) / longest
            for kind in KINDS
        ),
        busy.get(f"unit.{nest.call.instruction.unit}", 0.0) / longest,
        max(0.0, found.cycles - _joined(busy.values(), longest)) / longest,
        math.log2(1 + found.invocations),
        found.invocations / longest,
        math.log2(1 + calls),
        math.log2(one_call),
        *_machine(machine, home, nest, one_call),
        *_shape(nest),
        found.bytes_moved / longest,
    )
    return found, tuple(float(value) for value in values)


def _ranked(busy: abc.Iterable[float], longest: float) -> list[float]:
    largest = sorted((cycles / longest for cycles in busy), reverse=True)[:LARGEST]
    return largest + [0.0] * (LARGEST - len(largest))


def _kind(resource: str) -> str:
    """What a resource is, from its name in the analytic model: all but the known kinds are ports."""
    kind = resource.partition(".")[0]
    return kind if kind in KINDS else "port"


def _joined(busy: abc.Iterable[float], longest: float) -> float:
    return float(longest * sum((cycles / longest) ** SHARPNESS for cycles in busy) ** (1 / SHARPNESS))


def _machine(machine: Machine, home: str, nest: Nest, one_call: float) -> tuple[float, ...]:
    """The machine's limits in units of one call; 64 stands for no limit."""
    instruction = nest.call.instruction
    unit = machine.unit(instruction.unit)
    values = whole_call(nest)
    return (
        timing(instruction, values)[1] / one_call,
        float(min(64, machine.dispatch.window or 64)),
        float(min(64, unit.queue_depth or 64)),
        machine.memory(home).latency_cycles / one_call,
        min(64.0, cycles_ahead(machine, nest.call, whole_call(nest)) / one_call),
    )


def _shape(nest: Nest) -> tuple[float, ...]:
    """Buffers, loops, and how many calls share a fill and a target."""
    moved = [buffer for buffer in nest.buffers if not buffer.prepared and (buffer.fill or buffer.drain)]
    places = {name: place for place, name in enumerate(nest.order)}
    fills = [places[buffer.loop] for buffer in moved if buffer.fill and buffer.loop in places]
    drains = [places[buffer.loop] for buffer in moved if buffer.drain and buffer.loop in places]
    return (
        len(moved),
        sum(buffer.slots == 1 for buffer in moved),
        sum(buffer.prefetch for buffer in moved),
        sum(buffer.delay for buffer in moved),
        sum(bool(buffer.spread) for buffer in moved),
        len(nest.order),
        math.log2(1 + (loop_trips(nest, nest.order[-1]) if nest.order else 0)),
        _inside(nest, max(fills, default=-1)),
        _inside(nest, max(drains, default=-1)),
    )


def _inside(nest: Nest, place: int) -> float:
    """Calls inside one iteration of the loop at ``place``, as a power of two."""
    return math.log2(math.prod(loop_trips(nest, name) for name in nest.order[place + 1 :]))
