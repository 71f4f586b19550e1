"""Where an instruction that takes a number as an operand must read it from a memory of its own: feeding.

    y[b, j] = 1 - z[b, j]     on  y[i] = a[i] - b[i]  of operands that lie in registers

An operand at home reads a number that lies there; any other is filled by copies, so the number becomes a const tensor
(``rewrites/feed.py``), which takes the paths that tensors take. It does where that keeps the machine busy for fewer
cycles than an instruction that needs no such operand, or where there is none.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from functools import partial
from math import inf

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covers.alternatives import Alternative
from isamapper.mapper.covers.work import least_cycles
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.match import space_of
from isamapper.mapper.matching.needle import Needle, needle_of
from isamapper.mapper.matching.sigma import Match, Subject, matches
from isamapper.mapper.rewrites.edit import nest_of
from isamapper.mapper.rewrites.feed import Feed
from isamapper.mapper.rewrites.rebuild import literals_of
from isamapper.plan.homes import home_memory
from isamapper.plan.joint_mapping import moved
from isamapper.plan.mapping import Pairing
from isamapper.plan.needle import operand_spec, operand_tensor, writes
from isamapper.plan.offline import offline


def fed(found: Alternative, machine: Machine) -> Alternative:
    """``found`` with every number fed that an operand of the best instruction needs; groups stay as they are."""
    done = offline(found.kernel) | {member for group in found.groups for member in group.join.members}
    kernel, texts = found.kernel, list[str]()
    for place, subject in enumerate(subjects(found.kernel)):
        if place in done or not literals_of(subject.view.term):
            continue
        more = _fed(kernel, place + len(texts), machine)
        while more is not None:
            kernel, text = more
            texts.append(text)
            more = _fed(kernel, place + len(texts), machine)
    if not texts:
        return found
    groups = tuple(replace(moved(group, ((-1, len(texts)),)), kernel=kernel) for group in found.groups)
    return replace(found, kernel=kernel, rewrites=(*found.rewrites, *texts), groups=groups)


def _fed(kernel: Kernel, index: int, machine: Machine) -> tuple[Kernel, str] | None:
    """The kernel with one number of a statement fed, and the step; None where that gains nothing."""
    subject, home = subjects(kernel)[index], home_memory(machine)
    plain = best = inf
    chosen: tuple[Needle, Instruction] | None = None
    for instruction in machine.instructions:
        needle = needle_of(instruction)
        if needle is None:
            continue
        at_home, elsewhere = partial(_reads, instruction, home, True), partial(_reads, instruction, home, False)
        plain = min(plain, least_cycles(subject, machine, instruction, at_home) or inf)
        cycles = least_cycles(subject, machine, instruction, elsewhere) or inf
        if cycles < best:
            best, chosen = cycles, (needle, instruction)
    if chosen is None or best >= plain:
        return None
    for step in _steps(subject, *chosen, home):
        result = step.apply(kernel)
        if not isinstance(result, Rejection):
            return result, step.text(kernel)
    return None


def _reads(instruction: Instruction, home: str, at_home: bool, sigma: tuple[Pairing, ...]) -> bool:
    """Whether every number that operands take can lie at home, or, if not ``at_home``, some must be brought."""
    written = writes(instruction)
    if any(p.initial is not None or (p.neutral is not None and p.operand in written) for p in sigma):
        return False
    numbers = [operand_spec(instruction, p.operand) for p in sigma if p.access is None]
    return all(home in operand.memories for operand in numbers) is at_home


def _steps(subject: Subject, needle: Needle, instruction: Instruction, home: str) -> abc.Iterator[Feed]:
    """Feeds of the first number that must be brought, for every way to pair the operands."""
    for match in matches(subject, needle):
        if not _reads(instruction, home, False, match.sigma):
            continue
        for access, value in match.constants:
            operand = needle.statement.accesses[access]
            if home in operand_spec(instruction, operand.tensor).memories:
                continue
            dtype = operand_tensor(instruction.semantics, operand.tensor).dtype
            axes = _axes(subject, needle, match, {name for index in operand.map.results for name in index.names})
            for number in dict.fromkeys(literals_of(subject.view.term)):
                if number.value in (value, -value):
                    yield Feed(subject.statement.index, axes, number, dtype, negated=number.value != value)


def _axes(subject: Subject, needle: Needle, match: Match, lanes: abc.Set[str]) -> tuple[str, ...]:
    """Of the statement's own iterators those that fill the lanes, from the innermost outwards."""
    own = nest_of(subject.kernel, subject.statement.index).extents
    table = space_of(subject, needle, match).table
    taken: set[str] = set()
    for lane in reversed([each for each in needle.iterators if each.name in lanes]):
        filled = 1
        for name in reversed([name for name in own if name in table.get(lane.name, {}) and name not in taken]):
            if filled < lane.extent:
                taken.add(name)
                filled *= own[name]
    return tuple(name for name in own if name in taken)
