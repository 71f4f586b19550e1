"""``verify``: the certificate of a program, from three parts that do not trust one another.

What a part is and concludes stands in its own file and in docs/reference/verification.md.
"""

from __future__ import annotations

import time
from collections import abc
from dataclasses import replace
from importlib import import_module

from isamapper.diagnostics.source import SourceError
from isamapper.ir.nodes import Kernel
from isamapper.ir.verifier import PROGRAM, findings
from isamapper.mapper.rewrites.unscaled import unscaled
from isamapper.plan.check import check_program
from isamapper.plan.program import Program
from isamapper.sim.functional.counting import instances
from isamapper.sim.functional.run import compiled_is_available
from isamapper.verify import sets_part, types_part
from isamapper.verify.certificate import Certificate, Part, Size, Status
from isamapper.verify.folding import folded
from isamapper.verify.hazards_part import hazards_part
from isamapper.verify.plain_field import plain_field_part

_FAR_TOO_LARGE = 100
"""Times ``ops_limit``, above which a program without a reduced form is not executed; up to there it is."""

FORM, FIELDS, COVERED = "form", "prime_fields", "integer_sets_rewritten"

OPERATIONS = 10**10
"""Scalar operations up to which a program is executed at its own size."""
PROOF_SECONDS = 4.0


def verify(
    program: Program,
    *,
    seed: int = 0,
    ops_limit: int = OPERATIONS,
    repeat_limit: int = 2 * 10**10,
    proof_seconds: float = PROOF_SECONDS,
    reduced: abc.Callable[[], Program] | None = None,
    covered: Kernel | None = None,
    small_covered: Kernel | None = None,
) -> Certificate:
    """What is known of ``program`` against its kernel.

    Program and kernel are executed at their own size where the kernel has at most ``ops_limit`` scalar operations,
    else on what ``reduced`` gives: the same schedule with every digit extent cut to at most 3, remainders, guards and
    buffer phases kept. ``repeat_limit`` bounds the statement instances spent on repeated trials (one of each kind is
    made in any case) and ``proof_seconds``, counted in isl's operations, the proof (0: none): the same program and seed
    give the same certificate, seconds apart.
    """
    form = _form(program)
    if form.status is Status.FAILED:
        return Certificate(False, (form,), Size.REAL, None, ("what a program that does not fit its machine computes",))
    given = None if reduced is None else lambda: folded(reduced())
    forms = (covered, small_covered)
    found = _judge(folded(program), form, seed, ops_limit, repeat_limit, proof_seconds, given, forms)
    return _with_hazards(found, program)


def _with_hazards(found: Certificate, program: Program) -> Certificate:
    """``found`` with what timing says, on machines that do not wait for hazards."""
    part = hazards_part(program)
    if part is None:
        return found
    open_question = (f"hazards: {part.detail}",) if part.status is Status.NOT_RUN else ()
    ok = found.ok and part.status is Status.PROVED
    return replace(found, ok=ok, parts=(*found.parts, part), not_covered=(*found.not_covered, *open_question))


def _judge(
    program: Program,
    form: Part,
    seed: int,
    ops_limit: int,
    repeat_limit: int,
    proof_seconds: float,
    reduced: abc.Callable[[], Program] | None,
    forms: tuple[Kernel | None, Kernel | None],
) -> Certificate:
    operations = instances(program.kernel)
    small = reduced() if reduced is not None else None
    executed, size = (small, Size.REDUCED) if operations > ops_limit and small is not None else (program, Size.REAL)
    not_covered: list[str] = []
    proof, own = _proof(program, forms[0], proof_seconds)
    if operations > ops_limit:
        not_covered.append(_too_large(operations, small))
    if instances(executed.kernel) > _FAR_TOO_LARGE * ops_limit:
        return Certificate(False, (form, proof), size, None, tuple(not_covered))
    fields, probability = _fields(executed, seed, repeat_limit)
    if fields.status is Status.FAILED:
        through = _through(executed, forms[size is Size.REDUCED], seed, repeat_limit)
        fields, probability = through or (fields, probability)
    types = _types(executed, small, seed, repeat_limit, not_covered)
    proof = _judged(proof, fields, types)
    if proof.status is Status.NOT_RUN:
        not_covered.append(f"the proof by integer sets: {proof.detail}")
    if proof.status is Status.PROVED and fields.status is not Status.FAILED:
        probability = 0.0
    proved = proof.status is Status.PROVED
    decided = fields.status is Status.PASSED or (proved and fields.status is Status.NOT_RUN)
    ok = decided and types.status is Status.PASSED and proof.status is not Status.FAILED
    more = () if own is None or proved or not ok else (own,)
    return Certificate(ok, (form, proof, *more, fields, types), size, probability, tuple(not_covered))


