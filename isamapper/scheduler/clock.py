"""Time budgets: a deadline on the monotonic clock, or None for none."""

from __future__ import annotations

import time


def deadline_after(seconds: float | None) -> float | None:
    """The deadline of a budget that starts now."""
    return None if seconds is None else time.monotonic() + seconds


def remaining(deadline: float | None) -> float | None:
    """Seconds until a deadline."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def over(deadline: float | None) -> bool:
    """Whether the deadline has passed."""
    return deadline is not None and time.monotonic() > deadline


def share(deadline: float | None, parts: int) -> float | None:
    """The deadline of the first of ``parts`` pieces of work that share what is left equally."""
    if deadline is None:
        return None
    now = time.monotonic()
    return now + max(0.0, deadline - now) / parts
