"""Diagnostics as people read them: code and message, place, the quoted line with carets, what to try.

    error[IR012]: unknown tensor 'd'
     --> gemm.isam:4:19
      |
    4 |   c[m, n] += a[m, k] * d[k, n]
      |                        ^
    help: did you mean 'b'?

What does not belong here: where the text goes and whether colour is wanted (the command line knows).
"""

from __future__ import annotations

import unicodedata
from collections import abc

from isamapper.diagnostics.source import Diagnostic, Span

WIDEST_LINE = 160
"""Longer lines are quoted in part, around the span."""

_RESET = "\x1b[0m"
_COLOURS = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "note": "\x1b[1;36m",
    "help": "\x1b[1;32m",
    "frame": "\x1b[34m",
}

_Paint = abc.Callable[[str, str], str]


def render(diagnostic: Diagnostic, color: bool = False) -> str:
    """The text of one finding, without a final line feed; ``color`` adds terminal escapes and changes no word."""

    def paint(style: str, text: str) -> str:
        return f"{_COLOURS[style]}{text}{_RESET}" if color else text

    style = diagnostic.severity if diagnostic.severity in _COLOURS else "error"
    lines = [f"{paint(style, f'{diagnostic.severity}[{diagnostic.code}]')}: {diagnostic.message}"]
    if diagnostic.span is not None:
        lines += _quote(diagnostic.span, style, paint)
    for text, span in diagnostic.notes:
        lines.append(f"{paint('note', 'note')}: {text}")
        if span is not None:
            lines += _quote(span, "note", paint)
    if diagnostic.help is not None:
        lines.append(f"{paint('help', 'help')}: {diagnostic.help}")
    return "\n".join(lines)


def _quote(span: Span, style: str, paint: _Paint) -> list[str]:
    """The place, then its line with carets below the span; a span over several lines is marked to the first's end."""
    number = str(span.line)
    margin = " " * len(number)
    before, marked, after = _cropped(span)
    pad = "".join("\t" if character == "\t" else " " * _width(character) for character in before)
    carets = "^" * max(1, sum(map(_width, marked)))
    bar = paint("frame", "|")
    return [
        f"{margin}{paint('frame', '-->')} {span.source.name}:{number}:{span.column}",
        f"{margin} {bar}",
        f"{paint('frame', number)} {bar} {before}{marked}{after}".rstrip(),
        f"{margin} {bar} {pad}{paint(style, carets)}",
    ]


def _width(character: str) -> int:
    """Columns a terminal gives to ``character``: none to combining marks, two to wide East Asian forms and emoji."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _cropped(span: Span) -> tuple[str, str, str]:
    """The line's parts before, in and behind the span; a line too long to read is cut around it."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.start)
    line = text[start : len(text) if end < 0 else end].rstrip("\r")
    before, marked = line[: span.start - start], line[span.start - start : span.end - start]
    after = line[len(before) + len(marked) :]
    if len(line) > WIDEST_LINE:
        half = WIDEST_LINE // 2
        before = before if len(before) <= half else "…" + before[1 - half :]
        marked = marked[:half]
        room = WIDEST_LINE - len(before) - len(marked)
        after = after if len(after) <= room else after[: max(0, room - 1)] + "…"
    return before, marked, after
