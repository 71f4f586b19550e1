"""Statements without the temporaries between them, so that it does not matter how a computation was cut in pieces.

    acc[i, j] = 0                                     y[i, j] += a[i, k] * b[k, j]
    acc[i, j] += a[i, k] * b[k, j]
    t[i, j] = acc[i, j]                 becomes       z[i, j] = max(y[i, j] + d[j], 0)
    y[i, j] = t[i, j]
    u[i, j] = y[i, j] + d[j]
    z[i, j] = max(u[i, j], 0)

Rules of this file:
- filling a tensor with what a reduction starts from anyhow goes;
- a tensor that is assigned once, element by element, is replaced by its value wherever it is read; a local one then
  goes altogether, provided that every read of it could be replaced;
- a local tensor that is copied and not read otherwise is what it is copied to.

Kernels and instructions are treated alike. What does not belong here: comparing the two (``match.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

from isamapper.ir import numeric
from isamapper.ir.affine import AccessMap, Affine, substitute
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Cast, Clamp, Constant, Direction, Expression, Kernel, Load, Tensor
from isamapper.ir.rewrite import map_loads
from isamapper.ir.spelling import spelled
from isamapper.ir.types import DType
from isamapper.ir.walk import value_range
from isamapper.plan.homes import all_tensors
from isamapper.plan.skeleton import shared_iterators

MOST_KEPT = 6
"""Temporaries up to which every pair of them is kept in a graph of its own."""
MOST_LOADS = 64
"""A value with more loads is not copied to where it is read."""


@dataclass(frozen=True, slots=True)
class ValueGraph:
    """``parts`` are what is left of the statements, in order, each with its own number.

    ``fills`` are the statements that only write what a reduction starts from, by tensor; ``replaced`` the tensors
    that are gone because their value stands where they were read, with their statement; ``renamed`` the local tensors
    that go by the name of what they were copied to, with the statement that copied.
    """

    kernel: Kernel
    tensors: tuple[Tensor, ...]
    parts: tuple[Statement, ...]
    fills: tuple[tuple[str, int], ...]
    replaced: tuple[tuple[str, int], ...]
    renamed: tuple[tuple[str, str, int], ...]

    def tensor(self, name: str) -> Tensor:
        """The tensor called ``name``; KeyError where there is none."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise KeyError(name)


@lru_cache(maxsize=512)
def value_graph(kernel: Kernel, *, through_results: bool = True, kept: frozenset[str] = frozenset()) -> ValueGraph:
    """The value graph of a kernel or of an instruction's meaning.

    ``through_results``: a result that is read again counts as its value, too. The tensors in ``kept`` stay.
    """
    return _Maker(kernel, through_results, kept).graph()


@lru_cache(maxsize=256)
def value_graphs(kernel: Kernel) -> tuple[ValueGraph, ...]:
    """Every graph that statements are looked for in: one or two temporaries kept, all of them, or results."""
    whole = value_graph(kernel)
    names = [name for name, _ in whole.replaced]
    sizes = (1, 2) if len(names) <= MOST_KEPT else (1,)
    kept = [frozenset(chosen) for size in sizes for chosen in combinations(names, size)]
    found = [whole, value_graph(kernel, through_results=False)]
    found += [value_graph(kernel, kept=chosen) for chosen in dict.fromkeys((*kept, frozenset(names)))]
    found += [spelled_graph(graph) for graph in found]
    return tuple({graph.parts: graph for graph in reversed(found)}.values())[::-1]


def spelled_graph(graph: ValueGraph) -> ValueGraph:
    """The graph with its values in the one spelling of what limits them."""
    dtypes = {tensor.name: tensor.dtype for tensor in graph.tensors}
    made = ((part, spelled(part.assign.value, dtypes)) for part in graph.parts)
    parts = tuple(
        part if value is part.assign.value else replace(part, assign=replace(part.assign, value=value))
        for part, value in made
    )
    return replace(graph, parts=parts)


