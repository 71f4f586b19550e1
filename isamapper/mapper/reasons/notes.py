"""What a fitting instruction costs beyond its arithmetic: gathers, padding, layout copies, each with an edit."""

from __future__ import annotations

from collections import abc
from itertools import islice
from math import prod

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.bind import controls, timing
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Role
from isamapper.mapper.matching.match import enumerate_mappings
from isamapper.mapper.matching.needle import Needle, NeedleIterator, needle_of
from isamapper.mapper.matching.sigma import Subject
from isamapper.mapper.measures.digits import best_sizes
from isamapper.mapper.measures.labelling import Labeller, Labels, OperandLabel
from isamapper.mapper.reasons.order_notes import Operand, order, repeated
from isamapper.mapper.reasons.refusal import places
from isamapper.mapper.reasons.words import in_words
from isamapper.plan.mapping import Mapping, MappingClass

CONSIDERED = 256
"""Mappings of one statement and instruction among which the best is chosen; the rest are not looked at."""

TURNED, FUSED, GATHERED = 2.0, 1.25, 1 / 3
"""What a tensor to be turned, and a further iterator in a vector of which others are repeated, divide a mapping's
worth by, and the power of the duplication that does: copies cost less than arithmetic. Rough: it only chooses what to
speak of."""

SPOKEN_OF = 1.5
"""How often an element that copies bring in whole rows must be read to be spoken of."""

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
    labels, mapping = min(found, key=lambda pair: _badness(subject, machine, instruction, needle, *pair))
    return (
        *_padding(subject, instruction, needle, mapping),
        *_fused(subject, instruction, needle, mapping),
        *_empty(subject, instruction, needle, mapping),
        *_operands(subject, machine, instruction, needle, labels, mapping),
    )


def _badness(
    subject: Subject, machine: Machine, instruction: Instruction, needle: Needle, labels: Labels, mapping: Mapping
) -> tuple[float, int]:
    """The share of the instruction that is of use, less for what is gathered, turned or fused; then the copies."""
    worth = labels.utilisation
    if mapping.kind is MappingClass.BROADCAST:
        worth /= FUSED ** (len(mapping.rho) - len({lane for _, lane in mapping.rho}))
    for label, operand in _playing(subject, instruction, needle, labels, mapping):
        worth /= label.duplication**GATHERED
        if label.access == "layout copy" and operand.tensor.role not in (Role.CONST, Role.FREE):
            worth /= 1.0 if order(operand, machine) is None else TURNED
    return -worth, sum(_EFFORT[operand.access] for operand in labels.operands)


