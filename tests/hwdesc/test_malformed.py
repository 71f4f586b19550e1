"""Malformed machine files: every message with its place."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from isamapper.diagnostics.codes import CODES
from isamapper.diagnostics.source import Source
from tests.hwdesc.small_machine import SMALL, complaints, edited


@dataclass(frozen=True)
class Case:
    """The small machine with ``old`` replaced by ``new``, and what is said about it."""

    title: str
    old: str
    new: str
    said: tuple[str, ...]


CASES = (
    Case("a field misspelt", "source:", "sorce:", ("2:1 HW001 unknown field 'sorce' in the machine",)),
    Case(
        "a field misspelt that is needed",
        "name: small",
        "nmae: small",
        ("1:1 HW001 unknown field 'nmae' in the machine",),
    ),
    Case("a field that is missing", "clock_hz: 1000\n", "", ("1:1 HW002 the machine needs 'clock_hz'",)),
    Case(
        "a word for a number",
        "clock_hz: 1000",
        "clock_hz: fast",
        ("3:11 HW003 'clock_hz' must be a whole number of at least 1, found 'fast'",),
    ),
    Case(
        "a number that is too small",
        "clock_hz: 1000",
        "clock_hz: 0",
        ("3:11 HW003 'clock_hz' must be a whole number of at least 1, found '0'",),
    ),
    Case(
        "no number for a whole number",
        "clock_hz: 1000",
        "clock_hz: .nan",
        ("3:11 HW003 'clock_hz' must be a whole number of at least 1, found '.nan'",),
    ),
    Case(
        "a number beyond all machines",
        "clock_hz: 1000",
        "clock_hz: 1000000000000000000000",
        ("3:11 HW003 'clock_hz' must be at most 1,125,899,906,842,624, found '1000000000000000000000'",),
    ),
    Case(
        "an energy without end",
        "bytes_per_cycle: 8}]",
        "bytes_per_cycle: 8}], energy_pj_per_byte: .inf",
        ("5:92 HW003 'energy_pj_per_byte' must be a number of at least 0, found '.inf'",),
    ),
    Case(
        "a fraction for a whole number",
        "bytes_per_cycle: 8",
        "bytes_per_cycle: 1.5",
        ("5:67 HW003 'bytes_per_cycle' must be a whole number of at least 1, found '1.5'",),
    ),
    Case(
        "a key given twice",
        "clock_hz: 1000",
        "clock_hz: 1000\nclock_hz: 2000",
        ("4:1 YAML003 key 'clock_hz' is given twice",),
    ),
    Case(
        "a choice that does not exist",
        "kind: host",
        "kind: hots",
        ("5:24 HW003 'kind' must be 'addressed' or 'registers' or 'cache' or 'host', found 'hots'",),
    ),
    Case(
        "a unit of bytes that does not exist",
        "1KiB",
        "1KB",
        ("6:51 HW003 'capacity_bytes' must be a number of bytes such as 4096 or 4KiB, found '1KB'",),
    ),
    Case(
        "a size below zero",
        "1KiB",
        "-4",
        ("6:51 HW003 'capacity_bytes' must be a number of bytes such as 4096 or 4KiB, found '-4'",),
    ),
    Case(
        "banks that do not divide",
        "capacity_bytes: 1KiB",
        "capacity_bytes: 1KiB, banks: 3",
        ("6:64 HW021 capacity_bytes 1024 does not divide into 3 banks",),
    ),
    Case(
        "rows without their size",
        "capacity_bytes: 1KiB",
        "rows: 4",
        ("6:6 HW002 a memory of kind 'addressed' needs 'capacity_bytes', or 'rows' and 'row_bytes'",),
    ),
    Case(
        "registers without rows",
        "kind: addressed, capacity_bytes: 1KiB",
        "kind: registers, row_bytes: 8",
        ("6:6 HW002 a memory of kind 'registers' needs 'rows'",),
    ),
    Case(
        "a capacity that is not rows times row_bytes",
        "capacity_bytes: 1KiB",
        "capacity_bytes: 33, rows: 2, row_bytes: 16",
        ("6:51 HW021 capacity_bytes 33 is not rows * row_bytes = 32",),
    ),
    Case(
        "a capacity that is not whole rows",
        "capacity_bytes: 1KiB",
        "capacity_bytes: 1KiB, row_bytes: 100",
        ("6:51 HW021 capacity_bytes 1024 is not a multiple of row_bytes 100",),
    ),
    Case(
        "renaming of what is no register",
        "capacity_bytes: 1KiB",
        "capacity_bytes: 1KiB, renamed: true",
        ("6:66 HW021 only registers can be renamed",),
    ),
    Case(
        "two ports of one name",
        "bytes_per_cycle: 8}",
        "bytes_per_cycle: 8}, {name: bus, bytes_per_cycle: 1}",
        ("5:78 HW004 port 'bus' of memory 'dram' is given twice",),
    ),
    Case(
        "no port to read by",
        "bytes_per_cycle: 8",
        "direction: write, bytes_per_cycle: 8",
        ("13:41 HW028 operand 'src' of 'mvin' needs to read 'dram', which has no port for that",),
    ),
    Case(
        "a queue without places",
        "{name: load}",
        "{name: load, queue_depth: 0}",
        ("8:31 HW003 'queue_depth' must be a whole number of at least 1, found '0'",),
    ),
    Case(
        "a word of YAML 1.1 for a truth value",
        "{name: load}",
        "{name: load, serial: yes}",
        ("8:26 HW003 'serial' must be true or false, found 'yes'",),
    ),
    Case("a word where a map belongs", "{name: load}", "load", ("8:5 HW003 a unit must be a map",)),
    Case(
        "a name with a blank",
        "{name: load}",
        '{name: "lo ad"}',
        (
            "8:12 HW003 'name' must be a name, found 'lo ad'",
            "12:11 HW005 unknown unit 'load'",
        ),
    ),
    Case(
        "two units of one name",
        "{name: load}",
        "{name: mac}",
        (
            "9:12 HW004 unit 'mac' is given twice",
            "12:11 HW005 unknown unit 'load'",
        ),
    ),
    Case("two instructions of one name", "name: add", "name: mvin", ("17:11 HW004 instruction 'mvin' is given twice",)),
    Case("a unit that does not exist", "unit: load", "unit: laod", ("12:11 HW005 unknown unit 'laod'",)),
    Case("a memory that does not exist", "@spad) {", "@spat) {", ("13:81 HW005 unknown memory 'spat'",)),
    Case(
        "a memory in 'memories' that does not exist",
        "src: {contiguous: [j]}",
        "src: {memories: [dran]}",
        ("14:32 HW005 unknown memory 'dran'",),
    ),
    Case(
        "an operand in no memory", "a: i8[16] @spad", "a: i8[16]", ("20:8 HW006 operand 'a' of 'add' is in no memory",)
    ),
    Case(
        "no host memory",
        "kind: host",
        "kind: cache, capacity_bytes: 4KiB",
        ("5:3 HW008 the machine has no memory of kind 'host'",),
    ),
    Case(
        "an axis that does not exist",
        "contiguous: [j]",
        "contiguous: [k]",
        ("14:34 HW024 no axis of operand 'src' of 'mvin' is indexed by 'k' alone",),
    ),
    Case(
        "axes in the wrong order",
        "contiguous: [j]",
        "contiguous: [j, i]",
        ("14:34 HW024 'contiguous' of operand 'src' of 'mvin' must list axes once, in the order of the shape",),
    ),
    Case(
        "a word where a list belongs", "contiguous: [j]", "contiguous: j", ("14:34 HW003 'contiguous' must be a list",)
    ),
    Case(
        "a pad value without padding",
        "contiguous: [j]",
        "pad_value: 0",
        ("14:33 HW025 operand 'src' of 'mvin' has 'pad_value' without 'pads: true'",),
    ),
    Case(
        "a pad value outside the data type",
        "contiguous: [j]",
        "pads: true, pad_value: 300",
        ("14:45 HW025 pad_value 300 of operand 'src' of 'mvin' is not a value of 'i8'",),
    ),
    Case(
        "padding of what is only written",
        "src: {contiguous: [j]}",
        "dst: {pads: true}",
        ("14:28 HW025 operand 'dst' of 'mvin' pads but is never read",),
    ),
    Case(
        "an accumulation that is none",
        "src: {contiguous: [j]}",
        "dst: {accumulates: true}",
        (
            "14:35 HW026 operand 'dst' of 'mvin' cannot accumulate: it is not an 'inout' operand that is only "
            "reduced into",
        ),
    ),
    Case(
        "an operand that does not exist",
        "src: {contiguous: [j]}",
        "scr: {contiguous: [j]}",
        ("14:16 HW005 'mvin' has no operand 'scr'",),
    ),
    Case(
        "a time of writing for what is read",
        "src: {contiguous: [j]}",
        "src: {ready_at: 3}",
        ("14:32 HW027 operand 'src' of 'mvin' has 'ready_at' but is never written",),
    ),
    Case(
        "a time of reading for what is written",
        "src: {contiguous: [j]}",
        "dst: {read_until: 3}",
        ("14:34 HW027 operand 'dst' of 'mvin' has 'read_until' but is never read",),
    ),
    Case(
        "an unknown parameter in a time", "r + 4", "r + q", ("15:30 HW011 unknown parameter 'q' in 'latency_cycles'",)
    ),
    Case(
        "a time below zero",
        "r + 4",
        "3 - r",
        ("15:30 HW012 'latency_cycles' of 'mvin' is -1 for r = 4; cycles are not negative",),
    ),
    Case(
        "a time that divides by zero",
        "r + 4",
        "4 // (r - 1)",
        ("15:30 HW012 'latency_cycles' of 'mvin' divides by zero for r = 1",),
    ),
    Case("a time that stops short", "r + 4", "r +", ("15:33 IR001 the text ends where an expression is expected",)),
    Case(
        "a time with an operator that does not exist",
        "r + 4",
        "r ^ 4",
        ("15:32 IR001 expected an operator, '(', '[' or the end of the text, found '^'",),
    ),
    Case(
        "no latency",
        "timing: {latency_cycles: r + 4}",
        "timing: {occupies_cycles: 4}",
        ("15:14 HW002 timing needs 'latency_cycles'",),
    ),
    Case(
        "a template with an unknown field",
        "{src.stride_i}",
        "{src.stride_k}",
        ("16:38 HW032 unknown field 'src.stride_k' in the template of 'asm'",),
    ),
    Case(
        "a template with a brace left open",
        "{src.stride_i}",
        "{src.stride_i",
        ("16:38 HW032 single '{' in a template",),
    ),
    Case(
        "an unknown data type in a family",
        "name: add",
        "name: add\n    types: {T: [i8, i9]}",
        ("18:21 HW005 unknown data type 'i9'",),
    ),
    Case(
        "a choice of types that is not complete",
        "name: add",
        "name: add\n    types: [{T: i8, U: i8}, {T: i8}]",
        ("18:29 HW002 this choice of types does not say what 'U' is",),
    ),
    Case(
        "a name with a type that is not given",
        "name: add",
        'name: "add_{T}"',
        ("17:12 HW005 the name has '{T}', which 'types' does not give",),
    ),
    Case(
        "an implicit instruction that computes",
        "name: add",
        "name: add\n    implicit: true",
        ("18:15 HW031 'add' is implicit but does not copy",),
    ),
    Case("an unknown tensor in a meaning", "a[i] + a[i]", "a[i] + x[i]", ("21:36 IR012 unknown tensor 'x'",)),
    Case("mixed types in a meaning", "a[i] + a[i]", "a[i] + i32(a[i])", ("21:29 IR030 '+' mixes i8 and i32",)),
    Case(
        "an index outside in a meaning",
        "b[i] = a",
        "b[i+1] = a",
        ("21:22 IR120 index 'i + 1' of 'b' reaches 16, outside 0..15",),
    ),
    Case(
        "an index outside for small parameters only",
        "(a: i8[16] @spad)",
        "(m in 8..16) (a: i8[m] @spad)",
        (
            "21:29 IR120 index 'i' of 'a' reaches 15, outside 0..7 (for m = 8)",
            "21:36 IR120 index 'i' of 'a' reaches 15, outside 0..7 (for m = 8)",
        ),
    ),
    Case(
        "a meaning that cannot be read",
        "for i < 16 {",
        "for i < 16",
        ("21:20 IR001 expected an operator, ',', '{' or a kind of loop, found 'b'",),
    ),
    Case("an unknown data type in a meaning", "a: i8[16]", "a: i7[16]", ("20:11 IR041 unknown data type 'i7'",)),
    Case("a range that counts down", "r in 1..4", "r in 4..1", ("13:18 IR043 the range of 'r' is 4..1",)),
    Case(
        "an extent that may be nothing",
        "r in 1..4",
        "r in 0..4",
        ("13:18 IR043 'r' is the extent of an axis and begins at 0",),
    ),
    Case(
        "an operand larger than its memory",
        "b: i8[16] @dram",
        "b: i8[2048] @spad",
        ("20:29 HW022 operand 'b' of 'add' takes 2048 bytes, 'spad' has 1024",),
    ),
    Case(
        "an operand that is no whole register",
        "kind: addressed, capacity_bytes: 1KiB",
        "kind: registers, rows: 4, row_bytes: 24",
        (
            "13:66 HW022 operand 'dst' of 'mvin' takes 32 bytes, which is not a whole number of registers of "
            "'spad' (24 bytes each)",
            "20:8 HW022 operand 'a' of 'add' takes 16 bytes, which is not a whole number of registers of 'spad' "
            "(24 bytes each)",
        ),
    ),
    Case(
        "half a byte",
        "a: i8[16] @spad) -> (b: i8[16] @dram) {\n        for i < 16 { b[i] = a[i] + a[i]",
        "a: i4[15] @spad) -> (b: i4[15] @dram) {\n        for i < 15 { b[i] = a[i] + a[i]",
        (
            "20:8 HW023 operand 'a' of 'add': 15 'i4' along the innermost axis are not whole bytes",
            "20:29 HW023 operand 'b' of 'add': 15 'i4' along the innermost axis are not whole bytes",
        ),
    ),
    Case(
        "interlocks that do not exist",
        "instructions:",
        "interlocks: software\ninstructions:",
        ("10:13 HW003 'interlocks' must be 'hardware' or 'explicit', found 'software'",),
    ),
    Case(
        "a front end that dispatches nothing",
        "instructions:",
        "dispatch: {per_cycle: 0}\ninstructions:",
        ("10:23 HW003 'per_cycle' must be a whole number of at least 1, found '0'",),
    ),
    Case(
        "a grid of something unknown",
        "instructions:",
        "grid: {name: g, count: 2, holds: [spad, lod]}\ninstructions:",
        ("10:34 HW005 unknown memory, unit or grid 'lod'",),
    ),
    Case(
        "a grid that holds itself",
        "instructions:",
        "grid: [{name: g, count: 2, holds: [g]}]\ninstructions:",
        ("10:35 HW007 grid 'g' holds itself",),
    ),
    Case(
        "two grids that hold one memory",
        "instructions:",
        "grid: [{name: g, count: 2, holds: [spad]}, {name: h, count: 2, holds: [spad]}]\ninstructions:",
        ("10:71 HW007 'spad' is held by 'g' and by 'h'",),
    ),
    Case(
        "a default type that does not exist",
        "instructions:",
        "default_types: {TA: int8}\ninstructions:",
        ("10:21 HW005 unknown data type 'int8'",),
    ),
    Case(
        "a snippet that does not exist",
        "instructions:",
        "include: [{snippet: host_scaler, memory: dram}]\ninstructions:",
        ("10:21 HW041 no snippet is called 'host_scaler'",),
    ),
    Case(
        "a snippet without its argument",
        "instructions:",
        "include: [{snippet: host_scalar}]\ninstructions:",
        ("10:21 HW002 snippet 'host_scalar' needs the argument 'memory'",),
    ),
    Case(
        "a snippet with an unknown argument",
        "instructions:",
        "include: [{snippet: host_scalar, memory: dram, meory: x}]\ninstructions:",
        ("10:48 HW001 snippet 'host_scalar' has no argument 'meory'",),
    ),
    Case(
        "a snippet in a memory that does not exist",
        "instructions:",
        "include: [{snippet: host_scalar, memory: darm}]\ninstructions:",
        ("10:42 HW005 unknown memory 'darm'",),
    ),
    Case(
        "an include of nothing",
        "instructions:",
        "include: [{memory: dram}]\ninstructions:",
        ("10:11 HW002 an include needs 'snippet'",),
    ),
    Case("a brace left open", "  - {name: mac}", "  - {name: mac", ("10:13 YAML001 did not find expected ',' or '}'",)),
    Case(
        "a tab for blanks",
        "  - {name: mac}",
        "\t- {name: mac}",
        ("9:1 YAML001 found character that cannot start any token",),
    ),
    Case("a tag", "name: small", "name: !x small", ("1:7 YAML002 tags are not used here",)),
    Case("a list and a map at once", "name: small", "- small", ("2:1 YAML001 did not find expected '-' indicator",)),
    Case(
        "a format of the future",
        "name: small",
        "name: small\nformat: 2",
        ("2:9 HW003 'format' must be '1', found '2'",),
    ),
    Case(
        "escapes in quoted semantics",
        "@dram) -> (dst",
        '@dram) -> \\"(dst',
        ("13:16 HW030 quoted semantics must not contain escapes",),
    ),
    Case(
        "semantics without quotes",
        'semantics: "(r in',
        "semantics: (r in",
        ("13:43 YAML001 mapping values are not allowed in this context",),
    ),
    Case(
        "templates without backends",
        '    emit: {asm: "mvin {dst.address}, {src.stride_i}"}',
        "    emit: mvin",
        ("16:11 HW003 'emit' must be a map from backend to text",),
    ),
    Case(
        "no memories and no instructions",
        SMALL,
        "name: x\nclock_hz: 1\n",
        (
            "1:7 HW008 the machine has no memory of kind 'host'",
            "1:7 HW008 the machine has no instructions",
        ),
    ),
    Case("a list for a machine", SMALL, "- a\n", ("1:1 HW003 the machine must be a map",)),
    Case("a text for a machine", SMALL, "hello\n", ("1:1 HW003 the machine must be a map",)),
    Case("an empty file", SMALL, "", ("1:1 YAML001 the file is empty",)),
)


def test_the_small_machine_itself_is_right() -> None:
    assert complaints(Source("small.yaml", SMALL)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_message_and_place(case: Case) -> None:
    assert tuple(map(own_words, complaints(edited((case.old, case.new))))) == tuple(map(own_words, case.said))


def own_words(line: str) -> str:
    """The wording of mistakes inside meanings is pinned where the language is tested; here their place and code are."""
    place, code, message = line.split(" ", 2)
    return f"{place} {code}" if code.startswith("IR") else f"{place} {code} {message}"


def test_there_are_at_least_forty_cases() -> None:
    assert len({(case.old, case.new) for case in CASES}) >= 40


def test_every_code_is_registered() -> None:
    said = {line.split()[1] for case in CASES for line in case.said}
    assert {code for code in said if not code.startswith("IR")} <= set(CODES)


def test_all_mistakes_of_a_file_are_said_at_once() -> None:
    source = edited(("clock_hz: 1000", "clock_hz: fast"), ("unit: load", "unit: laod"), ("a[i] + a[i]", "a[i] + x[i]"))
    assert [line.split()[0] for line in complaints(source)] == ["3:11", "12:11", "21:36"]


def test_one_mistake_in_a_family_is_said_once() -> None:
    source = edited(
        ("name: add", "name: add\n    types: {T: [i8, i32]}"),
        ("(a: i8[16] @spad) -> (b: i8[16] @dram)", "(a: T[16] @spat) -> (b: T[16] @dram)"),
        ("timing: {occupies_cycles: 2", "timing: {occupies_cycles: q"),
    )
    assert complaints(source) == [
        "21:18 HW005 unknown memory 'spat'",
        "24:31 HW011 unknown parameter 'q' in 'occupies_cycles'",
    ]
