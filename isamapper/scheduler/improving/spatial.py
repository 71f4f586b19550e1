"""Which loops of a statement run across the copies of a grid: the part of one core is searched, then done by all.

Every way to cut the statement's independent iterators over a grid is ranked by the blocks that are left to a core and
the bytes that all cores together then read; the best few are searched as smaller statements on a core that has its
share of ports, units and memories, and judged as wholes. The best is cut further over the grids inside.

What does not belong here: the search of a nest (``heuristic.py``), what may be distributed (``plan/check_cores.py``).
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Grid, Machine
from isamapper.ir.affine import extent
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Guard, IteratorKind, Kernel, Loop, Node
from isamapper.plan.addresses import start_bytes
from isamapper.plan.check_cores import check_cores
from isamapper.plan.cores import grid_named, held, is_divided, share, sharers, sharing_loops
from isamapper.plan.homes import home_memory
from isamapper.plan.joint import is_joint
from isamapper.plan.nest import Buffer, Digit, Nest, digits_of, shares
from isamapper.plan.skeleton import shared_iterators

TRIED = 2
"""Ways to cut a statement over a grid that are searched."""
EVEN = 2.0
"""How many times the blocks of the most promising cut one may leave to a core after which all cores do the same."""
ITERATORS = 2
"""How many iterators are cut at most."""
LOOKED_AT = 6
"""Ways that are looked at, where the first ones have no nests."""
CLOSE = 1.25
"""How many times the blocks of the most promising cut another one may leave to a core."""
FEW = 64
"""Blocks of a core below which latencies count as much: other cuts, and fewer cores, are tried as well."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How often each iterator is cut, and across which grid."""

    parts: tuple[tuple[str, int, str], ...]

    def count(self, iterator: str) -> int:
        """Cores along an iterator."""
        return math.prod(count for name, count, _ in self.parts if name == iterator)

    def __str__(self) -> str:
        return ", ".join(f"{name} in {count} across {grid}" for name, count, grid in self.parts) or "one core"

    @property
    def across(self) -> tuple[tuple[str, int], ...]:
        return tuple((grid, count) for _, count, grid in self.parts)


def distributed(
    machine: Machine,
    kernel: Kernel,
    nest: Nest,
    search: abc.Callable[[Machine, Kernel], Nest | Rejection],
    cycles_of: abc.Callable[[Nest], float | None],
    late: abc.Callable[[], bool] = lambda: False,
) -> Nest:
    """``nest`` or, where that takes fewer cycles, the best of its statement across the machine's grids.

    ``search`` finds a nest for the same statement of a kernel in which it is smaller, on a core of the machine; none is
    begun once it is ``late``.
    """
    best, least = nest, cycles_of(nest)
    for stage in reversed(_stages(machine, nest, free_iterators(kernel, nest))):
        done: list[Cut] = []
        for cut in (each for each in stage if not late() and _worthwhile(machine, nest, done, each)):
            whole = done_across(machine, kernel, nest.statement, cut, search)
            for each in () if whole is None else dict.fromkeys((whole, _with_one_copy(machine, whole))):
                cycles = cycles_of(each)
                done += [cut] if cycles is not None and cut not in done else []
                if cycles is not None and (least is None or cycles < least):
                    best, least = each, cycles
        if best is not nest and done and promise(machine, nest, done[0])[0] >= FEW:
            break
    return best


def _stages(machine: Machine, nest: Nest, free: abc.Mapping[str, int]) -> list[list[Cut]]:
    """The most promising cuts over the outermost grid, over the two outermost, and so on."""
    found: list[list[Cut]] = []
    last = [Cut(())]
    for grid in suited_grids(machine, nest) if free else ():
        wider = [each for cut in last for each in wider_cuts(machine, nest, free, cut, grid, LOOKED_AT)]
        if wider:
            ranked = sorted(wider, key=lambda each: (promise(machine, nest, each), each.parts))[:LOOKED_AT]
            last = ranked[:TRIED]
            found.append(ranked)
    return found


