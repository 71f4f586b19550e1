"""Mappings and rejections as JSON objects and as documents."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection, Span
from isamapper.ir.analysis import statements
from isamapper.ir.print_expression import print_access
from isamapper.ir.printer import print_node
from isamapper.pipeline import Mappings
from isamapper.plan.mapping import Mapping, Pairing
from isamapper.report.document import Block, Document, Text, document, table


def mapping_json(mapping: Mapping) -> dict[str, object]:
    """One mapping: sigma as operand to access, rho as pairs."""
    return {
        "statement": mapping.statement,
        "instruction": mapping.instruction,
        "class": mapping.kind.value,
        "operands": {pairing.operand: _pairing_text(mapping, pairing) for pairing in mapping.sigma},
        "iterators": [{"kernel": outer, "instruction": inner} for outer, inner in mapping.rho],
        "rewrites": list(mapping.rewrites),
    }


def _pairing_text(mapping: Mapping, pairing: Pairing) -> str:
    """The kernel's access as text, or the constant that the operand takes."""
    if pairing.access is None:
        return str(pairing.neutral)
    accesses = statements(mapping.kernel)[mapping.statement].accesses
    return print_access(accesses[pairing.access])


def mapping_text(mapping: Mapping) -> str:
    """One line: the instruction, what its operands are, which iterators lie in which."""
    operands = ", ".join(f"{pairing.operand} = {_pairing_text(mapping, pairing)}" for pairing in mapping.sigma)
    inside = ", ".join(f"{outer} in {inner}" for outer, inner in mapping.rho)
    rewrites = f"; after {', '.join(mapping.rewrites)}" if mapping.rewrites else ""
    return f"{mapping.instruction} ({mapping.kind.value}): {operands}; {inside}{rewrites}"


def rejection_json(rejection: Rejection) -> dict[str, object]:
    return {
        "code": rejection.code,
        "subject": rejection.subject,
        "reason": rejection.reason,
        "edit": rejection.edit,
        "places": [place(span) for span in rejection.spans],
    }


def place(span: Span) -> str:
    """``file:line:column``."""
    return f"{span.source.name}:{span.line}:{span.column}"


def mappings_table(mappings: abc.Sequence[Mapping]) -> Block:
    """One line for each mapping."""
    rows = [
        (
            number,
            mapping.statement,
            mapping.instruction,
            mapping.kind.value,
            ", ".join(f"{pairing.operand}={_pairing_text(mapping, pairing)}" for pairing in mapping.sigma),
            ", ".join(f"{outer}->{inner}" for outer, inner in mapping.rho),
            ", ".join(mapping.rewrites) or "-",
        )
        for number, mapping in enumerate(mappings)
    ]
    return table(("#", "statement", "instruction", "class", "operands", "iterators", "rewrites"), rows)


def mappings_json(found: Mappings) -> dict[str, object]:
    """The answer of ``map``."""
    kernel, machine = found.kernel, found.machine
    return {
        "kernel": kernel.name,
        "machine": machine.name,
        "sizes": dict(kernel.sizes),
        "types": {name: dtype.name for name, dtype in kernel.types},
        "statements": [print_node(statement.assign).strip() for statement in statements(kernel)],
        "complete": found.complete,
        "mappings": [mapping_json(mapping) for mapping in found.mappings],
        "rejections": [rejection_json(rejection) for rejection in found.rejections],
    }


def mappings_document(found: Mappings) -> Document:
    """The mappings, or why there is none, the nearest miss first."""
    kernel, machine = found.kernel.name, found.machine.name
    if not found.mappings:
        return rejections_document(f"no instruction of '{machine}' can do '{kernel}'", found.rejections)
    head = f"{len(found.mappings)} mapping{'s'[: len(found.mappings) > 1]} of '{kernel}' on '{machine}'"
    return document(Text(head, strong=True), mappings_table(found.mappings))


def rejections_document(head: str, rejections: abc.Sequence[Rejection]) -> Document:
    """``head``, then every reason with the edit that would help."""
    return document(Text(head, strong=True), *(_rejection_text(rejection) for rejection in rejections))


def _rejection_text(rejection: Rejection) -> Text:
    lines = [f"{rejection.subject}: {rejection.reason}"]
    lines += [f"   --> {place(span)}" for span in rejection.spans]
    if rejection.edit:
        lines.append(f"  try: {rejection.edit}")
    return Text("\n".join(lines))
