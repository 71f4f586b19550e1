"""Loops, accesses and windows as exact integer sets and maps; the only file that imports islpy.

Rules of this file:
- everything is exact; without islpy :func:`available` is False, nothing else may be called, callers report "not run";
- a point of a place is the values of its loops, outermost first; of a window, those and then the operand's index;
- callers name the spaces.

What does not belong here: who sees whose value (``ir/dataflow.py``), quick answers (``ir/feasibility.py``).
"""

from __future__ import annotations

from collections import abc
from contextlib import contextmanager
from typing import TypeAlias

from isamapper.ir.affine import AccessMap, Affine, Extent, Rotation, affine
from isamapper.ir.feasibility import linear
from isamapper.ir.nodes import Constraint, Window
from isamapper.ir.walk import Place, domain

try:
    import islpy
except ImportError:  # there are no wheels for Windows
    islpy = None  # type: ignore[assignment]

Set: TypeAlias = "islpy.UnionSet"
Map: TypeAlias = "islpy.UnionMap"
Names: TypeAlias = abc.Mapping[str, str]


class TooLarge(Exception):
    """A question took more than the number of operations that :func:`limited` allows."""


class Failed(Exception):
    """isl gave up on a question, for reasons of its own."""


def available() -> bool:
    """Whether islpy is installed."""
    return islpy is not None


@contextmanager
def limited(operations: int) -> abc.Iterator[None]:
    """Questions asked inside raise :class:`TooLarge` when they need more than so many of isl's operations.

    Where isl fails for another reason, they raise :class:`Failed`.
    """
    context = islpy.DEFAULT_CONTEXT
    context.reset_operations()
    context.set_max_operations(operations)
    try:
        yield
    except islpy.Error as error:
        if _exhausted():
            raise TooLarge(f"more than {operations} operations") from None
        raise Failed(str(error)) from error
    finally:
        context.set_max_operations(0)
        context.reset_operations()


def _exhausted() -> bool:
    """Whether the operations are used up; isl reports it as whatever error it was led to, so it is asked again."""
    try:
        islpy.Set("{ [i] : 0 <= i < 9 }")
    except islpy.Error:
        return True
    return False


def simpler(relation: Map) -> Map:
    """``relation`` in fewer pieces where isl finds them; as it is where isl fails at that."""
    try:
        return relation.coalesce()
    except islpy.Error:
        if _exhausted():
            raise
        return relation


# Sets and maps from nodes


def no_set() -> Set:
    """The set without points."""
    return islpy.UnionSet("{}")


def no_map() -> Map:
    """The map without pairs."""
    return islpy.UnionMap("{}")


def instances(name: str, place: Place) -> Set:
    """``name[loops]`` for every time that ``place`` is executed."""
    return islpy.UnionSet(f"{{ {name}[{_points(place)}] : {_inside(place)} }}")


def elements(name: str, place: Place, shape: tuple[int, ...], target: str) -> Map:
    """``name[loops, index] -> target[index]`` for every element of a tensor declared at ``place``."""
    index = ", ".join(f"e{axis}" for axis in range(len(shape)))
    box = [f"0 <= e{axis} < {size}" for axis, size in enumerate(shape)]
    return _map(f"{name}[{_listed(_points(place), index)}] -> {target}[{index}]", [_inside(place), *box])


def access_map(name: str, place: Place, access: AccessMap, shape: tuple[int, ...] | None, target: str) -> Map:
    """``name[loops] -> target[index]``; where ``shape`` is given only for indices inside it."""
    index = [_text(function, _names(place)) for function in access.results]
    return _map(f"{name}[{_points(place)}] -> {target}[{', '.join(index)}]", [_inside(place), *_within(index, shape)])


def window_map(name: str, place: Place, window: Window, shape: tuple[int, ...] | None, target: str) -> Map:
    """``name[loops, operand index] -> target[index]``; where ``shape`` is given only for indices inside it."""
    names = _names(place)
    operand = [f"p{axis}" for axis in range(len(window.axes))]
    index = [_text(offset, names) for offset in window.offsets]
    conditions = [_inside(place)]
    for p, axis in zip(operand, window.axes, strict=True):
        conditions += [f"0 <= {p}", *(f"{p} < {_text(bound, names)}" for bound in axis.extent.bounds)]
        for dimension, step in axis.steps:
            index[dimension] += f" + {step}*{p}"
    point = _listed(_points(place), ", ".join(operand))
    return _map(f"{name}[{point}] -> {target}[{', '.join(index)}]", [*conditions, *_within(index, shape)])


