"""Part 2: program and kernel, executed over a prime field on the same random inputs, must give the same residues.

What is concluded, and with which error probability, is said in docs/reference/verification.md.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from isamapper.ir.expressions import operands
from isamapper.ir.nodes import Direction, Expression, Invoke, Kernel, Reduction, Unary, UnaryOp
from isamapper.ir.walk import sites, walk
from isamapper.plan.program import Program
from isamapper.sim.functional.compiled import Array, compile_body
from isamapper.sim.functional.counting import instances
from isamapper.sim.functional.invocations import NotCompiled
from isamapper.sim.functional.native_run import stop_error
from isamapper.verify.certificate import Difference, Part, Status
from isamapper.verify.error_bound import error_weight
from isamapper.verify.exactly import ExactField
from isamapper.verify.large_field import LargeField
from isamapper.verify.limits import LimitField
from isamapper.verify.residues import Residues
from isamapper.verify.respelled import forwarded, respelled
from isamapper.verify.small_field import SmallField
from isamapper.verify.trail import trail

NAME = "prime_fields"
_TARGET_PROBABILITY = 1e-9
_NEEDED_PROBABILITY = 1e-3
"""Above it trials go on for longer than they were given, and where that does not help the part has not passed."""
_PATIENCE = 15
_USEFUL_PROBABILITY = 1e-3
"""Of one trial in the small field: above it the large one is taken."""
_LARGE_FIELD_WORK = 30
"""How many times as long the large field takes."""
_MOST_TRIALS = 1000

_SMALL, _LARGE, _LIMITS, _EXACT = SmallField(), LargeField(), LimitField(), ExactField()
_IDEMPOTENT: dict[Residues, Residues] = {
    _SMALL: SmallField(idempotent=True),
    _LARGE: LargeField(idempotent=True),
    _LIMITS: LimitField(idempotent=True),
}
_SPELLED: dict[Residues, Residues] = {
    _SMALL: SmallField(spelled=True),
    _LARGE: LargeField(spelled=True),
    _LIMITS: LimitField(spelled=True),
}


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """The part and the chance that it passed a wrong program (None where it did not pass)."""

    part: Part
    error_probability: float | None


@dataclass(frozen=True, slots=True)
class _Trials:
    """Trials in one field: the chance that one of them passes a wrong program, and how many may be made.

    ``work`` and ``limit`` are in statement instances of the small field, not in seconds: the same program gets the
    same trials on every machine.
    """

    program: Program
    field: Residues
    single: float
    weight: float
    seed: int
    work: int
    limit: int
    start: float

    def run(self) -> tuple[int, Difference | None]:
        """Repeats until the error probability is small or the limit is reached; stops at a difference."""
        done = 0
        while done == 0 or self._is_worth(done):
            difference = _trial(self.program, self.field, self.seed + done)
            done += 1
            if difference is not None:
                return done, difference
        return done, None

    def _is_worth(self, done: int) -> bool:
        """Whether another trial would say more and is within the limit."""
        if self.single >= 1.0:
            return False
        limit = self.limit * (_PATIENCE if self.probability(done) > _NEEDED_PROBABILITY else 1)
        affordable = self.work * (done + 1) <= limit and done < _MOST_TRIALS
        return affordable and self.probability(done) > _TARGET_PROBABILITY

    def probability(self, done: int) -> float:
        return min(1.0, self.single) ** done


def exact_part(program: Program, seed: int, limit: int) -> FieldAnswer | None:
    """As :func:`field_part`, where what instructions round off is known to be exact; None where it does not pass."""
    start = time.perf_counter()
    try:
        weight = error_weight(program)
    except NotCompiled:
        return None
    work = instances(program.kernel) + instances(program.body, program.machine)
    trials = _Trials(program, _EXACT, weight / _EXACT.prime, weight, seed, work, limit, start)
    done, difference = trials.run()
    return None if difference is not None else _passed(trials, done, "⊕ and ⊗ as operations of the field")


def field_part(program: Program, seed: int, limit: int) -> FieldAnswer | None:
    """Trials on ``program`` until the error probability is small or ``limit`` statement instances were executed.

    There is at least one. Raises :class:`ExecutionError` where the program does what it must not; None where it is of a
    form that is not compiled.
    """
    start = time.perf_counter()
    try:
        weight = error_weight(program)
    except NotCompiled:
        return None
    work = instances(program.kernel) + instances(program.body, program.machine)
    field = _LIMITS if _rests_on_limits(program) else _field(weight, work, limit)
    if field is not _SMALL:
        work *= _LARGE_FIELD_WORK
    trials = _Trials(program, field, weight / field.prime, weight, seed, work, limit, start)
    done, difference = trials.run()
    if difference is None:
        return _passed(trials, done, "⊕ and ⊗ as operations of the field")
    found = _respelled(trials)
    if found is not None:
        return found
    if not _takes_extrema(program.kernel):
        return _failed(trials, done, difference)
    return _idempotent(trials, difference)


def _field(weight: float, work: int, limit: int) -> Residues:
    if weight / _SMALL.prime <= _USEFUL_PROBABILITY:
        return _SMALL
    return _LARGE if work * _LARGE_FIELD_WORK <= limit * _PATIENCE else _SMALL


def _rests_on_limits(program: Program) -> bool:
    """Whether the program pads with minus infinity what the kernel may take the exponential of."""
    exponentials = any(_has_exp(site.assign.value) for site in sites(program.kernel))
    return exponentials and any(
        window.otherwise == -math.inf
        for node, _ in walk(program.body)
        if isinstance(node, Invoke)
        for _, window in node.windows
    )


def _has_exp(value: Expression) -> bool:
    return (isinstance(value, Unary) and value.op is UnaryOp.EXP) or any(map(_has_exp, operands(value)))


def _respelled(before: _Trials) -> FieldAnswer | None:
    """The answer where what limits values is in one spelling in kernel and instructions; None where they differ.

    That the kernel with its values at hand is still the kernel, every operation its own, is seen in the field as well.
    """
    kernel = before.program.kernel
    if _trial(replace(before.program, body=forwarded(kernel)), before.field, before.seed) is not None:
        return None
    program = replace(before.program, kernel=respelled(kernel))
    trials = replace(before, program=program, field=_SPELLED[before.field])
    done, difference = trials.run()
    how = "⊕ and ⊗ as operations of the field, what limits values in one spelling"
    return _passed(trials, done, how) if difference is None else None


def _idempotent(before: _Trials, first: Difference) -> FieldAnswer:
    """The program may count an element of ``min`` or ``max`` twice: then only the order of elements may be used.

    A missing element is seen where it would have come first, so in one of ``weight`` cases.
    """
    single = 1.0 - 1.0 / max(2.0, before.weight)
    trials = replace(before, field=_IDEMPOTENT[before.field], single=single)
    done, difference = trials.run()
    if difference is not None:
        return _failed(before, done, first)
    return _passed(trials, done, "min and max as idempotent operations (elements are repeated), the others the field's")


def _takes_extrema(kernel: Kernel) -> bool:
    """Whether some tensor is reduced by ``min`` or ``max``: only there may elements be repeated."""
    return any(site.assign.reduction in (Reduction.MIN, Reduction.MAX) for site in sites(kernel))


def _passed(trials: _Trials, done: int, how: str) -> FieldAnswer:
    """All trials agreed; too few to mean anything are no pass."""
    probability = trials.probability(done)
    times = f"{done} random input{'s' if done > 1 else ''}"
    chance = f"a wrong program passes with probability below {probability:.1e}"
    detail = f"equal as {trials.field.name} on {times}; {how}; {chance}"
    facts = (*_facts(trials, done), ("error_probability", probability))
    if probability > _NEEDED_PROBABILITY:
        return FieldAnswer(Part(NAME, Status.NOT_RUN, f"undecided: {detail}", _spent(trials), facts), None)
    return FieldAnswer(Part(NAME, Status.PASSED, detail, _spent(trials), facts), probability)


def _failed(trials: _Trials, done: int, difference: Difference) -> FieldAnswer:
    part = Part(NAME, Status.FAILED, str(difference), _spent(trials), _facts(trials, done), difference)
    return FieldAnswer(part, None)


def _spent(trials: _Trials) -> float:
    return time.perf_counter() - trials.start


def _facts(trials: _Trials, done: int) -> tuple[tuple[str, int | float | str | None], ...]:
    return (("trials", done), ("prime", trials.field.prime), ("degree_bound", trials.weight))


def _trial(program: Program, field: Residues, seed: int) -> Difference | None:
    """Runs both on one random input; the first difference."""
    inputs = _inputs(program.kernel, field, seed)
    wanted = compile_body(program.kernel, None, field).run(inputs, seed=seed)
    got = compile_body(program.body, program.machine, field).run(inputs, seed=seed)
    for result in (wanted, got):
        if result.stop is not None:
            raise stop_error(result.stop)
    for tensor in program.kernel.tensors:
        if tensor.direction in (Direction.OUT, Direction.INOUT):
            expected, found = wanted.named[tensor.name], got.named[tensor.name]
            different = field.unequal(expected, found)
            if different.any():
                index = tuple(int(i) for i in np.unravel_index(int(np.argmax(different)), different.shape))
                return _difference(program, tensor.name, index, field.text(expected[index]), field.text(found[index]))
    return None


def _inputs(kernel: Kernel, field: Residues, seed: int) -> dict[str, Array]:
    """A random residue for every element that is given."""
    random = np.random.default_rng(seed)
    given = (t for t in kernel.tensors if t.direction in (Direction.IN, Direction.INOUT))
    return {t.name: field.random_inputs(random, t.shape) for t in given}


def _difference(program: Program, tensor: str, index: tuple[int, ...], expected: str, found: str) -> Difference:
    writers = trail(program, tensor, index)
    return Difference(tensor, index, expected, found, writers[0] if writers else None, writers)
