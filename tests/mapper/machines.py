"""Small machines written for tests."""

from __future__ import annotations

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine

_HEAD = """
format: 1
name: small
source: made up for a test
clock_hz: 1000000000
memories:
  - {name: dram, kind: host}
  - {name: pad, kind: addressed, capacity_bytes: 64KiB}
units: [{name: unit}]
instructions:
"""


def machine(**semantics: str) -> Machine:
    """A machine with one instruction per argument: its meaning as text."""
    text = _HEAD
    for name, meaning in semantics.items():
        body = meaning.replace("\n", "\n      ")
        text += f"  - name: {name}\n    unit: unit\n    semantics: |\n      {body}\n"
        text += "    timing: {occupies_cycles: 4, latency_cycles: 4}\n"
    return load_machine(Source("small.yaml", text))


ARRAY = "(a: i8[8, 8] @pad, w: i8[8, 8] @pad, c: inout i32[8, 8] @pad) { c[i, j] += i32(a[i, k]) * i32(w[k, j]) }"
ARRAY_F32 = "(a: f32[8, 8] @pad, w: f32[8, 8] @pad, c: inout f32[8, 8] @pad) { c[i, j] += a[i, k] * w[k, j] }"
VNNI = "(a: u8[16, 4] @pad, b: i8[16, 4] @pad, c: inout i32[16] @pad) { c[l] += i32(a[l, t]) * i32(b[l, t]) }"
REQUANTISE = """(s in 1..31) (x: i32[8] @pad) -> (y: i8[8] @dram)
  { for l < 8 { y[l] = i8(clamp(shr_round(x[l], s), -128, 127)) } }"""
HOST_MAC = "(a: i32[8] @dram, b: i32[8] @dram, c: inout i32[8] @dram) { c[l] += a[l] * b[l] }"
HOST_CAST = "(a: i8[8] @dram) -> (c: i32[8] @dram) { c[l] = i32(a[l]) }"
EXP = "(a: f32[8] @dram) -> (c: f32[8] @dram) { c[l] = exp(a[l]) }"
SUB = "(a: f32[8] @dram, b: f32[8] @dram) -> (c: f32[8] @dram) { c[l] = a[l] - b[l] }"
