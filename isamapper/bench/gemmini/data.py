"""The table of measured layers: CSV in, one :class:`Measured` a row, or what is wrong with it, with line and column.

Columns may stand in any order; those not named here are ignored. Sizes are whole numbers from 1 on. A row that cannot
be read says nothing about the others.
"""

from __future__ import annotations

import re
from collections import abc
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from isamapper.bench.gemmini.layers import Layer, Sizes, buffer_bytes, clipped
from isamapper.bench.gemmini.mapping import mapped_tile
from isamapper.bench.gemmini.tiler import ACCUMULATOR_BYTES, SCRATCHPAD_BYTES, default_tile
from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span

SIZES = ("q_out_w", "p_out_h", "k", "r", "s", "c")
NUMBERS = (*SIZES, "n", "stride", "scratchpad_bytes", "accumulator_bytes", "auto_cycles_rtl", "mapped_cycles_rtl")
REQUIRED = (*NUMBERS, "mapping")
LEAST = {"scratchpad_bytes": 512, "accumulator_bytes": 512}
"""Half a buffer holds what one instruction moves: 16 rows of 64 bytes, 16 rows of 16 sums, in both halves together."""
LARGEST = 10**12

Field = tuple[str, Span]


@dataclass(frozen=True, slots=True)
class Measured:
    """A layer, the tiles of its two programs, the buffers (one of two each), and the cycles that they took."""

    name: str
    layer: Layer
    images: int
    scratchpad_bytes: int
    accumulator_bytes: int
    default: Sizes
    mapped: Sizes
    default_cycles: int
    mapped_cycles: int
    line: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A row of which no programs can be made: what it is called, its line in the file, and what is wrong with it."""

    name: str
    line: int
    findings: tuple[Diagnostic, ...]


def builtin_table() -> Source:
    """The half of the published data set that comes with the package."""
    file = resources.files("isamapper.bench").joinpath("data/gemmini_firesim.csv")
    return Source("gemmini_firesim.csv", file.read_text(encoding="utf-8"))


def read_table(path: str) -> Source:
    """A file's text; VAL001 where there is none."""
    try:
        return Source(path, Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is no text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise SourceError(Diagnostic("VAL001", f"cannot read '{path}': {reason}")) from None


def measured_rows(source: Source) -> tuple[Measured, ...]:
    """All rows of a table that has some; SourceError with every mistake found."""
    found = table_rows(source)
    findings = [finding for row in found if isinstance(row, Refused) for finding in row.findings]
    if not found:
        findings.append(Diagnostic("VAL002", "the table has no rows", Span(source, 0, 0)))
    if findings:
        raise SourceError(*findings)
    return tuple(row for row in found if isinstance(row, Measured))


def table_rows(source: Source) -> tuple[Measured | Refused, ...]:
    """Every row of a table, in its order; SourceError where there is no line that names the columns."""
    lines = [line for line in _lines(source) if line]
    if not lines:
        raise SourceError(Diagnostic("VAL002", "the table is empty", Span(source, 0, 0)))
    columns = _columns(lines[0])
    return tuple(_row_or_refused(line, columns) for line in lines[1:])


def _row_or_refused(line: list[Field], columns: dict[str, int]) -> Measured | Refused:
    try:
        return _row(line, columns)
    except SourceError as error:
        return Refused(_name(line, columns), line[0][1].line, tuple(error.diagnostics))


def _name(line: list[Field], columns: dict[str, int]) -> str:
    """What the row calls itself, else its line."""
    place = columns.get("id", len(line))
    return (line[place][0] if place < len(line) else "") or str(line[0][1].line)


_FIELD = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*)')


def _lines(source: Source) -> abc.Iterator[list[Field]]:
    """The fields of every line; an empty line has none."""
    start = 0
    for line in source.text.splitlines(keepends=True):
        yield list(_fields(source, start, line.rstrip("\r\n"))) if line.strip() else []
        start += len(line)


def _fields(source: Source, start: int, line: str) -> abc.Iterator[Field]:
    at = 0
    while True:
        found = _FIELD.match(line, at)
        assert found is not None  # the second form matches anything
        group = 1 if found[1] is not None else 2
        text = found[group].replace('""', '"') if group == 1 else found[group]
        left = len(text) - len(text.lstrip()) if group == 2 else 0
        place = start + found.start(group) + left
        yield text.strip(), Span(source, place, place + len(text.strip()))
        at = found.end() + 1
        if at > len(line):
            return


