"""Separation: every value that a tensor has one after the other gets a tensor of its own, sums start afresh.

Before:
    t[m, n]  = b[n]
    t[m, n] += a[m, k] * w[k, n]
    t[m, n]  = max(t[m, n], 0)
After ``separate t``:
    t1[m, n]  = b[n]
    t2[m, n] += a[m, k] * w[k, n]
    t3[m, n]  = t1[m, n] + t2[m, n]
    t[m, n]   = max(t3[m, n], 0)

Legal where each of the statements gives every element its value, and reads no other element of the tensor than the one
that it writes. A sum that went on with an earlier value is added to it afterwards: exact for integers, equal as real
arithmetic for floats. A statement that only writes what a sum starts from anyhow (zeros) goes.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from itertools import combinations

from isamapper.diagnostics.source import Rejection
from isamapper.ir import numeric
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Assign, Binary, Constant, Direction, Kernel, Load, Role, Tensor
from isamapper.ir.numeric import REDUCTION_OPERATOR
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import sites, walk
from isamapper.mapper.rewrites.edit import Names, lone, loops_around, names_in, nest_of, replaced, spans
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Separate:
    """The step: the values of ``tensor`` are told apart."""

    tensor: str

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        made = separation(kernel, self.tensor)
        return made if isinstance(made, Rejection) else made.kernel

    def text(self, kernel: Kernel) -> str:
        """``separate t``."""
        del kernel
        return f"separate {self.tensor}"


@dataclass(frozen=True, slots=True)
class Separation:
    """``kernel`` with a tensor for each value.

    ``added`` are the numbers of its statements that add a start to a sum, ``gone`` those of the first kernel's that it
    has no more.
    """

    kernel: Kernel
    added: tuple[int, ...]
    gone: tuple[int, ...] = ()


def read(words: StepReader, kernel: Kernel) -> Separate:
    """The step after its first word."""
    name = words.name("a tensor that the kernel writes")
    written = dict.fromkeys(each.assign.target.tensor for each in statements(kernel))
    if name not in written:
        raise words.wrong(f"kernel '{kernel.name}' does not write '{name}'", f"it writes {', '.join(written)}")
    return Separate(name)


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Separate]:
    """The tensor that the statement writes, where others write it, too."""
    name = statements(kernel)[statement].assign.target.tensor
    writers = [each.index for each in statements(kernel) if each.assign.target.tensor == name]
    if writers[0] == statement and len(writers) > 1:
        yield Separate(name)


def separation(kernel: Kernel, name: str) -> Separation | Rejection:
    """The kernel with the values of tensor ``name`` told apart, or why they cannot be."""
    found = statements(kernel)
    writers = [each for each in found if each.assign.target.tensor == name]
    where = tuple(span for each in writers for span in spans(each.assign)[:1])
    tensor = next((each for each in kernel.tensors if each.name == name), None)
    if tensor is None:
        reason = f"'{name}' is no tensor of the whole kernel"
    else:
        reason = _obstacle(kernel, tensor, writers) or ""
    plan = [] if tensor is None or reason else _values(kernel, tensor, writers)
    if not reason and len({value.written for value in plan}) < 2 and not any(value.dropped for value in plan):
        reason = f"'{name}' has one value only"
    if tensor is None or reason:
        return Rejection("RW100", f"separation of '{name}'", reason, where)
    return _separated(kernel, tensor, plan)


@dataclass(frozen=True, slots=True)
class _Value:
    """What one statement writes: to ``written``, going on from ``before``; a sum by way of ``total``.

    ``starts``: it only writes what the sum that follows it starts from anyhow; ``dropped``: so it may go.
    """

    statement: int
    before: str | None
    written: str
    total: str | None = None
    starts: bool = False
    dropped: bool = False


def _obstacle(kernel: Kernel, tensor: Tensor, writers: abc.Sequence[Statement]) -> str | None:
    if len(writers) < 2:
        return f"only one statement writes '{tensor.name}'"
    for each in writers:
        reason = _not_whole(kernel, tensor, each)
        if reason is not None:
            return f"statement {each.index} {reason}"
    first = next(each for each in statements(kernel) if any(a.tensor == tensor.name for a in each.accesses))
    if tensor.direction is not Direction.INOUT and (first is not writers[0] or _reads(first, tensor.name)):
        return f"statement {first.index} reads '{tensor.name}' before anything is written there"
    return _not_in_order(kernel, tensor.name)


def _not_whole(kernel: Kernel, tensor: Tensor, writer: Statement) -> str | None:
    """Why a statement does not give every element a value that rests on the element's former one alone."""
    target, name = writer.assign.target, tensor.name
    extents = {each.name: each.extent for each in writer.iterators}
    indices = [lone(index) for index in target.map.results]
    held = [index for index in indices if index is not None]
    whole = all(
        (index is not None and extents[index] == size) or (size == 1 and not result.names)
        for index, result, size in zip(indices, target.map.results, tensor.shape, strict=True)
    )
    if writer.conditions or writer.exclusions or not whole or len(set(held)) < len(held):
        return f"does not write every element of '{name}'"
    if any(read.map != target.map or read.otherwise is not None for read in _reads(writer, name)):
        return f"reads other elements of '{name}'"
    repeated = {each for each, extent in extents.items() if extent > 1 and each not in held}
    if repeated and writer.assign.reduction is None:
        return f"writes '{name}' several times"
    if repeated and (_reads(writer, name) or not repeated <= set(nest_of(kernel, writer.index).own)):
        return f"reads '{name}' while it sums" if _reads(writer, name) else "shares the loop that it sums over"
    return None


