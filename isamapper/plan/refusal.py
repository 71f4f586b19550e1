"""What to raise where steps describe something that cannot be carried out."""

from __future__ import annotations

from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError


def refusal(reason: Rejection) -> SourceError:
    """``reason`` as the mistake of whoever wrote the steps."""
    return SourceError(Diagnostic(reason.code, f"{reason.subject}: {reason.reason}", help=reason.edit))
