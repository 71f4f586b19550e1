"""Part 1: a proof by integer sets that the program does every statement instance once, on the right values."""

from __future__ import annotations

import time
from dataclasses import replace

from isamapper.ir import relations
from isamapper.ir.dataflow import dataflow, kernel_flow, undefined_reads
from isamapper.ir.nodes import Kernel
from isamapper.plan.program import Program
from isamapper.sim.functional.run import meaning_on
from isamapper.verify import naming
from isamapper.verify.apart import Crashed, apart
from isamapper.verify.certificate import Part, Status
from isamapper.verify.margins import with_margins
from isamapper.verify.proof import Unmatched, Unproved, prove
from isamapper.verify.sides import side_of
from isamapper.verify.three_address import three_address

NAME = "integer_sets"
UNPROVED = "no proof: "
"""How the detail begins where a step of the proof does not hold."""
PATIENCE = 30.0
"""Seconds, and seconds per second of budget, after which an answer is no longer waited for."""
_OPERATIONS_PER_SECOND = 2_000_000
"""isl counts its operations, which makes the bound the same on every machine; about so many take a second."""


def sets_part(program: Program, seconds: float) -> Part:
    """The proof, or why there is none: FAILED where an undefined element is read, else what could not be shown.

    What could not be shown may be true nonetheless: the argument does not know every way to compute a thing.
    """
    if not relations.available():
        return Part(NAME, Status.NOT_RUN, "islpy is not installed")
    start = time.perf_counter()
    try:
        status, detail = apart(lambda: _judged(program, seconds), PATIENCE * seconds + PATIENCE)
    except Crashed:
        status, detail = Status.NOT_RUN.value, "isl, which does the sets, ended without an answer"
    return Part(NAME, Status(status), detail, time.perf_counter() - start)


def sets_parts(program: Program, covered: Kernel, seconds: float) -> tuple[Part, Part]:
    """The proof of a program that covers an equal kernel, by way of it, and the proof against that kernel alone.

    That both kernels are equal is asked first, and by itself: programs have a hundred times as many cases.
    """
    equal = sets_part(replace(program, body=covered), seconds)
    own = sets_part(replace(program, kernel=covered), seconds)
    if own.status is Status.FAILED or (own.status is not Status.PROVED and equal.status is Status.PROVED):
        return replace(own, seconds=equal.seconds + own.seconds), own
    status = Status.PROVED if equal.status is Status.PROVED else Status.NOT_RUN
    return Part(NAME, status, equal.detail, equal.seconds + own.seconds), own


def _judged(program: Program, seconds: float) -> tuple[str, str]:
    """The status and the detail of the part."""
    try:
        with relations.limited(int(seconds * _OPERATIONS_PER_SECOND)):
            status, detail = _proved(program)
    except Unproved as reason:
        status, detail = Status.NOT_RUN, f"{UNPROVED}{reason}"
    except relations.TooLarge:
        status, detail = Status.NOT_RUN, f"no proof within the budget of {seconds:g} s"
    except relations.Failed as error:
        status, detail = Status.NOT_RUN, f"isl, which does the sets, failed: {error}"
    return status.value, detail


def _proved(program: Program) -> tuple[Status, str]:
    """The proof with margins around inputs, which is the shorter one; where it fails, without."""
    wide = with_margins(program.kernel, program.body)
    if wide is not None:
        try:
            status, detail = _proved_as_it_is(replace(program, kernel=wide[0], body=wide[1]))
        except Unmatched:
            raise
        except Unproved:
            status = Status.NOT_RUN
        if status is Status.PROVED:
            return status, detail
    return _proved_as_it_is(program)


def _proved_as_it_is(program: Program) -> tuple[Status, str]:
    flow = dataflow(program.body, meaning_on(program.machine))
    undefined = undefined_reads(flow)
    if not undefined.is_empty():
        return Status.FAILED, f"{naming.first(flow, undefined)} reads an element that nothing has written"
    detail = "every statement instance is done once, on the same values; sums end where they belong"
    try:
        prove(side_of(kernel_flow(program.kernel)), side_of(flow))
    except Unmatched:
        _prove_by_operators(program)
        detail += " (operator by operator)"
    return Status.PROVED, detail


def _prove_by_operators(program: Program) -> None:
    """The proof where the program takes several steps for a statement, or one for several."""
    meaning = meaning_on(program.machine)
    body = three_address(program.body)
    flow = dataflow(body, lambda name, parameters: three_address(meaning(name, parameters)))
    prove(side_of(kernel_flow(three_address(program.kernel))), side_of(flow))
