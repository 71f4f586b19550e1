"""Invocations on their way, as the event engine sees them: beats asked for, times known so far, conflicts."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field

from isamapper.sim.counters import ORDER, RAW, WAR, WAW
from isamapper.sim.expand import Invocation, OperandAt

NEVER = 1 << 62
"""A time that is not known yet."""


@dataclass(slots=True, eq=False)
class Stream:
    """Beats of one operand on one port and bank, from ``begins`` on; ``done`` is when the last was over.

    What is ``left`` is done by ``credit`` in a cycle at best: beats one by one, or shares of a port that cores share.
    """

    job: Job
    calendar: int
    begins: int
    left: int
    done: int | None = None
    credit: int = 1

    @property
    def least(self) -> int:
        """Cycles that it still takes at least."""
        return -(-self.left // self.credit)


@dataclass(slots=True, eq=False)
class Use:
    """An operand of a job: what it touches, and its times once they are known."""

    at: OperandAt
    touched: set[int]
    written: set[int]  # of renamed registers without those that were written again
    reading: list[Stream] = field(default_factory=list)
    writing: list[Stream] = field(default_factory=list)
    read: int | None = None
    ready: int | None = None


@dataclass(slots=True, eq=False)
class Job:
    """One invocation on its way."""

    number: int
    invocation: Invocation
    dispatched: int
    front: list[int]  # cycles until which the front end held it, by its reasons, from when it was reached
    uses: list[Use]
    after: list[tuple[int, Use, Use, Job]]  # (hazard, own use, older use, older job)
    start: int | None = None
    free: int = 0
    waits: list[int] = field(default_factory=list)
    longest: int = 0  # beats of its longest stream
    writes: bool = False  # whether arithmetic has asked for the beats of its results
    released: int | None = None
    end: int | None = None

    @property
    def unit(self) -> int:
        return self.invocation.site.unit


def release_time(server: int | Job, now: int) -> int:
    """When a server is free, as far as can be seen at ``now``."""
    if isinstance(server, int):
        return server
    if server.released is not None:
        return server.released
    start, found = server.start, server.invocation.occupies
    assert start is not None
    if server.invocation.site.transfer:
        return NEVER
    for use in server.uses:
        end = last_end(use.reading, start)
        if end is None:
            return NEVER
        found = max(found, end - start - use.at.read_at if use.reading else 0)
        for stream in use.writing:
            soonest = max(stream.begins, now) + stream.least if stream.done is None else stream.done
            found = max(found, soonest - start - use.at.ready_at)
    return start + found


def last_end(streams: abc.Sequence[Stream], begins: int) -> int | None:
    """When the last beat is over; ``begins`` where there are none; None where that is not known yet."""
    last = begins
    for stream in streams:
        if stream.done is None:
            return None
        last = max(last, stream.done)
    return last


def latest_time(job: Job) -> int:
    times = [job.released, job.end, *(each for use in job.uses for each in (use.read, use.ready))]
    return max(time for time in times if time is not None)


def hazards(job: Job, own: Use, older: Job, other: Use) -> abc.Iterator[int]:
    """Kinds of hazards of an operand behind one of an older invocation; ORDER is an accumulation behind another."""
    use, before = own.at.use, other.at.use
    if use.region is not before.region or not (use.writes or before.writes):
        return
    shared = own.touched & (other.written if use.region.renamed and before.writes else other.touched)
    if not shared:
        return
    if use.accumulates and before.accumulates and job.unit == older.unit:
        yield ORDER
        return
    if use.reads and before.writes:
        yield RAW
    if use.writes and not use.region.renamed:
        if before.reads:
            yield WAR
        if before.writes:
            yield WAW
