"""Memories, units, grids and the front end of a machine file, as model values.

Each function takes nodes that may still be wrong, keeps the mistakes in the draft and gives what could be read.
What does not belong here: instructions (``instructions.py``) and rules across parts (``checks.py``).
"""

from __future__ import annotations

import math
from collections import abc

from isamapper.diagnostics.yaml import YamlMap, YamlNode, YamlScalar
from isamapper.hwdesc import schema
from isamapper.hwdesc.draft import Draft
from isamapper.hwdesc.fields import Fields
from isamapper.hwdesc.model import Dispatch, Grid, Memory, MemoryKind, Port, PortDirection, Unit
from isamapper.hwdesc.shapes import Record


def read_memories(nodes: abc.Iterable[YamlNode], clock_hz: int, draft: Draft) -> tuple[Memory, ...]:
    """The memories in file order, of a machine with this clock."""
    entries = _entries(nodes, schema.MEMORY, draft)
    return tuple(memory for fields in entries if (memory := _memory(fields, clock_hz, draft)))


def read_units(nodes: abc.Iterable[YamlNode], clock_hz: int, draft: Draft) -> tuple[Unit, ...]:
    """The units in file order, of a machine with this clock."""
    return tuple(_unit(fields, clock_hz, draft) for fields in _entries(nodes, schema.UNIT, draft))


def machine_cycles(own_hz: int | None, clock_hz: int) -> tuple[int, int]:
    """Cycles of the machine's clock in so many of a part's own, in lowest terms."""
    shared = math.gcd(clock_hz, own_hz or clock_hz)
    return clock_hz // shared, (own_hz or clock_hz) // shared


def _own_clock(fields: Fields, clock_hz: int, draft: Draft) -> int | None:
    """The clock that a part says it has; a faster one than the machine's is a mistake."""
    own = fields.optional_whole("clock_hz")
    if own is not None and own > clock_hz > 1:  # 1: it is missing, which has been said
        message = f"clock_hz {own} is more than the machine's {clock_hz}"
        draft.error(
            "HW029", message, fields.span("clock_hz"), "the machine's clock is the fastest one; scale the others"
        )
        return None
    return own


def read_grids(nodes: abc.Iterable[YamlNode], draft: Draft) -> tuple[Grid, ...]:
    """The grids in file order."""
    return tuple(_grid(fields) for fields in _entries(nodes, schema.GRID, draft))


def entry_name(node: YamlNode) -> YamlScalar | None:
    """The ``name`` of an entry, where it has one; an entry that is only a word was meant as its name."""
    name = node.get("name") if isinstance(node, YamlMap) else node
    return name if isinstance(name, YamlScalar) else None


def read_dispatch(node: YamlNode | None, draft: Draft) -> Dispatch:
    """The front end; the default one where the file says nothing or something wrong."""
    if node is None or draft.touches(node):
        return Dispatch()
    fields = Fields(node)
    return Dispatch(
        fields.whole("per_cycle", 1),
        fields.optional_whole("window"),
        fields.word("window_order", "in_order"),
        fields.optional_whole("fetch_bytes_per_cycle"),
    )


def _entries(nodes: abc.Iterable[YamlNode], record: Record, draft: Draft) -> abc.Iterator[Fields]:
    """The entries that have a name of their own and the fields of ``record``, which the caller has judged."""
    kind = record.what.removeprefix("a ")
    for node in nodes:
        name = entry_name(node)
        if name is None:
            continue
        fresh = draft.declare(kind, name.text, name.span)
        if fresh and isinstance(node, YamlMap) and not draft.touches(node):
            draft.note_fields(node, kind, name.text)
            yield Fields(node)


