"""Mappings and rejections for people."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.plan.mapping import Mapping
from isamapper.report.document import Block, Document, Text, document, table
from isamapper.result import Mappings, pairing_text, place


def mappings_document(found: Mappings) -> Document:
    """The mappings, or why there is none, the nearest miss first."""
    kernel, machine = found.kernel.name, found.machine.name
    if not found.mappings:
        return rejections_document(f"no instruction of '{machine}' can do '{kernel}'", found.rejections)
    more = "" if found.complete else "the first "
    head = f"{more}{len(found.mappings)} mapping{'s'[: len(found.mappings) > 1]} of '{kernel}' on '{machine}'"
    return document(Text(head, strong=True), _mappings_table(found.mappings))


def explanation_document(found: Mappings) -> Document:
    """Which instructions fit, then for each of the others why not."""
    kernel, machine = found.kernel.name, found.machine.name
    counts: dict[str, int] = {}
    for mapping in found.mappings:
        counts[mapping.instruction] = counts.get(mapping.instruction, 0) + 1
    fitting = ", ".join(f"{name} ({number})" for name, number in counts.items())
    head = f"'{kernel}' on '{machine}': " + (f"mappings by {fitting}" if fitting else "no mapping")
    return rejections_document(head, found.rejections)


def rejections_document(head: str, rejections: abc.Sequence[Rejection]) -> Document:
    """``head``, then every reason with the edit that would help."""
    return document(Text(head, strong=True), *(_rejection_text(rejection) for rejection in rejections))


def _rejection_text(rejection: Rejection) -> Text:
    lines = [f"{rejection.subject}: {rejection.reason}"]
    lines += [f"   --> {place(span)}" for span in rejection.spans]
    if rejection.edit:
        lines.append(f"  try: {rejection.edit}")
    return Text("\n".join(lines))


def _mappings_table(mappings: abc.Sequence[Mapping]) -> Block:
    rows = [
        (
            number,
            mapping.statement,
            mapping.instruction,
            mapping.kind.value,
            _operands(mapping),
            _iterators(mapping),
            ", ".join(mapping.rewrites) or "-",
        )
        for number, mapping in enumerate(mappings)
    ]
    return table(("#", "statement", "instruction", "class", "operands", "iterators", "rewrites"), rows)


def _operands(mapping: Mapping) -> str:
    return ", ".join(f"{pairing.operand} = {pairing_text(mapping, pairing)}" for pairing in mapping.sigma)


def _iterators(mapping: Mapping) -> str:
    return ", ".join(f"{outer} in {inner}" for outer, inner in mapping.rho)


def mapping_text(mapping: Mapping) -> str:
    """One line: the instruction, what its operands are, which iterators lie in which."""
    rewrites = f"; after {', '.join(mapping.rewrites)}" if mapping.rewrites else ""
    return f"{mapping.instruction} ({mapping.kind.value}): {_operands(mapping)}; {_iterators(mapping)}{rewrites}"
