"""May loops run across the copies of a grid: in a nest, and in a program.

Cores share what no grid copies: of units and ports they have equal shares, and each its part of a memory on chip. Each
works on its own tensors; what it writes to shared tensors no other core touches.
What does not belong here: how much time that takes (``sim/cores.py``).
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Diagnostic, Rejection
from isamapper.hwdesc.classify import reads_and_writes
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.affine import Affine, substitute, variable
from isamapper.ir.feasibility import box, feasible
from isamapper.ir.nodes import Allocate, Constraint, Invoke, IteratorKind, Kernel, Loop, Node, Reduction, Window
from isamapper.ir.walk import Place, domain, value_range, walk
from isamapper.plan.alike import between, done_alike, invokes
from isamapper.plan.cores import (
    across_chain,
    grid_named,
    held,
    is_divided,
    own,
    parts_of,
    reduction_of,
    sharing_loops,
)
from isamapper.plan.homes import home_memory
from isamapper.plan.layout import lies_in_parts
from isamapper.plan.nest import Nest, depth_of, valid_extent
from isamapper.plan.refusal import written_at
from isamapper.plan.sums import adding_buffer

# a nest


def check_cores(nest: Nest, machine: Machine) -> Rejection | None:
    """Why the nest's loops cannot be distributed as it says, or None."""
    return next(_mistakes(nest, machine), None) if nest.distributed else None


def _mistakes(nest: Nest, machine: Machine) -> abc.Iterator[Rejection]:
    at, loops = written_at(nest.distributed_span), tuple(loop for loop, _ in nest.distributed)
    if nest.order[: len(loops)] != loops:
        edit = f"'reorder {nest.statement.index} {', '.join(loops)}, …'"
        yield Rejection("SCH015", f"loop '{loops[0]}'", "distributed loops are the outermost", at, edit)
    for loop in loops:
        if not valid_extent(nest, nest.digit(loop), {}).is_constant:
            reason = "how often it runs depends on a loop around it"
            yield Rejection("SCH015", f"loop '{loop}'", reason, at, "digits that divide")
    kinds = {each.name: each.kind for each in nest.statement.iterators}
    for loop in loops:
        iterator = nest.digit(loop).iterator
        if kinds[iterator] is IteratorKind.REDUCTION and adding_buffer(nest) is not None:
            yield from _summed(nest, machine, loop)
        elif kinds[iterator] is not IteratorKind.PARALLEL:
            reason = f"iterations of '{iterator}' depend on each other ({kinds[iterator].value})"
            edit = "an iterator of the target that nothing carries"
            edit += ", or partial sums that a network adds up ('adds')" if _may_be_summed(nest, machine, loop) else ""
            yield Rejection("SCH015", f"loop '{loop}'", reason, at, edit)
    yield from _counted(nest, machine)
    yield from _owned(nest, machine)
    yield from _unshared(nest, machine)


def _may_be_summed(nest: Nest, machine: Machine, loop: str) -> bool:
    """Whether the loop sums, and the network across it adds up what its copies add to the target's home."""
    grid = grid_named(machine, dict(nest.distributed)[loop])
    return nest.statement.assign.reduction is not None and grid is not None and home_memory(machine) in grid.reduces


def _summed(nest: Nest, machine: Machine, loop: str) -> abc.Iterator[Rejection]:
    """Cores do parts of a sum where the network between them adds the parts up."""
    if not _may_be_summed(nest, machine, loop):
        name = dict(nest.distributed)[loop]
        reason = f"the network of '{name}' adds up nothing in '{home_memory(machine)}'"
        edit = "an iterator of the target, or another grid"
        yield Rejection("SCH015", f"loop '{loop}'", reason, written_at(nest.distributed_span), edit)


def _counted(nest: Nest, machine: Machine) -> abc.Iterator[Rejection]:
    at = written_at(nest.distributed_span)
    for name in dict.fromkeys(grid for _, grid in nest.distributed):
        grid = grid_named(machine, name)
        used = math.prod(nest.digit(loop).extent for loop, other in nest.distributed if other == name)
        if grid is not None and used > grid.count:
            reason = f"it has {grid.count} copies, the loops have {used} iterations"
            yield Rejection("SCH015", f"grid '{name}'", reason, at, "smaller digits")


