"""Candidate nests of one statement, ranked by the analytic model: mappings to frames to families to nests."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.mapper.matching.find import find_mappings
from isamapper.scheduler.space.found import Found, Prospect
from isamapper.scheduler.space.ranking import NESTS, prospects, ranked
from isamapper.scheduler.statements.frames import Frame, frames_of
from isamapper.scheduler.statements.subject import Subject, subject_of

__all__ = ["Found", "Prospect", "Subject", "prospects_of", "ranked_candidates", "ranked_in", "subject_of"]


def prospects_of(subject: Subject, deadline: float | None = None) -> tuple[Prospect, ...] | Rejection:
    """Candidates of every frame, least estimated cycles first, then fewest bytes; built when they are looked at."""
    return prospects(subject, _frames(subject), deadline)


def ranked_candidates(
    subject: Subject, deadline: float | None = None, nests: int = NESTS
) -> tuple[Found, ...] | Rejection:
    """Up to ``nests`` candidates of every frame, least estimated cycles first, then fewest bytes.

    The nearest miss where there is none.

    After ``deadline`` (on the monotonic clock) what has been found has to do; the first is found in any case.
    """
    return ranked_in(subject, _frames(subject), deadline, nests)


def ranked_in(
    subject: Subject, frames: abc.Sequence[Frame], deadline: float | None = None, nests: int = NESTS
) -> tuple[Found, ...] | Rejection:
    """As :func:`ranked_candidates`, for the given frames."""
    return ranked(subject, frames, deadline, nests)


def _frames(subject: Subject) -> tuple[Frame, ...]:
    mappings = tuple(find_mappings(subject.kernel, subject.machine, statement=subject.statement.index))
    machine, statement = subject.machine, subject.statement
    return tuple(frames_of(machine, statement, mappings, subject.fresh, subject.shared, subject.tensors))
