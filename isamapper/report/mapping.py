"""Mappings and rejections for people."""

from __future__ import annotations

import textwrap
from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.printer import print_node
from isamapper.plan.mapping import Mapping
from isamapper.report.document import Block, Document, Text, document, table
from isamapper.report.plain import LINE_WIDTH
from isamapper.result import Mappings, pairing_text, place

SHOWN_MISSES = 3
SHOWN_NAMES = 8
"""How many near misses, and names in one of them are listed for people; JSON and ``explain`` list all."""


def mappings_document(found: Mappings) -> Document:
    """The mappings, or why there is none, the nearest miss first."""
    if not found.mappings:
        head = f"no instruction of '{found.machine.name}' can do '{found.kernel.name}'"
        return refusal_document(head, found.rejections)
    more = "" if found.complete else "the first "
    number = len(found.mappings)
    head = f"{more}{number} mapping{'s'[: number > 1]} of '{found.kernel.name}' on '{found.machine.name}'"
    whole = [rejection for rejection in _parted(found.rejections)[0] if rejection.code < "MAP1"]
    return document(Text(head, strong=True), *_mapping_blocks(found.mappings), *map(_rejection_text, whole))


def explanation_document(found: Mappings) -> Document:
    """Which instructions fit, then for each of the others why not."""
    counts: dict[str, int] = {}
    for mapping in found.mappings:
        counts[mapping.instruction] = counts.get(mapping.instruction, 0) + 1
    fitting = ", ".join(f"{name} ({number})" for name, number in counts.items())
    head = f"'{found.kernel.name}' on '{found.machine.name}': " + (
        f"mappings by {fitting}" if fitting else "no mapping"
    )
    whole, misses = _parted(found.rejections)
    return document(Text(head, strong=True), *map(_rejection_text, whole), *map(_group_text, _grouped(misses)))


def refusal_document(head: str, rejections: abc.Sequence[Rejection]) -> Document:
    """An honest no: what cannot be done at all, then the instructions that come nearest."""
    whole, misses = _parted(rejections)
    groups = _grouped(misses)
    rest = sum(len(group) for group in groups[SHOWN_MISSES:])
    more = Text(f"{rest} more instructions do not fit; 'isamapper explain' says why") if rest else None
    shown = (_group_text(group, SHOWN_NAMES) for group in groups[:SHOWN_MISSES])
    return document(Text(head, strong=True), *map(_rejection_text, whole), *shown, more)


def _parted(rejections: abc.Sequence[Rejection]) -> tuple[list[Rejection], list[Rejection]]:
    """What is said of the kernel as a whole, and what of single instructions (their names open the reason)."""
    single = [rejection for rejection in rejections if f"'{rejection.subject}'" in rejection.reason]
    return [rejection for rejection in rejections if rejection not in single], single


def _grouped(rejections: abc.Sequence[Rejection]) -> list[list[Rejection]]:
    """Rejections that differ in the instruction's name alone, together; the nearest misses first."""
    groups: dict[tuple[str, str | None], list[Rejection]] = {}
    for rejection in rejections:
        groups.setdefault((_without_name(rejection), rejection.edit), []).append(rejection)
    return sorted(groups.values(), key=lambda group: -group[0].progress)


def _without_name(rejection: Rejection) -> str:
    return rejection.reason.replace(f"'{rejection.subject}'", "it")


def _group_text(group: list[Rejection], most: int | None = None) -> Text:
    if len(group) == 1:
        return _rejection_text(group[0])
    subjects = [rejection.subject for rejection in group[:most]]
    if len(subjects) < len(group):
        subjects.append(f"and {len(group) - len(subjects)} more")
    edit = [_filled(f"  try: {group[0].edit}")] if group[0].edit else []
    return Text("\n".join([_filled(", ".join(subjects) + ":"), _filled(f"  {_without_name(group[0])}"), *edit]))


def _filled(line: str) -> str:
    """``line`` broken where it is too long, the rest indented."""
    return textwrap.fill(line, LINE_WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _rejection_text(rejection: Rejection) -> Text:
    lines = [_filled(f"{rejection.subject}: {rejection.reason}")]
    lines += [f"  --> {place(span)}" for span in rejection.spans]
    if rejection.edit:
        lines.append(_filled(f"  try: {rejection.edit}"))
    return Text("\n".join(lines))


def _mapping_blocks(mappings: abc.Sequence[Mapping]) -> abc.Iterator[Block]:
    """Per statement its text and a table: one line for mappings that differ in the iterators alone."""
    groups: dict[tuple[tuple[str, ...], int], dict[tuple[str, str, str], list[Mapping]]] = {}
    for mapping in mappings:
        rows = groups.setdefault((mapping.rewrites, mapping.statement), {})
        rows.setdefault((mapping.instruction, mapping.kind.value, _operands(mapping)), []).append(mapping)
    for (rewrites, _), rows in groups.items():
        some = next(iter(rows.values()))[0]
        yield Text("\n".join([*(f"after {rewrite}" for rewrite in rewrites), _statement_text(some)]))
        yield table(
            ("instruction", "class", "ways", "operands", "iterators, in the fullest way"),
            [
                (name, kind, len(ways), operands, _iterators(max(ways, key=lambda way: len(way.rho))))
                for (name, kind, operands), ways in rows.items()
            ],
        )


def _statement_text(mapping: Mapping) -> str:
    assign = statements(mapping.kernel)[mapping.statement].assign
    return f"statement {mapping.statement}: {print_node(assign).strip()}"


def _operands(mapping: Mapping) -> str:
    return ", ".join(f"{pairing.operand} = {pairing_text(mapping, pairing)}" for pairing in mapping.sigma)


def _iterators(mapping: Mapping) -> str:
    return ", ".join(f"{outer} in {inner}" for outer, inner in mapping.rho)


def mapping_text(mapping: Mapping) -> str:
    """One line: the instruction, what its operands are, which iterators lie in which."""
    inside = _iterators(mapping) or "one element at a time"
    return f"{mapping.instruction} ({mapping.kind.value}): {_operands(mapping)}; {inside}"
