"""What to raise where steps describe something that cannot be carried out."""

from __future__ import annotations

from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError, Span


def refusal(reason: Rejection) -> SourceError:
    """``reason`` as the mistake of whoever wrote the steps."""
    span = reason.spans[0] if reason.spans else None
    return SourceError(Diagnostic(reason.code, f"{reason.subject}: {reason.reason}", span, reason.edit))


def written_at(*spans: Span | None) -> tuple[Span, ...]:
    """The places of a rejection: those of ``spans`` that stand in a file."""
    return tuple(span for span in spans if span is not None)