def _reads(statement: Statement, name: str) -> list[Access]:
    return [access for access in loads(statement.assign.value) if access.tensor == name]


def _not_in_order(kernel: Kernel, name: str) -> str | None:
    """Why one value may follow the other in another order than in the text: a loop that several users stand in."""
    users = [each for each in statements(kernel) if any(access.tensor == name for access in each.accesses)]
    overwritten = users[0].assign.target.tensor == name and name not in users[0].reads
    for one, other in combinations(users, 2):
        for loop, iterator in zip(one.loops, one.iterators, strict=True):
            if loop not in other.loops or iterator.extent <= 1:
                continue
            axes = {_axis(access, iterator.name) for user in (one, other) for access in _uses(user, name)}
            alone = axes == {None} and overwritten and all(loop in user.loops for user in users)
            absent = all(iterator.name not in names_in(a) for user in (one, other) for a in _uses(user, name))
            if not (alone and absent) and (None in axes or len(axes) > 1):
                return f"one iteration of '{iterator.name}' sees what another makes of '{name}'"
    return None


def _uses(statement: Statement, name: str) -> list[Access]:
    return [access for access in statement.accesses if access.tensor == name]


def _axis(access: Access, iterator: str) -> int | None:
    """The axis at which the iterator stands alone, and nowhere else."""
    names = [lone(index) for index in access.map.results]
    used = sum(iterator in index.names for index in access.map.results)
    return names.index(iterator) if used == 1 and iterator in names else None


def _values(kernel: Kernel, tensor: Tensor, writers: abc.Sequence[Statement]) -> list[_Value]:
    """The values in order, with names of their own; the last keeps the tensor's."""
    names = Names(kernel)
    current = tensor.name if tensor.direction is Direction.INOUT else None
    found: list[_Value] = []
    for place, writer in enumerate(writers):
        if found and found[-1].starts:
            found.append(_Value(writer.index, current, found[-1].written))
            continue
        starts = writer is not writers[-1] and _is_start(kernel, tensor, writer, writers[place + 1])
        total = names.fresh(tensor.name) if _sums(writer) and current is not None else None
        last = writers[place + starts] is writers[-1]
        written = tensor.name if last else names.fresh(tensor.name)
        fresh = written != tensor.name or tensor.direction is not Direction.INOUT
        dropped = starts and fresh and set(nest_of(kernel, writer.index).around) <= set(names_in(writer.assign.target))
        found.append(_Value(writer.index, current, written, total, starts, dropped))
        current = written
    return found


