"""Diagnostics as text for people: the message, the place, the quoted line, carets, help.

error[HW012]: unknown field 'sizze'
 --> acc.yaml:8:5
  |
8 |     sizze: 3
  |     ^^^^^
help: did you mean 'size'?
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic, Span

WIDEST_LINE = 160
"""Longer lines are quoted in part."""

_RESET = "\x1b[0m"
_COLOURS = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "note": "\x1b[1;36m",
    "help": "\x1b[1;32m",
    "frame": "\x1b[34m",
}


def render_diagnostics(diagnostics: abc.Iterable[Diagnostic], *, colour: bool = False) -> str:
    """Every finding, separated by blank lines, with a final line feed."""
    return "\n".join(_render(diagnostic, colour) for diagnostic in diagnostics)


def _render(diagnostic: Diagnostic, colour: bool) -> str:
    def paint(style: str, text: str) -> str:
        return f"{_COLOURS[style]}{text}{_RESET}" if colour else text

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
    return "\n".join(lines) + "\n"


def _quote(span: Span, style: str, paint: abc.Callable[[str, str], str]) -> list[str]:
    """The place, then the line it is on with carets below the span (to the line's end where it goes on)."""
    number = str(span.line)
    margin = " " * len(number)
    before, marked, after = _cropped(span)
    pad = "".join("\t" if character == "\t" else " " for character in before)
    bar = paint("frame", "|")
    return [
        f"{margin}{paint('frame', '-->')} {span.source.name}:{number}:{span.column}",
        f"{margin} {bar}",
        f"{paint('frame', number)} {bar} {before}{marked}{after}".rstrip(),
        f"{margin} {bar} {pad}{paint(style, '^' * max(1, len(marked)))}",
    ]


def _cropped(span: Span) -> tuple[str, str, str]:
    """The line's parts before, in and behind the span; a line too long to read is cut around it."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.start)
    line = text[start : len(text) if end < 0 else end].rstrip("\r")
    before, marked = line[: span.start - start], line[span.start - start : span.end - start]
    after = line[len(before) + len(marked) :]
    if len(line) > WIDEST_LINE:
        before = before if len(before) <= WIDEST_LINE // 2 else "…" + before[1 - WIDEST_LINE // 2 :]
        marked = marked[: WIDEST_LINE // 2]
        room = WIDEST_LINE - len(before) - len(marked)
        after = after if len(after) <= room else after[: max(0, room - 1)] + "…"
    return before, marked, after
