"""Buffers that stay: filled once before the loops that statements share, and read in every iteration of them.

Weights of a recurrence are read again in every time step; where they fit on chip they are brought there before the
first one (DESIGN section 6: attached above a sequential loop, a buffer is resident). What does not belong here: which
buffers should stay (``scheduler/improving/residency.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.plan.nest import Buffer, Nest
from isamapper.plan.refusal import written_at
from isamapper.plan.skeleton import Leaf, Part, shared_iterators, skeleton


def leaves(part: Part) -> tuple[int, ...]:
    """Numbers of the statements inside a part of the skeleton."""
    return (part.statement,) if isinstance(part, Leaf) else tuple(n for each in part.members for n in leaves(each))


def around(kernel: Kernel, statement: int) -> tuple[int, ...]:
    """Numbers of the statements in the outermost shared loop around ``statement``; empty where there is none."""
    for part in skeleton(kernel):
        if not isinstance(part, Leaf) and statement in leaves(part):
            return leaves(part)
    return ()


def can_stay(kernel: Kernel, nest: Nest, access: int) -> str | None:
    """Why what ``access`` reads is not the same in all iterations of the shared loops; None where it is."""
    members = around(kernel, nest.statement.index)
    if not members:
        return "no loop is shared around its statement"
    read = nest.statement.accesses[access]
    if access in nest.statement.written:
        return "it is written there"
    shared = set(shared_iterators(kernel, nest.statement))
    moving = sorted(name for index in read.map.results for name in index.names if name in shared)
    if moving:
        return f"what it holds depends on the shared loop '{moving[0]}'"
    written = {s.assign.target.tensor for s in statements(kernel) if s.index in members}
    return f"'{read.tensor}' is written in the loops around it" if read.tensor in written else None


def check_resident(kernel: Kernel, nest: Nest) -> Rejection | None:
    """The first buffer that is to stay and cannot."""
    return next(_mistakes(kernel, nest), None)


def _mistakes(kernel: Kernel, nest: Nest) -> abc.Iterator[Rejection]:
    for access in sorted({buffer.access for buffer in nest.buffers}):
        path = nest.path(access)
        for place, buffer in enumerate(path):
            if buffer.resident:
                reason = can_stay(kernel, nest, access) or _misplaced(path, place)
                if reason is not None:
                    subject = f"resident buffer of access {access} in '{buffer.memory}'"
                    yield Rejection("SCH004", subject, reason, written_at(buffer.span), "leave 'resident' out")


def _misplaced(path: tuple[Buffer, ...], place: int) -> str | None:
    buffer = path[place]
    if buffer.loop is not None:
        return f"it is filled inside loop '{buffer.loop}'"
    if buffer.slots > 1 or buffer.prefetch or buffer.delay or buffer.prepared:
        return "it is filled once, so it has one slot and overlaps with nothing"
    if place > 0 and not (path[place - 1].resident or path[place - 1].prepared):
        return "the buffer before it on the way does not stay"
    return None
