"""How to run a perfect nest fast: which loop becomes the lanes of a vector, which is jammed, which are blocked.

    for i < M, j < N, k < K { c[i, j] += a[i, k] * b[k, j] }

becomes, with ``j`` as vector, ``i`` jammed and ``k`` inner:

    for blocks of k { for i by 8 { for j by 16 { eight vectors of c stay in registers over the block of k } } }

Every element of the target still gets its terms in the order of the reduction loops, so floats round as declared.
What does not belong here: code.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from math import prod

from isamapper.ir.affine import Affine
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Assign, Loop, Node
from isamapper.sim.functional.places import Place

MAX_LANES = 64
_VECTOR_BYTES = 128  # two registers of the widest kind: enough independent work, still legal to split on any machine
_REGISTER_BYTES = 1024
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Nest:
    """Loops with constant extents, outermost first, around one assign."""

    loops: tuple[tuple[str, int], ...]
    assign: Assign


@dataclass(frozen=True, slots=True)
class Order:
    """The order in which a nest is run (see the head of this file). ``lanes`` and ``rows`` are 1 where unused.

    ``block`` is how many iterations of ``inner[0]`` are done before the target goes back to memory (0: all).
    """

    outer: tuple[str, ...]
    jam: str | None
    rows: int
    vector: str | None
    lanes: int
    inner: tuple[str, ...]
    block: int = 0


def perfect_nest(node: Node) -> Nest | None:
    """``node`` as a nest, if it is one."""
    loops: list[tuple[str, int]] = []
    while isinstance(node, Loop):
        if not node.extent.is_constant or len(node.body) != 1:
            return None
        loops.append((node.iterator, min(bound.constant for bound in node.extent.bounds)))
        node = node.body[0]
    names = [name for name, _ in loops]
    if not isinstance(node, Assign) or not loops or len(set(names)) < len(names) or any(n < 1 for _, n in loops):
        return None
    return Nest(tuple(loops), node)


def may_reorder(nest: Nest, target: Place) -> bool:
    """Whether each element's terms can be gathered before the next element's.

    So where no two points of the loops in the target's index write one element, and the value reads nothing that the
    nest writes but, in a plain assignment, the element itself.
    """
    own = [access for access in loads(nest.assign.value) if access.tensor == nest.assign.target.tensor]
    if any(nest.assign.reduction is not None or access.map != nest.assign.target.map for access in own):
        return False
    return not target.unproved and _injective(target.address, dict(nest.loops))


def _injective(address: Affine, extents: abc.Mapping[str, int]) -> bool:
    """Mixed radix: each stride steps over all that the smaller ones reach. Iterators not in it are reductions."""
    if any(rotation.value.names & extents.keys() for rotation, _ in address.rotations):
        return False
    reach = 0
    steps = [(abs(step), extents[name]) for name, step in address.terms if name in extents and extents[name] > 1]
    for step, extent in sorted(steps):
        if step <= reach:
            return False
        reach += step * (extent - 1)
    return True


def order(nest: Nest, target: Place, reads: abc.Sequence[Place], element_bytes: int) -> Order:
    """The cheapest order by a count of loads per useful lane."""
    extents = dict(nest.loops)
    inner = tuple(name for name, _ in nest.loops if target.address.coefficient(name) == 0)
    parallel = tuple(name for name, _ in nest.loops if name not in inner)
    most = min(MAX_LANES, max(1, _VECTOR_BYTES // element_bytes))
    best, choice = float("inf"), (None, None)  # type: tuple[float, tuple[str | None, str | None]]
    for vector in (*parallel, None):
        for jam in (*(name for name in parallel if name != vector and inner), None):
            cost = _cost(extents, target, reads, inner, vector, jam, most)
            if cost < best:
                best, choice = cost, (vector, jam)
    vector, jam = choice
    lanes = _lanes(extents[vector], most) if vector else 1
    rows = _rows(extents[jam], lanes, element_bytes) if jam else 1
    jam = jam if rows > 1 else None
    outer = tuple(name for name in parallel if name not in (vector, jam))
    return Order(outer, jam, rows, vector, lanes, inner, _block(extents, inner, nest.assign))


def _lanes(extent: int, most: int) -> int:
    """The greatest power of two that is of use."""
    return 1 << (min(extent, most).bit_length() - 1)


def _rows(extent: int, lanes: int, element_bytes: int) -> int:
    return max(1, min(8, extent, _REGISTER_BYTES // max(1, lanes * element_bytes)))


def _block(extents: abc.Mapping[str, int], inner: tuple[str, ...], assign: Assign) -> int:
    if assign.reduction is None or not inner:
        return 0
    rest = prod(extents[name] for name in inner[1:])
    block = max(1, _BLOCK // rest)
    return block if block < extents[inner[0]] else 0


def _cost(
    extents: abc.Mapping[str, int],
    target: Place,
    reads: abc.Sequence[Place],
    inner: tuple[str, ...],
    vector: str | None,
    jam: str | None,
    most: int,
) -> float:
    """Time of one pass over the nest's body per useful scalar, in vector operations."""
    lanes = _lanes(extents[vector], most) if vector else 1
    rows = min(8, extents[jam]) if jam else 1
    work = float(rows)
    for place in reads:
        times = rows if jam and _depends(place, jam) else 1
        work += times * _load_cost(place, vector, lanes)
    stores = rows * (1.0 if vector is None or target.address.coefficient(vector) == 1 else lanes)
    work += 2 * stores / max(1, prod(extents[name] for name in inner))
    useful = lanes * extents[vector] / (lanes * len(pieces_of(extents[vector], lanes))) if vector else 1.0
    return work / (rows * useful)


def _load_cost(place: Place, vector: str | None, lanes: int) -> float:
    guarded = 2.0 if place.outside else 0.0
    if vector is None or not _depends(place, vector):
        return 1.0 + guarded
    return 1.0 + guarded if place.address.coefficient(vector) == 1 else lanes * (1.0 + guarded)


def _depends(place: Place, name: str) -> bool:
    functions = [place.address, *(bound.function for bounds, _ in place.outside for bound in bounds)]
    return any(name in function.names for function in functions)


def pieces_of(extent: int, lanes: int) -> tuple[int, ...]:
    """``extent`` as full vectors, then powers of two: 44 with 16 lanes is 16 + 16 + 8 + 4."""
    pieces = [lanes] * (extent // lanes)
    rest = extent % lanes
    power = 1 << max(0, rest.bit_length() - 1)
    while rest:
        if power <= rest:
            pieces.append(power)
            rest -= power
        power //= 2
    return tuple(pieces)
