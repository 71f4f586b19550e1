"""The words of one line of a schedule, read from left to right, with a span for every complaint.

What does not belong here: what the words mean (``step_text.py``).
"""

from __future__ import annotations

import re
from collections import abc
from typing import TypeVar

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span

_TOKEN = re.compile(r'\s*(?:(?P<number>\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)|"(?P<string>[^"\n]*)"|(?P<sign>[^\s]))')

_Value = TypeVar("_Value")


class StepReader:
    """One line: ``start`` and ``end`` delimit it in ``source``; a ``#`` starts a comment."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        comment = source.text.find("#", start, end)
        self.source = source
        text = source.text[start : comment if comment >= 0 else end].rstrip()
        self.span = Span(source, start + len(text) - len(text.lstrip()), start + len(text))
        self.tokens = list(_TOKEN.finditer(source.text, start, start + len(text)))
        self.place = 0

    def wrong(self, message: str, help: str | None = None) -> SourceError:
        """An error about the word read last."""
        return SourceError(Diagnostic("SCH041", message, self._span(max(0, self.place - 1)), help))

    def word(self, expected: str) -> str:
        """The next word; ``expected`` says in messages what should stand here."""
        return self._next("name", expected)

    def name(self, expected: str) -> str:
        """The next word or quoted name."""
        return self._next("string" if self._kind() == "string" else "name", expected)

    def number(self) -> int:
        """The next number."""
        return int(self._next("number", "a number"))

    def access(self) -> tuple[int, int]:
        """``STATEMENT.ACCESS``."""
        statement = self.number()
        self.expect(".")
        return statement, self.number()

    def at_number(self) -> bool:
        """Whether a number stands next."""
        return self._kind() == "number"

    def numbers(self) -> abc.Iterator[int]:
        """``[NUMBER, NUMBER]``."""
        self.expect("[")
        yield self.number()
        while self.accept(","):
            yield self.number()
        self.expect("]")

    def accept(self, text: str) -> bool:
        """Whether ``text`` stands next; it is then passed over."""
        if self.place < len(self.tokens) and self.tokens[self.place].group().strip() == text:
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Passes over ``text``."""
        if not self.accept(text):
            raise self._unexpected(f"'{text}'")

    def words(self, closing: str | None = None) -> abc.Iterator[str]:
        """Names between commas, up to the end of the line or to ``closing``, which is left."""
        at_end = self.place >= len(self.tokens) if closing is None else self._sign() == closing
        if at_end:
            return
        yield self.name("a name")
        while self.accept(","):
            yield self.name("a name")

    def pairs(
        self, opening: str | None, closing: str | None, value: abc.Callable[[StepReader], _Value]
    ) -> abc.Iterator[tuple[str, _Value]]:
        """``NAME = VALUE`` between commas, in the given brackets."""
        if opening is not None:
            self.expect(opening)
        if closing is None or self._sign() != closing:
            yield self._pair(value)
            while self.accept(","):
                yield self._pair(value)
        if closing is not None:
            self.expect(closing)

    def rest(self) -> tuple[int, int]:
        """Where the words that are left stand in the source; they are then passed over."""
        start = self._span(self.place).start
        self.place = len(self.tokens)
        return start, self.span.end

    def end(self) -> None:
        """Complains about anything left on the line."""
        if self.place < len(self.tokens):
            raise self._unexpected("the end of the line")

    def _pair(self, value: abc.Callable[[StepReader], _Value]) -> tuple[str, _Value]:
        name = self.name("a name")
        self.expect("=")
        return name, value(self)

    def _kind(self) -> str | None:
        return self.tokens[self.place].lastgroup if self.place < len(self.tokens) else None

    def _sign(self) -> str | None:
        return self.tokens[self.place].group("sign") if self.place < len(self.tokens) else None

    def _next(self, kind: str, expected: str) -> str:
        if self._kind() != kind:
            raise self._unexpected(expected)
        text = str(self.tokens[self.place].group(kind))
        self.place += 1
        return text

    def _unexpected(self, expected: str) -> SourceError:
        if self.place < len(self.tokens):
            found = f"found '{self.tokens[self.place].group().strip()}'"
        else:
            found = "the line ends"
        return SourceError(Diagnostic("SCH041", f"expected {expected}, {found}", self._span(self.place)))

    def _span(self, place: int) -> Span:
        if place >= len(self.tokens):
            return Span(self.source, self.span.end, self.span.end)
        token = self.tokens[place]
        return Span(self.source, token.end() - len(token.group().lstrip()), token.end())
