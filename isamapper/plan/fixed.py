"""Decisions that a person has taken about one statement, as values; what they mean is the scheduler's business."""

from __future__ import annotations

from dataclasses import dataclass, field

from isamapper.diagnostics.source import Span

Value = str | tuple[str, ...] | tuple[int, ...] | int


@dataclass(frozen=True, slots=True)
class Pin:
    """One decision: ``kind`` is the key of the file, ``name`` the entry under it (empty where it has none).

    ``span`` is where a person wrote it, None where nobody did.
    """

    kind: str
    name: str
    value: Value
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        value = " ".join(map(str, self.value)) if isinstance(self.value, tuple) else str(self.value)
        return f"{self.kind}{'.' + self.name if self.name else ''}: {value}"


@dataclass(frozen=True, slots=True)
class Fixed:
    """Decisions about one statement; ``span`` is where its number stands."""

    statement: int
    pins: tuple[Pin, ...]
    span: Span | None = field(default=None, compare=False, repr=False)