def _too_large(operations: int, small: Program | None) -> str:
    how = "only its reduced form was executed" if small else "there is no reduced form of it"
    return f"the program at its own size, {operations:.2g} scalar operations: {how}"


def _form(program: Program) -> Part:
    """Before anything runs: every window fits its instruction, every tensor has its place."""
    start = time.perf_counter()
    found = findings(program.body, PROGRAM) or check_program(program)
    seconds = time.perf_counter() - start
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return Part(FORM, Status.FAILED, found[0].message + more, seconds)
    return Part(FORM, Status.PROVED, "windows fit their instructions, tensors have their places", seconds)


def _proof(program: Program, covered: Kernel | None, seconds: float) -> tuple[Part, Part | None]:
    """The proof, and the one against the kernel that rewrites lead to, where there is one."""
    if seconds <= 0:
        return Part(sets_part.NAME, Status.NOT_RUN, "it was not asked for"), None
    form = None if covered is None else folded(replace(program, kernel=covered)).kernel
    if form is None or form == program.kernel:
        return sets_part.sets_part(program, seconds), None
    proof, own = sets_part.sets_parts(program, form, seconds)
    if own.status is not Status.PROVED:
        return proof, None
    detail = f"against the kernel that the rewrites lead to: {own.detail}"
    return proof, replace(own, name=COVERED, detail=detail)


def _judged(proof: Part, *others: Part) -> Part:
    """A step that does not hold is a failure where the other parts have seen the program fail."""
    failed = any(other.status is Status.FAILED for other in others)
    return replace(proof, status=Status.FAILED) if failed and proof.detail.startswith(sets_part.UNPROVED) else proof


def _fields(program: Program, seed: int, limit: int) -> tuple[Part, float | None]:
    start = time.perf_counter()
    try:
        if not compiled_is_available():
            return plain_field_part(program, seed, "llvmlite is not installed")
        answer = import_module("isamapper.verify.fields").field_part(program, seed, limit)
    except SourceError as error:
        return _stopped(FIELDS, error, start), None
    if answer is None:
        return plain_field_part(program, seed, "the compiled engine does not take it")
    return answer.part, answer.error_probability


def _through(program: Program, covered: Kernel | None, seed: int, limit: int) -> tuple[Part, float | None] | None:
    """The fields part by way of the kernel that rewrites lead to, where what it rounds off is exact; None if it fails.

    Where the kernel itself rounds nothing off, the field does not, either. Else, in the field, the rewritten kernel
    without its exact rounding must be the kernel, and the program must be the rewritten kernel as it stands.
    """
    exact = None if covered is None else unscaled(covered)
    if covered is None or exact is None:
        return None
    if compiled_is_available() and not import_module("isamapper.verify.exactly").rounds_off(program.kernel):
        answer = import_module("isamapper.verify.fields").exact_part(program, seed, limit)
        found = [] if answer is None else [(answer.part, answer.error_probability)]
    else:
        forms = (replace(program, body=exact), replace(program, kernel=covered))
        found = [_fields(folded(each), seed, limit) for each in forms]
    if not found or any(part.status is not Status.PASSED or chance is None for part, chance in found):
        return None
    chance = min(1.0, sum(each or 0.0 for _, each in found))
    worst = max((part for part, _ in found), key=lambda part: float(dict(part.facts).get("error_probability") or 0.0))
    facts = tuple((name, chance if name == "error_probability" else value) for name, value in worst.facts)
    detail = f"what the rewritten kernel rounds off is exact; {worst.detail}"
    return Part(FIELDS, Status.PASSED, detail, sum(part.seconds for part, _ in found), facts), chance


def _types(program: Program, small: Program | None, seed: int, limit: int, not_covered: list[str]) -> Part:
    start = time.perf_counter()
    try:
        part, missing = types_part.types_part(program, small, seed, limit)
    except SourceError as error:
        return _stopped(types_part.NAME, error, start)
    not_covered.extend(missing)
    return part


def _stopped(name: str, error: SourceError, start: float) -> Part:
    """A part that ended where the program did what it must not."""
    return Part(name, Status.FAILED, error.diagnostics[0].message, time.perf_counter() - start)