def _owned(nest: Nest, machine: Machine) -> abc.Iterator[Rejection]:
    mine = own(machine, (grid for _, grid in nest.distributed))
    depth, inner = len(nest.distributed), nest.distributed[-1][0]
    for buffer in (each for each in nest.buffers if not each.prepared):
        subject, at = f"buffer of access {buffer.access} in '{buffer.memory}'", written_at(buffer.span)
        if buffer.memory not in mine and not is_divided(machine.memory(buffer.memory)):
            reason = "cores share that memory, and none can have a part of it"
            yield Rejection("SCH015", subject, reason, at, f"memories of a core: {_names(mine)}")
        stays = buffer.resident or bool(buffer.kept)
        if depth_of(nest, buffer.loop) < depth and not (stays and lies_in_parts(nest, buffer)):
            edit = f"'order {', '.join(loop for loop, _ in nest.distributed)}'"
            edit = f"{edit}, so that each keeps its part" if buffer.resident else f"at '{inner}' or further in"
            edit = "first axes that the distributed loops move along, one each" if buffer.kept else edit
            yield Rejection("SCH015", subject, "every core has its own", at, edit)


def _unshared(nest: Nest, machine: Machine) -> abc.Iterator[Rejection]:
    """What is one for several cores lies where they share a memory, and is filled alike from what they share, too."""
    for buffer in (each for each in nest.buffers if each.shared):
        subject, at = f"buffer of access {buffer.access} in '{buffer.memory}'", written_at(buffer.span)
        loops = sharing_loops(machine, nest.distributed, buffer.memory)
        if buffer.shared != loops or loops != tuple(loop for loop, _ in nest.distributed)[-len(loops) :]:
            reason = f"cores of {_names(loops)} share '{buffer.memory}', and their loops stand inside all others"
            yield Rejection("SCH015", subject, reason, at, f"'shared [{', '.join(loops)}]'")
        path = nest.path(buffer.access)
        before = path[: path.index(buffer)]
        if buffer.access in nest.statement.written or buffer.resident or buffer.kept or buffer.prepared:
            yield Rejection("SCH015", subject, "every core writes its own", at, "leave 'shared' out")
        elif any(not each.shared and not each.prepared and not each.resident for each in before):
            yield Rejection("SCH015", subject, "it is filled from a core's own", at, "'shared' further out, too")