class _Maker:
    def __init__(self, kernel: Kernel, through_results: bool, kept: frozenset[str]) -> None:
        self.kernel, self.through_results, self.kept = kernel, through_results, kept
        self.tensors = all_tensors(kernel)
        self.parts = list(statements(kernel))
        self.shared = {part.index: frozenset(shared_iterators(kernel, part)) for part in self.parts}
        self.fills: list[tuple[str, int]] = []
        self.replaced: list[tuple[str, int]] = []
        self.renamed: list[tuple[str, str, int]] = []

    def graph(self) -> ValueGraph:
        self._drop_fills()
        for part in tuple(self.parts):
            self._replace(part.index)
        for part in tuple(self.parts):
            self._rename(part)
        return ValueGraph(
            self.kernel,
            tuple(self.tensors.values()),
            tuple(self.parts),
            tuple(self.fills),
            tuple(self.replaced),
            tuple(self.renamed),
        )

    def _part(self, index: int) -> Statement:
        return next(part for part in self.parts if part.index == index)

    def _users(self, name: str) -> list[Statement]:
        return [part for part in self.parts if any(access.tensor == name for access in part.accesses)]

    # fills

    def _drop_fills(self) -> None:
        for part in tuple(self.parts):
            name = part.assign.target.tensor
            following = [each for each in self._users(name) if each.index > part.index]
            if self._is_fill(part, following[0] if following else None) and self._users(name)[0] is part:
                self.parts.remove(part)
                self.fills.append((name, part.index))

    def _is_fill(self, part: Statement, following: Statement | None) -> bool:
        name = part.assign.target.tensor
        tensor = self.tensors[name]
        if following is None or following.assign.reduction is None or following.assign.target.tensor != name:
            return False
        if tensor.direction not in (Direction.LOCAL, Direction.OUT) or part.assign.reduction is not None:
            return False
        around = self.shared[part.index]
        if around != self.shared[following.index] or any(access.tensor == name for access in loads_of(following)):
            return False
        if around and any(self.shared[user.index] != around for user in self._users(name)):
            return False
        value = literal(part.assign.value, tensor.dtype)
        wanted = numeric.identity(following.assign.reduction, tensor.dtype).item()
        return value == wanted and _covers(part, tensor, around)

    # values in place of tensors

    def _replace(self, index: int) -> None:
        part = self._part(index)
        name = part.assign.target.tensor
        if name in self.kept or not self._is_defined_once(part):
            return
        readers = [each for each in self._users(name) if each is not part]
        changed = {reader.index: self._with_value(reader, part) for reader in readers}
        local = self.tensors[name].direction is Direction.LOCAL
        if not readers or (local and any(made is None for made in changed.values())):
            return
        self.parts = [changed.get(each.index) or each for each in self.parts]
        if local:
            self.parts.remove(part)
            self.replaced.append((name, index))

    def _is_defined_once(self, part: Statement) -> bool:
        """Whether the statement alone gives its tensor its elements, one for each iteration, of what stays as it is."""
        name = part.assign.target.tensor
        if part.assign.reduction is not None or part.conditions or part.exclusions:
            return False
        results = (Direction.OUT, Direction.INOUT) if self.through_results else ()
        allowed = (Direction.LOCAL, *results)
        local = self.tensors[name].direction is Direction.LOCAL
        if self.tensors[name].direction not in allowed or not (local or loads(part.assign.value)):
            return False
        others = [each for each in self.parts if each.assign.target.tensor == name and each is not part]
        if any(local or not _elsewhere(part, each) for each in others) or len(loads_of(part)) > MOST_LOADS:
            return False
        if _solution(part.assign.target, part, self.shared[part.index]) is None:
            return False
        return all(self._stays(access, part) for access in loads_of(part))

    def _stays(self, access: Access, part: Statement) -> bool:
        """Whether what ``access`` reads for ``part`` is not written again before others read the same."""
        later = [w for w in self.parts if w.assign.target.tensor == access.tensor and w.index >= part.index]
        return all(self._is_of_another(access, part, writer) for writer in later)

    def _is_of_another(self, access: Access, part: Statement, writer: Statement) -> bool:
        """Whether a statement reads what other iterations of the loops that it shares with ``writer`` write."""
        shared = self.shared[part.index] & self.shared[writer.index]
        return any(
            read.terms == written.terms and read.names <= shared and read.constant != written.constant
            for read, written in zip(access.map.results, writer.assign.target.map.results, strict=True)
        )

    def _with_value(self, reader: Statement, part: Statement) -> Statement | None:
        """``reader`` with the value of ``part`` where it reads it; None where some read cannot be replaced."""
        name = part.assign.target.tensor
        if reader.index < part.index or self.shared[part.index] - self.shared[reader.index]:
            return None
        local, fits = self.tensors[name].direction is Direction.LOCAL, True

        def value(load: Load) -> Expression:
            nonlocal fits
            if load.access.tensor != name:
                return load
            solved = None if load.access.otherwise is not None else self._solved(part, load.access)
            if solved is None or not (local or _within(solved, part, reader)):
                fits = False
                return load
            return map_loads(part.assign.value, lambda each: Load(moved(each.access, solved)))

        if any(index.names & {name} for index in reader.assign.target.map.results) or _target_is(reader, name):
            return None
        made = map_loads(reader.assign.value, value)
        if (local and not fits) or made == reader.assign.value or len(loads(made)) > MOST_LOADS:
            return None
        return replace(reader, assign=replace(reader.assign, value=made))

    def _solved(self, part: Statement, read: Access) -> dict[str, Affine] | None:
        """The iterators of ``part`` at which it wrote the element that ``read`` reads."""
        solution = _solution(part.assign.target, part, self.shared[part.index])
        assert solution is not None
        found: dict[str, Affine] = {}
        for axis, (name, offset) in solution.items():
            index = read.map.results[axis] - offset
            if name in self.shared[part.index] and index != Affine(((name, 1),)):
                return None
            found[name] = index
        for axis, index in enumerate(part.assign.target.map.results):
            if axis not in solution and read.map.results[axis] != index:
                return None
        return found

    # names

    def _rename(self, part: Statement) -> None:
        """``y = t`` where nothing else reads the local ``t``: whatever makes ``t`` makes ``y``."""
        part = self._part(part.index)
        value = part.assign.value
        if not isinstance(value, Load) or part.assign.reduction is not None or part.conditions or part.exclusions:
            return
        source, target = value.access, part.assign.target
        old, new = self.tensors[source.tensor], self.tensors[target.tensor]
        if old.direction is not Direction.LOCAL or new.direction not in (Direction.LOCAL, Direction.OUT):
            return
        writers = [each for each in self.parts if each.assign.target.tensor == old.name]
        apart = self._users(old.name) == [*writers, part] and self._users(new.name) != [] and old.dtype == new.dtype
        first = self._users(new.name)[0] is part
        order = copied_order(source, target, part, old, new)
        if not apart or not first or order is None or source.otherwise is not None or not writers:
            return
        if sum(each.assign.target.tensor == new.name for each in self.parts) != 1 or self.shared[part.index]:
            return
        if any(access.tensor == old.name for each in writers for access in loads_of(each)):
            return
        self.parts = [self._written_to(each, old.name, new.name, order) for each in self.parts if each is not part]
        self.renamed.append((old.name, new.name, part.index))

    def _written_to(self, part: Statement, old: str, new: str, order: tuple[int, ...]) -> Statement:
        target = part.assign.target
        if target.tensor != old:
            return part
        results = tuple(target.map.results[axis] for axis in order)
        return replace(part, assign=replace(part.assign, target=replace(target, tensor=new, map=AccessMap(results))))


