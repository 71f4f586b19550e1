"""Every field of a machine file: the one declaration that the loader, the messages and the JSON schema follow.

What does not belong here: how a value is judged (``shapes.py``) and what it becomes (``build.py``).
"""

from __future__ import annotations

from isamapper.hwdesc.jsonschema import json_schema
from isamapper.hwdesc.shapes import (
    MANY,
    Bytes,
    Choice,
    Cycles,
    Either,
    Field,
    Flag,
    Name,
    Number,
    Record,
    Several,
    Table,
    Text,
    Whole,
)

SOURCE = Field("source", Text(), "where the numbers come from: document, revision, page; or 'estimate' and why")

PORT = Record(
    "a port",
    (
        Field("name", Name(), "unique within the memory", required=True),
        Field("direction", Choice(("read", "write", "both")), "which accesses use it", default="both"),
        Field("bytes_per_cycle", Whole(1), "bytes that pass in one cycle", required=True),
        Field("clock_hz", Whole(1), "the clock whose cycles are meant, at most the machine's; left out: the machine's"),
        Field("request_bytes", Bytes(), "each contiguous run is rounded up to this many bytes", default="1"),
        Field("burst_bytes", Bytes(), "the whole transfer is rounded up to this many bytes", default="1"),
        Field(
            "arbitration",
            Choice(("oldest", "fifo", "round_robin")),
            "who goes first when several want the port in one cycle",
            default="oldest",
        ),
        SOURCE,
    ),
)

MEMORY = Record(
    "a memory",
    (
        Field("name", Name(), "what semantics write after '@'", required=True),
        Field("kind", Choice(("addressed", "registers", "cache", "host")), "how it is used", required=True),
        Field("capacity_bytes", Bytes(), "its size; may be left out for kind host, and where rows is given"),
        Field("rows", Whole(1), "number of rows, or of registers"),
        Field("row_bytes", Bytes(), "bytes of one row, or of one register"),
        Field("banks", Whole(1, MANY), "independent parts; a port serves one access per bank at a time", default="1"),
        Field(
            "bank_of",
            Either((Choice(("block",)), Bytes())),
            "'block': each bank is one contiguous part; a number of bytes: banks interleave so often",
            default="block",
        ),
        Field("alignment_bytes", Bytes(), "addresses are multiples of this", default="1"),
        Field("ports", Several(PORT), "paths in and out; none: accesses take no time of their own", default="[]"),
        Field("latency_cycles", Whole(), "from the last beat until the data is there", default="0"),
        Field("energy_pj_per_byte", Number(0), "energy of one byte read or written"),
        Field("renamed", Flag(), "true: writing a register never waits for earlier uses of it", default="false"),
        SOURCE,
    ),
)

UNIT = Record(
    "a unit",
    (
        Field("name", Name(), "what instructions write after 'unit:'", required=True),
        Field("count", Whole(1, MANY), "identical servers behind the one queue", default="1"),
        Field("queue_depth", Whole(1, MANY), "entries of its queue; left out: unbounded"),
        Field("held", Choice(("start", "end")), "until when an entry is held", default="start"),
        Field("in_flight", Whole(1, MANY), "how many may have started and not ended; left out: unbounded"),
        Field("serial", Flag(), "true: each starts only after the previous one ended", default="false"),
        Field(
            "clock_hz", Whole(1), "clock of its instructions' cycles, at most the machine's; left out: the machine's"
        ),
        SOURCE,
    ),
)

GRID = Record(
    "a grid",
    (
        Field("name", Name(), "its name", required=True),
        Field("count", Whole(1, MANY), "how many copies", required=True),
        Field("holds", Several(Name(), 1), "memories, units and grids that are copied", required=True),
        Field(
            "multicast",
            Several(Name(), 1),
            "shared memories from which one transfer serves all copies that read the same",
        ),
        Field("reduces", Several(Name(), 1), "shared memories to which the sums of all copies arrive as one"),
        SOURCE,
    ),
)

DISPATCH = Record(
    "dispatch",
    (
        Field("per_cycle", Whole(1), "invocations that enter queues in one cycle", default="1"),
        Field("window", Whole(1, MANY), "invocations dispatched and not retired; left out: unbounded"),
        Field("fetch_bytes_per_cycle", Whole(1), "instruction text that arrives in a cycle; left out: always enough"),
        Field("window_order", Choice(("in_order", "any")), "in which order places become free", default="in_order"),
        SOURCE,
    ),
)

