"""A machine file small enough to break in every way."""

from __future__ import annotations

from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.loader import load_machine

SMALL = """\
name: small
source: made up
clock_hz: 1000
memories:
  - {name: dram, kind: host, ports: [{name: bus, bytes_per_cycle: 8}]}
  - {name: spad, kind: addressed, capacity_bytes: 1KiB}
units:
  - {name: load}
  - {name: mac}
instructions:
  - name: mvin
    unit: load
    semantics: "(r in 1..4, c in 1..8) (src: i8[r, c] @dram) -> (dst: i8[r, c] @spad) { dst[i, j] = src[i, j] }"
    operands: {src: {contiguous: [j]}}
    timing: {latency_cycles: r + 4}
    emit: {asm: "mvin {dst.address}, {src.stride_i}"}
  - name: add
    unit: mac
    semantics: |
      (a: i8[16] @spad) -> (b: i8[16] @dram) {
        for i < 16 { b[i] = a[i] + a[i] }
      }
    timing: {occupies_cycles: 2, latency_cycles: 2}
"""


def edited(*edits: tuple[str, str]) -> Source:
    """The small machine with each first ``old`` replaced by ``new``."""
    text = SMALL
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return Source("small.yaml", text)


def complaints(source: Source) -> list[str]:
    """What loading ``source`` complains about, as ``line:column code message``; empty where it loads."""
    try:
        load_machine(source)
    except SourceError as error:
        return [
            f"{found.span.line}:{found.span.column} {found.code} {found.message}" if found.span else found.message
            for found in error.diagnostics
        ]
    return []
