"""``bench simulator``: simulated instructions per second, in time and in values, measured in one run.

Streams are hand-written programs: arithmetic alone and a whole matrix product with its loads, preloads and stores for
the machine ``toy4``, products of 16 x 16 x 16 bytes for ``gemmini16``. ``expanded`` steps all invocations; ``compiled``
skips ahead; ``walked`` and ``walk`` do so through time, with ports that serve in turns; ``event`` is plain Python.
Times are whole simulations: reading the program's structure, writing and compiling code, running it. ``stream`` times
invocations that were expanded into rows before. Rates are per second of processor time, so that other work on the
computer does not count; simulations run on one core. ``values`` executes products of 16 x 16 x 16 bytes on
``gemmini16``, ``checked`` after looking for reads of what is undefined.
"""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy

from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
from isamapper.sim.functional.run import run_body
from isamapper.sim.timeline import Timeline, timeline
from isamapper.sim.timing import has_compiler, simulate

MACHINE, TILES = "toy4", "gemmini16"


@dataclass(frozen=True, slots=True)
class Stream:
    """A program to time, with an engine."""

    name: str
    engine: str
    program: Program


def arithmetic(count: int) -> str:
    """``4 * count`` products of four rows, onto four accumulators in turn."""
    operands = "a: x[4*j + $0, $1] over [4, 4], w: w[$0, $1] over [4, 4], c: z[4*j + $0, $1] over [4, 4]"
    return f"""kernel arithmetic(a: i8[4, 4] @dram at 0) {{
      allocate x: i8[16, 4] @spad at 0
      allocate w: i8[4, 4] @weights at 0
      allocate z: i32[16, 4] @acc at 0
      for i < {count}, j < 4 {{ invoke compute(m = 4) {operands} }}
    }}"""


def product(m: int, n: int, k: int) -> str:
    """A matrix product on toy4: rows of A and B in two slots each, weights preloaded, C accumulated and stored."""
    tile = "over [4, 4]"
    a = "x[rotate(k, 2), $0, 4*kk + $1]"
    b = "y[rotate(k, 2), 4*kk + $0, $1]"
    compute = f"(m = 4) a: {a} {tile}, w: v[rotate(kk, 2), $0, $1] {tile}, c: z[rotate(j, 2), $0, $1] {tile}"
    return f"""kernel product(a: i8[{m}, {k}] @dram at 0, b: i8[{k}, {n}] @dram at {m * k})
      -> (c: i32[{m}, {n}] @dram at {m * k + k * n}) {{
      allocate x: i8[2, 4, 16] @spad at 0
      allocate y: i8[2, 16, 4] @spad at 2048
      allocate v: i8[2, 4, 4] @weights at 0
      allocate z: i32[2, 4, 4] @acc at 0
      for i < {m // 4}, j < {n // 4} {{
        for k < {k // 16} {{
          invoke mvin(r = 4, c = 16) src: a[4*i + $0, 16*k + $1] over [4, 16], dst: x[rotate(k, 2), $0, $1] over [4, 16]
          for kk < 4 {{
            invoke mvin(r = 4, c = 4) src: b[16*k + 4*kk + $0, 4*j + $1] {tile}, dst: {b} {tile}
            invoke preload() b: {b} {tile}, w: v[rotate(kk, 2), $0, $1] {tile}
            if k + kk == 0 {{ invoke compute_first{compute} }} else {{ invoke compute{compute} }}
          }}
        }}
        invoke mvout(r = 4, c = 4) src: z[rotate(j, 2), $0, $1] {tile}, dst: c[4*i + $0, 4*j + $1] {tile}
      }}
    }}"""