def _names(names: abc.Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


# a program


def misdistributed(body: Kernel, machine: Machine) -> abc.Iterator[Diagnostic]:
    """Everything that keeps the program's loops from running across grids as it says."""
    chains = list(_chains(body.body, ()))
    allowed = {id(loop) for _, chain in chains for loop in chain}
    parts = parts_of(body, machine) if chains else {}
    for node, _ in walk(body):
        if isinstance(node, Loop) and node.across is not None:
            if id(node) not in allowed:
                message = f"loop '{node.iterator}' runs across '{node.across}', so only plain loops stand around it"
                yield Diagnostic("SCH120", message, node.span, "cores meet at the end of every nest")
            elif grid_named(machine, node.across) is None:
                message = f"machine '{machine.name}' has no grid '{node.across}'"
                yield Diagnostic("SCH120", message, node.span)
    for around, chain in chains:
        yield from _chain(body, around, chain, machine, parts)


def _chains(
    nodes: abc.Iterable[Node], around: tuple[Loop, ...]
) -> abc.Iterator[tuple[tuple[Loop, ...], tuple[Loop, ...]]]:
    """Loops across grids that stand in each other, outermost first, after the plain loops around them."""
    for node in nodes:
        if isinstance(node, Loop) and node.across is not None:
            yield around, across_chain(node)[0]
        elif isinstance(node, Loop):
            yield from _chains(node.body, (*around, node))


def _chain(
    body: Kernel,
    around: tuple[Loop, ...],
    chain: tuple[Loop, ...],
    machine: Machine,
    parts: abc.Mapping[str, int],
) -> abc.Iterator[Diagnostic]:
    grids = tuple(str(loop.across) for loop in chain)
    for name in dict.fromkeys(grids):
        grid = grid_named(machine, name)
        extents = [loop.extent for loop in chain if loop.across == name]
        if not all(each.is_constant for each in extents):
            yield Diagnostic("SCH120", f"loops across '{name}' run a fixed number of times", chain[0].span)
            return
        used = math.prod(each.bounds[0].constant for each in extents)
        if grid is not None and used > grid.count:
            message = f"grid '{name}' has {grid.count} copies, the loops across it have {used} iterations"
            yield Diagnostic("SCH120", message, chain[0].span)
    mine = own(machine, grids)
    found = list(walk(body))
    path = next(place.path for node, place in found if node is chain[-1])
    inside = [(node, place) for node, place in found if place.path[: len(path)] == path and node is not chain[-1]]
    for node, _ in inside:
        match node:
            case Allocate(tensor) if tensor.memory not in mine and not _divided(machine, tensor.memory):
                message = f"tensor '{tensor.name}' is a core's own, but cores share memory '{tensor.memory}'"
                yield Diagnostic("SCH120", message, node.span, f"memories of a core: {_names(mine)}")
            case _:
                pass
    for depth, tensor in between(chain[0]):
        if any(tensor.memory in held(machine, grid) for grid in grids[depth:]):
            message = f"tensor '{tensor.name}' is one for several cores, but each has its own '{tensor.memory}'"
            yield Diagnostic("SCH120", message, tensor.span)
    yield from _elsewhere(mine, len(around) + len(chain), inside, parts)
    yield from _conflicts(machine, around, chain, inside)


def _elsewhere(
    mine: abc.Collection[str], depth: int, inside: abc.Sequence[tuple[Node, Place]], parts: abc.Mapping[str, int]
) -> abc.Iterator[Diagnostic]:
    """Tensors from outside the loops across grids that lie in a core's own memory, and not in parts, one on each."""
    for node, place in inside:
        for _, window in node.windows if isinstance(node, Invoke) else ():
            declared = place.declaration(window.tensor)
            if declared is None or declared.depth >= depth or window.tensor in parts:
                continue
            if declared.tensor.memory in mine:
                message = (
                    f"tensor '{window.tensor}' lies in '{declared.tensor.memory}' of one core, and others touch it"
                )
                edit = "first axes that the loops across grids walk, one part for each core"
                yield Diagnostic("SCH120", message, window.span or node.span, edit)
                return


def _divided(machine: Machine, name: str | None) -> bool:
    return any(memory.name == name and is_divided(memory) for memory in machine.memories)


def _instruction(machine: Machine, name: str) -> Instruction | None:
    return next((each for each in machine.instructions if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Use:
    """A window on a tensor that cores share."""

    invoke: Invoke
    window: Window
    place: Place
    writes: bool


def _conflicts(
    machine: Machine, around: tuple[Loop, ...], chain: tuple[Loop, ...], inside: abc.Sequence[tuple[Node, Place]]
) -> abc.Iterator[Diagnostic]:
    """Shared elements that one core writes and another touches, or that cannot be told apart.

    Between two iterations of the loops ``around`` cores meet.
    """
    alike = {id(invoke): deciding for invoke, deciding in invokes(chain[-1].body)}
    for name, uses in shared_uses(machine, len(around) + len(chain), inside).items():
        declared = uses[0].place.declaration(name)
        assert declared is not None
        for one, other in itertools.combinations_with_replacement(uses, 2):
            if not one.writes and not other.writes:
                continue
            for depth, loop in enumerate(chain):
                if len(around) + depth < declared.depth:
                    continue
                if _divided(machine, declared.tensor.memory) and all(
                    _once(alike, loop, len(around) + depth, use) for use in (one, other) if use.writes
                ):
                    continue
                if _added(machine, loop, one) == _added(machine, loop, other) is not None:
                    continue
                if not _apart(loop, one, other) and _meet((*around, *chain[:depth]), loop, one, other):
                    message = f"cores may touch one element of '{name}' across '{loop.iterator}', and one writes it"
                    yield Diagnostic("SCH121", message, one.window.span or one.invoke.span)
                    return


def _once(alike: abc.Mapping[int, frozenset[str]], loop: Loop, depth: int, use: Use) -> bool:
    """Whether all copies write alike what none of them has by itself: it is done once, when the last is ready."""
    declared = [use.place.declaration(window.tensor) for _, window in use.invoke.windows]
    common = all(each is not None and each.depth <= depth for each in declared)
    return common and done_alike(use.invoke, alike[id(use.invoke)], loop.iterator)


def _added(machine: Machine, loop: Loop, use: Use) -> Reduction | None:
    """The reduction by which the network across ``loop`` takes what cores do to the use's tensor, if it does."""
    grid = grid_named(machine, str(loop.across))
    instruction = _instruction(machine, use.invoke.instruction)
    declaration = use.place.declaration(use.window.tensor)
    if grid is None or instruction is None or declaration is None or declaration.tensor.memory not in grid.reduces:
        return None
    kinds = {reduction_of(instruction, operand) for operand, window in use.invoke.windows if window is use.window}
    return next(iter(kinds)) if len(kinds) == 1 else None


def shared_uses(machine: Machine, depth: int, inside: abc.Sequence[tuple[Node, Place]]) -> dict[str, list[Use]]:
    """Windows on tensors declared outside the ``depth`` outermost loops, by tensor."""
    found: dict[str, list[Use]] = {}
    for node, place in inside:
        instruction = _instruction(machine, node.instruction) if isinstance(node, Invoke) else None
        if instruction is None or not isinstance(node, Invoke):
            continue
        _, written = reads_and_writes(instruction)
        for operand, window in node.windows:
            declaration = place.declaration(window.tensor)
            if declaration is not None and declaration.depth < depth:
                found.setdefault(window.tensor, []).append(Use(node, window, place, operand in written))
    return found


def _apart(loop: Loop, one: Use, other: Use) -> bool:
    """Whether some axis alone keeps iterations of ``loop`` apart, whatever the other loops do."""
    for axis, offset in enumerate(one.window.offsets):
        step = offset.coefficient(loop.iterator)
        if step and step == other.window.offsets[axis].coefficient(loop.iterator):
            (low, high), (least, most) = (_reach(each, axis, loop.iterator) for each in (one, other))
            if abs(step) > max(high - least, most - low):
                return True
    return False


def _reach(use: Use, axis: int, left_out: str) -> tuple[int, int]:
    """Least and greatest index along an axis, one iterator left out."""
    extents = dict(zip(use.place.iterators, use.place.extents, strict=True))
    low, high = value_range(use.window.offsets[axis], {**extents, left_out: 1})
    for each in use.window.axes:
        step = dict(each.steps).get(axis, 0)
        last = max(0, min(value_range(bound, extents)[1] for bound in each.extent.bounds) - 1)
        low, high = low + min(0, step * last), high + max(0, step * last)
    return low, high


def _meet(around: tuple[Loop, ...], loop: Loop, one: Use, other: Use) -> bool:
    """Whether iterations of ``loop``, alike in the loops ``around`` it, may touch one element; exact where decided."""
    left, right = _renamed(one, "p"), _renamed(other, "q")
    fixed = [Constraint(left[each.iterator] - right[each.iterator], equality=True) for each in around]
    for first, second in zip(_indices(one, left, "p"), _indices(other, right, "q"), strict=True):
        fixed.append(Constraint(first - second, equality=True))
    fixed += [*_positions(one, left, "p"), *_positions(other, right, "q")]
    step = right[loop.iterator] - left[loop.iterator]
    orders = [Constraint(step - 1)] + ([Constraint(-step - 1)] if one is not other else [])
    return any(
        feasible([order, *fixed, *inside, *elsewhere]) is not False
        for order in orders
        for inside in _executed(one, left)
        for elsewhere in _executed(other, right)
    )


def may_meet(around: tuple[Loop, ...], chain: tuple[Loop, ...], one: Use, other: Use) -> bool:
    """Whether two different copies across a ``chain`` may touch one element, in one iteration of what is ``around``."""
    return any(
        not _apart(loop, one, other) and _meet((*around, *chain[:depth]), loop, one, other)
        for depth, loop in enumerate(chain)
    )


def _renamed(use: Use, prefix: str) -> dict[str, Affine]:
    return {name: variable(f"{prefix}.{name}") for name in use.place.iterators}


def _indices(use: Use, names: abc.Mapping[str, Affine], prefix: str) -> list[Affine]:
    """Tensor index along every axis, at the window's positions."""
    found = [substitute(offset, names) for offset in use.window.offsets]
    for number, each in enumerate(use.window.axes):
        for axis, step in each.steps:
            found[axis] = found[axis] + variable(f"{prefix}${number}", step)
    return found


def _positions(use: Use, names: abc.Mapping[str, Affine], prefix: str) -> abc.Iterator[Constraint]:
    for number, each in enumerate(use.window.axes):
        position = variable(f"{prefix}${number}")
        yield Constraint(position)
        yield from (Constraint(substitute(bound, names) - position - 1) for bound in each.extent.bounds)


def _executed(use: Use, names: abc.Mapping[str, Affine]) -> abc.Iterator[list[Constraint]]:
    """Where the invocation is executed, as alternatives."""
    extents = box({name.terms[0][0]: size for name, size in zip(names.values(), use.place.extents, strict=True)})
    for case in domain(use.place):
        yield [*extents, *(Constraint(substitute(each.function, names), each.equality) for each in case)]
