"""What verification hands back: three parts, each with its own verdict, and the first difference where one failed.

What does not belong here: finding anything out (the other files of this room).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Status(Enum):
    """The verdict of one part."""

    PROVED = "proved"  # holds for every input
    PASSED = "passed"  # held in every trial; the error probability says what that is worth
    FAILED = "failed"
    NOT_RUN = "not_run"  # nothing is known; the detail says why


class Size(Enum):
    """What the executed parts ran on: the program itself, or one with every digit cut to at most 3."""

    REAL = "real"
    REDUCED = "reduced"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first element that is not what the kernel says (in row-major order of the first differing result).

    ``writer`` is the last invocation that wrote it, with the values of the loops around it; ``trail`` goes back from
    there through copies, newest first. ``expected`` and ``got`` are texts: in part 2 they are residues.
    """

    tensor: str
    index: tuple[int, ...]
    expected: str
    got: str
    writer: str | None = None
    trail: tuple[str, ...] = ()

    def __str__(self) -> str:
        element = f"{self.tensor}[{', '.join(map(str, self.index))}]"
        by = f", written by {self.writer}" if self.writer else ", which nothing wrote"
        return f"{element} is {self.got}, the kernel says {self.expected}{by}"

    def to_dict(self) -> dict[str, Any]:
        """The difference as JSON values."""
        return {
            "tensor": self.tensor,
            "index": list(self.index),
            "expected": self.expected,
            "got": self.got,
            "writer": self.writer,
            "trail": list(self.trail),
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One of the independent parts: what it is called, its verdict, a sentence, figures and what went wrong."""

    name: str
    status: Status
    detail: str
    seconds: float = 0.0
    facts: tuple[tuple[str, int | float | str | None], ...] = ()
    difference: Difference | None = None

    def to_dict(self) -> dict[str, Any]:
        """The part as JSON values: ``name, status, detail, seconds, facts, difference``."""
        return {
            "name": self.name,
            "status": self.status.value,
            "detail": self.detail,
            "seconds": round(self.seconds, 6),
            "facts": dict(self.facts),
            "difference": self.difference.to_dict() if self.difference else None,
        }


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known of a program against its kernel.

    ``ok``: no part failed, part 3 passed, and part 2 passed or part 1 proved what part 2 could not decide.
    ``error_probability`` bounds the chance that part 2 passed a program that is wrong (None where part 2 did not pass,
    0.0 where part 1 proved it). ``not_covered`` lists in sentences what none of the parts looked at.
    """

    ok: bool
    parts: tuple[Part, ...]
    size: Size
    error_probability: float | None
    not_covered: tuple[str, ...] = ()

    def part(self, name: str) -> Part:
        """The part called ``name``; KeyError where there is none."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """The certificate as JSON values: ``ok, parts, size, error_probability, not_covered``."""
        return {
            "ok": self.ok,
            "parts": [part.to_dict() for part in self.parts],
            "size": self.size.value,
            "error_probability": self.error_probability,
            "not_covered": list(self.not_covered),
        }
