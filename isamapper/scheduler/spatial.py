"""Which loops of a statement run across the copies of a grid: the part of one core is searched, then done by all.

Every way to cut the statement's independent iterators over the grids is ranked by the blocks that are left to a core
and the bytes that all cores together then read; the best few are searched as smaller statements on a core that has its
share of the ports, and judged as wholes.

What does not belong here: the search of a nest (``heuristic.py``), what may be distributed (``plan/check_cores.py``).
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import extent
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Guard, IteratorKind, Kernel, Loop, Node
from isamapper.plan.check_cores import check_cores
from isamapper.plan.cores import held, sharers
from isamapper.plan.joint import is_joint
from isamapper.plan.nest import Buffer, Digit, Nest, digits_of
from isamapper.plan.skeleton import shared_iterators

TRIED = 2
"""Ways to cut a statement that are searched."""
ITERATORS = 2
"""How many iterators are cut at most."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How often each iterator is cut, and across which grid."""

    parts: tuple[tuple[str, int, str], ...]

    def count(self, iterator: str) -> int:
        """Cores along an iterator."""
        return math.prod(count for name, count, _ in self.parts if name == iterator)

    @property
    def across(self) -> tuple[tuple[str, int], ...]:
        return tuple((grid, count) for _, count, grid in self.parts)


def distributed(
    machine: Machine,
    kernel: Kernel,
    nest: Nest,
    search: abc.Callable[[Machine, Kernel], Nest | Rejection],
    cycles_of: abc.Callable[[Nest], float | None],
) -> Nest:
    """``nest`` or, where that takes fewer cycles, the best of its statement across the machine's grids.

    ``search`` finds a nest for the same statement of a kernel in which it is smaller, on a core of the machine.
    """
    best, least = nest, cycles_of(nest)
    for cut in itertools.islice(_cuts(machine, kernel, nest), TRIED):
        part = search(_core(machine, cut), _smaller(kernel, nest.statement, cut))
        if isinstance(part, Rejection):
            continue
        whole = _spread_out(nest.statement, part, cut)
        if check_cores(whole, machine) is not None:
            continue
        cycles = cycles_of(whole)
        if cycles is not None and (least is None or cycles < least):
            best, least = whole, cycles
    return best


def _cuts(machine: Machine, kernel: Kernel, nest: Nest) -> list[Cut]:
    """Cuts over one grid that copies all that the nest uses for itself, most promising first."""
    shared = shared_iterators(kernel, nest.statement)
    free = {
        each.name: each.extent
        for each in nest.statement.iterators
        if each.kind is IteratorKind.PARALLEL and each.extent > 1
    }
    if not free or shared or is_joint(nest.statement) or nest.statement.conditions or nest.statement.exclusions:
        return []
    found: dict[Cut, tuple[float, ...]] = {}
    for grid in machine.grids:
        if _used(machine, nest) <= held(machine, grid.name):
            for names in itertools.chain.from_iterable(
                itertools.combinations(free, count) for count in range(1, ITERATORS + 1)
            ):
                for counts in _shares([free[name] for name in names], grid.count):
                    cut = Cut(tuple((name, n, grid.name) for name, n in zip(names, counts, strict=True)))
                    found[cut] = _promise(nest, cut)
    return sorted(found, key=lambda cut: (found[cut], cut.parts))


def _used(machine: Machine, nest: Nest) -> set[str]:
    """Units and memories that the nest needs for itself."""
    calls = [each.instruction for each in (nest.call, nest.first, nest.init) if each is not None]
    buffers = [buffer for buffer in nest.buffers if not buffer.prepared]
    copies = [copy.instruction for buffer in buffers for copy in (buffer.fill, buffer.drain) if copy is not None]
    units = {each.unit for each in (*calls, *(machine.instruction(name) for name in copies))}
    return units | {buffer.memory for buffer in buffers}


def _shares(extents: list[int], cores: int) -> abc.Iterator[tuple[int, ...]]:
    """Ways to cut extents into two or more parts each for so many cores at most, none idle by rounding."""
    first, rest = extents[0], extents[1:]
    most = min(first, cores)
    counts = {-(-first // -(-first // count)) for count in range(2, most + 1)}
    if not rest:
        yield (max(counts),)
        return
    for count in sorted(counts):
        if cores // count > 1:
            yield from ((count, *others) for others in _shares(rest, cores // count))


def _promise(nest: Nest, cut: Cut) -> tuple[float, ...]:
    """Blocks that a core does, elements that all cores touch, cores used: less is better."""
    blocks, left = 1, {}
    for iterator in nest.statement.iterators:
        block = math.prod(digit.extent for digit in digits_of(nest, iterator.name) if digit.bound is not None)
        left[iterator.name] = -(-iterator.extent // cut.count(iterator.name))
        blocks *= -(-left[iterator.name] // block)
    touched = sum(
        math.prod(left[name] for name in {name for result in access.map.results for name in result.names})
        for access in nest.statement.accesses
    )
    cores = math.prod(count for _, count, _ in cut.parts)
    return float(blocks), float(touched * cores), float(cores)


def _core(machine: Machine, cut: Cut) -> Machine:
    """A core with its share of what all use."""
    memories = []
    for memory in machine.memories:
        count = sharers(machine, memory.name, cut.across)
        ports = tuple(replace(port, bytes_per_cycle=max(1, port.bytes_per_cycle // count)) for port in memory.ports)
        memories.append(replace(memory, ports=ports))
    return replace(machine, memories=tuple(memories), grids=())


def _smaller(kernel: Kernel, statement: Statement, cut: Cut) -> Kernel:
    """The kernel with the loops of one statement as short as a core's part of them."""
    pairs = zip(statement.iterators, statement.loops, strict=True)
    wanted = {loop: -(-each.extent // cut.count(each.name)) for each, loop in pairs if cut.count(each.name) > 1}
    numbers = itertools.count()

    def shorter(node: Node) -> Node:
        match node:
            case Loop():
                size = wanted.get(next(numbers))
                body = tuple(shorter(each) for each in node.body)
                return replace(node, body=body, extent=node.extent if size is None else extent(size))
            case Guard():
                body, otherwise = (tuple(shorter(each) for each in part) for part in (node.body, node.otherwise))
                return replace(node, body=body, otherwise=otherwise)
            case _:
                return node

    return replace(kernel, body=tuple(shorter(node) for node in kernel.body))


def _spread_out(statement: Statement, part: Nest, cut: Cut) -> Nest:
    """The nest of a core's part, with the loops across the grids around it."""
    known = {digit.name for digit in part.digits} | {each.name for each in statement.iterators}
    digits = list(part.digits)
    loops: list[tuple[str, str]] = []
    for iterator, count, grid in reversed(cut.parts):
        name = f"{iterator}_{grid}"
        while name in known:
            name += "_"
        known.add(name)
        digits.insert(0, Digit(name, iterator, count))
        loops.insert(0, (name, grid))
    names = tuple(name for name, _ in loops)
    buffers = tuple(_moved(buffer, names) for buffer in part.buffers)
    order = (*names, *part.order)
    return replace(
        part, statement=statement, digits=tuple(digits), order=order, buffers=buffers, distributed=tuple(loops)
    )


def _moved(buffer: Buffer, loops: tuple[str, ...]) -> Buffer:
    """A core's own buffer lies inside the loops across grids; one that is prepared holds what all of them read."""
    if buffer.prepared:
        return replace(buffer, order=(*loops, *buffer.order))
    return replace(buffer, loop=loops[-1]) if buffer.loop is None else buffer
