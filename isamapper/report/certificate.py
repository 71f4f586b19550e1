"""Certificates for people: what was proved, what was tried, and what nothing looked at."""

from __future__ import annotations

from collections import abc

from isamapper.plan.program import Program
from isamapper.report.document import Block, Document, Facts, Heading, Text, document
from isamapper.verify.certificate import Certificate, Size, Status
from isamapper.verify.stored import Checked


def certificate_document(program: Program, certificate: Certificate) -> Document:
    """The answer of ``verify``."""
    verdict = "verified" if certificate.ok else "NOT VERIFIED"
    head = Heading(f"{program.kernel.name} on {program.machine.name}: {verdict}")
    return document(head, *certificate_blocks(certificate))


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
