"""Index bounds: exactly, over the iteration domain with its guards, no access leaves its tensor unless it says so."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic
from isamapper.ir.affine import Affine
from isamapper.ir.feasibility import box, feasible
from isamapper.ir.nodes import Constraint
from isamapper.ir.print_expression import print_affine
from isamapper.ir.rules.subject import Subject, tensor_at
from isamapper.ir.walk import Place, domain, value_range


def indices_stay_inside(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every index of every access without ``else`` lies inside its axis, wherever the statement is executed."""
    for site in subject.sites:
        for access in site.accesses:
            tensor = tensor_at(site.place, access.tensor)
            if tensor is None or access.otherwise is not None or len(tensor.shape) != len(access.map.results):
                continue
            for axis, (index, size) in enumerate(zip(access.map.results, tensor.shape, strict=True)):
                low, high = extremes(index, site.place, size)
                if low < 0 or high >= size:
                    reach = f"reaches {high}" if high >= size else f"reaches {low}"
                    message = f"index '{print_affine(index)}' of '{tensor.name}' {reach}, outside 0..{size - 1}"
                    help = f"axis {axis} has {size} elements; 'else VALUE' after the access reads outside it"
                    yield Diagnostic("IR120", message, access.span or site.assign.span, help)


def extremes(function: Affine, place: Place, size: int) -> tuple[int, int]:
    """Least and greatest value of ``function`` at ``place``; values inside 0..size-1 are bounds that may be wider.

    By intervals where they settle it, else by questions to the Omega test (whose "undecided" counts as reachable).
    An empty domain gives (0, 0).
    """
    if 0 in place.extents or not function.names <= set(place.iterators):
        return 0, 0
    low, high = value_range(function, dict(zip(place.iterators, place.extents, strict=True)))
    if not (place.conditions or place.exclusions or function.rotations):
        return low, high
    greatest = high if high < size else _greatest(function, place, size - 1, high)
    least = low if low >= 0 else -_greatest(-function, place, 0, -low)
    return least, greatest


def _greatest(function: Affine, place: Place, low: int, high: int) -> int:
    """The greatest value in low..high that is reached; ``low`` where none above it is."""
    if not _reaches(function, place, low + 1):
        return low
    while low < high:
        middle = (low + high + 1) // 2
        if _reaches(function, place, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _reaches(function: Affine, place: Place, value: int) -> bool:
    inside = box(dict(zip(place.iterators, place.extents, strict=True)))
    beyond = Constraint(function - value)
    return any(feasible([*inside, *case, beyond]) is not False for case in domain(place))
