"""The command line as a source text, so that a wrong argument is shown where it stands.

What does not belong here: which options exist (``options.py``) and how diagnostics look (``report/diagnostics.py``).
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The words as typed, quoted again; ``starts`` holds where each word begins in the text."""

    source: Source
    words: tuple[str, ...]
    starts: tuple[int, ...]

    def span(self, word: str) -> Span | None:
        """Where ``word`` stands, alone or inside ``--option=word``; None where it does not occur."""
        for start, candidate in zip(self.starts, self.words, strict=True):
            quoted = shlex.quote(candidate)
            if candidate == word:
                return Span(self.source, start, start + len(quoted))
            if word and candidate.startswith("-") and candidate.endswith(word):
                return Span(self.source, start + len(quoted) - len(word), start + len(quoted))
        return None

    def place(self, diagnostic: Diagnostic) -> Diagnostic:
        """``diagnostic`` with the place of the argument it quotes last, where it quotes one and has no place yet."""
        if diagnostic.span is not None:
            return diagnostic
        for quoted in reversed(re.findall(r"'([^']*)'", diagnostic.message)):
            span = self.span(quoted) or (self._inside(quoted) if quoted else None)
            if span is not None:
                return replace(diagnostic, span=span)
        return diagnostic

    def _inside(self, name: str) -> Span | None:
        """Where ``name`` stands in a word such as ``M=4,name=5``, ``name://address`` or ``dask://name``."""
        pattern = rf"(?<![\w-])(?P<name>{re.escape(name)})(=|://)|://(?P<address>{re.escape(name)})(?!.*[\w-])"
        for start, word in zip(self.starts, self.words, strict=True):
            found = re.search(pattern, shlex.quote(word))
            if found:
                kind = "name" if found["name"] is not None else "address"
                return Span(self.source, start + found.start(kind), start + found.end(kind))
        return None

    def error(self, code: str, message: str, word: str | None = None, help: str | None = None) -> SourceError:
        """The user's mistake at ``word``; at the end of the line where ``word`` is None or not found."""
        found = self.span(word) if word is not None else None
        end = len(self.source.text)
        return SourceError(Diagnostic(code, message, found or Span(self.source, end, end), help))


def command_line(words: abc.Sequence[str]) -> CommandLine:
    """``words`` (without the program's name) as a text that begins with ``isamapper``."""
    text = "isamapper"
    starts = []
    for word in words:
        starts.append(len(text) + 1)
        text += " " + shlex.quote(word)
    return CommandLine(Source("command line", text), tuple(words), tuple(starts))


def did_you_mean(word: str, known: abc.Iterable[str]) -> str | None:
    """A hint that names the nearest of ``known``, or lists them where none is near."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.7)
    if near:
        return f"did you mean '{near[0]}'?"
    return "known: " + ", ".join(choices) if choices else None
