"""The certificate of a program: made with its proof, and checked again from the files alone.

Rules of this file:
- the proof is made anew from kernel, machine and program; what is claimed may be less than what it shows, never more;
- the program must be what the steps make of the kernel that the rewrites lead to, and the mappings those of the steps,
  each played (``played.py``);
- a finding is a sentence that says what is claimed and what was found.

What does not belong here: the form of the claims (``plan/program_certificate.py``) and how claims about proofs compare
(``strength.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir.nodes import Direction, Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.mapper.certificate import certificate_of
from isamapper.mapper.rewrites.replay import replayed
from isamapper.mapper.scheduled import scheduled_mappings
from isamapper.plan.lower import lower
from isamapper.plan.nest import Nest, weight
from isamapper.plan.placement import PlacedDigit, Placement
from isamapper.plan.program import Program
from isamapper.plan.program_certificate import ClaimedPart, ProgramCertificate, digest_of_text
from isamapper.plan.reduced import reduced_forms
from isamapper.plan.step_reader import StepReader
from isamapper.plan.step_text import parse_step, print_step
from isamapper.plan.steps import Schedule, replay
from isamapper.sim.functional.counting import instances
from isamapper.verify.certificate import Certificate, Size
from isamapper.verify.played import Verdict, play
from isamapper.verify.strength import overstated
from isamapper.verify.verifier import OPERATIONS, PROOF_SECONDS, verify

Versions = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Rechecked:
    """The proof as it was made anew, and what the file's certificate claims beyond it: nothing where it holds."""

    certificate: Certificate
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the program is right and everything claimed of it holds."""
        return self.certificate.ok and not self.findings


def small_program(schedule: Schedule, executed_operations: int = OPERATIONS) -> Program | None:
    """What is executed in place of a program that is too large; for others what the interpreter is given: smaller."""
    found = small_forms(schedule, executed_operations)
    return None if found is None else found[0]


def small_forms(schedule: Schedule, executed_operations: int = OPERATIONS) -> tuple[Program, Kernel] | None:
    """:func:`small_program` with the kernel that it covers."""
    return reduced_forms(schedule, 3 if instances(schedule.kernel) > executed_operations else 2)


def proof_of(
    program: Program,
    schedule: Schedule | None,
    seed: int,
    proof_seconds: float = PROOF_SECONDS,
    executed_operations: int = OPERATIONS,
) -> Certificate:
    """What is proved of a program, with what its schedule gives besides: a smaller form and the rewritten kernel."""
    if schedule is None:
        return verify(program, seed=seed, ops_limit=executed_operations, proof_seconds=proof_seconds)
    small = small_forms(schedule, executed_operations)
    return verify(
        program,
        seed=seed,
        ops_limit=executed_operations,
        proof_seconds=proof_seconds,
        reduced=None if small is None else lambda: small[0],
        covered=schedule.covered if schedule.rewrites else None,
        small_covered=small[1] if small is not None and schedule.rewrites else None,
    )


def certified(
    program: Program,
    schedule: Schedule | None,
    proof: Certificate,
    seed: int,
    versions: Versions,
    executed_operations: int = OPERATIONS,
) -> ProgramCertificate:
    """The certificate of a program that was lowered from ``schedule``, if from any, with the ``proof`` made of it."""
    placements: tuple[Placement, ...] = ()
    unplayed: tuple[str, ...] = ()
    if schedule is not None:
        placements, unplayed = _playing(schedule, seed)
    is_reduced = schedule is not None and proof.size is Size.REDUCED
    small = small_program(schedule, executed_operations) if schedule is not None and is_reduced else None
    return ProgramCertificate(
        digest_of_text(print_kernel(program.kernel)),
        f"sha256 {program.machine.digest}",
        digest_of_text(print_kernel(program.body)),
        None if schedule is None else schedule.rewrites,
        print_kernel(schedule.covered) if schedule is not None and schedule.covered != schedule.kernel else None,
        None if schedule is None else tuple(print_step(step) for step in schedule.steps),
        placements,
        tuple(ClaimedPart(part.name, part.status.value, part.facts) for part in proof.parts),
        proof.ok,
        proof.size.value,
        _shapes((small or program).kernel),
        proof.error_probability,
        (*proof.not_covered, *unplayed),
        seed,
        versions,
    )


def _playing(schedule: Schedule, seed: int) -> tuple[tuple[Placement, ...], tuple[str, ...]]:
    """The placements of the schedule's mappings that can be played, and sentences about the others."""
    found, left = [], []
    for placement, verdict in _placements(schedule, seed):
        if verdict.ok:
            found.append(placement)
        else:
            numbers = ", ".join(map(str, placement.statements))
            left.append(f"the mapping of statement {numbers} on '{placement.instruction}': {verdict.detail}")
    return tuple(found), tuple(left)


def _placements(schedule: Schedule, seed: int) -> abc.Iterator[tuple[Placement, Verdict]]:
    """Every mapping that the steps use, laid as they lay it where that can be played, and what playing it says."""
    nests = {(nest.statement.index, nest.call.instruction.name): nest for nest in replay(schedule)}
    for mapping in scheduled_mappings(schedule):
        found = certificate_of(mapping, schedule.machine)
        nest = nests.get((found.statements[-1], found.instruction))
        laid = found if nest is None else replace(found, digits=_digits(nest))
        verdict = play(schedule.covered, schedule.machine, laid, seed)
        if not verdict.ok and laid != found:
            laid, verdict = found, play(schedule.covered, schedule.machine, found, seed)
        yield laid, verdict


