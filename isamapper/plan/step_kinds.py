"""The kinds of steps: frozen values, one class each; ``statement`` numbers the statements of the covered kernel.

What does not belong here: replaying them (``steps.py``), checking them (``step_checks.py``), their text
(``step_text.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from isamapper.diagnostics.source import Span
from isamapper.plan.joint import Join
from isamapper.plan.nest import Buffer, Digit


@dataclass(frozen=True, slots=True)
class Apply:
    """Do ``statement`` with ``instruction``; ``role`` is ``call``, ``first`` (overwrites) or ``init`` (fills)."""

    statement: int
    role: str
    instruction: str
    sigma: tuple[tuple[str, int], ...]
    axes: tuple[tuple[str, tuple[str, ...]], ...]
    values: tuple[tuple[str, int], ...] = ()
    constants: tuple[tuple[str, int | float], ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Split:
    """Write ``iterator`` as the given digits, outermost first."""

    statement: int
    iterator: str
    digits: tuple[Digit, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reorder:
    """Put the statement's loops in this order, outermost first."""

    statement: int
    loops: tuple[str, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Give an access a buffer: where, attached where, laid out and filled how."""

    statement: int
    buffer: Buffer
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Overlap a buffer's fill (or drain) with the neighbouring iteration, spread over inner loops."""

    statement: int
    access: int
    memory: str
    spread: tuple[tuple[str, str], ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Fuse:
    """Let the drain of ``statement`` do the elementwise ``consumer`` with ``instruction``."""

    statement: int
    consumer: int
    instruction: str
    values: tuple[tuple[str, int], ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Distribute:
    """Run the statement's outermost loops across grids: each iteration on a copy of its own, all at the same time."""

    statement: int
    loops: tuple[tuple[str, str], ...]
    span: Span | None = field(default=None, compare=False)


Step: TypeAlias = Apply | Split | Reorder | Place | Pipeline | Fuse | Join | Distribute