def values(name: str, place: Place, extents: abc.Sequence[Extent]) -> tuple[tuple[tuple[int, ...], Set], ...]:
    """Every combination of values that ``extents`` take at ``place``, with the points ``name[loops]`` where they do."""
    if all(value.is_constant for value in extents):
        fixed = tuple(max(0, min(bound.constant for bound in value.bounds)) for value in extents)
        return ((fixed, instances(name, place)),)
    names = _names(place)
    results = [f"max(0, min({', '.join(_text(bound, names) for bound in value.bounds)}))" for value in extents]
    where = _map(f"{name}[{_points(place)}] -> [{', '.join(results)}]", [_inside(place)])
    found: list[tuple[int, ...]] = []
    where.range().foreach_point(lambda point: found.append(_coordinates(point)))
    return tuple((value, where.intersect_range(_singleton(value)).domain()) for value in sorted(found))


def over(points: Set, inner: Map, domains: Names, ranges: Names) -> Map:
    """``inner`` repeated at every point: ``A[x] -> B[y]`` becomes ``domains[A][point, x] -> ranges[B][point, y]``.

    Pairs of spaces that are not named are left out.
    """
    return _flat_products(points.identity(), renamed(inner, domains, ranges))


def every_pair(points: Set, others: Set) -> Map:
    """Each of ``points`` to each of ``others``."""
    return islpy.UnionMap.from_domain_and_range(points, others)


def product(points: Set, index: Set, name: str) -> Set:
    """``name[point, index]`` for every point and every index."""
    return _flat_products(points.identity(), renamed_set(index, {"E": name}).identity()).domain()


def _flat_products(outer: Map, inner: Map) -> Map:
    result = no_map()
    for part in _maps(outer):
        for other in _maps(inner):
            whole = part.flat_product(other)
            for kind in (islpy.dim_type.in_, islpy.dim_type.out):
                whole = whole.set_tuple_name(kind, other.get_tuple_name(kind))
            result = result.union(whole.to_union_map())
    return result


def renamed(relation: Map, domains: Names | None, ranges: Names | None) -> Map:
    """The parts between named spaces, with their new names; None keeps every space as it is."""
    result = no_map()
    for part in _maps(relation):
        source, sink = (part.get_tuple_name(kind) for kind in (islpy.dim_type.in_, islpy.dim_type.out))
        new_source = source if domains is None else domains.get(source)
        new_sink = sink if ranges is None else ranges.get(sink)
        if new_source is not None and new_sink is not None:
            part = part.set_tuple_name(islpy.dim_type.in_, new_source).set_tuple_name(islpy.dim_type.out, new_sink)
            result = result.union(part.to_union_map())
    return result


def renamed_set(points: Set, names: Names) -> Set:
    """The parts in named spaces, with their new names."""
    return renamed(points.identity(), names, None).domain()


# Time


def time_map(name: str, place: Place, extra: int, stations: abc.Sequence[int], length: int) -> Map:
    """``name[loops, extra dimensions] -> [station, loop, station, loop, ..., station, 0, ...]``, ``length`` long.

    ``stations`` has one number per loop and two for the node: textual order, then order within the node.
    """
    point = [f"i{k}" for k in range(len(place.loops))]
    more = [f"p{k}" for k in range(extra)]
    time = [str(part) for pair in zip(stations, point, strict=False) for part in pair]
    time += [str(station) for station in stations[len(point) :]]
    time += ["0"] * (length - len(time))
    return _map(f"{name}[{', '.join(point + more)}] -> [{', '.join(time)}]", [])


def last_writers(reads: Map, writes: Map, starts: Map, ends: Map, times: Map) -> Map:
    """For each point of ``reads`` and ``ends``: the point of ``writes`` or ``starts`` that last wrote its element.

    ``starts`` write and ``ends`` read whole tensors. Exact dataflow (P. Feautrier, "Dataflow analysis of array and
    scalar references", IJPP 20(1), 1991), as isl does it; accesses that never meet, such as those to different
    registers, are solved apart, because isl's effort grows with the square of their number.
    """
    schedule = {part.get_tuple_name(islpy.dim_type.in_): part.to_union_map() for part in _maps(times)}
    found, untouched = no_map(), ends
    for touched, members in _meeting([*_maps(reads), *_maps(writes)]):
        elements, chosen = touched.to_union_set(), _union(members)
        sink = reads.intersect(chosen).union(ends.intersect_range(elements))
        source = writes.intersect(chosen).union(starts.intersect_range(elements))
        found = found.union(_solve(sink, source, schedule))
        untouched = untouched.subtract_range(elements)
    return found.union(_solve(untouched, starts, schedule))


def _solve(sink: Map, source: Map, schedule: abc.Mapping[str, Map]) -> Map:
    names = {part.get_tuple_name(islpy.dim_type.in_) for part in (*_maps(sink), *_maps(source))}
    when = _union([schedule[name] for name in sorted(names)])
    flow = islpy.UnionAccessInfo.from_sink(sink).set_must_source(source).set_schedule_map(when).compute_flow()
    return flow.get_must_dependence().reverse()


