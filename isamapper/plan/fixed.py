"""Decisions that a person has taken about one statement, as values; what they mean is the scheduler's business."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | tuple[str, ...] | tuple[int, ...] | int


@dataclass(frozen=True, slots=True)
class Pin:
    """One decision: ``kind`` is the key of the file, ``name`` the entry under it (empty where it has none)."""

    kind: str
    name: str
    value: Value

    def __str__(self) -> str:
        value = " ".join(map(str, self.value)) if isinstance(self.value, tuple) else str(self.value)
        return f"{self.kind}{'.' + self.name if self.name else ''}: {value}"


@dataclass(frozen=True, slots=True)
class Fixed:
    """Decisions about one statement."""

    statement: int
    pins: tuple[Pin, ...]
