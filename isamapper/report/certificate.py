"""Certificates for people: what was proved, what was tried, and what nothing looked at."""

from __future__ import annotations

from isamapper.plan.program import Program
from isamapper.report.document import Block, Document, Heading, Text, document, table
from isamapper.verify.certificate import Certificate, Status


def certificate_document(program: Program, certificate: Certificate) -> Document:
    """The answer of ``verify``."""
    verdict = "verified" if certificate.ok else "NOT VERIFIED"
    head = Heading(f"{program.kernel.name} on {program.machine.name}: {verdict}")
    return document(head, *certificate_blocks(certificate))


def certificate_blocks(certificate: Certificate) -> tuple[Block, ...]:
    """A line per part, the first differences, and what is not covered."""
    rows = [(part.name, part.status.value.replace("_", " "), part.detail) for part in certificate.parts]
    failed = [f"{p.name}: {p.difference}" for p in certificate.parts if p.status is Status.FAILED and p.difference]
    trails = [f"  {step}" for p in certificate.parts if p.difference for step in p.difference.trail]
    missing = [f"not covered: {sentence}" for sentence in certificate.not_covered]
    lines = [*failed, *trails, _size(certificate), *missing]
    return (table(("verification", "verdict", "detail"), rows), Text("\n".join(lines)))


def _size(certificate: Certificate) -> str:
    chance = certificate.error_probability
    words = "at its real size" if certificate.size.value == "real" else "with every digit cut to at most 3"
    return f"executed {words}" + (
        "" if chance is None else f"; a wrong program would pass with probability <= {chance:.1e}"
    )