def _within(solved: abc.Mapping[str, Affine], part: Statement, reader: Statement) -> bool:
    """Whether every element that is read is one that the statement wrote."""
    box = {each.name: each.extent for each in reader.iterators}
    extents = {each.name: each.extent for each in part.iterators}
    ranges = {name: value_range(index, box) for name, index in solved.items()}
    return all(low >= 0 and high < extents[name] for name, (low, high) in ranges.items())


def _elsewhere(part: Statement, other: Statement) -> bool:
    """Whether two statements never write one element of their tensor: along an axis they are far apart."""
    ranges = [{each.name: each.extent for each in side.iterators} for side in (part, other)]
    for one, two in zip(part.assign.target.map.results, other.assign.target.map.results, strict=True):
        if not one.rotations and not two.rotations:
            (low, high), (least, most) = value_range(one, ranges[0]), value_range(two, ranges[1])
            if high < least or most < low:
                return True
    return False


def loads_of(part: Statement) -> tuple[Access, ...]:
    """The accesses of a statement's value."""
    return part.accesses[1:]


def moved(access: Access, values: abc.Mapping[str, Affine]) -> Access:
    """``access`` with iterators replaced."""
    return replace(access, map=AccessMap(tuple(substitute(index, values) for index in access.map.results)))


def literal(value: Expression, dtype: DType) -> int | float | None:
    """The number that ``value`` always is; None where it depends on something."""
    match value:
        case Constant(number):
            return number
        case Cast(_, operand):
            inner = literal(operand, dtype)
            with numeric.quiet():
                return None if inner is None else numeric.constant(inner, dtype).item()
        case Clamp(operand, low, high):
            inner = literal(operand, dtype)
            return None if inner is None else min(max(inner, low), high)
        case _:
            return None


