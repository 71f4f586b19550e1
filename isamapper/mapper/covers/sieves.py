"""Where a machine gains by sieves (``rewrites/sieve.py``): strided rows that a matrix instruction picks, not a host.

Operands of sums that are read with strides along their rows are first copied without what lies between
(``rewrites/thin.py``), dealt to statements by remainder where another iterator walks the elements between. What does
not belong here: windows that overlap along a reduction, which have phases (``rewrites/polyphase.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from itertools import product

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Kernel, Reduction, Role
from isamapper.ir.types import DType
from isamapper.mapper.algebra.terms import Node
from isamapper.mapper.covers.alternatives import Alternative
from isamapper.mapper.covers.work import is_host, least_cycles
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.needle import Needle, needle_of
from isamapper.mapper.matching.sigma import Subject, target_tensor
from isamapper.mapper.rewrites import thin
from isamapper.mapper.rewrites.cut import can_be_cut
from isamapper.mapper.rewrites.deal import Deal
from isamapper.mapper.rewrites.edit import lone
from isamapper.mapper.rewrites.sieve import Sieve, StridedCopy, strided_copy
from isamapper.mapper.rewrites.spread import Spread, SpreadCopy, spread_copy
from isamapper.mapper.rewrites.thin import Thin
from isamapper.plan.offline import offline

GAIN = 0.5
"""The share of a copy's cycles that a sieve may take: it costs traffic that the figures do not show."""
HOME = 2
"""Times the calls that a block may spend where it divides the extent: then sums are narrowed on their way home."""
SHIFTS = (None, 0, 1)
"""Ways to narrow sums: a cast, and drains that round off so many bits."""


def with_sieves(found: Alternative, machine: Machine) -> Alternative | None:
    """``found`` with every strided copy, and every operand strided along its rows, sieved; None where none pays."""
    if found.groups:
        return None
    thinned = _thinned(found)
    result = thinned
    for index in range(len(statements(thinned.kernel)) - 1, -1, -1):  # what comes before keeps its numbers
        if index < len(statements(result.kernel)):
            result = _sieved(result, index, machine) or result
    if result is thinned:
        return None
    done = offline(result.kernel)
    cycles = [_cheapest(each, machine) for each in subjects(result.kernel) if each.statement.index not in done]
    known = [each for each in cycles if each is not None]
    return replace(result, busy_cycles=sum(known)) if len(known) == len(cycles) else None


def with_gathers(found: Alternative, machine: Machine) -> Alternative:
    """``found`` with the time that the host takes for its strided copies in its figure."""
    more = 0.0
    for index, subject in enumerate(subjects(found.kernel)):
        if next(_choices(found.kernel, index, machine), None) is not None:
            more += max(0.0, (_by_host(subject, machine) or 0.0) - (_cheapest(subject, machine) or 0.0))
    return replace(found, busy_cycles=found.busy_cycles + more)


def _thinned(found: Alternative) -> Alternative:
    """Every sum with copies of the operands that it reads with strides along their rows."""
    index = 0
    while index < len(statements(found.kernel)):
        dealt = _deal(found.kernel, index)
        found = found if dealt is None else _after(found, dealt) or found
        step = next(_rows(found.kernel, index), None)
        following = None if step is None else _after(found, step)
        if following is None:
            index += 1
        else:
            found = following
            index += 1  # the copy; the sum itself comes next, with one such operand less
    return found


def _after(found: Alternative, step: Thin | Deal | Sieve | Spread) -> Alternative | None:
    kernel = step.apply(found.kernel)
    if isinstance(kernel, Rejection):
        return None
    return replace(found, kernel=kernel, rewrites=(*found.rewrites, step.text(found.kernel)))


def _rows(kernel: Kernel, index: int) -> abc.Iterator[Thin]:
    """Thinnings of operands that come at run time and are strided along their rows."""
    statement = statements(kernel)[index]
    box = {each.name: each.extent for each in statement.iterators}
    for step in thin.steps(kernel, index):
        access = loads(statement.assign.value)[step.load - 1]
        if not _is_const(kernel, access) and min((abs(each) for _, each in _along_rows(access, box)), default=1) > 1:
            yield step


def _deal(kernel: Kernel, index: int) -> Deal | None:
    """Deals the iterator that walks the elements within a stride along an operand's rows, if the target has it.

    One that walks farther than those with the stride has rows of its own: ``x[p + 28*r]``, p < 784, r < 3.
    """
    statement = statements(kernel)[index]
    if statement.assign.reduction is not Reduction.ADD:
        return None
    box = {each.name: each.extent for each in statement.iterators}
    held = {lone(index) for index in statement.assign.target.map.results}
    for access in loads(statement.assign.value):
        terms = _along_rows(access, box)
        walking = [name for name, step in terms if step == 1]
        strides = {abs(step) for name, step in terms if step != 1}
        longest = max((box[name] for name, step in terms if step != 1), default=0)
        if walking and box[walking[0]] > longest:
            continue
        if _is_const(kernel, access) or len(walking) != 1 or len(strides) != 1 or walking[0] not in held:
            continue
        if can_be_cut(kernel, index, walking[0]) and min(strides) <= box[walking[0]]:
            return Deal(index, walking[0], min(strides))
    return None


def _along_rows(access: Access, box: abc.Mapping[str, int]) -> list[tuple[str, int]]:
    """Iterators that move along the innermost axis that any moves along, with their steps."""
    for index in reversed(access.map.results):
        terms = [(name, step) for name, step in index.terms if box[name] > 1]
        if terms:
            return terms
    return []


