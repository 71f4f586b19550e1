"""What a fitting instruction costs beyond its arithmetic: gathers, padding, layout copies, each with an edit."""

from __future__ import annotations

from collections import abc
from itertools import islice

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Access, Role
from isamapper.mapper.digits import best_sizes
from isamapper.mapper.labelling import Labeller, Labels
from isamapper.mapper.match import enumerate_mappings
from isamapper.mapper.needle import Needle, needle_of
from isamapper.mapper.rewrites.edit import spans
from isamapper.mapper.sigma import Subject
from isamapper.mapper.words import index_text
from isamapper.plan.mapping import Mapping

CONSIDERED = 256
"""Mappings of one statement and instruction among which the best is chosen; the rest are not looked at."""

_EFFORT = {"constant": 0, "direct": 0, "broadcast": 1, "layout copy": 2, "gather": 2}


def notes(subject: Subject, machine: Machine, instruction: Instruction) -> tuple[Rejection, ...]:
    """Costs of the best mapping of the statement (most use, then least duplication); empty where there are none."""
    needle = needle_of(instruction)
    if needle is None:
        return ()
    labeller = Labeller(machine)
    found = [(labeller.labels(mapping), mapping) for mapping in islice(enumerate_mappings(subject, needle), CONSIDERED)]
    if not found:
        return ()
    labels, mapping = min(found, key=lambda pair: _badness(pair[0]))
    return (
        *_padding(subject, instruction, needle, mapping),
        *_operands(subject, instruction, needle, labels, mapping),
    )


def _badness(labels: Labels) -> tuple[float, float, int]:
    duplication = 1.0
    for operand in labels.operands:
        duplication *= operand.duplication if operand.access == "gather" else 1.0
    return -labels.utilisation, duplication, sum(_EFFORT[operand.access] for operand in labels.operands)


def _padding(subject: Subject, instruction: Instruction, needle: Needle, mapping: Mapping) -> abc.Iterator[Rejection]:
    """Iterators that the instruction's fixed extents do not divide."""
    extents = {each.name: each.extent for each in subject.statement.iterators}
    lanes = {lane.name: lane for lane in needle.iterators}
    sizes = dict(zip(mapping.rho, best_sizes(mapping.rho, extents, lanes).extents, strict=True))
    for name in sorted({name for name, _ in mapping.rho}):
        bound = [lane for other, lane in mapping.rho if other == name]
        if any(lanes[lane].low == lanes[lane].step == 1 for lane in bound):
            continue
        block = 1
        for lane in bound:
            shared = sum(other == lane for _, other in mapping.rho) > 1
            block *= sizes[name, lane] if shared else lanes[lane].extent
        padded = -(-extents[name] // block) * block
        if padded > extents[name]:
            waste = 1 - extents[name] / padded
            reason = f"{name} = {extents[name]} pads to {padded} on '{instruction.name}', {waste:.0%} waste"
            yield Rejection("MAP101", instruction.name, reason, spans(subject.statement.assign), progress=100)


def _operands(
    subject: Subject, instruction: Instruction, needle: Needle, labels: Labels, mapping: Mapping
) -> abc.Iterator[Rejection]:
    roles = {tensor.name: tensor.role for tensor in subject.tensors}
    for label, pairing in zip(labels.operands, mapping.sigma, strict=True):
        if pairing.access is None:
            continue
        access = subject.statement.accesses[pairing.access]
        where = () if access.span is None else (access.span,)
        if label.access == "gather":
            yield Rejection(
                "MAP102",
                instruction.name,
                _gather(access, label.operand, label.duplication, mapping),
                where,
                f"bind fewer of its iterators, or lay '{access.tensor}' out that way",
                100,
            )
        elif label.access == "layout copy":
            inner = _innermost(needle, label.operand, mapping)
            reason = (
                f"operand '{label.operand}' of '{instruction.name}' needs '{access.tensor}' {_order(access, inner)}"
            )
            free = roles[access.tensor] in (Role.CONST, Role.FREE)
            edit = "it is done once, offline" if free else f"declare '{access.tensor}' that way, or as free"
            yield Rejection("MAP103", instruction.name, reason, where, edit, 100)


def _gather(access: Access, operand: str, duplication: float, mapping: Mapping) -> str:
    bound = {name for name, _ in mapping.rho}
    indices = [index_text(index) for index in access.map.results if sum(name in bound for name, _ in index.terms) > 1]
    what = " and ".join(f"'{index}'" for index in indices) or "its indices"
    how = f"{what} {'reads' if len(indices) == 1 else 'read'} each element {duplication:.2g}x"
    return f"operand '{operand}' of '{mapping.instruction}' gathers '{access.tensor}': {how}"


def _innermost(needle: Needle, operand: str, mapping: Mapping) -> tuple[str, ...]:
    """Kernel iterators in the operand's last filled axis."""
    access = next(access for access in needle.statement.accesses if access.tensor == operand)
    for index in reversed(access.map.results):
        lanes = {name for name, _ in index.terms}
        found = tuple(name for name, lane in mapping.rho if lane in lanes)
        if found:
            return found
    return ()


def _order(access: Access, inner: tuple[str, ...]) -> str:
    lone = [index.terms[0][0] for index in access.map.results if len(index.terms) == 1]
    if len(access.map.results) == 2 and len(lone) == 2 and inner == (lone[0],):
        return "transposed"
    return f"with {' and '.join(repr(name) for name in inner)} innermost" if inner else "in another order"
