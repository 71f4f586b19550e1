"""What the process says to its caller when it ends (docs/cli.md lists the same)."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    DONE = 0
    NO = 1  # the honest no: no mapping, does not verify, regression
    WRONG_INPUT = 2  # the user's text or arguments
    NOT_PROVED = 3  # the budget ended without the proof that --require-optimal asked for
    MISSING_EXTRA = 4
    BUG = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141
