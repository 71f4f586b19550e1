"""Rules across the parts of a machine: names that must exist, grids, ways between memories.

Each rule is a function from a :class:`Checked` to findings; the rules of one instruction are in
``instruction_checks.py``. What does not belong here: the shape of single values (``shapes.py``).
"""

from __future__ import annotations

import re
from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Span
from isamapper.hwdesc.classify import moves, reads_and_writes
from isamapper.hwdesc.instruction_checks import check_instruction
from isamapper.hwdesc.model import Grid, Machine, MemoryKind
from isamapper.hwdesc.places import Places

Names = abc.Mapping[str, abc.Mapping[str, Span]]
"""Names that a file gives, by kind, those of entries with mistakes included."""


@dataclass(frozen=True, slots=True)
class _Checked:
    machine: Machine
    places: Places
    memories: frozenset[str]
    units: frozenset[str]
    grids: frozenset[str]
    broken: bool


def check_machine(machine: Machine, places: Places | None = None, names: Names | None = None) -> tuple[Diagnostic, ...]:
    """Every error and warning about ``machine``; ``severity`` tells them apart.

    ``places`` gives the findings their spans; ``names`` are those of entries that could not be read, so that a
    reference to one of them is not a second mistake.
    """
    names = names or {}
    own = {
        "memory": frozenset(memory.name for memory in machine.memories),
        "unit": frozenset(unit.name for unit in machine.units),
        "grid": frozenset(grid.name for grid in machine.grids),
        "instruction": frozenset(instruction.name for instruction in machine.instructions),
    }
    given = {kind: known | frozenset(names.get(kind, ())) for kind, known in own.items()}
    broken = given != own
    checked = _Checked(machine, places or Places(), given["memory"], given["unit"], given["grid"], broken)
    findings = [*_references(checked), *_grids(checked)]
    findings += _instructions(checked)
    if not broken:
        findings += [*_home(checked), *_ways(checked), *_unused(checked)]
    return tuple(dict.fromkeys(findings))


def _instructions(checked: _Checked) -> abc.Iterator[Diagnostic]:
    """Findings about each instruction; what one entry says of several members of its family is said once."""
    said: set[tuple[Span, str, Span | None]] = set()
    for instruction in checked.machine.instructions:
        fresh = []
        for finding in check_instruction(instruction, checked.machine, checked.places):
            if instruction.span is None or (instruction.span, finding.code, finding.span) not in said:
                fresh.append(finding)
        yield from fresh
        if instruction.span is not None:
            said |= {(instruction.span, finding.code, finding.span) for finding in fresh}


def _unknown(kind: str, name: str, known: frozenset[str], span: Span | None) -> Diagnostic:
    return Diagnostic("HW005", f"unknown {kind} '{name}'", span, did_you_mean(name, known))


def _after_at(declaration: Span | None, memory: str) -> Span | None:
    """The place of ``memory`` behind the '@' of a declaration; the declaration itself where it is not there."""
    if declaration is None:
        return None
    text = declaration.source.text
    found = re.compile(rf"@[^,)]*?\b({re.escape(memory)})\b").search(text, declaration.start, declaration.end)
    return Span(declaration.source, *found.span(1)) if found else declaration


def _warning(code: str, message: str, span: Span | None, help: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, span, help, severity="warning")


def _references(checked: _Checked) -> abc.Iterator[Diagnostic]:
    """Units and memories that instructions name."""
    for instruction in checked.machine.instructions:
        if instruction.unit not in checked.units:
            span = checked.places.find("instruction", instruction.name, "unit")
            yield _unknown("unit", instruction.unit, checked.units, span)
        for operand in instruction.operands:
            listed = checked.places.exact("instruction", instruction.name, "operands", operand.name, "memories")
            for memory in operand.memories:
                if memory not in checked.memories:
                    yield _unknown("memory", memory, checked.memories, listed or _after_at(operand.span, memory))
            if not operand.memories:
                message = f"operand '{operand.name}' of '{instruction.name}' is in no memory"
                yield Diagnostic("HW006", message, operand.span, "write '@' and a memory after its shape")


def _network(checked: _Checked, grid: Grid) -> abc.Iterator[Diagnostic]:
    """What a grid's network connects are memories that its copies share."""
    for field, names in (("multicast", grid.multicast), ("reduces", grid.reduces)):
        span = checked.places.find("grid", grid.name, field)
        for name in names:
            if name not in checked.memories:
                yield _unknown("memory", name, checked.memories, span)
            elif name in grid.holds:
                yield Diagnostic(
                    "HW007", f"every copy of '{grid.name}' has a '{name}' of its own; nothing is shared", span
                )


