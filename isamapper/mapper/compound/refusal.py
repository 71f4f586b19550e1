"""Why an instruction of several statements does nothing of a kernel: the first condition that fails, in words.

What does not belong here: instructions of one statement (``mapper/reasons/refusal.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection, Span
from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Instruction
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel, Tensor
from isamapper.ir.printer import print_node
from isamapper.mapper.compound.beyond import beyond
from isamapper.mapper.compound.conditions import stand
from isamapper.mapper.compound.find import joint_mappings, sought, tensors_inside
from isamapper.mapper.compound.forms import forms
from isamapper.mapper.compound.match import Injection, Parts, injections
from isamapper.mapper.compound.nearest import nearest_statement
from isamapper.mapper.compound.relate import Setting, lanes_of, may_go_on
from isamapper.mapper.compound.unite import unite
from isamapper.mapper.compound.value_graph import ValueGraph, value_graph, value_graphs
from isamapper.mapper.compound.variants import Piece, Variant, variants
from isamapper.mapper.rewrites.edit import spans
from isamapper.plan.facade import Facade, facade
from isamapper.plan.homes import all_tensors

FITTING = 80
"""The progress of a refusal that only the extents are the reason of."""


def joint_refusal(kernel: Kernel, instruction: Instruction) -> Rejection | None:
    """The nearest miss; None where some statements map."""
    if next(joint_mappings(kernel, instruction), None) is not None:
        return None
    front = facade(instruction)
    if isinstance(front, str):
        return Rejection("MAP002", instruction.name, f"'{instruction.name}': {front}", _places(instruction), progress=1)
    best: Rejection | None = None
    for form in forms(kernel):
        miss = _miss(form.kernel, instruction)
        if miss is not None and (best is None or miss.progress > best.progress):
            best = miss
    return best or _without_match(kernel, instruction)


def _miss(kernel: Kernel, instruction: Instruction) -> Rejection | None:
    """What keeps apart statements like the instruction's; None where there are none."""
    inside = tensors_inside(instruction)
    best: Rejection | None = None
    for graph in value_graphs(kernel):
        parts = Parts(graph)
        known = frozenset(parts.kinds.values())
        for variant in (each for each, needed in sought(instruction) if needed <= known):
            found = next(injections(variant, inside, parts), None)
            miss = None if found is None else _unfit(kernel, instruction, graph, found)
            if miss is not None and (best is None or miss.progress > best.progress):
                best = miss
        if best is not None and best.progress >= FITTING:
            return best
    return best


def _without_match(kernel: Kernel, instruction: Instruction) -> Rejection:
    """The first of the instruction's statements that the kernel has not."""
    parts = Parts(value_graph(kernel))
    lonely = _lonely(variants(instruction)[0], parts, tensors_inside(instruction))
    if lonely is None:
        reason = f"statements like those of '{instruction.name}' are there, but do not pass on their results like it"
        return Rejection("MAP042", instruction.name, reason, _places(instruction), progress=30)
    done, piece = lonely
    own = statements(instruction.semantics)
    text, count = print_node(own[piece.statement.index].assign).strip(), len(own)
    reason = f"'{instruction.name}' does {count} statements together; no statement of the kernel does '{text}'"
    where, nearest = _places(instruction, piece), nearest_statement(piece, parts)
    if nearest is not None:
        reason += f": {nearest[1]}"
        where = (*where, *spans(nearest[0].assign)[:1])
    return Rejection("MAP041", instruction.name, reason, where, progress=5 + done)


def _places(instruction: Instruction, piece: Piece | None = None) -> tuple[Span, ...]:
    inside = () if piece is None else spans(piece.statement.assign)
    return inside or (() if instruction.span is None else (instruction.span,))


def _lonely(variant: Variant, parts: Parts, inside: abc.Mapping[str, Tensor]) -> tuple[int, Piece] | None:
    """The first piece that no statement does, and how many come before it."""
    for place, piece in enumerate(variant.pieces):
        alone = Variant((piece,))
        if next(injections(alone, inside, parts), None) is None:
            return place, piece
    return None


def _unfit(kernel: Kernel, instruction: Instruction, graph: ValueGraph, found: Injection) -> Rejection:
    """The statements are there; what keeps them apart."""
    name, where = instruction.name, tuple(span for link in found.links for span in spans(link.part.assign)[:1])
    inside = tensors_inside(instruction)
    standing = stand(found, graph, inside)
    if isinstance(standing, str):
        return Rejection("MAP043", name, f"'{name}': {standing}", where, progress=60)
    fixed = specialised(instruction, found.parameters)
    front = facade(fixed)
    assert isinstance(front, Facade)
    united = unite(kernel, found, front, inside, all_tensors(kernel))
    if united is None:
        reason = f"the statements index a tensor in ways that '{name}' does not"
        return Rejection("MAP044", name, reason, where, progress=70)
    pieces = tuple(link.piece for link in found.links)
    setting = Setting(united, inside, lanes_of(front.instruction), beyond(pieces, front, found.constants))
    reason = f"the kernel's iterations do not lie in the lanes of '{name}': {'; '.join(_demands(setting))}"
    return Rejection(
        "MAP045", name, reason, where, "sizes that fit, or smaller parts in statements of their own", FITTING
    )


def _demands(setting: Setting) -> abc.Iterator[str]:
    """What must lie in one call, and lanes that must be met exactly."""
    lanes = ", ".join(f"{lane.name} {lane.extent}" for lane in setting.lanes.values())
    whole = [
        f"{each.name} = {each.extent}"
        for each in setting.united.iterators
        if each.extent > 1 and not may_go_on(setting, each.name)
    ]
    if whole:
        yield f"{', '.join(whole)} must lie in one call (lanes {lanes})"
    made = {lane for _, lane, _ in setting.united.made}
    exact = [
        f"'{lane.name}' runs {lane.low} to {lane.extent} times"
        if lane.low < lane.extent
        else f"'{lane.name}' runs {lane.extent} times"
        for lane in setting.lanes.values()
        if lane.extent > 1 and lane.name not in setting.beyond.lanes and lane.name not in made
    ]
    if exact:
        yield f"{', '.join(exact)}, all of which must be the kernel's"
    if not whole and not exact:
        yield f"no iterator can lie in any of {lanes}"
