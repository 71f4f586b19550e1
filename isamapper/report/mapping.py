"""Mappings and rejections for people."""

from __future__ import annotations

import textwrap
from collections import abc
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.ir.printer import print_node
from isamapper.mapper import Labeller
from isamapper.mapper.compound.labels import joint_labels
from isamapper.mapper.measures.labelling import Labels
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.mapping import Mapping
from isamapper.report.document import Block, Document, Text, document, table
from isamapper.report.plain import LINE_WIDTH
from isamapper.result import Mappings, joint_operands, pairing_text, place

SHOWN_MISSES = 3
SHOWN_NAMES = 8
"""How many near misses, and names in one of them are listed for people; JSON and ``explain`` list all."""


def mappings_document(found: Mappings, each_way: bool = False) -> Document:
    """The mappings, or why there is none, the nearest miss first.

    Mappings that differ in the iterators alone are one line, unless ``each_way``.
    """
    if not found.mappings and not found.joint:
        head = f"no instruction of '{found.machine.name}' can do '{found.kernel.name}'"
        return refusal_document(head, found.rejections)
    more = "" if found.complete else "the first "
    number = len(found.mappings) + len(found.joint)
    head = f"{more}{number} mapping{'s'[: number > 1]} of '{found.kernel.name}' on '{found.machine.name}'"
    whole = [
        rejection for rejection in _parted(found.rejections)[0] if rejection.code < "MAP1" or rejection.code == "RW071"
    ]
    blocks = (*_mapping_blocks(found, each_way), *_joint_blocks(found, each_way))
    return document(Text(head, strong=True), *blocks, *map(_rejection_text, whole))


