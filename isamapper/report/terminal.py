"""A document on a terminal: the same words as the plain text, with rich's tables and colours."""

from __future__ import annotations

from io import StringIO
from typing import assert_never

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text as RichText

from isamapper.report.document import Bars, Block, Document, Facts, Heading, Table, Text
from isamapper.report.plain import bar, is_numeric


def render_terminal(document: Document, width: int) -> str:
    """The document with terminal escapes, no line longer than ``width`` where that can be helped."""
    console = Console(file=StringIO(), width=width, force_terminal=True, highlight=False)
    for number, block in enumerate(document.blocks):
        console.print(_render(block) if number == 0 else Padding(_render(block), (1, 0, 0, 0)))
    output = console.file
    assert isinstance(output, StringIO)
    return output.getvalue()


def _render(block: Block) -> RenderableType:
    match block:
        case Heading(text):
            return RichText(text, style="bold")
        case Text(text, strong):
            return RichText(text, style="bold" if strong else "")
        case Facts(pairs):
            return _facts(pairs)
        case Table():
            return _table(block)
        case Bars():
            return _bars(block)
        case _:
            assert_never(block)


def _facts(pairs: tuple[tuple[str, str], ...]) -> RichTable:
    grid = RichTable.grid(padding=(0, 2))
    for label, value in pairs:
        grid.add_row(RichText(label, style="cyan"), RichText(value))
    return grid


def _table(table: Table) -> RichTable:
    columns = list(zip(*table.rows, strict=True)) if table.rows else [() for _ in table.headers]
    result = RichTable(
        title=table.title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="cyan"
    )
    for header, cells in zip(table.headers, columns, strict=True):
        result.add_column(header, justify="right" if is_numeric(cells) else "left", overflow="fold")
    for row in table.rows:
        result.add_row(*(RichText(cell) for cell in row))
    return result


def _bars(bars: Bars) -> RenderableType:
    grid = RichTable.grid(padding=(0, 2))
    for label, shares, note in bars.bars:
        grid.add_row(RichText(label), RichText(bar(shares), style="green"), RichText(note))
    return Group(RichText(bars.title, style="bold"), grid) if bars.title else grid
