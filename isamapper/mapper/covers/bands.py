"""Where a machine gains by banding a window (``rewrites/banding.py``): blocks that fill what instructions sum over.

Only const bands are considered: they are laid out offline, any other would be gathered element by element.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel, Role
from isamapper.ir.walk import sites
from isamapper.mapper.covers.alternatives import Alternative
from isamapper.mapper.covers.repertoire import needles_of
from isamapper.mapper.covers.work import least_cycles
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.sigma import Subject
from isamapper.mapper.rewrites.banding import Band, Window, windows
from isamapper.mapper.rewrites.contraction import product_of


def with_bands(found: Alternative, machine: Machine) -> Alternative | None:
    """``found`` with every window banded that pays, each in its best block; None where none does."""
    result = found
    for index in range(len(subjects(found.kernel))):
        result = _best(result, index, machine)
    return None if result is found else result


def _best(found: Alternative, index: int, machine: Machine) -> Alternative:
    steps = tuple(_steps(found.kernel, index, machine))
    before = _cheapest(subjects(found.kernel)[index], machine) if steps else None
    best, least = found, before
    for step in steps:
        kernel = step.apply(found.kernel)
        if isinstance(kernel, Rejection):
            continue
        cycles = _cheapest(subjects(kernel)[index], machine)
        if cycles is not None and least is not None and cycles < least:
            texts = (*found.rewrites, step.text(found.kernel))
            saved = (before or 0.0) - cycles
            best, least = replace(found, kernel=kernel, rewrites=texts, busy_cycles=found.busy_cycles - saved), cycles
    return best


def _steps(kernel: Kernel, index: int, machine: Machine) -> abc.Iterator[Band]:
    """Steps for the statement; those whose windows lie in one line in memory come first."""
    product = product_of(kernel, index)
    if isinstance(product, Rejection):
        return
    scope = sites(kernel)[index].place.scope
    const = {each.tensor.name for each in scope if each.tensor.role is Role.CONST}
    for window in sorted(windows(kernel, product), key=lambda window: window.inwards):
        if window.band.tensor in const:
            slid, summed = window.names
            for block in _blocks(window, product.nest.extents, machine):
                yield Band(index, slid, summed, block)


def _blocks(window: Window, extents: abc.Mapping[str, int], machine: Machine) -> tuple[int, ...]:
    """Per extent that an instruction sums over the largest block whose run fits, where a block divides."""
    slid, summed = (extents[name] for name in window.names)
    found = set()
    for length in _summed_extents(machine):
        most = (length - summed) // window.stride + 1
        block = next((size for size in range(min(most, slid), 1, -1) if slid % size == 0), None)
        if block is not None:
            found.add(block)
    return tuple(sorted(found, reverse=True))


def _summed_extents(machine: Machine) -> frozenset[int]:
    """Extents of the iterators that the machine's instructions sum over."""
    found: set[int] = set()
    for needle in needles_of(machine.instructions):
        target = {name for result in needle.statement.assign.target.map.results for name in result.names}
        found.update(each.extent for each in needle.iterators if each.name not in target)
    return frozenset(found)


def _cheapest(subject: Subject, machine: Machine) -> float | None:
    found = (least_cycles(subject, machine, instruction) for instruction in machine.instructions)
    return min((cycles for cycles in found if cycles is not None), default=None)
