"""A mapping of another tool, played on our simulator: its loops become fixed decisions, the rest is searched.

The array's factors are the call, what lies inside the outermost memory is the tile, and the order of both groups of
loops is that of the file. Slots, sizes of copies and roles are left to the search, as the tools leave them to their
models. What does not belong here: reading the file (``loop_levels.py``).
"""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.bench.loop_levels import LoopLevel, LoopLevels
from isamapper.bench.peers import Workload, measured_row
from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.mapper.matching.find import find_mappings
from isamapper.pipeline import resolve
from isamapper.plan.fixed import Fixed, Pin
from isamapper.scheduler.statements.frames import Frame, frames_of
from isamapper.scheduler.statements.subject import subject_of

DIMENSIONS: tuple[dict[str, str], ...] = (
    {"N": "n", "M": "k", "C": "c", "P": "h", "Q": "wj", "R": "r", "S": "s"},
    {"B": "n", "K": "k", "C": "c", "OY": "h", "OX": "wj", "FY": "r", "FX": "s"},
    {"B": "m", "C": "k", "K": "n"},
)
"""What Timeloop's and ZigZag's convolutions, and ZigZag's products, call the iterators of ours: either letter."""


def replay(
    loops: LoopLevels,
    workload: Workload,
    machine: Machine,
    *,
    dimensions: abc.Mapping[str, str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The row of ``bench peers`` for a workload under the loops of a file, with what they fix.

    ``dimensions`` names the kernel's iterator for a dimension of the file.
    """
    kernel, _ = resolve(workload.kernel, machine, dict(workload.sizes))
    every = [fixed_by(each, kernel, machine, dimensions or {}) for each in (loops, *loops.others)]
    for place, fixed in enumerate(every):
        try:
            row = measured_row(workload, machine, fixed=fixed, **options)
        except SourceError as error:
            unmet = all(each.code == "FIX003" for each in error.diagnostics)
            if not unmet or place == len(every) - 1:
                raise
            continue
        break
    return {"bench": "peers", "machine": machine.name, "fixed": [str(pin) for pin in fixed.pins], "row": row}


def fixed_by(loops: LoopLevels, kernel: Kernel, machine: Machine, dimensions: abc.Mapping[str, str]) -> Fixed:
    """The decisions that loops of another tool fix; SourceError PEER002 where they are of another problem."""
    statement = statements(kernel)[0]
    extents = {iterator.name: iterator.extent for iterator in statement.iterators}
    named = _named(loops, extents, dimensions)
    temporal = [level for level in named if not level.spatial]
    outside, inside = temporal[0].loops, tuple(loop for level in temporal[1:] for loop in level.loops)
    _covered(loops, named, extents)
    frame = _frame(kernel, machine)
    trips = _products(outside)
    pins = []
    for name, size in extents.items():
        block = frame.block(name)
        tile = -(-size // trips.get(name, 1))
        if -(-size // block) > 1:
            pins.append(Pin("tiles", name, -(-tile // block), loops.span))
    for kind, group in (("outside", outside), ("inside", inside)):
        order = tuple(dict.fromkeys(name for name, count in group if count > 1))
        if order:
            pins.append(Pin(kind, "", order, loops.span))
    return Fixed(0, tuple(pins), loops.span)


def _frame(kernel: Kernel, machine: Machine) -> Frame:
    """How the machine's fastest instruction lies over the first statement."""
    subject = subject_of(machine, kernel, statements(kernel)[0])
    mappings = tuple(find_mappings(kernel, machine, statement=0))
    found = frames_of(machine, subject.statement, mappings, subject.fresh, subject.shared)
    if not found:
        raise SourceError(Diagnostic("PEER002", f"'{machine.name}' has no instruction for '{kernel.name}'"))
    return found[0]


def _named(
    loops: LoopLevels, extents: abc.Mapping[str, int], dimensions: abc.Mapping[str, str]
) -> tuple[LoopLevel, ...]:
    """The levels with the kernel's names for the dimensions."""
    used = sorted({name for level in loops.levels for name, count in level.loops if count > 1})
    choices: list[dict[str, str]] = [{name: name.lower() for name in used}]
    for known in DIMENSIONS:
        choices.append({name: next((c for c in letters if c in extents), "") for name, letters in known.items()})
    open_ = [name for name in used if name not in dimensions]
    best = max(choices, key=lambda each: sum(each.get(name) in extents for name in open_))
    table = {**best, **dimensions}
    for name in used:
        if table.get(name) not in extents:
            hint = f"say which it is: --dims {name}=ITERATOR, one of {', '.join(extents)}"
            raise SourceError(Diagnostic("PEER002", f"the kernel has no dimension '{name}'", loops.span, hint))
    return tuple(
        LoopLevel(level.name, tuple((table[name], count) for name, count in level.loops if count > 1), level.spatial)
        for level in loops.levels
    )


def _covered(loops: LoopLevels, levels: abc.Sequence[LoopLevel], extents: abc.Mapping[str, int]) -> None:
    """Refuses factors that leave some of the problem undone, or do it more than twice."""
    products = _products([loop for level in levels for loop in level.loops])
    for name, size in extents.items():
        product = products.get(name, 1)
        if (loops.complete and product < size) or product >= 2 * size > 2:
            message = f"the factors of '{name}' multiply to {product}, the workload has {size}"
            raise SourceError(Diagnostic("PEER002", message, loops.span, "--workload names another one"))


def _products(loops: abc.Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in loops:
        found[name] = found.get(name, 1) * count
    return found
