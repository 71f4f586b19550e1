"""A tiny machine in words of one line, tiny programs on it, and the cycles of every instruction.

``times`` runs the reference engine and the compiled one and demands that they agree before it answers.
"""

from __future__ import annotations

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
from isamapper.sim import reference
from isamapper.sim.compiled import engine
from isamapper.sim.counters import Counters
from isamapper.sim.sites import model

MAKE = "() -> (y: i32[1] @m) { for i < 1 { y[i] = 1 } }"
USE = "(x: i32[1] @m) -> (z: i32[1] @n) { for i < 1 { z[i] = x[i] + 1 } }"
SUM = "(x: i32[1] @m, c: inout i32[1] @n) { for i < 1 { c[i] += x[i] } }"
FETCH = "(x: i32[1] @n) -> (y: i32[1] @m) { for i < 1 { y[i] = x[i] } }"
COPY = "(r in 1..8) (x: i8[r, 16] @m) -> (z: i8[r, 16] @n) { for i < r, j < 16 { z[i, j] = x[i, j] } }"
BACK = "(r in 1..8) (x: i8[r, 16] @n) -> (z: i8[r, 16] @m) { for i < r, j < 16 { z[i, j] = x[i, j] } }"
ALU = "(r in 1..8) (x: i8[r, 16] @n) -> (z: i8[r, 16] @m) { for i < r, j < 16 { z[i, j] = x[i, j] + x[i, j] } }"

PLAIN = ("{name: m, kind: host}", "{name: n, kind: host}")


def machine(
    *instructions: str,
    units: tuple[str, ...] = ("{name: u}",),
    dispatch: str = "{per_cycle: 1}",
    memories: tuple[str, ...] = PLAIN,
    interlocks: str = "hardware",
    clock: int = 1,
) -> Machine:
    """A machine from one-line YAML entries."""
    lines = ["format: 1", "name: micro", "source: made up for these tests", f"clock_hz: {clock}"]
    lines.append("memories:")
    lines += [f"  - {each}" for each in memories]
    lines += ["units:", *(f"  - {each}" for each in units)]
    lines += [f"dispatch: {dispatch}", f"interlocks: {interlocks}", "instructions:"]
    lines += [f"  - {each}" for each in instructions]
    return load_machine(Source("micro.yaml", "\n".join(lines) + "\n"))


def op(name: str, meaning: str, timing: str, unit: str = "u", operands: str = "", more: str = "") -> str:
    """One instruction entry."""
    demands = f", operands: {{{operands}}}" if operands else ""
    extra = f", {more}" if more else ""
    return f'{{name: {name}, unit: {unit}, semantics: "{meaning}", timing: {{{timing}}}{demands}{extra}}}'


def program(target: Machine, body: str) -> Program:
    """A program over ``m: a[8], b[8]`` and ``n: c[8], d[8]`` (i32), and the byte tiles ``s`` in m and ``t`` in n."""
    buffers = ("a: i32[8] @m at 0", "b: i32[8] @m at 32", "c: i32[8] @n at 0", "d: i32[8] @n at 32")
    tiles = ("s: i8[64, 16] @m at 1024", "t: i8[64, 16] @n at 1024")
    allocations = " ".join(f"allocate {each}" for each in (*buffers, *tiles))
    kernel = parse_program(f"kernel micro(e: i32[1] @m at 4096) {{ {allocations} {body} }}")
    return Program(kernel, target, kernel)


def run(case: Program) -> Counters:
    """The totals and all events, the same from both engines."""
    view = model(case)
    expected = reference.run(view, 10_000)
    compiled = engine.run(view, 10_000)
    assert compiled is not None
    assert compiled.events == expected.events
    assert compiled == expected
    return expected


def times(target: Machine, body: str) -> list[tuple[int, int, int]]:
    """``(dispatched, start, end)`` of every invocation in program order."""
    return [(event.dispatched, event.start, event.end) for event in run(program(target, body)).events]


def make(place: str) -> str:
    """``make`` writes one element, as in ``make a[3]``."""
    return f"invoke make() y: {_one(place)}"


def fetch(source: str, target: str) -> str:
    """``fetch`` copies one element from n to m."""
    return f"invoke fetch() x: {_one(source)}, y: {_one(target)}"


def use(source: str, target: str) -> str:
    """``use`` reads one element and writes another."""
    return f"invoke use() x: {_one(source)}, z: {_one(target)}"


def add(source: str, target: str) -> str:
    """``add`` accumulates one element onto another."""
    return f"invoke add() x: {_one(source)}, c: {_one(target)}"


def copy(name: str, source: int, target: int, rows: int = 1, buffers: str = "st") -> str:
    """A tile of ``rows`` rows of 16 bytes between row ``source`` of the first buffer and row ``target``."""
    first, second = buffers
    window = f"over [{rows}, 16]"
    return f"invoke {name}(r = {rows}) x: {first}[{source} + $0, $1] {window}, z: {second}[{target} + $0, $1] {window}"


def _one(place: str) -> str:
    tensor, index = place.rstrip("]").split("[")
    return f"{tensor}[{index} + $0] over [1]"