def _padding(subject: Subject, instruction: Instruction, needle: Needle, mapping: Mapping) -> abc.Iterator[Rejection]:
    """Iterators that the instruction's extents do not divide, where less takes as long."""
    extents = {each.name: each.extent for each in subject.statement.iterators}
    lanes = {lane.name: lane for lane in needle.iterators}
    sizes = dict(zip(mapping.rho, best_sizes(mapping.rho, extents, lanes).extents, strict=True))
    for name in sorted({name for name, _ in mapping.rho}):
        bound = [lane for other, lane in mapping.rho if other == name]
        shrinking = [lane for lane in bound if lanes[lane].low == lanes[lane].step == 1]
        if any(_time(instruction, lanes[lane]) > 1 for lane in shrinking):
            continue
        block = 1
        for lane in bound:
            shared = sum(other == lane for _, other in mapping.rho) > 1
            block *= sizes[name, lane] if shared else lanes[lane].extent
        padded = -(-extents[name] // block) * block
        if padded > extents[name]:
            waste = 1 - extents[name] / padded
            whole = prod(lanes[lane].extent for lane in bound if lane not in shrinking)
            how = _padded(extents[name], -(-extents[name] // whole) * whole, padded)
            reason = f"{name} = {extents[name]} {how} on '{instruction.name}', {waste:.0%} waste"
            less = f"{padded - block} or " if padded > block else ""
            edit = f"make {name} = {less}{padded}"
            yield Rejection("MAP101", instruction.name, reason, places(instruction, subject), edit, 100)


def _padded(extent: int, held: int, timed: int) -> str:
    """What becomes of ``extent``: as many elements as are ``held``, and the time of as many as ``timed``."""
    if held >= timed:
        return f"pads to {timed}"
    pads = f"pads to {held} and " if held > extent else ""
    return f"{pads}takes as long as if it were padded to {timed}"


def _fused(subject: Subject, instruction: Instruction, needle: Needle, mapping: Mapping) -> abc.Iterator[Rejection]:
    """Instruction iterators that several of the kernel's fill in part, where less takes as long."""
    extents = {each.name: each.extent for each in subject.statement.iterators}
    lanes = {lane.name: lane for lane in needle.iterators}
    sizes = best_sizes(mapping.rho, extents, lanes).extents
    for lane in needle.iterators:
        members = [(name, size) for (name, other), size in zip(mapping.rho, sizes, strict=True) if other == lane.name]
        filled = prod(size for _, size in members)
        if len(members) > 1 and filled < lane.extent and _time(instruction, lane) == 1:
            names = in_words([name for name, _ in members])
            waste = 1 - filled / lane.extent
            reason = (
                f"{names} fill {filled} of {lane.extent} of '{lane.name}' of '{instruction.name}', {waste:.0%} waste"
            )
            yield Rejection("MAP101", instruction.name, reason, places(instruction, subject), progress=100)


def _empty(subject: Subject, instruction: Instruction, needle: Needle, mapping: Mapping) -> abc.Iterator[Rejection]:
    """Instruction iterators that nothing fills, where an empty one takes as long."""
    filled = {lane for _, lane in mapping.rho}
    for lane in needle.iterators:
        if lane.extent == 1 or lane.name in filled:
            continue
        room = lane.extent / lane.low / _time(instruction, lane)
        if room > 1:
            reason = f"nothing fills '{lane.name}' of '{instruction.name}', {1 - 1 / (room * lane.low):.0%} waste"
            yield Rejection("MAP104", instruction.name, reason, places(instruction, subject), progress=100)


def _time(instruction: Instruction, lane: NeedleIterator) -> float:
    """How many times as long the instruction takes at the iterator's greatest extent as at its least."""
    name, _ = controls(instruction).get(lane.name, (None, 1))
    parameter = next((each for each in instruction.parameters if each.name == name), None)
    if parameter is None:
        return 1.0
    most, least = (timing(instruction, {parameter.name: value})[0] for value in (parameter.high, parameter.low))
    return most / max(1, least)


def _operands(
    subject: Subject, machine: Machine, instruction: Instruction, needle: Needle, labels: Labels, mapping: Mapping
) -> abc.Iterator[Rejection]:
    for label, operand in _playing(subject, instruction, needle, labels, mapping):
        spec = next(each for each in instruction.operands if each.name == operand.name)
        where = tuple(span for span in (operand.access.span, spec.span) if span is not None)
        if label.access == "gather":
            edit = f"bind fewer of its iterators, or lay '{operand.tensor.name}' out that way"
            yield Rejection(
                "MAP102", instruction.name, repeated(operand, label.duplication, "gathers"), where, edit, 100
            )
        elif label.access == "direct" and label.duplication >= SPOKEN_OF:
            edit = "bind fewer of its iterators"
            yield Rejection(
                "MAP102", instruction.name, repeated(operand, label.duplication, "copies"), where, edit, 100
            )
        elif label.access == "layout copy" and (found := order(operand, machine)) is not None:
            reason, edit = found
            yield Rejection("MAP103", instruction.name, reason, where, edit, 100)


def _playing(
    subject: Subject, instruction: Instruction, needle: Needle, labels: Labels, mapping: Mapping
) -> abc.Iterator[tuple[OperandLabel, Operand]]:
    """The labels of operands that play an access, each with what is known of it."""
    tensors = {tensor.name: tensor for tensor in subject.tensors}
    for label, pairing in zip(labels.operands, mapping.sigma, strict=True):
        if pairing.access is not None:
            access = subject.statement.accesses[pairing.access]
            written = pairing.access == 0
            yield (
                label,
                Operand(instruction, needle, label.operand, access, tensors[access.tensor], mapping.rho, written),
            )
