"""Mappings and rejections as JSON objects and as documents."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection, Span
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.ir.printer import print_access
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


def rejections_document(kernel: Kernel, machine: str, rejections: abc.Sequence[Rejection]) -> Document:
    """Why nothing fits, the nearest miss first."""
    blocks = [_rejection_text(rejection) for rejection in rejections]
    return document(Text(f"no mapping of '{kernel.name}' on '{machine}'", strong=True), *blocks)


def _rejection_text(rejection: Rejection) -> Text:
    lines = [f"{rejection.subject}: {rejection.reason}"]
    lines += [f"   --> {place(span)}" for span in rejection.spans]
    if rejection.edit:
        lines.append(f"  try: {rejection.edit}")
    return Text("\n".join(lines))
