"""Random machines: small, valid, and different in every way that a machine file can be different.

    source = random_machine(random.Random(7))
    machine = load_machine(source)

A machine has a host memory, a scratchpad, sometimes an accumulator memory and a register file for one operand, copies
between them, a matrix product (sometimes with parameters, sometimes overwriting beside accumulating), and sometimes
elementwise work and a host unit. The text is made, not the value, so that the loader takes part in every property.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from isamapper.diagnostics.source import Source

_TYPES = (("i8", "i32", "i32({})"), ("f32", "f32", "{}"), ("i32", "i32", "{}"), ("u8", "i32", "i32({})"))


@dataclass(frozen=True, slots=True)
class _Plan:
    """The choices that a whole machine follows."""

    operand: str
    result: str
    cast: str
    rows: int
    columns: int
    depth: int
    accumulator: bool
    registers: bool
    narrow: bool
    bus_bytes: int


def random_machine(random: Random) -> Source:
    """The text of a valid machine; equal states of ``random`` give equal texts."""
    operand, result, cast = random.choice(_TYPES)
    plan = _Plan(
        operand=operand,
        result=result,
        cast=cast,
        rows=random.choice((1, 2, 4)),
        columns=random.choice((2, 4)),
        depth=random.choice((2, 3, 4)),
        accumulator=random.random() < 0.6,
        registers=random.random() < 0.5,
        narrow=random.random() < 0.5,
        bus_bytes=random.choice((1, 4, 8, 16)),
    )
    parts = (_header(random), _memories(plan, random), _units(random), _instructions(plan, random))
    return Source(f"random_{random.randrange(10**6)}.yaml", "".join(parts))


def _header(random: Random) -> str:
    lines = ["name: random", "source: made up", f"clock_hz: {random.choice((1000, 10**9))}"]
    if random.random() < 0.5:
        window = f", window: {random.randint(2, 16)}" if random.random() < 0.7 else ""
        order = ", window_order: any" if window and random.random() < 0.3 else ""
        lines.append(f"dispatch: {{per_cycle: {random.randint(1, 3)}{window}{order}}}")
    if random.random() < 0.3:
        lines.append("include: [{snippet: host_scalar, memory: dram}]")
    return "\n".join(lines) + "\n"


def _memories(plan: _Plan, random: Random) -> str:
    latency = random.choice((0, 5, 20))
    port = f"{{name: bus, direction: both, bytes_per_cycle: {plan.bus_bytes}}}"
    lines = ["memories:", f"  - {{name: dram, kind: host, latency_cycles: {latency}, ports: [{port}]}}"]
    banks = random.choice(("", ", banks: 2", ", banks: 4, bank_of: 16"))
    ports = ""
    if random.random() < 0.5:
        ports = f", ports: [{{name: r, direction: read, bytes_per_cycle: {random.choice((8, 16))}}}, "
        ports += f"{{name: w, direction: write, bytes_per_cycle: {random.choice((4, 8))}}}]"
    lines.append(f"  - {{name: spad, kind: addressed, capacity_bytes: {random.choice((1, 4))}KiB{banks}{ports}}}")
    if plan.accumulator:
        lines.append(f"  - {{name: acc, kind: addressed, capacity_bytes: {random.choice((512, 1024))}}}")
    if plan.registers:
        size = plan.depth * plan.columns * _bytes(plan.operand)
        lines.append(f"  - {{name: weights, kind: registers, rows: {random.randint(1, 3)}, row_bytes: {size}}}")
    return "\n".join(lines) + "\n"


def _bytes(dtype: str) -> int:
    return int(dtype.lstrip("iuf")) // 8


def _units(random: Random) -> str:
    lines = ["units:"]
    for name in ("load", "array", "store"):
        extras = ""
        if random.random() < 0.7:
            extras += f", queue_depth: {random.randint(1, 6)}"
        if random.random() < 0.3:
            extras += ", held: end"
        if random.random() < 0.2:
            extras += f", count: {random.randint(2, 3)}"
        if random.random() < 0.2:
            extras += f", in_flight: {random.randint(1, 4)}"
        if random.random() < 0.1:
            extras += ", serial: true"
        lines.append(f"  - {{name: {name}{extras}}}")
    return "\n".join(lines) + "\n"


def _instructions(plan: _Plan, random: Random) -> str:
    result_memory = "acc" if plan.accumulator else "spad"
    weights = "weights" if plan.registers else "spad"
    blocks = [
        "instructions:\n",
        _copy("mvin", "load", plan.operand, "dram", "spad", random),
        _copy("mvout", "store", plan.result, result_memory, "dram", random),
        _product("compute", plan, weights, result_memory, True, random),
    ]
    if random.random() < 0.6:
        blocks.append(_product("compute_first", plan, weights, result_memory, False, random))
    else:
        blocks.append(_fill(plan.result, result_memory))
    if plan.registers:
        blocks.append(_preload(plan))
    if random.random() < 0.5:
        blocks.append(_copy("mvin_result", "load", plan.result, "dram", result_memory, random))
    if random.random() < 0.4:
        blocks.append(_elementwise(plan.result, result_memory, random))
    return "".join(blocks)


def _entry(name: str, unit: str, semantics: str, timing: str, operands: str = "") -> str:
    demands = f"    operands: {{{operands}}}\n" if operands else ""
    return f'  - name: {name}\n    unit: {unit}\n    semantics: "{semantics}"\n{demands}    timing: {{{timing}}}\n'


def _copy(name: str, unit: str, dtype: str, source: str, target: str, random: Random) -> str:
    rows, columns = random.choice((2, 4)), random.choice((4, 8, 16))
    ranges = f"(r in 1..{rows}, c in 1..{columns})"
    tensors = f"(src: {dtype}[r, c] @{source}) -> (dst: {dtype}[r, c] @{target})"
    pads = ", pads: true" if random.random() < 0.5 else ""
    operands = f"src: {{contiguous: [j]{pads}}}, dst: {{contiguous: [j]}}"
    text = f"{ranges} {tensors} {{ for i < r, j < c {{ dst[i, j] = src[i, j] }} }}"
    return _entry(name, unit, text, f"latency_cycles: {random.randint(0, 6)}", operands)


def _product(name: str, plan: _Plan, weights: str, result: str, accumulates: bool, random: Random) -> str:
    m = "m" if plan.narrow else str(plan.rows)
    ranges = f"(m in 1..{plan.rows}) " if plan.narrow else ""
    a, b = plan.cast.format("a[i, k]"), plan.cast.format("w[k, j]")
    c = f"{plan.result}[{m}, {plan.columns}] @{result}"
    inputs = f"a: {plan.operand}[{m}, {plan.depth}] @spad, w: {plan.operand}[{plan.depth}, {plan.columns}] @{weights}"
    tensors = f"({inputs}, c: inout {c})" if accumulates else f"({inputs}) -> (c: {c})"
    loops = f"for i < {m}, j < {plan.columns}, k < {plan.depth}"
    text = f"{ranges}{tensors} {{ {loops} {{ c[i, j] += {a} * {b} }} }}"
    chained = ", accumulates: true" if accumulates and random.random() < 0.7 else ""
    operands = f"a: {{contiguous: [k]}}, c: {{contiguous: [j]{chained}}}"
    occupies = m if random.random() < 0.6 else str(random.randint(1, 4))
    timing = f"occupies_cycles: {occupies}, latency_cycles: {occupies} + {random.randint(0, 7)}"
    return _entry(name, "array", text, timing, operands)


def _preload(plan: _Plan) -> str:
    shape = f"{plan.operand}[{plan.depth}, {plan.columns}]"
    text = f"(b: {shape} @spad) -> (w: {shape} @weights) {{ w[k, j] = b[k, j] }}"
    return _entry("preload", "load", text, f"occupies_cycles: {plan.depth}, latency_cycles: {plan.depth}")


def _fill(dtype: str, memory: str) -> str:
    text = f"(r in 1..4, c in 1..8) () -> (dst: {dtype}[r, c] @{memory}) {{ for i < r, j < c {{ dst[i, j] = 0 }} }}"
    return _entry("clear", "array", text, "occupies_cycles: r, latency_cycles: r", "dst: {contiguous: [j]}")


def _elementwise(dtype: str, memory: str, random: Random) -> str:
    value = random.choice(("x[i] + y[i]", "max(x[i], y[i])", "x[i] * y[i]", "x[i] - y[i]"))
    operands = f"x: {dtype}[n] @{memory}, y: {dtype}[n] @{memory}"
    text = f"(n in 1..8) ({operands}) -> (z: {dtype}[n] @{memory}) {{ for i < n {{ z[i] = {value} }} }}"
    return _entry("combine", "array", text, f"occupies_cycles: {random.randint(1, 2)}, latency_cycles: 3")
