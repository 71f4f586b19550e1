"""Tensors that live in an on-chip memory from statement to statement, instead of at home.

What one statement of a loop makes, the next one finds where it was left: gates and states of a recurrence, or what one
layer hands to the next. Along one axis only the last few positions may be kept, each in the place of one that nobody
reads again.

What does not belong here: where elements of a kept tensor lie (``layout.py``), what should be kept
(``scheduler/improving/keeping.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import Affine, evaluate
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Direction, Kernel
from isamapper.ir.walk import value_range
from isamapper.plan.homes import all_tensors
from isamapper.plan.lanes import padded_lanes
from isamapper.plan.nest import Buffer, KeptAxis, Nest
from isamapper.plan.refusal import written_at
from isamapper.plan.skeleton import Leaf, Part, skeleton

MOST_VISITS = 100_000
"""How many visits of statements are followed to see that nothing is read after its place was taken."""


@dataclass(frozen=True, slots=True)
class Use:
    """A nest's way to a kept tensor; ``buffer`` is None where it goes home for it."""

    nest: Nest
    access: int
    buffer: Buffer | None

    @property
    def writes(self) -> bool:
        return self.access in self.nest.statement.written


def kept_at(nest: Nest, access: int) -> Buffer | None:
    """The kept tensor at the start of an access's path, if that is where it starts."""
    path = nest.path(access)
    return path[0] if path and path[0].kept else None


def kept_uses(nests: abc.Iterable[Nest]) -> dict[str, tuple[Use, ...]]:
    """Every tensor that some nest keeps, with all that nests do with it."""
    found: dict[str, list[Use]] = {}
    for nest in nests:
        for access in sorted({access for _, access in nest.call.sigma}):
            name = nest.statement.accesses[access].tensor
            found.setdefault(name, []).append(Use(nest, access, kept_at(nest, access)))
    return {name: tuple(uses) for name, uses in found.items() if any(use.buffer is not None for use in uses)}


def at_home(uses: abc.Iterable[Use]) -> bool:
    """Whether a kept tensor is brought home, too."""
    return any(use.buffer is None or use.buffer.drain is not None for use in uses)


def check_kept(kernel: Kernel, nests: abc.Sequence[Nest]) -> Rejection | None:
    """The first tensor that is to be kept and cannot."""
    return next(_mistakes(kernel, nests), None)


def _mistakes(kernel: Kernel, nests: abc.Sequence[Nest]) -> abc.Iterator[Rejection]:
    for nest in nests:
        for buffer in nest.buffers:
            if buffer.kept:
                yield from _misplaced(nest, buffer)
    for name, uses in kept_uses(nests).items():
        first = next(use.buffer for use in uses if use.buffer is not None)
        at = written_at(first.span)
        for reason, edit in _conflicts(kernel, nests, name, uses, first):
            yield Rejection("SCH017", f"kept tensor '{name}'", reason, at, edit)


def _misplaced(nest: Nest, buffer: Buffer) -> abc.Iterator[Rejection]:
    """What is wrong with one statement's step, whatever the others do."""
    subject = f"kept tensor '{nest.statement.accesses[buffer.access].tensor}'"
    for reason, edit in _oddities(nest, buffer):
        yield Rejection("SCH017", subject, reason, written_at(buffer.span), edit)


def _oddities(nest: Nest, buffer: Buffer) -> abc.Iterator[tuple[str, str]]:
    if nest.path(buffer.access)[0] is not buffer or buffer.loop is not None:
        yield "it is where the tensor lives, so it stands first, outside all loops", "place it first"
    if buffer.slots > 1 or buffer.prefetch or buffer.delay or buffer.prepared or buffer.resident or buffer.fill:
        yield "statements fill it, so nothing else does, ahead or offline", "leave the rest out"
    if nest.epilogue is not None and buffer.access == 0:
        yield "its statement is fused with the next and hands its elements on", "leave 'fuse' out"
    beyond = looks_beyond(nest, buffer.access)
    if beyond is not None:
        reason = f"calls look beyond its elements along '{beyond}', and there it holds nothing"
        yield reason, "digits that divide, or leave it at home"


def looks_beyond(nest: Nest, access: int) -> str | None:
    """An instruction iterator along which calls look at more than the kernel's own elements of an access."""
    operand, semantics = nest.call.operand(access), nest.call.instruction.semantics
    own = (each for statement in statements(semantics) for each in statement.accesses if each.tensor == operand)
    lanes = {name for each in own for index in each.map.results for name in index.names}
    return next((lane for lane in padded_lanes(nest, nest.call) if lane in lanes), None)


