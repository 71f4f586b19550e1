"""What a mapping's certificate says of itself: names, digits, class and criteria, held against its own relation."""

from __future__ import annotations

import math
from collections import abc
from itertools import product

from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import Affine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Direction, IteratorKind, Kernel
from isamapper.plan.placement import Placement

CRITERIA = ("full", "amos", "strict")


def wrong_labels(kernel: Kernel, machine: Machine, claim: Placement) -> str | None:
    """The first thing that is wrong before anything is executed; None where nothing is."""
    return next(_mistakes(kernel, machine, claim), None)


def _mistakes(kernel: Kernel, machine: Machine, claim: Placement) -> abc.Iterator[str]:
    instruction = next((each for each in machine.instructions if each.name == claim.instruction), None)
    if instruction is None:
        yield f"machine '{machine.name}' has no instruction '{claim.instruction}'"
        return
    found = {each.index: each for each in statements(kernel)}
    known = {(s.index, i.name) for s in found.values() for i in s.iterators}
    members = [member for _, those in claim.iterators for member in those]
    if not claim.statements or not set(claim.statements) <= set(found):
        yield "the certificate names statements that the kernel has not"
        return
    empty = [name for name, those in claim.iterators if not those]
    if empty:
        yield f"iterator '{empty[0]}' of the certificate stands for none of the kernel's"
        return
    wanted = {member for member in known if member[0] in claim.statements}
    if not set(members) <= known or len(set(members)) < len(members):
        yield "the certificate names iterators that the statements have not, or one twice"
        return
    played = {(number, each) for number, each in members}
    absent = [member for member in sorted(wanted) if member not in played]
    if absent and len(claim.statements) == 1:
        yield f"iterator '{absent[0][1]}' of statement {absent[0][0]} has no part in the certificate"
    operands = {t.name for t in instruction.semantics.tensors if t.direction is not Direction.LOCAL}
    given = {access.operand for access in claim.accesses} | {operand for operand, _ in claim.constants}
    if given != operands:
        yield f"the certificate fills {sorted(given)}, '{instruction.name}' has the operands {sorted(operands)}"
    strange = [word for word in claim.criteria if word not in CRITERIA]
    if strange:
        yield f"there is no criterion '{strange[0]}'"
    for operand, value in claim.pads:
        if operand not in operands or math.isnan(value):
            yield f"operand '{operand}' cannot be padded with {value}"
    for name, value in claim.parameters:
        each = next((p for p in instruction.parameters if p.name == name), None)
        if each is None or not each.low <= value <= each.high or (value - each.low) % each.step:
            yield f"'{instruction.name}' has no parameter '{name}' that can be {value}"
    yield from _digits(claim)
    yield from _labels(claim, found)


def _digits(claim: Placement) -> abc.Iterator[str]:
    """Digits of an iterator number a whole block; those of a lane never meet."""
    names = {name for name, _ in (*claim.iterators, *claim.made)}
    for digit in claim.digits:
        if digit.iterator not in names or digit.extent < 1 or digit.weight < 1 or digit.lane_weight < 1:
            yield f"digit of '{digit.iterator}' in '{digit.lane}' is none"
            return
    for name in {digit.iterator for digit in claim.digits}:
        own = sorted((d.weight, d.extent) for d in claim.digits if d.iterator == name)
        if any(weight != math.prod(size for _, size in own[:place]) for place, (weight, _) in enumerate(own)):
            yield f"the digits of '{name}' leave out iterations or do them twice"
    for lane in {digit.lane for digit in claim.digits}:
        own = sorted((d.lane_weight, d.extent) for d in claim.digits if d.lane == lane)
        reach = 0
        for weight, size in own:
            if weight <= reach:
                yield f"two digits meet in lane '{lane}'"
                break
            reach += weight * (size - 1)


def _labels(claim: Placement, found: abc.Mapping[int, Statement]) -> abc.Iterator[str]:
    made = {name for name, _ in claim.made}
    pairs = {(d.iterator, d.lane) for d in claim.digits if d.iterator not in made}
    starts = {operand: start for operand, start in claim.starts if isinstance(start, Access)}
    both = [(access.inside, access.outside) for access in claim.accesses]
    both += [(access.inside, starts[access.operand]) for access in claim.accesses if access.operand in starts]
    exact = all(
        (name in _names(outside.map.results)) == (lane in _names(inside.map.results))
        for name, lane in pairs
        for inside, outside in both
    )
    if (claim.kind == "exact") != exact or claim.kind not in ("exact", "broadcast"):
        yield f"the mapping is {'exact' if exact else 'broadcast'}, the certificate says {claim.kind}"
    sequential = [
        name
        for name, members in claim.iterators
        for number, own in members
        if name in {pair[0] for pair in pairs} and _is_sequential(found[number], own)
    ]
    if sequential:
        yield f"iterator '{sequential[0]}' carries a dependence and cannot lie in a call"
    if "full" in claim.criteria and not exact:
        yield "a mapping that is not exact has no criterion"
    units = {name for name, members in claim.iterators if all(_size(found[n], own) <= 1 for n, own in members)}
    if "strict" in claim.criteria and not units and not _strict(claim, pairs):
        yield "an index holds two bound iterators, the certificate says 'strict'"
    if "amos" in claim.criteria and not units and not _amos(claim, pairs):
        yield "the relation is no union of match points, the certificate says 'amos'"


def _names(results: abc.Iterable[Affine]) -> set[str]:
    return {name for index in results for name in index.names}


def _is_sequential(statement: Statement, name: str) -> bool:
    return any(i.name == name and i.kind is IteratorKind.SEQUENTIAL for i in statement.iterators)


def _size(statement: Statement, name: str) -> int:
    return next((i.extent for i in statement.iterators if i.name == name), 1)


def _together(claim: Placement, names: abc.Collection[str]) -> bool:
    """Whether some index of the kernel's holds two of ``names``."""
    return any(len(index.names & set(names)) > 1 for access in claim.accesses for index in access.outside.map.results)


def _strict(claim: Placement, pairs: abc.Set[tuple[str, str]]) -> bool:
    return not _together(claim, {name for name, _ in pairs})


def _amos(claim: Placement, pairs: abc.Set[tuple[str, str]]) -> bool:
    """Whether the relation is the union of the match points that it contains."""
    rows: dict[str, list[str]] = {}
    for name, lane in sorted(pairs):
        rows.setdefault(lane, []).append(name)
    covered: set[tuple[str, str]] = set()
    for chosen in product(*rows.values()):
        if not _together(claim, set(chosen)):
            covered.update(zip(chosen, rows, strict=True))
    return covered == set(pairs)
