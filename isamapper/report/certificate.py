"""Certificates for people: what was proved, what was tried, and what nothing looked at."""

from __future__ import annotations

from collections import abc

from isamapper import __version__
from isamapper.plan.program import Program
from isamapper.plan.program_certificate import ProgramCertificate
from isamapper.report.document import Block, Document, Facts, Heading, Text, document
from isamapper.verify.certificate import Certificate, Size, Status
from isamapper.verify.stored import Checked


def certificate_document(
    program: Program,
    certificate: Certificate,
    claims: ProgramCertificate | None = None,
    findings: abc.Sequence[str] = (),
) -> Document:
    """The answer of ``verify``: the proof made anew, and what of the file's ``claims`` does not hold."""
    verdict = "verified" if certificate.ok else "NOT VERIFIED"
    if certificate.ok and findings:
        verdict = "its CERTIFICATE DOES NOT HOLD"
    head = Heading(f"{program.kernel.name} on {program.machine.name}: {verdict}")
    rows = [("certificate", each) for each in _carried(claims, findings)]
    facts, *others = certificate_blocks(certificate)
    assert isinstance(facts, Facts)
    return document(head, Facts((*facts.pairs, *rows)), *others)


def _carried(claims: ProgramCertificate | None, findings: abc.Sequence[str]) -> abc.Iterator[str]:
    """What became of the certificate that the file carries."""
    if claims is None:
        yield "none in the file; what stands here was made anew"
        return
    yield from (f"DOES NOT HOLD: {each}" for each in findings)
    if not findings:
        steps = "no steps" if claims.steps is None else f"{len(claims.steps)} steps that make this program"
        number = len(claims.mappings)
        yield f"holds: all that it claims was found again; {steps}, {number} mapping{'s'[: number != 1]} played"
    elif dict(claims.versions).get("isamapper") != __version__:
        yield f"written by isamapper {dict(claims.versions).get('isamapper')}, this is {__version__}"


def stored_document(kernel: str, machine: str, checked: abc.Sequence[Checked]) -> Document:
    """The answer of ``verify`` to stored mappings: how many hold, and what is wrong with those that do not."""
    wrong = [each for each in checked if not each.verdict.ok]
    number = len(checked)
    verdict = f"{number} mapping{'s'[: number != 1]}, " + (f"{len(wrong)} do NOT hold" if wrong else "all hold")
    head = Heading(f"{kernel} on {machine}: {verdict}")
    lines = [
        f"statement {', '.join(map(str, each.statements))} on {each.instruction}: {each.verdict.detail}"
        for each in (wrong or checked)
    ]
    return document(head, *(Text(line) for line in dict.fromkeys(lines)))


def certificate_blocks(certificate: Certificate) -> tuple[Block, ...]:
    """What each part says, the first differences, and what is not covered."""
    facts = [(part.name.replace("_", " "), f"{_VERDICTS[part.status]}: {part.detail}") for part in certificate.parts]
    facts.append(("executed", _size(certificate)))
    facts += [("not covered", sentence) for sentence in certificate.not_covered]
    trails = [part.difference.trail for part in certificate.parts if part.difference and part.difference.trail]
    came = "\n".join(["the wrong value came by", *(f"  {step}" for step in trails[0])]) if trails else ""
    return (Facts(tuple(facts)), *((Text(came),) if came else ()))


_VERDICTS = {
    Status.PROVED: "proved",
    Status.PASSED: "passed",
    Status.FAILED: "FAILED",
    Status.NOT_RUN: "not run",
}


def _size(certificate: Certificate) -> str:
    chance = certificate.error_probability
    words = "at its real size" if certificate.size is Size.REAL else "on a small kernel with loops of at most 3 trips"
    if chance is None:
        return words
    return f"{words}; a wrong program would pass with probability <= {chance:.1e}" if chance else f"{words}, and proved"
