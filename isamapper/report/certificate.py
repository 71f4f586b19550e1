"""Certificates for people: what was proved, what was tried, and what nothing looked at."""

from __future__ import annotations

from isamapper.plan.program import Program
from isamapper.report.document import Block, Document, Facts, Heading, Text, document
from isamapper.verify.certificate import Certificate, Size, Status


def certificate_document(program: Program, certificate: Certificate) -> Document:
    """The answer of ``verify``."""
    verdict = "verified" if certificate.ok else "NOT VERIFIED"
    head = Heading(f"{program.kernel.name} on {program.machine.name}: {verdict}")
    return document(head, *certificate_blocks(certificate))


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
