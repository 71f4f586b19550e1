"""A document as plain text: what a pipe, a file or a test gets."""

from __future__ import annotations

import re
import textwrap
from typing import assert_never

from isamapper.report.document import Bars, Block, Document, Facts, Heading, Table, Text

LINE_WIDTH = 120
BAR_WIDTH = 40
SIGNS = "█▒░"
"""The signs of a bar's first, second and third share."""

_NUMBER = re.compile(r"^(-|[-+]?[\d,]+(\.\d+)?( ?[%x]| [KMG]?i?B)?)$")


def render_plain(document: Document) -> str:
    """The blocks with a blank line between them and a line feed at the end."""
    return "\n\n".join(_render(block) for block in document.blocks) + "\n"


def _render(block: Block) -> str:
    match block:
        case Heading(text):
            return f"{text}\n{'=' * len(text)}"
        case Text(text):
            return text
        case Facts(pairs):
            width = max(len(label) for label, _ in pairs)
            return "\n".join(line for label, value in pairs for line in _fact(label, value, width))
        case Table():
            return _render_table(block)
        case Bars():
            return _render_bars(block)
        case _:
            assert_never(block)


def _fact(label: str, value: str, width: int) -> list[str]:
    """``label  value`` with a hanging indent where the value is long."""
    lines = textwrap.wrap(value, LINE_WIDTH - width - 2, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"{head:<{width}}  {line}".rstrip() for head, line in zip([label] + [""] * len(lines), lines, strict=False)]


def is_numeric(cells: tuple[str, ...]) -> bool:
    """Whether a column reads better aligned to the right."""
    return bool(cells) and all(_NUMBER.match(cell) for cell in cells)


def _render_table(table: Table) -> str:
    columns = list(zip(*table.rows, strict=True)) if table.rows else [() for _ in table.headers]
    right = [is_numeric(cells) for cells in columns]
    widths = [max(len(header), *map(len, cells), 0) for header, cells in zip(table.headers, columns, strict=True)]

    def line(cells: tuple[str, ...]) -> str:
        padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
        return "  ".join(padded).rstrip()

    lines = [line(table.headers), line(tuple("-" * width for width in widths)), *map(line, table.rows)]
    return "\n".join([table.title, *lines] if table.title else lines)


def bar(shares: tuple[float, ...], width: int = BAR_WIDTH) -> str:
    """Each share of ``width`` in its own sign, the rest as dots; a share above nothing shows at least once."""
    line = ""
    total = 0.0
    for share, sign in zip(shares, SIGNS, strict=False):
        total += share
        line += sign * max(round(total * width) - len(line), 1 if share > 0 else 0)
    return line[:width].ljust(width, "·")


def _render_bars(bars: Bars) -> str:
    width = max((len(label) for label, _, _ in bars.bars), default=0)
    lines = [f"{label:<{width}}  {bar(shares)}  {note}".rstrip() for label, shares, note in bars.bars]
    return "\n".join([bars.title, *lines] if bars.title else lines)