def _worthwhile(machine: Machine, nest: Nest, done: abc.Sequence[Cut], cut: Cut) -> bool:
    """Whether a cut may do better than those that have been searched: all read less, at few more blocks to a core."""
    if not done:
        return True
    (blocks, touched, _), (least, fewest, _) = promise(machine, nest, cut), promise(machine, nest, done[-1])
    return len(done) < TRIED and (least < FEW or (touched < fewest and blocks <= CLOSE * least))


def parted(
    machine: Machine, kernel: Kernel, nest: Nest, search: abc.Callable[[Machine, Kernel], Nest | Rejection]
) -> Nest | None:
    """The nest's statement over all grids that suit it, as promises most, whatever that costs; also in shared loops."""
    free = _divisible(nest)
    cut, whole = Cut(()), None
    for grid in suited_grids(machine, nest) if free else ():
        for wider in _alike_first(machine, nest, free, cut, grid):
            other = done_across(machine, kernel, nest.statement, wider, search)
            if other is not None:
                cut, whole = wider, other
                break
    return whole


def _alike_first(machine: Machine, nest: Nest, free: abc.Mapping[str, int], cut: Cut, grid: Grid) -> list[Cut]:
    """The most promising cuts over ``grid``; first, if it is not far behind, one that leaves to all cores the same.

    Cores that do the same stay in step, and one is timed for all of them, in every iteration of shared loops.
    """
    usual = wider_cuts(machine, nest, free, cut, grid)
    left = {name: size // cut.count(name) for name, size in free.items() if size % cut.count(name) == 0}
    even = [
        Cut((*cut.parts, *((name, n, grid.name) for name, n in zip(names, counts, strict=True))))
        for number in range(1, ITERATORS + 1)
        for names in itertools.combinations([name for name, size in left.items() if size > 1], number)
        for counts in itertools.product(*(_divisors(left[name]) for name in names))
        if math.prod(counts) <= grid.count
    ]
    best = min(
        (each for each in even if _room(machine, nest, each)), key=lambda each: _rank(machine, nest, each), default=None
    )
    if best is None or (usual and promise(machine, nest, best)[0] > EVEN * promise(machine, nest, usual[0])[0]):
        return usual
    return [best, *(each for each in usual if each != best)]


def _rank(machine: Machine, nest: Nest, cut: Cut) -> tuple[object, ...]:
    return promise(machine, nest, cut), cut.parts


def _divisors(size: int) -> list[int]:
    return [count for count in range(2, size + 1) if size % count == 0]


def done_across(
    machine: Machine,
    kernel: Kernel,
    statement: Statement,
    cut: Cut,
    search: abc.Callable[[Machine, Kernel], Nest | Rejection],
) -> Nest | None:
    """The nest that is found for a core's part, done by all; None where there is none.

    What cores may read of one buffer in a memory that they share is there once.
    """
    part = search(core_of(machine, cut), smaller(kernel, statement, cut))
    if isinstance(part, Rejection):
        return None
    whole = spread_out(statement, part, cut)
    return whole if check_cores(whole, machine) is None else None


def _with_one_copy(machine: Machine, nest: Nest) -> Nest:
    """The nest with one buffer for all cores that share a memory and read the same there, as far as that is so."""
    buffers: list[Buffer] = []
    for buffer in nest.buffers:
        loops = sharing_loops(machine, nest.distributed, buffer.memory)
        before = [each for each in buffers if each.access == buffer.access and not each.prepared]
        plain = not (buffer.prepared or buffer.resident or buffer.kept) and buffer.access not in nest.statement.written
        if loops and plain and is_divided(machine.memory(buffer.memory)) and all(each.shared for each in before):
            one = replace(buffer, shared=loops)
            buffer = one if len(shares(nest, one)) < len(loops) else buffer
        buffers.append(buffer)
    return replace(nest, buffers=tuple(buffers))


def free_iterators(kernel: Kernel, nest: Nest) -> dict[str, int]:
    """Iterators that may be cut, with their extents."""
    return {} if shared_iterators(kernel, nest.statement) else _divisible(nest)


def _divisible(nest: Nest) -> dict[str, int]:
    """The same, whatever loops are shared around the statement."""
    statement = nest.statement
    if is_joint(statement) or statement.conditions or statement.exclusions:
        return {}
    parallel = (each for each in statement.iterators if each.kind is IteratorKind.PARALLEL)
    return {each.name: each.extent for each in parallel if each.extent > 1}


def suited_grids(machine: Machine, nest: Nest) -> list[Grid]:
    """Grids that copy the unit of the nest's arithmetic, outer ones first."""
    found = [grid for grid in machine.grids if nest.call.instruction.unit in held(machine, grid.name)]
    return sorted(found, key=lambda grid: -len(held(machine, grid.name)))


def wider_cuts(
    machine: Machine, nest: Nest, free: abc.Mapping[str, int], cut: Cut, grid: Grid, most: int = TRIED
) -> list[Cut]:
    """The most promising ways to cut on over ``grid``."""
    left = {name: -(-size // cut.count(name)) for name, size in free.items()}
    open_ = [name for name, size in left.items() if size > 1]
    found = [
        Cut((*cut.parts, *((name, n, grid.name) for name, n in zip(names, counts, strict=True))))
        for number in range(1, ITERATORS + 1)
        for names in itertools.combinations(open_, number)
        for counts in _shares([left[name] for name in names], grid.count)
    ]
    found = [each for each in found if _room(machine, nest, each)]
    return sorted(found, key=lambda each: _rank(machine, nest, each))[:most]


def _room(machine: Machine, nest: Nest, cut: Cut) -> bool:
    """Whether every memory that the nest has buffers in is a core's own, or can be divided."""
    memories = (machine.memory(buffer.memory) for buffer in nest.buffers if not buffer.prepared)
    return all(sharers(machine, each.name, cut.across) == 1 or is_divided(each) for each in memories)


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


def promise(machine: Machine, nest: Nest, cut: Cut) -> tuple[float, ...]:
    """Blocks that a core does, elements that are moved for all cores, cores used: less is better."""
    blocks, left = 1, {}
    for iterator in nest.statement.iterators:
        block = math.prod(digit.extent for digit in digits_of(nest, iterator.name) if digit.bound is not None)
        left[iterator.name] = -(-iterator.extent // cut.count(iterator.name))
        blocks *= -(-left[iterator.name] // block)
    touched = 0
    for number, access in enumerate(nest.statement.accesses):
        names = {name for result in access.map.results for name in result.names}
        apart = math.prod(
            count for name, count, grid in cut.parts if name in names or not _at_once(machine, grid, number == 0)
        )
        touched += math.prod(left[name] for name in names) * apart
    return float(blocks), float(touched), float(math.prod(count for _, count, _ in cut.parts))


def _at_once(machine: Machine, grid: str, target: bool) -> bool:
    """Whether the grid's network moves for all copies at once what is one for all, from or to the home memory."""
    home, found = home_memory(machine), grid_named(machine, grid)
    return found is not None and home in (found.reduces if target else found.multicast)


def core_of(machine: Machine, cut: Cut) -> Machine:
    """A core with its share of what all use."""
    memories = []
    for memory in machine.memories:
        count = sharers(machine, memory.name, cut.across)
        ports = tuple(replace(port, bytes_per_cycle=max(1, port.bytes_per_cycle // count)) for port in memory.ports)
        unit = start_bytes(machine, memory)
        size = memory.capacity_bytes
        part = size // count // unit * unit if is_divided(memory) and size is not None else size
        memories.append(replace(memory, ports=ports, capacity_bytes=part))
    return replace(share(machine, cut.across), memories=tuple(memories), grids=())


def smaller(kernel: Kernel, statement: Statement, cut: Cut) -> Kernel:
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


def spread_out(statement: Statement, part: Nest, cut: Cut) -> Nest:
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