def _memory(fields: Fields, clock_hz: int, draft: Draft) -> Memory | None:
    name = fields.required_text("name")
    kind = MemoryKind(fields.required_text("kind"))
    rows, row_bytes = fields.optional_whole("rows"), fields.bytes("row_bytes")
    capacity = fields.bytes("capacity_bytes")
    if rows is not None and row_bytes is not None:
        if capacity is not None and capacity != rows * row_bytes:
            message = f"capacity_bytes {capacity} is not rows * row_bytes = {rows * row_bytes}"
            draft.error("HW021", message, fields.span("capacity_bytes"), "leave capacity_bytes out")
            return None
        capacity = rows * row_bytes
    if not _complete(fields, kind, capacity, rows, row_bytes, draft):
        return None
    if capacity is not None and row_bytes is not None and rows is None:
        rows = capacity // row_bytes
    return Memory(
        name=name,
        kind=kind,
        capacity_bytes=capacity,
        rows=rows,
        row_bytes=row_bytes,
        banks=fields.whole("banks", 1),
        bank_interleave_bytes=0 if fields.word("bank_of", "block") == "block" else fields.bytes("bank_of") or 0,
        alignment_bytes=fields.bytes("alignment_bytes") or 1,
        ports=_ports(fields, name, clock_hz, draft),
        latency_cycles=fields.whole("latency_cycles", 0),
        energy_pj_per_byte=_as_float(fields.number("energy_pj_per_byte")),
        renamed=fields.flag("renamed"),
        source=fields.text("source"),
        span=fields.span("name"),
    )


def _complete(
    fields: Fields, kind: MemoryKind, capacity: int | None, rows: int | None, row_bytes: int | None, draft: Draft
) -> bool:
    """Whether the sizes that ``kind`` needs are there and agree."""
    if kind is MemoryKind.REGISTERS and (rows is None or row_bytes is None):
        missing = "rows" if rows is None else "row_bytes"
        message = f"a memory of kind 'registers' needs '{missing}'"
        draft.error("HW002", message, fields.start, "rows is the number of registers, row_bytes the size of each")
        return False
    if capacity is None and kind is not MemoryKind.HOST:
        message = f"a memory of kind '{kind.value}' needs 'capacity_bytes', or 'rows' and 'row_bytes'"
        draft.error("HW002", message, fields.start)
        return False
    if capacity is not None and row_bytes is not None and capacity % row_bytes:
        message = f"capacity_bytes {capacity} is not a multiple of row_bytes {row_bytes}"
        draft.error("HW021", message, fields.span("capacity_bytes"))
        return False
    if fields.flag("renamed") and kind is not MemoryKind.REGISTERS:
        draft.error("HW021", "only registers can be renamed", fields.span("renamed"))
        return False
    banks = fields.whole("banks", 1)
    if capacity is not None and capacity % banks:
        draft.error("HW021", f"capacity_bytes {capacity} does not divide into {banks} banks", fields.span("banks"))
        return False
    return True


def _ports(fields: Fields, memory: str, clock_hz: int, draft: Draft) -> tuple[Port, ...]:
    ports: dict[str, Port] = {}
    for item in fields.items("ports"):
        port = Fields(item)
        name = port.required_text("name")
        if name in ports:
            draft.error("HW004", f"port '{name}' of memory '{memory}' is given twice", port.span("name"))
        ports[name] = Port(
            name,
            PortDirection(port.word("direction", "both")),
            port.whole("bytes_per_cycle", 1),
            port.bytes("request_bytes") or 1,
            port.bytes("burst_bytes") or 1,
            port.word("arbitration", "oldest"),
            machine_cycles=machine_cycles(_own_clock(port, clock_hz, draft), clock_hz),
        )
    return tuple(ports.values())


def _unit(fields: Fields, clock_hz: int, draft: Draft) -> Unit:
    return Unit(
        name=fields.required_text("name"),
        count=fields.whole("count", 1),
        queue_depth=fields.optional_whole("queue_depth"),
        held=fields.word("held", "start"),
        in_flight=fields.optional_whole("in_flight"),
        serial=fields.flag("serial"),
        clock_hz=_own_clock(fields, clock_hz, draft),
        source=fields.text("source"),
        span=fields.span("name"),
    )


def _grid(fields: Fields) -> Grid:
    return Grid(
        name=fields.required_text("name"),
        count=fields.whole("count", 1),
        holds=tuple(scalar.text for scalar in fields.words("holds")),
        multicast=tuple(scalar.text for scalar in fields.words("multicast")),
        reduces=tuple(scalar.text for scalar in fields.words("reduces")),
        source=fields.text("source"),
        span=fields.span("name"),
    )


def _as_float(value: int | float | None) -> float | None:
    return None if value is None else float(value)