def _conflicts(
    kernel: Kernel, nests: abc.Sequence[Nest], name: str, uses: abc.Sequence[Use], first: Buffer
) -> abc.Iterator[tuple[str, str]]:
    """What keeps all statements together from leaving the tensor where it is."""
    tensor = all_tensors(kernel)[name]
    if tensor.direction not in (Direction.LOCAL, Direction.OUT):
        yield "it has values before the kernel runs", "only what the kernel itself writes is kept"
        return
    own = {nest.statement.index for nest in nests}
    fused = {nest.epilogue.statement.index for nest in nests if nest.epilogue is not None}
    for statement in statements(kernel):
        if any(access.tensor == name for access in statement.accesses) and statement.index not in own - fused:
            yield f"statement {statement.index} is done by another one's call or drain", "leave the fusion out"
    for use in uses:
        if use.buffer is None and use.writes:
            yield f"statement {use.nest.statement.index} writes it at home", "keep it there as well"
        if use.buffer is not None and (use.buffer.memory, use.buffer.kept) != (first.memory, first.kept):
            yield f"statement {use.nest.statement.index} keeps it at another place", "one place for all statements"
    everywhere = all(use.buffer is not None for use in uses)
    for use in uses:
        lacks = use.writes and use.buffer is not None and use.buffer.drain is None
        if lacks and not (everywhere and tensor.direction is Direction.LOCAL):
            yield f"nobody brings home what statement {use.nest.statement.index} writes", "'drain' it with a copy"
    yield from ((reason, "keep more of that axis") for reason in _lost(kernel, name, first.kept, tensor.shape))
    yield from ((reason, "an overwriting 'first', or an 'init'") for reason in _unstarted(kernel, name, uses))


def _unstarted(kernel: Kernel, name: str, uses: abc.Sequence[Use]) -> abc.Iterator[str]:
    """Sums that would start from what the memory happens to hold."""
    for use in uses:
        statement = use.nest.statement
        if use.writes and statement.assign.reduction is not None and use.nest.first is None and use.nest.init is None:
            before = (s for s in statements(kernel) if s.index < statement.index)
            if not any(s.assign.target.tensor == name for s in before):
                yield f"the sum of statement {statement.index} starts from what the memory happens to hold"


# what a tensor of few places holds


def _lost(kernel: Kernel, name: str, kept: tuple[KeptAxis, ...], shape: tuple[int, ...]) -> abc.Iterator[str]:
    for dim, size in enumerate(shape):
        axes = [axis for axis in kept if axis.dim == dim]
        rolling = [axis for axis in axes if axis.rolls]
        if rolling and (len(axes) > 1 or rolling[0].weight > 1):
            yield f"axis {dim} rolls, so it is one axis of single positions"
        elif rolling:
            reason = overwritten(kernel, name, dim, rolling[0].extent)
            yield from () if reason is None else (reason,)
        elif not axes or max(axis.weight * axis.extent for axis in axes) < size:
            yield f"not all {size} positions of its axis {dim} have a place"


@lru_cache(maxsize=1024)
def overwritten(kernel: Kernel, name: str, dim: int, places: int) -> str | None:
    """Why ``places`` positions along an axis are too few: what is read after its place was taken; None where it is not.

    Follows every visit of a statement that touches the tensor, in the order of the program.
    """
    found = {statement.index: statement for statement in statements(kernel)}
    touching = {
        index: tuple((a.map.results[dim], n == 0) for n, a in enumerate(s.accesses) if a.tensor == name)
        for index, s in found.items()
        if any(access.tensor == name for access in s.accesses)
    }
    held: dict[int, int] = {}
    for visits, (index, values) in enumerate(_visits(skeleton(kernel), touching, {})):
        if visits > MOST_VISITS:
            return f"statements touch it more than {MOST_VISITS} times, more than are followed"
        own = {each.name: each.extent for each in found[index].iterators if each.name not in values}
        reached = [(value_range(_fixed(function, values), own), writes) for function, writes in touching[index]]
        written = [span for span, writes in reached if writes]
        for low, high in written:
            held.update({position % places: position for position in range(low, high + 1)})
            if high - low >= places:
                return f"statement {index} writes {high - low + 1} positions of axis {dim} at a time"
        for low, high in (span for span, writes in reached if not writes):
            for position in range(low, high + 1):
                if held.get(position % places) != position:
                    return f"statement {index} reads position {position} of axis {dim} after its place was taken"
    return None


def _visits(
    parts: abc.Iterable[Part], touching: abc.Collection[int], values: dict[str, int]
) -> abc.Iterator[tuple[int, dict[str, int]]]:
    """Statements and the values of the loops around them, in the order of the program."""
    for part in parts:
        if isinstance(part, Leaf):
            if part.statement in touching:
                yield part.statement, values
        else:
            trips = min(evaluate(bound, values) for bound in part.extent.bounds)
            for value in range(trips):
                yield from _visits(part.members, touching, {**values, part.loop: value})


def _fixed(function: Affine, values: abc.Mapping[str, int]) -> Affine:
    start = sum(coefficient * values[name] for name, coefficient in function.terms if name in values)
    terms = tuple((name, coefficient) for name, coefficient in function.terms if name not in values)
    return Affine(terms, function.constant + start)
