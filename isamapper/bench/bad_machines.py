"""Malformed machine files: each is a right one with one mistake put in.

What does not belong here: running them (``bad_input.py``).
"""

from __future__ import annotations

GOOD = """\
name: tiny
source: made up for this bench
clock_hz: 1000000000
memories:
  - {name: dram, kind: host, latency_cycles: 40, ports: [{name: bus, direction: both, bytes_per_cycle: 8}]}
  - {name: spad, kind: addressed, capacity_bytes: 4096, banks: 2}
  - {name: regs, kind: registers, rows: 2, row_bytes: 16}
units:
  - {name: load, queue_depth: 4}
  - {name: mac, queue_depth: 4}
dispatch: {per_cycle: 1, window: 8}
instructions:
  - name: mvin
    unit: load
    semantics: "(r in 1..4) (src: i8[r, 16] @dram) -> (dst: i8[r, 16] @spad) { dst[i, j] = src[i, j] }"
    operands: {src: {contiguous: [j]}, dst: {contiguous: [j]}}
    timing: {latency_cycles: 4}
  - name: mul
    unit: mac
    semantics: "(a: i8[16] @spad, b: i8[16] @spad) -> (c: i8[16] @regs) { for i < 16 { c[i] = a[i] * b[i] } }"
    timing: {occupies_cycles: 1, latency_cycles: 4}
"""

