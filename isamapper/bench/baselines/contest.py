"""Baselines by name, run on the simulator and verified, beside the cycles they are compared with."""

from __future__ import annotations

from collections import abc
from typing import Any, TypeAlias

from isamapper.bench.baselines.protocol import Baseline, Case, Part
from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError
from isamapper.pipeline import schedule_program
from isamapper.plan.program import Program
from isamapper.plan.protocols import NotSchedulable
from isamapper.plan.steps import Schedule
from isamapper.registry import load
from isamapper.sim.timing import simulate
from isamapper.verify.certified import proof_of
from isamapper.verify.verifier import PROOF_SECONDS

EXECUTED_OPERATIONS = 10**6
"""Baselines are verified in their reduced form beyond this: they are the other side of a comparison, not an answer."""


Runs: TypeAlias = dict[Schedule, tuple[int, bool]]
"""Cycles of a schedule, and whether it verifies."""


def load_baseline(name: str) -> Baseline:
    """The baseline registered as ``name``; SourceError PLG001 to PLG004 where there is none that can be used."""
    found = load("baseline", name)
    if not isinstance(found, Baseline):
        hint = "see isamapper.bench.baselines.protocol"
        raise SourceError(Diagnostic("PLG004", f"it is no Baseline: baseline '{name}'", help=hint))
    return found


def contest(case: Case, names: abc.Iterable[str], cycles: int) -> dict[str, dict[str, Any]]:
    """Every named baseline's cycles, the speed-up of ``cycles``, whether it verifies; or why it does not apply.

    Schedules that several baselines have are run and verified once.
    """
    runs: Runs = {}
    return {name: _compared(load_baseline(name), case, cycles, runs) for name in names}


def _compared(baseline: Baseline, case: Case, cycles: int, runs: Runs) -> dict[str, Any]:
    try:
        parts = baseline.parts(case)
    except NotSchedulable as refusal:
        return {"failure": str(refusal)}
    except Exception as error:  # a stranger's code may raise anything; it must not cost the answer it is compared with
        return {"failure": f"it raised {type(error).__name__}: {error}"}
    if isinstance(parts, Rejection):
        return {"failure": parts.reason}
    try:
        return _run(parts, case, cycles, runs)
    except SourceError as error:
        return {"failure": error.diagnostics[0].message}


def _run(parts: tuple[Part, ...], case: Case, cycles: int, runs: Runs) -> dict[str, Any]:
    total, verified, described = 0, True, []
    for part in parts:
        if part.schedule not in runs:
            program = schedule_program(part.schedule)
            runs[part.schedule] = simulate(program).cycles, _verified(part.schedule, program, case.seed)
        own, right = runs[part.schedule]
        total += own * part.calls
        verified &= right
        described.append({"label": part.label, "calls": part.calls, "cycles": own})
    return {
        "failure": None if verified else "does not verify",
        "cycles": total,
        "speedup": round(total / cycles, 6) if cycles else None,
        "verified": verified,
        "parts": described,
    }


def _verified(schedule: Schedule, program: Program, seed: int) -> bool:
    """By execution, in prime fields and in its true types; by proof where that does not decide."""
    answers = (proof_of(program, schedule, seed, seconds, EXECUTED_OPERATIONS) for seconds in (0.0, PROOF_SECONDS))
    return any(answer.ok for answer in answers)
