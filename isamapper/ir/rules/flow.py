"""Reads of elements that nothing wrote: mostly proved away at a glance, otherwise answered exactly by dataflow.

Without islpy only what the glance refutes or proves is judged; the interpreter reports the rest when it is met.
"""

from __future__ import annotations

from collections import abc
from functools import lru_cache

from isamapper.diagnostics.source import Diagnostic
from isamapper.ir import relations
from isamapper.ir.affine import Affine
from isamapper.ir.dataflow import kernel_flow, undefined_reads
from isamapper.ir.nodes import Access, Direction, Kernel
from isamapper.ir.print_expression import print_access
from isamapper.ir.rules.subject import Subject
from isamapper.ir.walk import Site, first_write, value_range

_OPERATIONS = 10_000_000
"""Of isl, about a second, after which the question is left to the interpreter. A GRU over time needs a thirtieth."""


def reads_follow_writes(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every element that is read was given, written before, or started at an identity."""
    undefined = _undefined_tensors(subject.kernel)
    doubtful = [
        (site, position, access)
        for site in subject.sites
        for position, access in enumerate(site.accesses)
        if access.tensor in undefined and (position > 0 or site.assign.reduction is not None)
        if not any(_covers(write, site, access) for write in subject.sites)
    ]
    for site, position, access in doubtful:
        if all(write.assign.target.tensor != access.tensor for write in subject.sites):
            message = f"'{access.tensor}' is read but never assigned"
            yield Diagnostic("IR131", message, access.span or site.assign.span)
        elif relations.available() and (point := _witnesses(subject.kernel).get((site.index, position))) is not None:
            where = ", ".join(f"{name} = {value}" for name, value in zip(site.place.iterators, point, strict=True))
            message = f"'{print_access(access)}' reads an element that nothing wrote before"
            notes = ((f"first at {where}", None),) if where else ()
            yield Diagnostic("IR131", message, access.span or site.assign.span, None, notes)


def _undefined_tensors(kernel: Kernel) -> set[str]:
    """Tensors that start undefined."""
    return {
        tensor.name
        for tensor in kernel.tensors
        if tensor.direction in (Direction.OUT, Direction.LOCAL)
        and ((first := first_write(kernel.body, tensor.name)) is None or first.reduction is None)
    }


def _covers(write: Site, read: Site, access: Access) -> bool:
    """Whether, at a glance, ``write`` assigns every element that ``access`` reads, and before it does.

    It does when it stands before the read in the text, without conditions, and each of its indices is the read's own
    function of shared iterators, or a lone iterator of its own that runs over all values of the read's index.
    """
    if write.assign.target.tensor != access.tensor or write.place.path >= read.place.path:
        return False
    if write.place.conditions or write.place.exclusions or 0 in write.place.extents:
        return False
    shared = sum(1 for one, other in zip(write.place.loops, read.place.loops, strict=False) if one == other)
    names, own = set(write.place.iterators[:shared]), list(write.place.iterators[shared:])
    indices = write.assign.target.map.results
    if any(sum(index.coefficient(name) != 0 for index in indices) > 1 for name in own):
        return False
    return all(
        _reaches(wrote, reads, write, read, names) for wrote, reads in zip(indices, access.map.results, strict=True)
    )


def _reaches(wrote: Affine, reads: Affine, write: Site, read: Site, shared: set[str]) -> bool:
    if wrote == reads and wrote.names <= shared:
        return True
    low, high = value_range(reads, dict(zip(read.place.iterators, read.place.extents, strict=True)))
    if wrote.is_constant:
        return low == high == wrote.constant
    if wrote.rotations or len(wrote.terms) != 1 or wrote.terms[0][1] != 1 or wrote.terms[0][0] in shared:
        return False
    extent = dict(zip(write.place.iterators, write.place.extents, strict=True))[wrote.terms[0][0]]
    return wrote.constant <= low and high < wrote.constant + extent


@lru_cache(maxsize=64)
def _witnesses(kernel: Kernel) -> dict[tuple[int, int], tuple[int, ...]]:
    """For each (statement, access) that reads an undefined element inside its tensor: the first time it does."""
    try:
        with relations.limited(_OPERATIONS):
            flow = kernel_flow(kernel)
            first = relations.first_points(undefined_reads(flow))
    except (relations.TooLarge, relations.Failed):
        return {}
    return {
        (made.number, position): first[f"S{made.number}R{position}"]
        for made in flow.assigns
        for position in range(len(made.tensors))
        if f"S{made.number}R{position}" in first
    }
