"""Stacking: products of one form that share an operand become one, with an iterator that tells them apart.

Before:
    i[b, j] += x[b, k] * wi[k, j]
    f[b, j] += x[b, k] * wf[k, j]
    c[b, j] = f[b, j] * i[b, j]
After ``stack statements 0, 1``:
    w[0, k, j] = wi[k, j]
    w[1, k, j] = wf[k, j]                    (in front of everything)
    a[g, b, j] += x[b, k] * w[g, k, j]
    c[b, j] = a[1, b, j] * a[0, b, j]

What was local is kept in one tensor from the start; const operands are put together once, offline (``local const``),
others when the kernel runs; results are copied out. Slices of one tensor at equal distances need no copy at all. Legal
where the statements are alike but for their tensors, none depends on another, and nothing between them on any.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from itertools import pairwise

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, Affine, constant, variable
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.dependence import dependences
from isamapper.ir.nodes import (
    Access,
    Assign,
    Constant,
    Direction,
    IteratorKind,
    Kernel,
    Load,
    Node,
    Reduction,
    Role,
    Tensor,
)
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import first_write, sites
from isamapper.mapper.rewrites.alike import alike
from isamapper.mapper.rewrites.edit import (
    Names,
    Nest,
    loops_around,
    nest_of,
    own_nest,
    replaced,
    spans,
    writes_whole,
)
from isamapper.mapper.rewrites.reader import number_of, with_accesses
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Stack:
    """The step: ``members``, statements in textual order, become one, in place of the first of them."""

    members: tuple[int, ...]

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"stack of statements {', '.join(map(str, self.members))}"
        nests: list[Nest] = []
        for member in self.members:
            nest = own_nest(kernel, member, subject)
            if isinstance(nest, Rejection):
                return nest
            nests.append(nest)
        where = tuple(span for nest in nests for span in spans(nest.statement.assign))
        made = _stacked(kernel, nests)
        return Rejection("RW102", subject, made, where) if isinstance(made, str) else made.result

    def origins(self, kernel: Kernel) -> tuple[int, ...]:
        """For each statement of the kernel that the step makes the one of ``kernel`` that it comes from."""
        made = _stacked(kernel, [nest_of(kernel, member) for member in self.members])
        assert not isinstance(made, str)
        offline, before, after = (
            [self.members[place % len(self.members)] for place in range(count)] for count in made.copies
        )
        first, *others = self.members
        rest = [each for each in range(len(statements(kernel))) if each not in others]
        place = rest.index(first)
        return (*offline, *rest[:place], *before, first, *after, *rest[place + 1 :])

    def text(self, kernel: Kernel) -> str:
        """``stack statements 0, 1, 2``."""
        del kernel
        return f"stack statements {', '.join(map(str, self.members))}"


def read(words: StepReader, kernel: Kernel) -> Stack:
    """The step after its first word."""
    words.expect("statements")
    members = [number_of(words, kernel)]
    while words.accept(","):
        members.append(number_of(words, kernel))
    if len(members) < 2 or any(one >= other for one, other in pairwise(members)):
        raise words.wrong("expected two statements or more, in the order of the text")
    return Stack(tuple(members))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Stack]:
    """The statement with all later ones that are like it, where they share an operand and can be one."""
    found = statements(kernel)
    members = [statement]
    for other in found[statement + 1 :]:
        if not _share(found[statement], other):
            continue
        if not isinstance(Stack((*members, other.index)).apply(kernel), Rejection):
            members.append(other.index)
    if len(members) > 1:
        yield Stack(tuple(members))


def _share(one: Statement, other: Statement) -> bool:
    """Whether two sums read one tensor, and some that are not the same; or two statements fill parts of one tensor."""
    first, second = ({access.tensor for access in each.accesses[1:]} for each in (one, other))
    if one.assign.reduction is None or other.assign.reduction is None:
        filled = one.assign.target.tensor == other.assign.target.tensor
        return filled and isinstance(one.assign.value, Constant) and one.assign.value == other.assign.value
    return bool(first & second) and one.accesses[1:] != other.accesses[1:]


@dataclass(frozen=True, slots=True)
class _Stacked:
    """The kernel; how many copies stand in front of everything, before the one statement, and after it."""

    result: Kernel
    copies: tuple[int, int, int]


def _stacked(kernel: Kernel, nests: abc.Sequence[Nest]) -> _Stacked | str:
    """The kernel with the statements of the nests in one, or why they cannot be."""
    renamed: list[tuple[Access, ...]] = []
    first = nests[0].statement
    for nest in nests:
        accesses = alike(first, nest.statement)
        if accesses is None or nest.around != nests[0].around or nest.path[:-1] != nests[0].path[:-1]:
            return f"statement {nest.statement.index} is not like statement {first.index}"
        renamed.append(accesses)
    if any(each.kind is IteratorKind.SEQUENTIAL for each in first.iterators if each.name in nests[0].own):
        return "their loops carry an order"
    disturbed = _disturbed(kernel, [nest.statement.index for nest in nests])
    if disturbed is not None:
        return f"statement {disturbed} stands between and must not change places"
    return _Stacking(kernel, nests, renamed).kernel_made()


def _disturbed(kernel: Kernel, members: abc.Sequence[int]) -> int | None:
    """A statement that one of the members, which all go to the place of the first, would have to pass but must not."""
    moved = frozenset(members[1:])
    for each in dependences(kernel):
        first, last = sorted((each.source, each.sink))
        if first != last and last in moved and first >= members[0]:
            return last if first in members else first
    return None


class _Stacking:
    """Finds how every access of the one statement is indexed, and what must be put together or taken apart."""

    def __init__(self, kernel: Kernel, nests: abc.Sequence[Nest], renamed: abc.Sequence[tuple[Access, ...]]) -> None:
        self.kernel, self.nests, self.renamed = kernel, nests, renamed
        self.names = Names(kernel)
        self.known = {tensor.name: tensor for tensor in kernel.tensors}
        self.iterator = self.names.fresh("g")
        self.tensors: list[Tensor] = []
        self.offline: list[Node] = []
        self.before: list[Node] = []
        self.after: list[Node] = []
        self.merged: dict[str, tuple[str, int]] = {}

    def kernel_made(self) -> _Stacked | str:
        """The kernel, or why there is none."""
        places = list(zip(*self.renamed, strict=True))
        found: list[Access] = []
        for number, accesses in enumerate(places):
            access = self._access(number, accesses)
            if isinstance(access, str):
                return access
            found.append(access)
        nest, assign = self.nests[0], self.nests[0].statement.assign
        value = with_accesses(assign.value, lambda number, _: found[number])
        extents = {self.iterator: len(self.nests), **nest.extents}
        node = loops_around(extents, Assign(found[0], value, assign.reduction, assign.span))
        result = self.kernel
        for each in reversed(self.nests[1:]):
            result = replaced(result, each.path, [])
        result = replaced(result, nest.path, [*self.before, node, *self.after], self.tensors)
        result = self._renamed(result)
        copies = len(self.offline), len(self.before), len(self.after)
        return _Stacked(replace(result, body=(*self.offline, *result.body)), copies)

    def _access(self, number: int, accesses: tuple[Access, ...]) -> Access | str:
        """How the one statement indexes what the statements index by ``accesses``."""
        first = accesses[0]
        if all(each == first for each in accesses):
            return first if number else f"all of them write '{first.tensor}' at the same place"
        moving = _moving(accesses, self.iterator)
        if moving is not None:
            return moving
        names = [each.tensor for each in accesses]
        tensors = [self.known.get(name) for name in names]
        if len(set(names)) < len(names) or any(each.otherwise != first.otherwise for each in accesses):
            return f"they use '{first.tensor}' at places that no iterator goes through"
        own = tensors[0]
        if own is None or any(
            t is None or (t.shape, t.dtype, t.block) != (own.shape, own.dtype, own.block) for t in tensors
        ):
            return f"'{names[0]}' and the others have not the same shape and type"
        if any(each.map != first.map for each in accesses):
            return f"they use '{names[0]}' and the others at different places"
        made = self._together([tensor for tensor in tensors if tensor is not None], number == 0)
        return (
            made
            if isinstance(made, str)
            else replace(
                first, tensor=made.name, map=AccessMap((variable(self.iterator), *first.map.results)), span=None
            )
        )

    def _together(self, tensors: list[Tensor], written: bool) -> Tensor | str:
        """A tensor for all of them: the local ones live there, others are copied."""
        known = {self.merged[tensor.name][0] for tensor in tensors if tensor.name in self.merged}
        if known:
            same = [self.merged.get(tensor.name) for tensor in tensors]
            (name,) = known if len(known) == 1 else ("",)
            if same != [(name, place) for place in range(len(tensors))]:
                return f"'{tensors[0].name}' is stacked in two ways"
            return next(tensor for tensor in self.tensors if tensor.name == name)
        offline = all(tensor.role is Role.CONST for tensor in tensors)
        own = tensors[0]
        local = [tensor for tensor in tensors if tensor.direction is Direction.LOCAL and not offline]
        if len({_start(self.kernel, tensor) for tensor in local}) > 1 or len(local) not in (0, len(tensors)):
            return f"'{own.name}' and the others do not start in the same way"
        made = replace(
            own,
            name=self.names.fresh(own.name),
            shape=(len(tensors), *own.shape),
            direction=Direction.LOCAL,
            role=Role.CONST if offline else Role.PLAIN,
            memory=None,
            address=None,
        )
        self.tensors.append(made)
        for place, tensor in enumerate(tensors):
            if tensor.direction is Direction.LOCAL:
                self.merged[tensor.name] = made.name, place
            elif written:
                nest = nest_of(self.kernel, self.nests[place].statement.index)
                if tensor.direction is Direction.INOUT or not writes_whole(self.kernel, nest):
                    return f"'{tensor.name}' has an earlier value"
                self.after.append(self._copy(tensor, made, place, out=True))
            else:
                (self.offline if offline else self.before).append(self._copy(tensor, made, place, out=False))
        return made

    def _copy(self, tensor: Tensor, made: Tensor, place: int, *, out: bool) -> Node:
        """Every element of a tensor from or to its place in the stack."""
        axes = [self.names.fresh(f"i{axis}") for axis in range(len(tensor.shape))]
        own = Access(tensor.name, AccessMap(tuple(variable(axis) for axis in axes)))
        stacked = Access(made.name, AccessMap((constant(place), *own.map.results)))
        assign = Assign(own, Load(stacked)) if out else Assign(stacked, Load(own))
        return loops_around(dict(zip(axes, tensor.shape, strict=True)), assign)

    def _renamed(self, kernel: Kernel) -> Kernel:
        """The local tensors that are stacked as parts of the stack, wherever they are used."""

        def moved(access: Access) -> Access:
            if access.tensor not in self.merged:
                return access
            name, place = self.merged[access.tensor]
            return replace(access, tensor=name, map=AccessMap((constant(place), *access.map.results)))

        for site in sites(kernel):
            assign = site.assign
            value = map_loads(assign.value, lambda load: replace(load, access=moved(load.access)))
            changed = replace(assign, target=moved(assign.target), value=value)
            if changed != assign:
                kernel = replaced(kernel, site.place.path, [changed])
        return replace(kernel, tensors=tuple(each for each in kernel.tensors if each.name not in self.merged))


def _start(kernel: Kernel, tensor: Tensor) -> Reduction | None:
    """The reduction from whose start a tensor's first value comes; None where it is assigned."""
    first = first_write(kernel.body, tensor.name)
    return None if first is None else first.reduction


def _moving(accesses: tuple[Access, ...], iterator: str) -> Access | None:
    """One tensor along one axis at equal distances: the access that goes through all; None where it is not so."""
    first = accesses[0]
    if any(each.tensor != first.tensor or each.otherwise != first.otherwise for each in accesses):
        return None
    rows = list(zip(*(each.map.results for each in accesses), strict=True))
    differing = [axis for axis, row in enumerate(rows) if any(index != row[0] for index in row)]
    if len(differing) != 1:
        return None
    (axis,) = differing
    distances = [_distance(one, other) for one, other in pairwise(rows[axis])]
    step = distances[0]
    if step is None or any(each != step for each in distances):
        return None
    results = list(first.map.results)
    results[axis] = results[axis] + variable(iterator, step)
    return replace(first, map=AccessMap(tuple(results)), span=None)


def _distance(one: Affine, other: Affine) -> int | None:
    return other.constant - one.constant if (one.terms, one.rotations) == (other.terms, other.rotations) else None