def _meeting(accesses: abc.Sequence[islpy.Map]) -> list[tuple[islpy.Set, list[islpy.Map]]]:
    """Groups of accesses such that no element is touched by two groups, each with the elements it touches."""
    groups: list[tuple[islpy.Set, list[islpy.Map]]] = []
    for access in accesses:
        touched, members, apart = access.range(), [access], []
        for elements, others in groups:
            if elements.get_tuple_name() == touched.get_tuple_name() and not elements.is_disjoint(touched):
                touched, members = touched.union(elements), members + others
            else:
                apart.append((elements, others))
        groups = [*apart, (touched.coalesce(), members)]
    return groups


def _union(parts: abc.Iterable[islpy.Map | islpy.UnionMap]) -> Map:
    result = no_map()
    for part in parts:
        result = result.union(part if isinstance(part, islpy.UnionMap) else part.to_union_map())
    return result


# Questions


def satisfiable(constraints: abc.Sequence[Constraint]) -> bool:
    """Whether some integers satisfy all ``constraints``."""
    flat = linear(constraints)
    names = {name: f"v{k}" for k, name in enumerate(sorted({n for c in flat for n in c.function.names}))}
    conditions = [f"{_text(c.function, names)} {'=' if c.equality else '>='} 0" for c in flat]
    return not islpy.Set(f"{{ [{', '.join(names.values())}] : {' and '.join(conditions) or 'true'} }}").is_empty()


def first_points(points: Set) -> dict[str, tuple[int, ...]]:
    """The lexicographically first point of every space."""
    found: dict[str, tuple[int, ...]] = {}
    least: list[islpy.Set] = []
    points.lexmin().foreach_set(least.append)
    for part in least:
        found[part.get_tuple_name()] = _coordinates(part.sample_point())
    return found


def windows_share(one: tuple[Place, Window], other: tuple[Place, Window]) -> Map:
    """``A[loops] -> B[loops]``: the points at which the two windows of one tensor have an element in common."""
    first = _without_index(window_map("A", *one, None, "T"), len(one[0].loops))
    second = _without_index(window_map("B", *other, None, "T"), len(other[0].loops))
    return first.apply_range(second.reverse())


def _without_index(relation: Map, loops: int) -> Map:
    """The map with only the first ``loops`` dimensions of its domain."""
    result = no_map()
    for part in _maps(relation):
        name = part.get_tuple_name(islpy.dim_type.in_)
        size = part.dim(islpy.dim_type.in_)
        kept = part.project_out(islpy.dim_type.in_, loops, size - loops).set_tuple_name(islpy.dim_type.in_, name)
        result = result.union(kept.to_union_map())
    return result


# Text for isl


def _map(text: str, conditions: abc.Sequence[str]) -> Map:
    return islpy.UnionMap(f"{{ {text} : {' and '.join(conditions) or 'true'} }}")


def _points(place: Place) -> str:
    return ", ".join(f"i{k}" for k in range(len(place.loops)))


def _listed(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _names(place: Place) -> dict[str, str]:
    return {name: f"i{k}" for k, name in enumerate(place.iterators)}


def _inside(place: Place) -> str:
    """The iteration domain of ``place``."""
    names = _names(place)
    box = [f"0 <= {names[name]} < {extent}" for name, extent in zip(place.iterators, place.extents, strict=True)]
    cases = [" and ".join(_condition(c, names) for c in case) or "true" for case in domain(place)]
    return " and ".join([*box, "(" + (" or ".join(f"({case})" for case in cases) or "1 = 0") + ")"])


def _condition(condition: Constraint, names: Names) -> str:
    return f"{_text(condition.function, names)} {'=' if condition.equality else '>='} 0"


def _within(index: abc.Sequence[str], shape: tuple[int, ...] | None) -> list[str]:
    return [] if shape is None else [f"0 <= {text} < {size}" for text, size in zip(index, shape, strict=True)]


def _text(function: Affine, names: Names) -> str:
    terms = [f"{coefficient}*{names[name]}" for name, coefficient in function.terms]
    terms += [f"{factor}*(({_text(_reduced(each), names)}) mod {each.modulus})" for each, factor in function.rotations]
    return " + ".join([*terms, str(function.constant)])


def _reduced(rotation: Rotation) -> Affine:
    """The rotating value with coefficients below the modulus: the same remainders, and far less work for isl."""
    value, modulus = rotation.value, rotation.modulus
    return affine([(n, c % modulus) for n, c in value.terms], value.constant % modulus, value.rotations)


def _maps(relation: Map) -> list[islpy.Map]:
    found: list[islpy.Map] = []
    relation.foreach_map(found.append)
    return found


def _coordinates(point: islpy.Point) -> tuple[int, ...]:
    size = point.get_space().dim(islpy.dim_type.set)
    return tuple(point.get_coordinate_val(islpy.dim_type.set, k).to_python() for k in range(size))


def _singleton(value: tuple[int, ...]) -> Set:
    return islpy.UnionSet(f"{{ [{', '.join(map(str, value))}] }}")
