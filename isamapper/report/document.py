"""What a report says, apart from how it looks: blocks that every renderer understands.

What does not belong here: characters on a page (``plain.py``, ``terminal.py``) and where the facts come from.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """Lines printed as they are; ``strong`` for the one sentence that must be seen."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and values, one pair a line, values aligned."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under headers; a column is aligned to the right where all its cells are numbers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares of a whole, one bar a line: (label, shares between 0 and 1 that follow each other, text behind it)."""

    bars: tuple[tuple[str, tuple[float, ...], str], ...]
    title: str | None = None


Block: TypeAlias = Heading | Text | Facts | Table | Bars


@dataclass(frozen=True, slots=True)
class Document:
    blocks: tuple[Block, ...]


def document(*blocks: Block | None) -> Document:
    """The blocks that are there."""
    return Document(tuple(block for block in blocks if block is not None))


def table(headers: abc.Iterable[str], rows: abc.Iterable[abc.Iterable[object]], title: str | None = None) -> Table:
    """A table of anything that prints."""
    return Table(tuple(headers), tuple(tuple(str(cell) for cell in row) for row in rows), title)


def count(value: int | float | None) -> str:
    """A number with thin groups of three digits, as people read it; a dash for none."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def percent(value: float | None) -> str:
    """``value`` (already in percent) with one digit behind the point; a dash for none."""
    return "-" if value is None else f"{value:.1f} %"


def size(value: int | None) -> str:
    """Bytes in the largest binary unit that keeps them whole."""
    if value is None:
        return "unbounded"
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value and value % factor == 0:
            return f"{value // factor} {unit}"
    return f"{value} B"
