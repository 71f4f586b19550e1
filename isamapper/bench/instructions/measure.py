"""Simulates every instruction whose timing is known, and compares.

What is compared, where it is known: the products of one instruction, the latency of a chain through a source operand
(through the accumulator where there is no such operand, from start to end where an instruction cannot wait for itself),
the latency of a chain of accumulations, and the interval of independent instructions.
"""

from __future__ import annotations

from collections import abc
from fractions import Fraction
from math import prod
from typing import Any

from isamapper.bench.instructions.loops import Timed, carriers, chain, once, stream
from isamapper.bench.instructions.rows import Described, Known, described, known_timings, machine_of
from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.classify import Work, classify
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Direction
from isamapper.plan.program import Program
from isamapper.sim.timing import simulate

ROUNDS = 240
"""Invocations of a chain, rounds of a stream: the difference to twice as many is free of start and end."""

MARKS = ("exact", "derived", "approximate")


def bench_instructions(path: str | None = None) -> dict[str, Any]:
    """Rows and a summary for the known timings that come with the package, or those of ``path``."""
    rows = [_row(known) for known in known_timings(path)]
    summary: dict[str, Any] = {"rows": len(rows)}
    for mark in MARKS:
        marked = [row for row in rows if row["mark"] == mark]
        summary[mark] = {"rows": len(marked), "reproduced": sum(row["reproduced"] for row in marked)}
    summary["not_described"] = sum(row["machine"] is None for row in rows)
    return {"rows": rows, "summary": summary}


def _row(known: Known) -> dict[str, Any]:
    """One known timing with what is simulated; a row that no machine describes is not reproduced."""
    row: dict[str, Any] = {
        "isa": known.isa,
        "core": known.core,
        "instruction": known.instruction,
        "mark": known.mark,
        "source": known.source,
        "machine": None,
        "machine_instruction": None,
        "products": known.products,
        "latency_cycles": known.latency_cycles,
        "chained_latency_cycles": known.chained_cycles,
        "interval_cycles": known.interval_cycles,
    }
    where = described(known)
    found: dict[str, float | None] = {} if where is None else _simulated(where)
    if where is not None:
        row.update(machine=where.machine, machine_instruction=where.instruction)
    for key in ("products", "latency_cycles", "chained_latency_cycles", "interval_cycles"):
        row[f"simulated_{key}"] = found.get(key)
    compared = [key for key in ("latency_cycles", "chained_latency_cycles", "interval_cycles") if row[key] is not None]
    compared += ["products"] if known.products else []
    row["reproduced"] = bool(found) and all(row[key] == row[f"simulated_{key}"] for key in compared)
    return row


def _simulated(where: Described) -> dict[str, float | None]:
    machine = machine_of(where.machine)
    timed = Timed(machine, machine.instruction(where.instruction), where.parameters)
    step = _steps(timed, where.per)
    return {
        "products": float(_products(timed) / step),
        "latency_cycles": float(_latency(timed)),
        "chained_latency_cycles": _chained(timed),
        "interval_cycles": float(_interval(timed, where.per) * where.servers),
    }


def _steps(timed: Timed, per: str | None) -> int:
    """How many steps of ``per`` one invocation has."""
    if per is None:
        return 1
    high = next(each.high for each in timed.instruction.parameters if each.name == per)
    return dict(timed.parameters).get(per, high)


def _products(timed: Timed) -> int:
    """Points of the instruction that compute; copies and fills have none."""
    if classify(timed.instruction) is not Work.COMPUTE:
        return 0
    kernel = bind_instruction(timed.instruction, dict(timed.parameters))
    return sum(prod(each.extent for each in statement.iterators) for statement in statements(kernel))


def _latency(timed: Timed) -> Fraction:
    through = carriers(timed)
    if through:
        return _slope(lambda count: chain(timed, count, through[0]), 1)
    if timed.result.direction is Direction.INOUT:
        return _slope(lambda count: chain(timed, count, None), 1)
    (event,) = simulate(once(timed), trace=True).events
    return Fraction(event.end - event.start)


def _chained(timed: Timed) -> float | None:
    """Cycles of an accumulation that waits for the one before; None where nothing accumulates."""
    if timed.result.direction is not Direction.INOUT:
        return None
    return float(_slope(lambda count: chain(timed, count, None), 1))


def _interval(timed: Timed, per: str | None) -> Fraction:
    """Cycles per independent instruction, or per step of the parameter ``per``."""
    if per is None:
        _, slots = stream(timed, 1)
        return _slope(lambda count: stream(timed, count)[0], slots)
    parameter = next(each for each in timed.instruction.parameters if each.name == per)
    low, high = (Timed(timed.machine, timed.instruction, ((per, value),)) for value in (parameter.low, parameter.high))
    return (_interval(high, None) - _interval(low, None)) / (parameter.high - parameter.low)


def _slope(program: abc.Callable[[int], Program], each: int) -> Fraction:
    """Cycles per invocation between ``ROUNDS`` and twice as many rounds of ``each`` invocations."""
    short, long = (simulate(program(count)).cycles for count in (ROUNDS, 2 * ROUNDS))
    return Fraction(long - short, ROUNDS * each)
