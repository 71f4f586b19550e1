"""Where each part of a machine stands in its file, for checks that look at finished values.

A key is a path such as ``("instruction", "mvin", "operands", "src", "contiguous")``; what has no place of its own takes
that of the part around it.
"""

from __future__ import annotations

from isamapper.diagnostics.source import Span


class Places:
    """Spans by path. An empty one serves machines that were not read from a file."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, ...], Span] = {}

    def note(self, span: Span, *path: str) -> None:
        self._spans[path] = span

    def exact(self, *path: str) -> Span | None:
        """The span of ``path`` itself."""
        return self._spans.get(path)

    def find(self, *path: str) -> Span | None:
        """The span of the longest known beginning of ``path``."""
        while path:
            if path in self._spans:
                return self._spans[path]
            path = path[:-1]
        return None