def explanation_document(found: Mappings) -> Document:
    """Which instructions fit, then for each of the others why not."""
    counts: dict[str, int] = {}
    names = [*(mapping.instruction for mapping in found.mappings), *(mapping.instruction for mapping in found.joint)]
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    fitting = ", ".join(f"{name} ({number})" for name, number in counts.items())
    head = f"'{found.kernel.name}' on '{found.machine.name}': " + (
        f"mappings by {fitting}" if fitting else "no mapping of a statement as it is"
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
    names = list(dict.fromkeys(rejection.subject for rejection in group))
    subjects = names[:most]
    if len(subjects) < len(names):
        subjects.append(f"and {len(names) - len(subjects)} more")
    edit = [_filled(f"  try: {group[0].edit}")] if group[0].edit else []
    named = [rejection for rejection in group if rejection.subject in names[:most]]
    lines = [_filled(", ".join(subjects) + ":"), _filled(f"  {_without_name(group[0])}")]
    return Text("\n".join([*lines, *_places(named), *edit]))


def _places(group: abc.Iterable[Rejection]) -> list[str]:
    """Where the members of a group stand, a line per text: ``--> gemm.isam:4:5``, ``--> array.yaml:20:9, 31:9``."""
    found: dict[str, dict[str, None]] = {}
    for rejection in group:
        for span in rejection.spans:
            found.setdefault(span.source.name, {})[f"{span.line}:{span.column}"] = None
    return [_filled(f"  --> {name}:{', '.join(known)}", "      ") for name, known in found.items()]


def _filled(line: str, indent: str = "  ") -> str:
    """``line`` broken where it is too long, the rest indented."""
    return textwrap.fill(line, LINE_WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _rejection_text(rejection: Rejection) -> Text:
    lines = [_filled(f"{rejection.subject}: {rejection.reason}")]
    lines += [f"  --> {place(span)}" for span in rejection.spans]
    if rejection.edit:
        lines.append(_filled(f"  try: {rejection.edit}"))
    return Text("\n".join(lines))


def _mapping_blocks(found: Mappings, each_way: bool) -> abc.Iterator[Block]:
    """Per statement its text and a table."""
    groups: dict[tuple[tuple[str, ...], int], list[Mapping]] = {}
    for mapping in found.mappings:
        groups.setdefault((mapping.rewrites, mapping.statement), []).append(mapping)
    labeller = Labeller(found.machine)
    for (rewrites, _), mappings in groups.items():
        yield Text("\n".join([*(f"after {rewrite}" for rewrite in rewrites), _statement_text(mappings[0])]))
        rows = [(mapping, labeller.labels(mapping)) for mapping in mappings]
        yield _each_way_table(rows) if each_way else _best_way_table(rows)


Labelled: TypeAlias = tuple[Mapping, Labels]

COLUMNS = ("criterion", "access", "copies", "waste", "utilisation", "reuse")


def _each_way_table(rows: abc.Sequence[Labelled]) -> Block:
    """A line for every mapping, in the order in which they are found."""
    return table(("mapping", *COLUMNS), [(_mapping_cell(each), *_cells(each, found)) for each, found in rows])


def _best_way_table(rows: abc.Sequence[Labelled]) -> Block:
    """A line for mappings that differ in the iterators alone: how many there are, and the best of them."""
    alike: dict[tuple[str, str], list[Labelled]] = {}
    for mapping, labels in rows:
        alike.setdefault((mapping.instruction, _operands(mapping)), []).append((mapping, labels))
    best = [(min(ways, key=_badness), len(ways)) for ways in alike.values()]
    return table(
        ("mapping, the best way", "ways", *COLUMNS),
        [(_mapping_cell(mapping), ways, *_cells(mapping, labels)) for (mapping, labels), ways in best],
    )


def _badness(way: Labelled) -> tuple[float, float, float]:
    """Most use first, then the fewest elements copied, then the most iterators inside."""
    mapping, labels = way
    copied = sum(operand.duplication for operand in labels.operands if operand.access in COPIED)
    return (-round(labels.utilisation, 6), copied, -len(mapping.rho))


COPIED = ("gather", "layout copy")
"""Access classes that need a copy; the later ones of all classes cost more."""
_CLASSES = ("constant", "direct", "broadcast", "layout copy", "gather")


def _mapping_cell(mapping: Mapping) -> str:
    """``compute(x, w): k in p, m in i, n in j``: what is read, in operand order; what lies where."""
    target = {pairing.operand for pairing in mapping.sigma if pairing.access == 0}
    accesses = statements(mapping.kernel)[mapping.statement].accesses
    read = [
        str(pairing.neutral) if pairing.access is None else accesses[pairing.access].tensor
        for pairing in mapping.sigma
        if pairing.operand not in target
    ]
    return f"{mapping.instruction}({', '.join(read)}): {_iterators(mapping) or 'one by one'}"


def _cells(mapping: Mapping, labels: Labels) -> tuple[str, ...]:
    tensors = dict(zip((pairing.operand for pairing in mapping.sigma), _tensors(mapping), strict=True))
    return _label_cells(labels, mapping.kind.value, tensors)


def _label_cells(labels: Labels, kind: str, tensors: abc.Mapping[str, str]) -> tuple[str, ...]:
    """What stands under the columns; ``tensors`` by operand."""
    copies = [
        tensors[operand.operand] + (f" {operand.duplication:.2g}x" if operand.duplication > 1 else "")
        for operand in labels.operands
        if operand.access in COPIED
    ]
    worst = max((operand.access for operand in labels.operands), key=_CLASSES.index, default="-")
    return (
        labels.criteria[-1] if labels.criteria else kind,
        worst,
        ", ".join(copies) or "-",
        f"{100 * labels.padding_waste:.0f} %",
        f"{100 * labels.utilisation:.0f} %",
        " ".join(f"{operand.reuse:.3g}" for operand in labels.operands) or "-",
    )


def _tensors(mapping: Mapping) -> abc.Iterator[str]:
    """Per operand the tensor it plays, or its constant."""
    accesses = statements(mapping.kernel)[mapping.statement].accesses
    for pairing in mapping.sigma:
        yield str(pairing.neutral) if pairing.access is None else accesses[pairing.access].tensor


def _joint_blocks(found: Mappings, each_way: bool) -> abc.Iterator[Block]:
    """Per set of statements their texts and a table of the instructions that do them together."""
    groups: dict[tuple[tuple[str, ...], tuple[int, ...]], list[JointMapping]] = {}
    for mapping in found.joint:
        groups.setdefault((mapping.rewrites, mapping.join.members), []).append(mapping)
    for (rewrites, members), mappings in groups.items():
        kernel = mappings[0].kernel
        texts = [f"statement {number}: {_assign_text(kernel, number)}" for number in members]
        yield Text("\n".join([*(f"after {rewrite}" for rewrite in rewrites), *texts]))
        rows = [(mapping, joint_labels(mapping, found.machine)) for mapping in mappings]
        yield table(("mapping", *COLUMNS), [_joint_row(*row) for row in (rows if each_way else _best_joint(rows))])


def _best_joint(rows: abc.Sequence[tuple[JointMapping, Labels]]) -> list[tuple[JointMapping, Labels]]:
    """Of mappings that differ in the iterators alone the one with the most use."""
    best: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[JointMapping, Labels]] = {}
    for row in rows:
        key = row[0].instruction, joint_operands(row[0])
        if key not in best or row[1].utilisation > best[key][1].utilisation:
            best[key] = row
    return list(best.values())


def _joint_row(mapping: JointMapping, labels: Labels) -> tuple[str, ...]:
    operands = ", ".join(f"{operand} = {text}" for operand, text in joint_operands(mapping))
    cell = f"{mapping.instruction}({operands}): {_iterators(mapping) or 'one by one'}"
    return (cell, *_label_cells(labels, mapping.kind.value, {}))


def _assign_text(kernel: Kernel, number: int) -> str:
    return print_node(statements(kernel)[number].assign).strip()


def _statement_text(mapping: Mapping) -> str:
    return f"statement {mapping.statement}: {_assign_text(mapping.kernel, mapping.statement)}"


def _operands(mapping: Mapping) -> str:
    return ", ".join(f"{pairing.operand} = {pairing_text(mapping, pairing)}" for pairing in mapping.sigma)


def _iterators(mapping: Mapping | JointMapping) -> str:
    return ", ".join(f"{outer} in {inner}" for outer, inner in mapping.rho)


def mapping_text(mapping: Mapping | JointMapping) -> str:
    """One line: the instruction, what its operands are, which iterators lie in which."""
    inside = _iterators(mapping) or "one element at a time"
    if isinstance(mapping, JointMapping):
        operands = ", ".join(f"{operand} = {text}" for operand, text in joint_operands(mapping))
    else:
        operands = _operands(mapping)
    return f"{mapping.instruction} ({mapping.kind.value}): {operands}; {inside}"