def _digits(nest: Nest) -> tuple[PlacedDigit, ...]:
    """The digits of a nest that lie in its call, where the steps put them."""
    found = []
    for lane, names in nest.call.axes:
        step = 1
        for name in reversed(names):
            digit = nest.digit(name)
            if digit.extent > 1:
                found.append(PlacedDigit(digit.iterator, lane, digit.extent, weight(nest, digit), step))
            step *= digit.extent
    return tuple(sorted(found, key=lambda digit: (digit.iterator, digit.weight)))


def _shapes(kernel: Kernel) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((t.name, t.shape) for t in kernel.tensors if t.direction is not Direction.LOCAL)


def rechecked(
    program: Program,
    claims: ProgramCertificate,
    sealed: bool = True,
    *,
    seed: int | None = None,
    proof_seconds: float = PROOF_SECONDS,
) -> Rechecked:
    """The program proved anew, and what of ``claims`` does not hold. ``sealed``: the certificate's own digest agrees.

    The seed is the certificate's where none is given.
    """
    findings = list(_other_things(program, claims))
    schedule = None
    if not findings and claims.steps is not None:
        try:
            schedule = _schedule(program, claims)
            findings += _unlike_steps(program, schedule, claims)
            findings += _unlike_mappings(schedule, claims, claims.seed if seed is None else seed)
        except SourceError as error:
            findings.append(f"its steps do not make a program: {error.diagnostics[0].message}")
    elif not findings:
        findings += _without_steps(claims)
    chosen = claims.seed if seed is None else seed
    proof = proof_of(program, None if findings else schedule, chosen, proof_seconds)
    small = small_program(schedule) if schedule is not None and proof.size is Size.REDUCED else None
    if not findings:
        same_seed = seed is None or seed == claims.seed
        findings += overstated(claims, proof, _shapes((small or program).kernel), same_seed)
    if not findings and not sealed:
        findings.append("it was changed after it was written: its own digest is another")
    return Rechecked(proof, tuple(findings))


def _other_things(program: Program, claims: ProgramCertificate) -> abc.Iterator[str]:
    """What the certificate speaks of is not what is here."""
    pairs = (
        ("kernel", claims.kernel, digest_of_text(print_kernel(program.kernel))),
        ("machine", claims.machine, f"sha256 {program.machine.digest}"),
        ("program", claims.program, digest_of_text(print_kernel(program.body))),
    )
    for what, said, found in pairs:
        if said != found:
            yield f"it speaks of another {what}: {_short(said)}, the {what} here is {_short(found)}"


def _short(digest: str) -> str:
    return digest if len(digest) <= 19 else f"{digest[:19]}…"


def _schedule(program: Program, claims: ProgramCertificate) -> Schedule:
    """The schedule that the certificate tells of; the rewrites are done again."""
    rewrites, covered = claims.rewrites or (), program.kernel
    if rewrites:
        covered = replayed(program.kernel, rewrites)
    elif claims.covered is not None:
        covered = parse_kernel(Source("covered", claims.covered))
    sources = [Source("step", text) for text in claims.steps or ()]
    steps = tuple(parse_step(StepReader(source, 0, len(source.text))) for source in sources)
    return Schedule(program.kernel, covered, program.machine, steps, rewrites)


def _unlike_steps(program: Program, schedule: Schedule, claims: ProgramCertificate) -> abc.Iterator[str]:
    """The program is what the steps make, letter by letter."""
    if claims.covered is not None and claims.covered != print_kernel(schedule.covered):
        yield "its rewrites do not lead to the kernel that it says is covered"
    elif print_kernel(lower(schedule).body) != print_kernel(program.body):
        yield "its steps make another program than the one in the file"


def _unlike_mappings(schedule: Schedule, claims: ProgramCertificate, seed: int) -> abc.Iterator[str]:
    """Every mapping is one that the steps use, and can be played."""
    used = tuple(_placements(schedule, seed)) if claims.mappings else ()
    for number, claim in enumerate(claims.mappings):
        named = f"mapping {number}, of statement {', '.join(map(str, claim.statements))} on '{claim.instruction}'"
        differences = [(_unlike(claim, each), verdict) for each, verdict in used]
        verdict = next((verdict for difference, verdict in differences if difference is None), None)
        if verdict is None:
            nearest = max((found for found, _ in differences if found), default=None)
            yield f"{named}, is none that the steps use" + (f": {nearest[1]} others" if nearest else "")
        elif not verdict.ok:
            yield f"{named}, does not hold: {verdict.detail}"


def _unlike(claim: Placement, used: Placement) -> tuple[int, str] | None:
    """How far a claim agrees with a mapping that is used, and where it does not; None where it does.

    It may claim fewer criteria.
    """
    pairs: tuple[tuple[str, object, object], ...] = (
        ("its statements are", claim.statements, used.statements),
        ("its instruction is", claim.instruction, used.instruction),
        ("its parameters are", claim.parameters, used.parameters),
        ("the iterators in its lanes are", _relation(claim), _relation(used)),
        ("its operands are", claim.accesses, used.accesses),
        ("its digits are", claim.digits, used.digits),
        ("its class is", claim.kind, used.kind),
        ("its criteria are", set(claim.criteria) - set(used.criteria), set()),
        ("what its operands hold besides is", replace(claim, criteria=()), replace(used, criteria=())),
    )
    for place, (what, said, found) in enumerate(pairs):
        if said != found:
            return place, what
    return None


def _relation(placement: Placement) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((digit.iterator, digit.lane) for digit in placement.digits))


def _without_steps(claims: ProgramCertificate) -> abc.Iterator[str]:
    """Rewrites and mappings mean nothing where no steps lead from them to the program."""
    if claims.rewrites or claims.covered is not None or claims.mappings:
        yield "it has rewrites or mappings, and no steps that lead from them to the program"