OPERAND = Record(
    "an operand",
    (
        Field("memories", Several(Name(), 1), "where it may lie; left out: the memories after '@' in the semantics"),
        Field("alignment_bytes", Bytes(), "its address is a multiple of this", default="1"),
        Field(
            "contiguous",
            Several(Name()),
            "axes, by iterator, that are dense, innermost last; the others may have any stride; "
            "left out: the whole operand is dense",
        ),
        Field("pads", Flag(), "true: elements outside the tensor read as a constant", default="false"),
        Field("pad_value", Number(), "the only constant that can be read there; left out: any"),
        Field("read_at", Cycles(), "first read, counted from the start", default="0"),
        Field("read_until", Cycles(), "last read is before this", default="occupies_cycles"),
        Field(
            "ready_at",
            Cycles(),
            "a written value can be used from here, counted as latency_cycles is",
            default="latency_cycles",
        ),
        Field("accumulates", Flag(), "true: '+=' of one unit follow each other every occupies_cycles", default="false"),
    ),
)

TIMING = Record(
    "timing",
    (
        Field("occupies_cycles", Cycles(), "how long a server is busy", default="1"),
        Field("latency_cycles", Cycles(), "from the start, for copies from the last beat, to the end", required=True),
    ),
)

INSTRUCTION = Record(
    "an instruction",
    (
        Field("name", Name(dotted=True, braced=True), "unique in the machine", required=True),
        Field("unit", Name(), "the unit that does it", required=True),
        Field("semantics", Text(), "its meaning, a kernel in the text form with parameters in front", required=True),
        Field(
            "types",
            Either((Table(Several(Name(), 1), "type"), Several(Table(Name(), "type"), 1))),
            "makes one instruction for each choice of data types: '{T: [f32, i32]}' or a list of maps",
        ),
        Field("operands", Table(OPERAND, "operand"), "what the hardware demands of each operand", default="{}"),
        Field("timing", TIMING, "cycles", required=True),
        Field("energy_pj", Number(0), "energy of one execution"),
        Field("issue_cycles", Whole(1), "how long it keeps the front end; more than 1: alone", default="1"),
        Field("length_bytes", Whole(1), "length of its text, fetched at fetch_bytes_per_cycle; left out: no matter"),
        Field("implicit", Flag(), "true: the hardware does it unasked, such as a cache fill", default="false"),
        Field("emit", Table(Text(), "backend"), "text for each backend, with fields such as '{dst.address}'"),
        SOURCE,
    ),
)

INCLUDE = Table(Name(), "argument")
"""``{snippet: host_scalar, memory: dram}``: the snippet and its arguments."""

_PARTS = (
    Field("memories", Several(MEMORY), "places for tensors"),
    Field("units", Several(UNIT), "in-order issue queues"),
    Field("grid", Either((GRID, Several(GRID))), "replication of memories and units: one grid or a list"),
    Field("instructions", Several(INSTRUCTION), "what the machine can do, data movement included"),
)

MACHINE = Record(
    "the machine",
    (
        Field("format", Choice(("1",)), "version of this file format", default="1"),
        Field("base", Text(), "a machine, by name or path, whose variant this is: what is left out is as there"),
        Field("name", Name(), "name of the machine", required=True),
        Field("clock_hz", Whole(1), "clock frequency", required=True),
        SOURCE,
        Field("default_types", Table(Name(), "type"), "data types for kernels that leave theirs open"),
        Field("include", Several(INCLUDE), "snippets whose units and instructions are added"),
        *_PARTS,
        Field("dispatch", DISPATCH, "the front end", default="one invocation a cycle, no window"),
        Field("interlocks", Choice(("hardware", "explicit")), "who waits for memory hazards", default="hardware"),
    ),
)

SNIPPET = Record(
    "the snippet",
    (
        Field("snippet", Name(), "its name", required=True),
        Field(
            "arguments",
            Table(Choice(("memory", "unit", "name")), "argument"),
            "names written '${name}' below, each with what it names",
        ),
        SOURCE,
        *_PARTS,
    ),
)


def machine_schema() -> dict[str, object]:
    """The JSON schema of machine files."""
    return json_schema(MACHINE, "base")