def _sums(writer: Statement) -> bool:
    held = names_in(writer.assign.target)
    return any(each.extent > 1 and each.name not in held for each in writer.iterators)


def _is_start(kernel: Kernel, tensor: Tensor, writer: Statement, following: Statement) -> bool:
    """Whether a statement only writes what the sum that follows it starts from anyhow."""
    value, reduction = writer.assign.value, following.assign.reduction
    if writer.assign.reduction is not None or reduction is None or not _sums(following):
        return False
    between = statements(kernel)[writer.index + 1 : following.index]
    if any(tensor.name in each.reads for each in between) or not isinstance(value, Constant):
        return False
    return bool(value.value == numeric.identity(reduction, tensor.dtype).item())


def _separated(kernel: Kernel, tensor: Tensor, plan: abc.Sequence[_Value]) -> Separation:
    """The statements with their tensors' new names, from the last to the first: numbers before stay as they are."""
    values = {value.statement: value for value in plan}
    added: list[int] = []
    made = dict.fromkeys(name for value in plan for name in (value.written, value.total) if name is not None)
    current = plan[-1].written
    for statement in reversed(statements(kernel)):
        path, assign = sites(kernel)[statement.index].place.path, statement.assign
        value = values.get(statement.index)
        if value is None:
            assign = _reading(assign, tensor.name, current)
        else:
            current = value.before or tensor.name
            assign = _writing(_reading(assign, tensor.name, current), value, _sums(statement))
        if value is not None and value.dropped:
            kernel = replaced(kernel, nest_of(kernel, statement.index).path, [])
            added = [number - 1 for number in added]
            continue
        if assign != statement.assign:
            kernel = replaced(kernel, path, [assign])
        if value is not None and value.total is not None:
            kernel = _added(kernel, statement, value)
            added = [statement.index + 1, *(number + 1 for number in added)]
    shape = replace(tensor, direction=Direction.LOCAL, role=Role.PLAIN, memory=None, address=None)
    fresh = tuple(replace(shape, name=name) for name in made if name != tensor.name)
    gone = tuple(value.statement for value in plan if value.dropped)
    return Separation(replace(kernel, tensors=(*kernel.tensors, *fresh)), tuple(added), gone)


def _reading(assign: Assign, old: str, new: str) -> Assign:
    """The statement reading the value that goes by ``new``."""

    def named(load: Load) -> Load:
        return replace(load, access=replace(load.access, tensor=new)) if load.access.tensor == old else load

    return replace(assign, value=map_loads(assign.value, named))


def _writing(assign: Assign, value: _Value, sums: bool) -> Assign:
    """The statement writing its own value, from the former one where it is no sum with a start of its own."""
    target = replace(assign.target, tensor=value.total or value.written)
    if assign.reduction is None or sums:
        return replace(assign, target=target)
    if value.before is None:
        return replace(assign, target=target, reduction=None)
    former = Load(replace(target, tensor=value.before, span=None))
    joined = Binary(REDUCTION_OPERATOR[assign.reduction], former, assign.value)
    return replace(assign, target=target, value=joined, reduction=None)


def _added(kernel: Kernel, statement: Statement, value: _Value) -> Kernel:
    """The sum followed by the statement that puts its start to it."""
    nest, assign = nest_of(kernel, statement.index), statement.assign
    assert value.before is not None and value.total is not None and assign.reduction is not None
    before, total = (Load(replace(assign.target, tensor=name, span=None)) for name in (value.before, value.total))
    both = Binary(REDUCTION_OPERATOR[assign.reduction], before, total)
    held = {name: size for name, size in nest.extents.items() if name in names_in(assign.target)}
    last = Assign(replace(assign.target, tensor=value.written), both, None, assign.span)
    node = next(node for node, place in walk(kernel) if place.path == nest.path)
    return replaced(kernel, nest.path, [node, loops_around(held, last)])