EDITS: tuple[tuple[str, str, str], ...] = (
    ("a field that does not exist", "clock_hz:", "clock_mhz:"),
    ("a field of a memory misspelt", "capacity_bytes: 4096", "capacty_bytes: 4096"),
    ("a field of an instruction misspelt", "    unit: load", "    unti: load"),
    ("a field of a timing misspelt", "timing: {latency_cycles: 4}", "timing: {latency: 4}"),
    ("a key given twice", "clock_hz: 1000000000", "clock_hz: 1000000000\nclock_hz: 5"),
    ("no name", "name: tiny\n", ""),
    ("a name that is a list", "name: tiny", "name: [tiny]"),
    ("a clock in words", "clock_hz: 1000000000", "clock_hz: fast"),
    ("a clock of zero", "clock_hz: 1000000000", "clock_hz: 0"),
    ("a fractional clock", "clock_hz: 1000000000", "clock_hz: 1.5"),
    ("memories that are no list", "memories:\n", "memories: 3\nspare:\n"),
    ("a memory of a kind that does not exist", "kind: addressed", "kind: adressed"),
    ("a capacity below zero", "capacity_bytes: 4096", "capacity_bytes: -1"),
    ("a capacity in words", "capacity_bytes: 4096", "capacity_bytes: large"),
    ("a capacity that is no number", "capacity_bytes: 4096", "capacity_bytes: .nan"),
    ("a scratchpad without a capacity", "capacity_bytes: 4096, ", ""),
    ("no banks at all", "banks: 2", "banks: 0"),
    ("registers without a size", "rows: 2, row_bytes: 16", "rows: 2"),
    ("a port of a direction that does not exist", "direction: both", "direction: sideways"),
    ("a port without a width", ", bytes_per_cycle: 8", ""),
    ("a port of width zero", "bytes_per_cycle: 8", "bytes_per_cycle: 0"),
    ("two memories of one name", "name: spad, kind", "name: dram, kind"),
    ("two units of one name", "{name: mac, queue_depth: 4}", "{name: load, queue_depth: 4}"),
    ("two instructions of one name", "- name: mul", "- name: mvin"),
    ("a queue in words", "{name: load, queue_depth: 4}", "{name: load, queue_depth: deep}"),
    ("an instruction of a unit that does not exist", "unit: mac", "unit: mcc"),
    ("an operand in a memory that does not exist", "@regs", "@rags"),
    ("an operand in no memory", "-> (c: i8[16] @regs)", "-> (c: i8[16])"),
    ("a dispatch of nothing", "per_cycle: 1", "per_cycle: 0"),
    ("a window of nothing", "window: 8", "window: 0"),
    ("an instruction without a meaning", '    semantics: "(a: i8[16]', '    source: "(a: i8[16]'),
    ("an instruction without a time", "    timing: {occupies_cycles: 1, latency_cycles: 4}\n", ""),
    ("a meaning that does not parse", "c[i] = a[i] * b[i]", "c[i] = a[i] * * b[i]"),
    ("a meaning with a tensor never declared", "c[i] = a[i] * b[i]", "c[i] = a[i] * z[i]"),
    ("a meaning of two types", "b: i8[16] @spad", "b: i16[16] @spad"),
    ("a meaning that reads outside", "c[i] = a[i] * b[i]", "c[i] = a[i+1] * b[i]"),
    ("a parameter whose range is empty", "r in 1..4", "r in 4..1"),
    ("a parameter that steps by nothing", "r in 1..4", "r in 1..4 step 0"),
    ("a parameter without a range", "r in 1..4", "r in"),
    ("a parameter declared twice", "r in 1..4", "r in 1..4, r in 1..8"),
    ("an operand that the meaning does not have", "{src: {contiguous", "{source: {contiguous"),
    ("an axis that the operand does not have", "{src: {contiguous: [j]}", "{src: {contiguous: [k]}"),
    ("an operand's field misspelt", "{src: {contiguous: [j]}", "{src: {contigous: [j]}"),
    ("a time by a name that does not exist", "occupies_cycles: 1", "occupies_cycles: q"),
    ("a time that does not parse", "occupies_cycles: 1", "occupies_cycles: 1 +"),
    ("a time divided by zero", "occupies_cycles: 1", "occupies_cycles: 4 // 0"),
    ("an interlock that does not exist", "dispatch:", "interlocks: sometimes\ndispatch:"),
    ("a grid of something that does not exist", "dispatch:", "grid: {name: g, count: 4, holds: [nothing]}\ndispatch:"),
    ("a grid of no copies", "dispatch:", "grid: {name: g, count: 0, holds: [spad, mac]}\ndispatch:"),
    ("a default type that does not exist", "dispatch:", "default_types: {TA: i9}\ndispatch:"),
    ("a snippet that does not exist", "dispatch:", "include: [{snippet: nothing}]\ndispatch:"),
    ("a version of the format from the future", "name: tiny", "format: 99\nname: tiny"),
    ("a bracket never closed", "{per_cycle: 1, window: 8}", "{per_cycle: 1, window: 8"),
    ("a tab as indentation", "  - {name: mac", "\t- {name: mac"),
    ("a quote never closed", 'b[i] } }"', "b[i] } }"),
    ("an object of Python", "name: tiny", "name: !!python/object/apply:os.getcwd []"),
    ("an anchor never set", "name: tiny", "name: *nobody"),
)
"""(what is wrong, what to replace in :data:`GOOD`, by what)."""

WHOLE: tuple[tuple[str, bytes], ...] = (
    ("an empty file", b""),
    ("a list at the top", b"- name: tiny\n"),
    ("a single word", b"tiny\n"),
    ("a file that is no text", b"name: \xff\xfe\n"),
    ("two documents in one file", GOOD.encode() + b"---\n" + GOOD.encode()),
    ("lists within lists, five thousand deep", b"name: " + b"[" * 5000 + b"]" * 5000 + b"\n"),
    ("a kernel given as a machine", b"kernel gemm(a: i8[4]) -> (c: i8[4]) { c[i] = a[i] }\n"),
)
"""(what is wrong, the whole file)."""


def machines() -> tuple[tuple[str, bytes], ...]:
    """(what is wrong, the file) of every malformed machine."""
    edited = tuple((what, GOOD.replace(old, new, 1).encode()) for what, old, new in EDITS)
    return edited + WHOLE
