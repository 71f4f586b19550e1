"""Dependences between statement instances, exactly: who must stay before whom, and which loop carries that.

Rules of this file:
- memory-based: two instances that touch one element of one declaration, at least one of them writing, are ordered;
- ``level`` counts the loops both statements share: the dependence is carried by shared loop number ``level``, or by
  none of them where ``level`` equals their number (then textual order decides);
- a tensor declared inside a loop is another tensor in every iteration, so that loop carries nothing of it;
- two accumulations with one operator into one tensor may change places (``reorderable``);
- every question is one small integer system; what the Omega test leaves undecided goes to isl, and counts as a
  dependence where isl is missing.

What does not belong here: what may be done about dependences (``ir/analysis.py``, ``ir/legality.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from isamapper.ir import relations
from isamapper.ir.affine import Affine, substitute, variable
from isamapper.ir.feasibility import box, feasible
from isamapper.ir.nodes import Constraint, Kernel
from isamapper.ir.walk import Site, domain, sites


class DependenceKind(Enum):
    FLOW = "flow"  # written, then read
    ANTI = "anti"  # read, then written
    OUTPUT = "output"  # written, then written


@dataclass(frozen=True, slots=True)
class Dependence:
    """Some instance of statement ``sink`` must stay after some instance of statement ``source``.

    ``accesses`` are the positions of the two conflicting accesses in their statements. The kind of two accumulations
    is FLOW.
    """

    source: int
    sink: int
    accesses: tuple[int, int]
    tensor: str
    level: int
    kind: DependenceKind
    reorderable: bool


@lru_cache(maxsize=256)
def dependences(kernel: Kernel) -> tuple[Dependence, ...]:
    """Every dependence of ``kernel``, by source, sink, accesses and level; each level that has instances counts."""
    found = sites(kernel)
    written = {site.assign.target.tensor for site in found}
    return tuple(
        dependence
        for source in found
        for sink in found
        for pair in conflicts(source, sink, written)
        for dependence in _levels(source, sink, pair)
    )


def conflicts(source: Site, sink: Site, written: abc.Set[str]) -> abc.Iterator[tuple[int, int]]:
    """Positions of accesses of one declaration, at least one of them the target."""
    for first, one in enumerate(source.accesses):
        if one.tensor not in written:
            continue
        for second, other in enumerate(sink.accesses):
            if (first and second) or one.tensor != other.tensor:
                continue
            if source.place.declaration(one.tensor) == sink.place.declaration(other.tensor):
                yield first, second


def shared_depth(source: Site, sink: Site) -> int:
    """The number of loops that both statements stand in."""
    depth = 0
    for one, other in zip(source.place.loops, sink.place.loops, strict=False):
        if one != other:
            break
        depth += 1
    return depth


def declared_depth(source: Site, pair: tuple[int, int]) -> int:
    """The number of loops around the declaration of the tensor that the source's access names."""
    declaration = source.place.declaration(source.accesses[pair[0]].tensor)
    return declaration.depth if declaration is not None else 0


def reorderable(source: Site, sink: Site, pair: tuple[int, int]) -> bool:
    """Whether the two accesses are accumulations with one operator."""
    return pair == (0, 0) and source.assign.reduction is not None and source.assign.reduction is sink.assign.reduction


def _levels(source: Site, sink: Site, pair: tuple[int, int]) -> abc.Iterator[Dependence]:
    shared = shared_depth(source, sink)
    for level in range(declared_depth(source, pair), shared + 1):
        if level == shared and source.place.path >= sink.place.path:
            continue
        if meet(source, sink, pair, level, (level,) if level < shared else ()):
            yield Dependence(
                source.index,
                sink.index,
                pair,
                source.accesses[pair[0]].tensor,
                level,
                _kind(source, sink, pair),
                reorderable(source, sink, pair),
            )


def _kind(source: Site, sink: Site, pair: tuple[int, int]) -> DependenceKind:
    writes = pair[0] == 0
    reads = pair[1] != 0 or sink.assign.reduction is not None
    if writes and reads:
        return DependenceKind.FLOW
    return DependenceKind.OUTPUT if writes else DependenceKind.ANTI


def meet(
    source: Site,
    sink: Site,
    pair: tuple[int, int],
    equal: int,
    less: abc.Sequence[int] = (),
    greater: abc.Sequence[int] = (),
    same: abc.Sequence[int] = (),
) -> bool:
    """Whether two instances touch one element through the accesses ``pair``.

    The ``equal`` outermost loops have one value in both; the source's value of each loop position in ``less`` is less
    than the sink's, in ``greater`` greater, in ``same`` equal (positions are compared, whether shared or not).
    """
    if less and _separated(source, sink, pair, equal, less[0]):
        return False
    left, right = _names(source, equal, "p"), _names(sink, equal, "q")
    one, other = source.accesses[pair[0]], sink.accesses[pair[1]]
    fixed = [
        Constraint(substitute(f, left) - substitute(g, right), equality=True)
        for f, g in zip(one.map.results, other.map.results, strict=True)
    ]
    for positions, sign in ((less, 1), (greater, -1), (same, 0)):
        for k in positions:
            step = right[sink.place.iterators[k]] - left[source.place.iterators[k]]
            fixed.append(Constraint(step * sign - 1) if sign else Constraint(step, equality=True))
    return any(
        _possible([*fixed, *inside, *inside_other])
        for inside in _domain(source, left)
        for inside_other in _domain(sink, right)
    )


def _separated(source: Site, sink: Site, pair: tuple[int, int], equal: int, less: int) -> bool:
    """Quickly: an index that is the same function of the ``less`` loop and of equal loops tells its values apart."""
    if source is not sink and source.place.loops[: less + 1] != sink.place.loops[: less + 1]:
        return False
    names = frozenset(source.place.iterators[:equal])
    name = source.place.iterators[less]
    one, other = source.accesses[pair[0]], sink.accesses[pair[1]]
    return any(
        f == g and not f.rotations and f.coefficient(name) != 0 and f.names <= names | {name}
        for f, g in zip(one.map.results, other.map.results, strict=True)
    )


def _names(site: Site, equal: int, prefix: str) -> dict[str, Affine]:
    return {name: variable(f"o{k}" if k < equal else f"{prefix}{k}") for k, name in enumerate(site.place.iterators)}


def _domain(site: Site, names: abc.Mapping[str, Affine]) -> list[list[Constraint]]:
    """The site's iteration domain with its iterators renamed, one list per case."""
    renamed = [names[name].terms[0][0] for name in site.place.iterators]
    bounds = box(dict(zip(renamed, site.place.extents, strict=True)))
    return [
        bounds + [Constraint(substitute(c.function, names), c.equality) for c in case] for case in domain(site.place)
    ]


def _possible(constraints: list[Constraint]) -> bool:
    answer = feasible(constraints)
    if answer is None:
        return relations.satisfiable(constraints) if relations.available() else True
    return answer
