"""Part 2: program and kernel, executed over a prime field on the same random inputs, must give the same residues.

What is concluded, and with which error probability, is said in docs/reference/verification.md.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from isamapper.ir.nodes import Direction, Kernel, Reduction
from isamapper.ir.walk import sites
from isamapper.plan.program import Program
from isamapper.sim.functional.compiled import Array, compile_body
from isamapper.sim.functional.native_run import stop_error
from isamapper.verify.certificate import Difference, Part, Status
from isamapper.verify.error_bound import error_weight
from isamapper.verify.residues import PRIME, Residues
from isamapper.verify.trail import trail

NAME = "prime_fields"
_TARGET_PROBABILITY = 1e-9
_MOST_TRIALS = 64


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """The part and the chance that it passed a wrong program (None where it did not pass)."""

    part: Part
    error_probability: float | None


def field_part(program: Program, seed: int, seconds: float) -> FieldAnswer:
    """Trials on ``program`` until the error probability is small or ``seconds`` have gone, at least one."""
    start = time.perf_counter()
    difference = _trial(program, Residues(seed))
    if difference is not None and not _takes_extrema(program.kernel):
        return _failed(start, 1, difference)
    weight = error_weight(program)
    if difference is not None:
        return _idempotent(program, weight, seed, start, seconds, difference)
    single, trials = min(1.0, weight / PRIME), 1
    while single**trials > _TARGET_PROBABILITY and trials < _MOST_TRIALS and _time_is_left(start, trials, seconds):
        difference = _trial(program, Residues(seed + trials))
        trials += 1
        if difference is not None:
            return _failed(start, trials, difference)
    return _passed(start, trials, single**trials, "⊕ and ⊗ as operations of the field", weight)


def _idempotent(
    program: Program, width: float, seed: int, start: float, seconds: float, first: Difference
) -> FieldAnswer:
    """The program may count an element of ``min`` or ``max`` twice: then only the order of elements may be used.

    A missing element is seen where it would have come first, so in one of ``width`` cases.
    """
    trials = 0
    single = 1.0 - 1.0 / max(1.0, width)
    while trials == 0 or (
        single**trials > _TARGET_PROBABILITY and trials < 4096 and _time_is_left(start, trials, seconds)
    ):
        if _trial(program, Residues(seed + trials, idempotent=True)) is not None:
            return _failed(start, trials + 1, first)
        trials += 1
    how = "min and max as idempotent operations (elements are repeated), the others as the field's"
    return _passed(start, trials, single**trials, how, width)


def _time_is_left(start: float, done: int, seconds: float) -> bool:
    """Whether another trial, taking as long as those before, ends in time."""
    spent = time.perf_counter() - start
    return spent * (done + 1) / done < seconds


def _passed(start: float, trials: int, probability: float, how: str, weight: float) -> FieldAnswer:
    times = f"{trials} random input{'s' if trials > 1 else ''}"
    detail = f"equal modulo {PRIME} on {times}; {how}; a wrong program passes with probability below {probability:.1e}"
    facts = (("trials", trials), ("prime", PRIME), ("degree_bound", weight), ("error_probability", probability))
    part = Part(NAME, Status.PASSED, detail, time.perf_counter() - start, facts)
    return FieldAnswer(part, probability)


def _failed(start: float, trials: int, difference: Difference) -> FieldAnswer:
    facts = (("trials", trials), ("prime", PRIME))
    part = Part(NAME, Status.FAILED, str(difference), time.perf_counter() - start, facts, difference)
    return FieldAnswer(part, None)


def _trial(program: Program, field: Residues) -> Difference | None:
    """Runs both on one random input; the first difference."""
    inputs = _inputs(program.kernel, field.seed)
    wanted = compile_body(program.kernel, None, field).run(inputs)
    got = compile_body(program.body, program.machine, field).run(inputs)
    for result in (wanted, got):
        if result.stop is not None:
            raise stop_error(result.stop)
    for tensor in program.kernel.tensors:
        if tensor.direction in (Direction.OUT, Direction.INOUT):
            expected, found = wanted.named[tensor.name], got.named[tensor.name]
            index = first_unequal(expected, found)
            if index is not None:
                return _difference(program, tensor.name, index, expected[index], found[index])
    return None


def _inputs(kernel: Kernel, seed: int) -> dict[str, Array]:
    """A random residue for every element that is given."""
    random = np.random.default_rng(seed)
    given = (t for t in kernel.tensors if t.direction in (Direction.IN, Direction.INOUT))
    return {t.name: random.integers(-(PRIME // 2), PRIME // 2 + 1, t.shape).astype(np.float64) for t in given}


def first_unequal(expected: Array, found: Array) -> tuple[int, ...] | None:
    """The first element, row-major, whose residues differ; what the kernel leaves undefined may be anything."""
    with np.errstate(invalid="ignore"):
        different = (np.mod(expected - found, PRIME) != 0) & ~np.isnan(expected)
    if not different.any():
        return None
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(different)), different.shape))


def _difference(program: Program, tensor: str, index: tuple[int, ...], expected: float, found: float) -> Difference:
    writers = trail(program, tensor, index)
    return Difference(tensor, index, _text(expected), _text(found), writers[0] if writers else None, writers)


def _text(value: float) -> str:
    return "undefined" if np.isnan(value) else f"{int(value) % PRIME} (mod {PRIME})"


def _takes_extrema(kernel: Kernel) -> bool:
    """Whether some tensor is reduced by ``min`` or ``max``: only there may elements be repeated."""
    return any(site.assign.reduction in (Reduction.MIN, Reduction.MAX) for site in sites(kernel))
