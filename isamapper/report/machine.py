"""Machines as JSON objects and as documents."""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.hwdesc.model import Instruction, Machine, Memory, Port, Unit
from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeExpression, SizeName, SizeOp
from isamapper.report.document import Block, Document, Facts, Heading, Text, count, document, size, table
from isamapper.report.machine_text import machine_text


def machine_json(machine: Machine) -> dict[str, object]:
    """Everything of a machine that a report speaks of; numbers carry their unit in the key."""
    return {
        "machine": machine.name,
        "source": machine.source,
        "clock_hz": machine.clock_hz,
        "interlocks": machine.interlocks,
        "default_types": {name: dtype.name for name, dtype in machine.default_types},
        "dispatch": {"per_cycle": machine.dispatch.per_cycle, "window": machine.dispatch.window},
        "memories": [_memory_json(memory) for memory in machine.memories],
        "units": [_unit_json(unit) for unit in machine.units],
        "grids": [{"name": grid.name, "count": grid.count, "holds": list(grid.holds)} for grid in machine.grids],
        "instructions": [_instruction_json(instruction) for instruction in machine.instructions],
        "digest": machine.digest,
    }


def _memory_json(memory: Memory) -> dict[str, object]:
    return {
        "name": memory.name,
        "kind": memory.kind.value,
        "capacity_bytes": memory.capacity_bytes,
        "banks": memory.banks,
        "alignment_bytes": memory.alignment_bytes,
        "latency_cycles": memory.latency_cycles,
        "ports": [
            {"name": port.name, "direction": port.direction.value, "bytes_per_cycle": port.bytes_per_cycle}
            for port in memory.ports
        ],
        "source": memory.source,
    }


def _unit_json(unit: Unit) -> dict[str, object]:
    return {
        "name": unit.name,
        "count": unit.count,
        "queue_depth": unit.queue_depth,
        "in_flight": unit.in_flight,
        "serial": unit.serial,
        "source": unit.source,
    }


def _instruction_json(instruction: Instruction) -> dict[str, object]:
    return {
        "name": instruction.name,
        "unit": instruction.unit,
        "parameters": [
            {"name": range_.name, "low": range_.low, "high": range_.high, "step": range_.step}
            for range_ in instruction.parameters
        ],
        "operands": [
            {"name": operand.name, "memories": list(operand.memories), "accumulates": operand.accumulates}
            for operand in instruction.operands
        ],
        "occupies_cycles": cycles_text(instruction.occupies_cycles),
        "latency_cycles": cycles_text(instruction.latency_cycles),
        "semantics": instruction_text(instruction),
        "source": instruction.source,
    }


def instruction_text(instruction: Instruction) -> str:
    """The meaning as written in the machine file, its white space made one blank."""
    template = instruction.template
    return " ".join(template.source.text[template.start : template.end].split())


def machine_document(machine: Machine) -> Document:
    """What a person asks of a machine: where data can be, what can be done with it, how fast."""
    grids: Block | None = None
    if machine.grids:
        rows = [(grid.name, grid.count, ", ".join(grid.holds)) for grid in machine.grids]
        grids = table(("grid", "count", "holds"), rows)
    units = [
        (unit.name, unit.count, _or_dash(unit.queue_depth), _or_dash(unit.in_flight), "yes" if unit.serial else "no")
        for unit in machine.units
    ]
    return document(
        Heading(machine.name),
        Facts(_machine_facts(machine)),
        Text(machine_text(machine)),
        table(("memory", "kind", "capacity", "banks", "latency", "ports"), map(_memory_row, machine.memories)),
        table(("unit", "count", "queue", "in flight", "serial"), units),
        grids,
        table(("instruction", "unit", "occupies", "latency", "operands"), map(_instruction_row, machine.instructions)),
        Text("\n".join(f"{i.name}: {instruction_text(i)}" for i in machine.instructions)),
    )


def _machine_facts(machine: Machine) -> tuple[tuple[str, str], ...]:
    facts = [
        ("source", machine.source or "-"),
        ("clock", f"{machine.clock_hz / 1e6:,.0f} MHz"),
        ("dispatch", f"{machine.dispatch.per_cycle} per cycle, window {_or_dash(machine.dispatch.window)}"),
        ("interlocks", machine.interlocks),
    ]
    if machine.default_types:
        facts.append(("default types", " ".join(f"{name}={dtype}" for name, dtype in machine.default_types)))
    return tuple(facts)


def _memory_row(memory: Memory) -> tuple[str, ...]:
    return (
        memory.name,
        memory.kind.value,
        size(memory.capacity_bytes),
        str(memory.banks),
        f"{memory.latency_cycles} cycles",
        ", ".join(map(_port_text, memory.ports)) or "-",
    )


def _port_text(port: Port) -> str:
    return f"{port.name} ({port.direction.value}, {port.bytes_per_cycle} B/cycle)"


def _instruction_row(instruction: Instruction) -> tuple[str, ...]:
    return (
        instruction.name,
        instruction.unit,
        cycles_text(instruction.occupies_cycles),
        cycles_text(instruction.latency_cycles),
        ", ".join(f"{operand.name} in {' or '.join(operand.memories)}" for operand in instruction.operands),
    )


def cycles_text(expression: SizeExpression) -> str:
    """A cycle count as written, a number or an expression over the instruction's parameters."""
    match expression:
        case SizeConstant(value):
            return str(value)
        case SizeName(name):
            return name
        case SizeBinary(op, left, right):
            parts = cycles_text(left), cycles_text(right)
            if op in (SizeOp.CEILDIV, SizeOp.MIN, SizeOp.MAX):
                return f"{op.value}({parts[0]}, {parts[1]})"
            sides = (
                f"({part})" if isinstance(side, SizeBinary) and op not in (SizeOp.ADD,) else part
                for side, part in zip((left, right), parts, strict=True)
            )
            return f" {op.value} ".join(sides)
        case _:
            assert_never(expression)


def _or_dash(value: int | None) -> str:
    return "-" if value is None else count(value)


def machines_document(machines: abc.Iterable[Machine]) -> Document:
    """One line for each machine that comes with the package."""
    rows = [
        (machine.name, f"{machine.clock_hz / 1e6:,.0f} MHz", len(machine.instructions), machine.source or "-")
        for machine in machines
    ]
    return document(table(("machine", "clock", "instructions", "source"), rows))