def _target_is(part: Statement, name: str) -> bool:
    return part.assign.target.tensor == name


def _solution(
    target: Access, part: Statement, around: frozenset[str] = frozenset()
) -> dict[int, tuple[str, int]] | None:
    """Per axis the iterator that alone stands there, with its offset; None where an iterator does not follow.

    Those ``around`` need not: in every iteration of theirs the elements are given their values anew.
    """
    extents = {each.name: each.extent for each in part.iterators}
    found: dict[int, tuple[str, int]] = {}
    for axis, index in enumerate(target.map.results):
        if index.rotations or len(index.terms) > 1:
            return None
        if index.terms:
            ((name, factor),) = index.terms
            if factor != 1 or name in (known for known, _ in found.values()):
                return None
            found[axis] = (name, index.constant)
    solved = {name for name, _ in found.values()}
    known = all(extent <= 1 or name in solved or name in around for name, extent in extents.items())
    return found if known else None


def _covers(part: Statement, tensor: Tensor, around: frozenset[str] = frozenset()) -> bool:
    """Whether the target is every element of its tensor, at lone iterators; of ``around`` in every iteration."""
    if part.conditions or part.exclusions:
        return False
    solution = _solution(part.assign.target, part, around)
    extents = {each.name: each.extent for each in part.iterators}
    if solution is None:
        return False
    return all(
        (axis in solution and solution[axis][1] == 0 and extents[solution[axis][0]] == size) or size == 1
        for axis, size in enumerate(tensor.shape)
    )


def copied_order(source: Access, target: Access, part: Statement, old: Tensor, new: Tensor) -> tuple[int, ...] | None:
    """Per axis of the target the axis of the source that moves with it, where all of both is copied."""
    if not _covers(part, new) or len(old.shape) != len(new.shape):
        return None
    order = []
    for index, size in zip(target.map.results, new.shape, strict=True):
        if index not in source.map.results or not index.terms:
            return None
        axis = source.map.results.index(index)
        if old.shape[axis] != size:
            return None
        order.append(axis)
    return tuple(order) if sorted(order) == list(range(len(order))) else None
