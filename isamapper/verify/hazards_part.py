"""On machines that do not wait for hazards: no invocation runs into another, by timing the program.

Cycles do not depend on values, so one run shows it for every input. What does not belong here: machines with hardware
interlocks, on which order in the program is enough.
"""

from __future__ import annotations

import time

from isamapper.diagnostics.source import SourceError
from isamapper.plan.program import Program
from isamapper.sim.timing import simulate
from isamapper.verify.certificate import Part, Status

NAME = "hazards"
_TOO_LARGE = "SIM005"


def hazards_part(program: Program) -> Part | None:
    """The part; None where the machine itself waits."""
    if program.machine.interlocks != "explicit":
        return None
    start = time.perf_counter()
    try:
        cycles = simulate(program).cycles
    except SourceError as error:
        found = error.diagnostics[0]
        status = Status.NOT_RUN if found.code == _TOO_LARGE else Status.FAILED
        return Part(NAME, status, found.message, time.perf_counter() - start)
    detail = f"no invocation runs into another in any of {cycles} cycles"
    return Part(NAME, Status.PROVED, detail, time.perf_counter() - start)
