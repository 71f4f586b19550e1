"""What to say where the text stops being a kernel: found, expected in plain words, and what to try."""

from __future__ import annotations

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from isamapper.diagnostics.source import Diagnostic, Source, Span


def syntax_error(error: UnexpectedInput, source: Source, start: int, end: int) -> Diagnostic:
    """The diagnostic for ``error``, met while reading ``source`` from ``start`` to ``end``."""
    position = start + error.pos_in_stream if error.pos_in_stream is not None else end
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        found = f"'{error.token}'"
        span = Span(source, position, position + len(error.token))
    elif isinstance(error, UnexpectedCharacters):
        found, span = f"character '{source.text[position]}'", Span(source, position, position + 1)
    else:
        found, span = "the end of the text", Span(source, end, end)
    return Diagnostic("IR001", f"unexpected {found}", span)