def streams(scale: int) -> tuple[Stream, ...]:
    """What is timed; ``scale`` 1 steps tens of millions of invocations."""
    side = 512 if scale else 64
    expanded = arithmetic(8_000_000 if scale else 10_000)
    turns = _in_turns(_program(product(side // 4, side // 4, side // 2)))
    found = [
        Stream("arithmetic", "expanded", _program(expanded)),
        Stream("product", "expanded", _program(product(side, side, 2 * side))),
        Stream("arithmetic", "stream", _program(arithmetic(2_000_000 if scale else 10_000))),
        Stream("product", "stream", _program(product(side, side, side))),
        Stream("tiles", "stream", _program(tiles(8_000_000 if scale else 64_000), TILES)),
        Stream("product, ports in turns", "walked", turns),
        Stream("product, ports in turns", "walk", turns),
        Stream(
            "arithmetic of a thousand million, ports in turns", "walk", _in_turns(_program(arithmetic(250_000_000)))
        ),
        Stream("product, ports in turns", "event", _in_turns(_program(product(16, 16, 32)))),
        Stream("product", "compiled", _program(product(side, side, 2 * side))),
        Stream("arithmetic of a thousand million", "compiled", _program(arithmetic(250_000_000))),
        Stream("product of a thousand million", "compiled", _program(product(2048, 2560, 4096))),
        Stream("product", "reference", _program(product(64, 64, 64))),
    ]
    return tuple(stream for stream in found if stream.engine in ("reference", "event") or has_compiler())


def _in_turns(program: Program) -> Program:
    """The program on its machine with ports that serve units in turn."""
    memories = tuple(
        replace(each, ports=tuple(replace(port, arbitration="round_robin") for port in each.ports))
        for each in program.machine.memories
    )
    return replace(program, machine=replace(program.machine, memories=memories))


def tiles(count: int) -> str:
    """``count`` products of 16 x 16 x 16 bytes on gemmini16: 64 operands in turn, onto four accumulators in turn."""
    tile = "over [16, 16]"
    operands = f"a: x[q, $0, $1] {tile}, w: w[$0, $1] {tile}, c: z[rotate(q, 4), $0, $1] {tile}"
    return f"""kernel tiles(a: i8[16, 1024] @dram at 0, b: i8[16, 16] @dram at 16384)
      -> (c: i32[16, 16] @dram at 32768) {{
      allocate x: i8[64, 16, 16] @spad at 0
      allocate y: i8[16, 16] @spad at 16384
      allocate w: i8[16, 16] @weights at 0
      allocate z: i32[4, 16, 16] @acc at 0
      for q < 64 {{ invoke mvin(r = 16, c = 16) src: a[$0, 16*q + $1] {tile}, dst: x[q, $0, $1] {tile} }}
      invoke mvin(r = 16, c = 16) src: b[$0, $1] {tile}, dst: y[$0, $1] {tile}
      invoke preload(k = 16, n = 16) b: y[$0, $1] {tile}, w: w[$0, $1] {tile}
      for q < 4 {{ invoke acc_zero(r = 16, c = 16) dst: z[q, $0, $1] {tile} }}
      for i < {count // 64}, q < 64 {{ invoke compute(m = 16, k = 16, n = 16) {operands} }}
      invoke mvout(r = 16, c = 16) src: z[0, $0, $1] {tile}, dst: c[$0, $1] {tile}
    }}"""


def _values(scale: int, repetitions: int) -> list[dict[str, Any]]:
    """Rows of products executed, unchecked and checked."""
    count = 16_000_000 if scale else 64_000
    body, machine = parse_program(tiles(count)), load_machine(TILES)
    random = numpy.random.default_rng(0)
    inputs = {each.name: random.integers(-128, 128, each.shape, numpy.int8) for each in body.tensors[:2]}
    rows = []
    for engine, checked in (("values", False), ("values, checked", True)):
        best = elapsed = float("inf")
        for _ in range(repetitions):
            start, clock = time.process_time(), time.perf_counter()
            run_body(body, machine, inputs, checked=checked)
            best, elapsed = min(best, time.process_time() - start), min(elapsed, time.perf_counter() - clock)
        rows.append(
            {
                "stream": "products of 16 x 16 x 16 bytes",
                "engine": engine,
                "instructions": count,
                "cycles": None,
                "seconds": round(elapsed, 6),
                "processor_seconds": round(best, 6),
                "instructions_per_second": round(count / best),
            }
        )
    return rows


def _program(text: str, machine: str = MACHINE) -> Program:
    body = parse_program(text)
    return Program(body, load_machine(machine), body)


def bench_simulator(scale: int = 1, repetitions: int = 3) -> dict[str, Any]:
    """One row per stream, the best of ``repetitions`` runs, and what the rows amount to."""
    rows = [_row(stream, repetitions) for stream in streams(scale)]
    rows += _values(scale, repetitions)
    rate = {(row["stream"], row["engine"]): row["instructions_per_second"] for row in rows}
    longest = [row["seconds"] for row in rows if row["instructions"] >= 10**9]
    summary: dict[str, Any] = {
        "arithmetic_instructions_per_second": rate.get(("arithmetic", "expanded")),
        "product_instructions_per_second": rate.get(("product", "expanded")),
        "stream_instructions_per_second": rate.get(("tiles", "stream")),
        "walked_instructions_per_second": rate.get(("product, ports in turns", "walked")),
        "event_instructions_per_second": rate["product, ports in turns", "event"],
        "thousand_million_seconds": max(longest, default=None),
        "reference_instructions_per_second": rate["product", "reference"],
        "byte_tiles_per_second": rate["products of 16 x 16 x 16 bytes", "values"],
        "checked_byte_tiles_per_second": rate["products of 16 x 16 x 16 bytes", "values, checked"],
        "machine": platform.processor() or platform.machine(),
        "versions": _versions(),
    }
    if ("product", "expanded") in rate:
        summary["skipping_ratio"] = round(rate["product", "compiled"] / rate["product", "expanded"], 1)
        summary["compiled_ratio"] = round(rate["product", "expanded"] / rate["product", "reference"], 1)
    return {"rows": rows, "summary": summary}


def _row(stream: Stream, repetitions: int) -> dict[str, Any]:
    slow = stream.engine in ("reference", "event")
    rounds = _rounds_of_rows(stream, repetitions) if stream.engine == "stream" else None
    rounds = rounds or [_timed(stream) for _ in range(1 if slow else repetitions)]
    found = rounds[0][2]
    best, elapsed = min(each[0] for each in rounds), min(each[1] for each in rounds)
    return {
        "stream": stream.name,
        "engine": stream.engine,
        "instructions": found.invocations,
        "cycles": found.cycles,
        "seconds": round(elapsed, 6),
        "processor_seconds": round(best, 6),
        "instructions_per_second": round(found.invocations / best),
    }


def _timed(stream: Stream) -> tuple[float, float, Timeline]:
    """Seconds of the processor and of the clock, and what was found."""
    start, clock = time.process_time(), time.perf_counter()
    found = simulate(stream.program, engine=stream.engine)
    return time.process_time() - start, time.perf_counter() - clock, found


def _rounds_of_rows(stream: Stream, repetitions: int) -> list[tuple[float, float, Timeline]]:
    """The same for rows that are there; the first round, which compiles, is left out."""
    from isamapper.sim.compiled.stream import expanded, time_stream
    from isamapper.sim.sites import model

    view = model(stream.program)
    rows, rounds = expanded(view), []
    for _ in range(repetitions + 1):
        start, clock = time.process_time(), time.perf_counter()
        found = timeline(view, time_stream(rows))
        rounds.append((time.process_time() - start, time.perf_counter() - clock, found))
    return rounds[1:]


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "numpy": numpy.__version__}
    if has_compiler():
        import llvmlite

        versions["llvmlite"] = llvmlite.__version__
    return versions