def _is_const(kernel: Kernel, access: Access) -> bool:
    return any(each.name == access.tensor and each.role is Role.CONST for each in kernel.tensors)


def _sieved(found: Alternative, index: int, machine: Machine) -> Alternative | None:
    """``found`` with one copy sieved in the best way, if that pays."""
    before = _by_host(subjects(found.kernel)[index], machine)
    if before is None:
        return None
    best, least = None, GAIN * before
    for step in _choices(found.kernel, index, machine):
        following = _after(found, step)
        if following is None:
            continue
        done = offline(following.kernel)
        first = index - isinstance(step, Spread)  # the zeros go
        made = range(first, index + len(statements(following.kernel)) - len(statements(found.kernel)) + 1)
        cycles = [_cheapest(subjects(following.kernel)[each], machine) for each in made if each not in done]
        known = [each for each in cycles if each is not None]
        if len(known) == len(cycles) and sum(known) < least:
            best, least = following, sum(known)
    return best


def _choices(kernel: Kernel, index: int, machine: Machine) -> abc.Iterator[Sieve | Spread]:
    """Ways to do a strided copy by products, if the statement is one."""
    statement = statements(kernel)[index]
    if statement.assign.reduction is not None or len(statement.accesses) != 2:
        return
    copy = _copy(kernel, index)
    if copy is not None:
        extent = copy.nest.extents[copy.iterator]
        for wide, shift in _narrowings(copy.tensor.dtype, machine):
            for block in _blocks(machine, extent, copy.run, copy.grows or wide is not None, 1 if copy.grows else HOME):
                yield Sieve(index, copy.iterator, block, wide, shift)
        return
    spread = _spread(kernel, index)
    if spread is not None:
        blocks = _blocks(machine, spread.size, lambda block: block, True)
        whole = [block for block in blocks if not block % spread.stride]
        for (wide, shift), block in product(_narrowings(spread.tensor.dtype, machine), whole):
            yield Spread(index, spread.iterator, block, wide, shift)


def _spread(kernel: Kernel, index: int) -> SpreadCopy | None:
    """The statement as a copy that puts elements apart along its target's rows."""
    statement = statements(kernel)[index]
    box = {each.name: each.extent for each in statement.iterators}
    for name, step in _along_rows(statement.assign.target, box):
        if step > 1:
            copy = spread_copy(kernel, index, name)
            return None if isinstance(copy, Rejection) else copy
    return None


def _copy(kernel: Kernel, index: int) -> StridedCopy | None:
    """The statement as a copy with a stride along its source's rows."""
    statement = statements(kernel)[index]
    box = {each.name: each.extent for each in statement.iterators}
    for name, step in _along_rows(statement.accesses[1], box):
        if step > 1:
            copy = strided_copy(kernel, index, name)
            return None if isinstance(copy, Rejection) else copy
    return None


def _products(machine: Machine) -> abc.Iterator[Needle]:
    """Instructions of the accelerator that add up products."""
    for instruction in machine.instructions:
        needle = needle_of(instruction)
        if needle is None or needle.view.reduction is not Reduction.ADD or is_host(machine, instruction):
            continue
        if isinstance(needle.view.term, Node) and needle.view.term.op == "*":
            yield needle


def _narrowings(dtype: DType, machine: Machine) -> abc.Iterator[tuple[DType | None, int | None]]:
    """Data types in which the machine adds up products, and how sums get back to ``dtype``."""
    wides = {target_tensor(each.statement, each.tensors).dtype for each in _products(machine)}
    for wide in sorted(wides, key=lambda each: (each.bits, each.name)):
        if wide == dtype:
            yield None, None
        else:
            yield from ((wide, shift) for shift in SHIFTS)


def _blocks(
    machine: Machine, extent: int, run: abc.Callable[[int], int], grows: bool, ragged: int = 1
) -> abc.Iterator[int]:
    """Per instruction the block with the fewest calls, of those that it takes at once; ``run``: what a block reads.

    Blocks that do not divide the extent are for those that ``grows``, and count ``ragged`` times.
    """
    found = set[int]()
    for needle in _products(machine):
        held = {name for index in needle.statement.assign.target.map.results for name in index.names}
        lanes = {each.extent for each in needle.iterators if each.name in held and each.extent > 1}
        deep = max((each.extent for each in needle.iterators if each.name not in held), default=1)
        for lane in lanes:
            whole = [block for block in range(2, min(lane, extent) + 1) if extent % block == 0]
            choices = [*whole, lane] if grows and lane < 2 * extent else whole
            calls = {block: -(-extent // block) * -(-run(block) // deep) for block in choices}
            if calls:
                price = {block: calls[block] * (1 if extent % block == 0 else ragged) for block in choices}
                found.add(min(choices, key=lambda block: (price[block], -block)))
    yield from sorted(found, reverse=True)


def _by_host(subject: Subject, machine: Machine) -> float | None:
    """What the host takes, which gathers element by element; loads and stores of an accelerator take whole rows."""
    own = [instruction for instruction in machine.instructions if is_host(machine, instruction)]
    found = (least_cycles(subject, machine, instruction) for instruction in own)
    return min((cycles for cycles in found if cycles is not None), default=None)


def _cheapest(subject: Subject, machine: Machine) -> float | None:
    found = (least_cycles(subject, machine, instruction) for instruction in machine.instructions)
    return min((cycles for cycles in found if cycles is not None), default=None)