def _columns(header: list[Field]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, (name, span) in enumerate(header):
        if name.lstrip("\ufeff") in columns:
            raise SourceError(Diagnostic("VAL002", f"column '{name}' is given twice", span))
        columns[name.lstrip("\ufeff")] = index
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        whole = Span(header[0][1].source, header[0][1].start, header[-1][1].end)
        names = ", ".join(f"'{name}'" for name in missing)
        raise SourceError(Diagnostic("VAL002", f"missing column{'s'[: len(missing) > 1]} {names}", whole))
    return columns


def _row(line: list[Field], columns: dict[str, int]) -> Measured:
    while len(line) > len(columns) and not line[-1][0]:
        line = line[:-1]  # commas at the end
    if len(line) != len(columns):
        whole = Span(line[0][1].source, line[0][1].start, line[-1][1].end)
        raise SourceError(Diagnostic("VAL003", f"{len(line)} fields where the head has {len(columns)}", whole))
    values = _numbers(line, columns)
    layer = Layer(Sizes(*(values[name] for name in SIZES)), values["stride"])
    tiling = line[columns["auto_tiling"]] if "auto_tiling" in columns else ("", line[0][1])
    default = clipped(_recorded_tile(*tiling) if tiling[0] else default_tile(layer), layer)
    mapped = clipped(mapped_tile(line[columns["mapping"]][1], layer), layer)
    halves = (values["scratchpad_bytes"], values["accumulator_bytes"])
    _demand_room(mapped, layer, halves, line[columns["mapping"]][1])
    own = (max(halves[0], SCRATCHPAD_BYTES), max(halves[1], ACCUMULATOR_BYTES))
    _demand_room(default, layer, own, tiling[1])
    return Measured(
        _name(line, columns),
        layer,
        values["n"],
        *halves,
        default,
        mapped,
        values["auto_cycles_rtl"],
        values["mapped_cycles_rtl"],
        line[0][1].line,
    )


def _numbers(line: list[Field], columns: dict[str, int]) -> dict[str, int]:
    """All whole numbers of a line; SourceError with every one that is none."""
    values: dict[str, int] = {}
    findings: list[Diagnostic] = []
    for name in NUMBERS:
        try:
            values[name] = _number(name, *line[columns[name]])
        except SourceError as error:
            findings += error.diagnostics
    if findings:
        raise SourceError(*findings)
    return values


def _number(name: str, text: str, span: Span) -> int:
    least = LEAST.get(name, 1)
    if not text:
        raise SourceError(Diagnostic("VAL003", f"'{name}' is missing", span))
    text = re.sub(r"\.0*\Z", "", text)  # tables that went through floats
    if not re.fullmatch(r"[0-9]{1,13}", text, re.ASCII) or not least <= int(text) <= LARGEST:
        raise SourceError(Diagnostic("VAL003", f"'{text}' is not a whole number from {least} to {LARGEST}", span))
    return int(text)


def _demand_room(tile: Sizes, layer: Layer, halves: tuple[int, int], span: Span) -> None:
    """VAL004 where a tile takes more than both halves of a buffer: no program of it could exist."""
    for name, taken, half in zip(("scratchpad", "accumulator"), buffer_bytes(tile, layer), halves, strict=True):
        if taken > 2 * half:
            message = f"a tile of this takes {taken} bytes of the {name}, which has {2 * half}"
            raise SourceError(Diagnostic("VAL004", message, span))


def _recorded_tile(text: str, span: Span) -> Sizes:
    """Sizes as the library prints them: r, s, p, q, c, k, n."""
    if not re.fullmatch(r"[1-9][0-9]{0,8}(_[1-9][0-9]{0,8}){6}", text, re.ASCII):
        help = "sizes of r, s, p, q, c, k and n, as '3_3_23_22_48_16_1'; left empty, the rules of the library give them"
        raise SourceError(Diagnostic("VAL003", f"'{text}' is not a tile", span, help=help))
    r, s, p, q, c, k, _ = (int(each) for each in text.split("_"))
    return Sizes(q, p, k, r, s, c)