def _grids(checked: _Checked) -> abc.Iterator[Diagnostic]:
    """What grids hold exists, once, and no grid holds itself."""
    holders: dict[str, str] = {}
    for grid in checked.machine.grids:
        span = checked.places.find("grid", grid.name, "holds")
        for name in grid.holds:
            if name not in checked.memories | checked.units | checked.grids:
                yield _unknown("memory, unit or grid", name, checked.memories | checked.units | checked.grids, span)
            elif name in checked.memories and name in checked.units:
                yield Diagnostic("HW007", f"'{name}' is a memory and a unit; give one of them another name", span)
            elif name in holders:
                yield Diagnostic("HW007", f"'{name}' is held by '{holders[name]}' and by '{grid.name}'", span)
            holders.setdefault(name, grid.name)
        yield from _network(checked, grid)
    for grid in checked.machine.grids:
        seen = [grid.name]
        while (outer := holders.get(seen[-1])) is not None and outer not in seen:
            seen.append(outer)
        if holders.get(seen[-1]) == grid.name:
            span = checked.places.find("grid", grid.name, "holds")
            yield Diagnostic("HW007", f"grid '{grid.name}' holds itself", span)


def _home(checked: _Checked) -> abc.Iterator[Diagnostic]:
    """A kernel's tensors must be somewhere before and after, and something must be able to happen."""
    span = checked.places.find("machine", "memories") or checked.places.find("machine", "name")
    if not any(memory.kind is MemoryKind.HOST for memory in checked.machine.memories):
        help = "tensors of kernels live there before and after"
        yield Diagnostic("HW008", "the machine has no memory of kind 'host'", span, help)
    if not checked.machine.instructions:
        span = checked.places.find("machine", "instructions") or checked.places.find("machine", "name")
        yield Diagnostic("HW008", "the machine has no instructions", span)


def _ways(checked: _Checked) -> abc.Iterator[Diagnostic]:
    """Memories that data cannot reach from a host memory, or cannot leave."""
    hosts = {memory.name for memory in checked.machine.memories if memory.kind is MemoryKind.HOST}
    steps = {(move.from_memory, move.to_memory) for move in moves(checked.machine)}
    written: set[str] = set()
    read: set[str] = set()
    for instruction in checked.machine.instructions:
        reads, writes = reads_and_writes(instruction)
        sources = {memory for operand in instruction.operands if operand.name in reads for memory in operand.memories}
        targets = {memory for operand in instruction.operands if operand.name in writes for memory in operand.memories}
        steps |= {(source, target) for source in sources for target in targets}
        written |= targets
        read |= sources
    filled = _closure(hosts, steps)
    drained = _closure(hosts, {(target, source) for source, target in steps})
    for memory in checked.machine.memories:
        span = checked.places.find("memory", memory.name)
        if memory.name in read - filled:
            message = f"nothing brings data from a host memory to '{memory.name}'"
            yield _warning("HW050", message, span, "add an instruction that copies or computes into it")
        if memory.name in written - drained:
            message = f"nothing brings data from '{memory.name}' back to a host memory"
            yield _warning("HW050", message, span, "add an instruction that copies or computes out of it")


def _closure(start: set[str], steps: set[tuple[str, str]]) -> set[str]:
    """Everything that ``steps`` lead to from ``start``."""
    reached = set(start)
    while fresh := {target for source, target in steps if source in reached} - reached:
        reached |= fresh
    return reached


def _unused(checked: _Checked) -> abc.Iterator[Diagnostic]:
    """Parts that no instruction uses, and numbers without a source."""
    machine = checked.machine
    memories = {name for each in machine.instructions for operand in each.operands for name in operand.memories}
    units = {instruction.unit for instruction in machine.instructions}
    for memory in machine.memories:
        if memory.name not in memories:
            yield _warning("HW051", f"no instruction uses memory '{memory.name}'", memory.span)
    for unit in machine.units:
        if unit.name not in units:
            yield _warning("HW051", f"no instruction uses unit '{unit.name}'", unit.span)
    if machine.source is None:
        span = checked.places.find("machine", "name")
        yield _warning("HW052", "the machine has no 'source'", span, "say where its numbers come from")
