"""``bench mapping``: how long the mapper takes, and how much memory, for what is known to be large.

- every mapping of a 3-D convolution on a matrix instruction, labels included;
- every mapping of a recurrent cell of six statements on a machine of 150 instructions, the compute instructions of the
  built-in instruction sets; by themselves and with labels;
- how many enumerations that takes: instructions to which a statement looks the same share one;
- the memory at its peak while many and few mappings of one statement are gone through without keeping them.

Seconds are of the processor, the least of a few runs; the first run, which fills caches, is given apart.
"""

from __future__ import annotations

import time
import tracemalloc
from collections import abc
from dataclasses import replace
from itertools import islice
from typing import Any

from isamapper.hwdesc.classify import Work, classify
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.mapper import Labeller, find_mappings
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.shared import enumerations, forget

CONV3D = """kernel conv3d(x: f32[4, 64, 18, 34, 34], w: f32[64, 64, 3, 3, 3]) -> (y: f32[4, 64, 16, 32, 32]) {
  for n < 4, k < 64, o < 16, p < 32, q < 32, c < 64, t < 3, r < 3, s < 3 {
    y[n, k, o, p, q] += x[n, c, o+t, p+r, q+s] * w[k, c, t, r, s]
  }
}"""
CELL = """kernel cell(x: f32[8, 64], h: f32[8, 64], c: f32[8, 64], w: f32[4, 64, 64], u: f32[4, 64, 64],
            bias: f32[4, 64]) -> (hn: f32[8, 64], cn: f32[8, 64]) {
  local a: f32[4, 8, 64]
  local s: f32[4, 8, 64]
  local g: f32[8, 64]
  for g0 < 4, b < 8, j < 64, i < 64 { a[g0, b, j] += x[b, i] * w[g0, i, j] }
  for g0 < 4, b < 8, j < 64, i < 64 { a[g0, b, j] += h[b, i] * u[g0, i, j] }
  for g0 < 4, b < 8, j < 64 { s[g0, b, j] = sigmoid(a[g0, b, j] + bias[g0, j]) }
  for b < 8, j < 64 { g[b, j] = tanh(a[2, b, j] + bias[2, j]) }
  for b < 8, j < 64 { cn[b, j] = s[1, b, j] * c[b, j] + s[0, b, j] * g[b, j] }
  for b < 8, j < 64 { hn[b, j] = s[3, b, j] * tanh(cn[b, j]) }
}"""
WIDE = """kernel wide(x: f32[8, 8, 9, 9, 9, 9, 9, 9, 9], w: f32[8, 8, 2, 2, 2, 2, 2, 2, 2])
    -> (y: f32[8, 8, 8, 8, 8, 8, 8, 8, 8]) {
  for n < 8, k < 8, d < 8, e < 8, f < 8, g < 8, h < 8, i < 8, j < 8, c < 8,
      p < 2, q < 2, r < 2, s < 2, t < 2, u < 2, v < 2 {
    y[n, k, d, e, f, g, h, i, j] += x[n, c, d+p, e+q, f+r, g+s, h+t, i+u, j+v] * w[k, c, p, q, r, s, t, u, v]
  }
}"""
"""A convolution over seven dimensions: more mappings than one would keep."""

MATRIX = ("gemmini16_f32", "compute")
SETS = (
    "avx512",
    "avx2",
    "neon",
    "sve",
    "amx",
    "sme",
    "rvv",
    "nvidia_mma",
    "ascend_cube",
    "tpu_like",
    "vta",
    "gemmini16",
)
INSTRUCTIONS = 150
FEW, MANY = 1000, 25000


def bench_mapping(repetitions: int = 5) -> dict[str, Any]:
    """A row per measurement, and what they amount to."""
    matrix, machine = load_machine(MATRIX[0]), collected(INSTRUCTIONS)
    conv, cell = parse_kernel(CONV3D), parse_kernel(CELL)
    rows = [
        _timed("conv3d", conv, matrix, MATRIX[1], repetitions, labelled=False),
        _timed("conv3d with labels", conv, matrix, MATRIX[1], repetitions, labelled=True),
        _timed("recurrent cell", cell, machine, None, repetitions, labelled=False),
        _timed("recurrent cell with labels", cell, machine, None, repetitions, labelled=True),
        *(_gone_through(count, matrix) for count in (FEW, MANY)),
    ]
    found = {row["case"]: row for row in rows}
    few, many = (row["peak_bytes"] for row in rows[-2:])
    summary = {
        "conv3d_milliseconds": round(1000 * found["conv3d with labels"]["processor_seconds"], 1),
        "machine_seconds": found["recurrent cell with labels"]["processor_seconds"],
        "peak_bytes_ratio": round(many / few, 2),
        "enumerations": found["recurrent cell"]["enumerations"],
        "matches": found["recurrent cell"]["matches"],
    }
    return {"rows": rows, "summary": summary}


def collected(count: int) -> Machine:
    """A machine of the first ``count`` computing instructions of the built-in sets, each set in turn.

    It has the memories of all of them, of two with one name the first: it is there to be mapped on, not to be run.
    """
    machines = [load_machine(name) for name in SETS]
    sets = [
        [(machine.name, each) for each in machine.instructions if classify(each) is Work.COMPUTE]
        for machine in machines
    ]
    found: list[Instruction] = []
    for place in range(max(map(len, sets))):
        turn = (members[place] for members in sets if place < len(members))
        found += [replace(each, name=f"{owner}.{each.name}") for owner, each in turn]
    memories = {memory.name: memory for machine in reversed(machines) for memory in machine.memories}
    return replace(machines[0], name="collected", memories=tuple(memories.values()), instructions=tuple(found[:count]))


def _timed(
    case: str, kernel: Kernel, machine: Machine, instruction: str | None, repetitions: int, *, labelled: bool
) -> dict[str, Any]:
    seconds: list[float] = []
    for _ in range(repetitions + 1):
        fresh = replace(kernel, name=f"{kernel.name}_{len(seconds)}_{labelled}")  # nothing is known of it
        forget()
        start = time.process_time()
        count = _go_through(find_mappings(fresh, machine, instruction=instruction), machine, labelled)
        seconds.append(time.process_time() - start)
    return {
        "case": case,
        "statements": len(subjects(kernel)),
        "instructions": 1 if instruction is not None else len(machine.instructions),
        "mappings": count,
        "enumerations": enumerations()[0],
        "matches": sum(enumerations()),
        "processor_seconds": round(min(seconds[1:]), 5),
        "first_seconds": round(seconds[0], 5),
        "peak_bytes": None,
    }


def _go_through(mappings: abc.Iterable[Any], machine: Machine, labelled: bool) -> int:
    labeller = Labeller(machine)
    count = 0
    for mapping in mappings:
        if labelled:
            labeller.labels(mapping)
        count += 1
    return count


def _gone_through(count: int, machine: Machine) -> dict[str, Any]:
    """The peak of memory while the first ``count`` mappings of a large statement pass by."""
    kernel = replace(parse_kernel(WIDE), name=f"wide{count}")
    next(find_mappings(kernel, machine, instruction=MATRIX[1]))  # what is read once is not counted
    forget()
    tracemalloc.start()
    start = time.process_time()
    seen = _go_through(islice(find_mappings(kernel, machine, instruction=MATRIX[1]), count), machine, False)
    seconds = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "case": f"the first {count} mappings of a convolution over seven dimensions",
        "statements": 1,
        "instructions": 1,
        "mappings": seen,
        "enumerations": None,
        "matches": None,
        "processor_seconds": round(seconds, 5),
        "first_seconds": None,
        "peak_bytes": peak,
    }
