"""What names mean at one place of a text being bound, and the mistakes found so far.

Rules of this file:
- a scope is private to one binding: mutable, never part of a node;
- mistakes are collected, not raised, so that a file's errors are reported together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from isamapper.diagnostics.source import Diagnostic, Span
from isamapper.ir.nodes import Tensor
from isamapper.ir.types import DType


@dataclass(slots=True)
class Scope:
    """Names in force. ``program`` allows what only programs may hold (``rotate``, placements, invocations).

    ``broken`` tensors have a declaration with mistakes: nothing more is said about their uses.
    """

    program: bool
    sizes: dict[str, int] = field(default_factory=dict)
    types: dict[str, DType] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    iterators: dict[str, Span] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    found: list[Diagnostic] = field(default_factory=list)

    def error(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Adds a mistake."""
        self.found.append(Diagnostic(code, message, span, hint))

    def within(self, iterators: dict[str, Span]) -> Scope:
        """The scope of a loop's body: more iterators; allocations made there end with it."""
        return replace(self, iterators={**self.iterators, **iterators}, tensors=dict(self.tensors))
