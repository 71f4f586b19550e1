"""Texts the user wrote, places in them, and what to say about a place.

Three outcomes are kept apart everywhere in the package:
- :class:`SourceError`: the user's text is wrong (spans, codes, hints; exit code 2);
- :class:`Rejection`: something does not fit, with the reason; a value, never raised;
- any other exception: our mistake (exit code 70).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """A named text. ``name`` is what messages print (a path as the user gave it)."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` to ``end`` (exclusive) of a source; offsets count characters from 0."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """Line of ``start``, from 1."""
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """Column of ``start``, from 1."""
        return self.start - (self.source.text.rfind("\n", 0, self.start) + 1) + 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a stable code such as ``IR012``, a message (lower case, no full stop), a place and a hint."""

    code: str
    message: str
    span: Span | None = None
    help: str | None = None
    notes: tuple[tuple[str, Span | None], ...] = ()
    severity: str = "error"


class SourceError(Exception):
    """The user's text or arguments are wrong; carries every finding of the file at once."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why something does not apply, as a value.

    ``reason`` is a sentence for people; ``subject`` names what was tried (an instruction, a rewrite, a copy);
    ``edit`` is the cheapest change that would make it fit; ``progress`` counts the conditions that held before the
    first that failed (the nearest miss has the highest).
    """

    code: str
    subject: str
    reason: str
    spans: tuple[Span, ...] = ()
    edit: str | None = None
    progress: int = 0
