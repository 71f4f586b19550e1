"""Sinking: a statement that was done for all steps beforehand, or afterwards, goes into the loop over the steps.

Before:
    for b < B, t < T, j < H, i < I { a[t, b, j] += x[t, b, i] * w[i, j] }
    for t < T {
      for b < B, j < H, i < H { a[t, b, j] += h[t, b, i] * u[i, j] }
      for b < B, j < H { h[t+1, b, j] = tanh(a[t, b, j]) }
    }
After ``sink statement 0 by t to statement 1``:
    for t < T {
      for b < B, j < H, i < I { a[t, b, j] += x[t, b, i] * w[i, j] }
      for b < B, j < H, i < H { a[t, b, j] += h[t, b, i] * u[i, j] }
      for b < B, j < H { h[t+1, b, j] = tanh(a[t, b, j]) }
    }

Legal where no dependence would be reversed (``ir/legality.py``): neither in the loop nor on what stands between.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.dependence import dependences
from isamapper.ir.legality import why_not_fuse
from isamapper.ir.nodes import Kernel, Loop, Node
from isamapper.ir.walk import Place, sites, walk
from isamapper.mapper.rewrites.edit import Names, Nest, loops_around, nest_of, own_nest, renamed, replaced, spans
from isamapper.mapper.rewrites.reader import iterator_of, number_of, statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Sink:
    """The step: ``iterator`` of ``statement`` becomes the loop, beside it, that stands around ``other``."""

    statement: int
    iterator: str
    other: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"sinking of statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        where = spans(nest.statement.assign)
        beside = _loop_beside(kernel, nest, self.other)
        if beside is None:
            return Rejection("RW101", subject, f"no loop beside it holds statement {self.other}", where)
        if self.iterator not in nest.own:
            return Rejection("RW101", subject, f"'{self.iterator}' is no loop of its own", where)
        between = _between(kernel, self.statement, self.other, beside[1])
        if between is not None:
            return Rejection("RW101", subject, f"statement {between} stands between and must not change places", where)
        return self._moved(kernel, nest, beside, subject)

    def _moved(self, kernel: Kernel, nest: Nest, beside: tuple[Loop, Place], subject: str) -> Kernel | Rejection:
        loop, place = beside
        inner = {name: size for name, size in nest.extents.items() if name != self.iterator}
        body = loops_around(inner, nest.statement.assign)
        before = nest.path < place.path
        outer = loops_around({self.iterator: nest.extents[self.iterator]}, body)
        pair: tuple[Node, ...] = (outer, loop) if before else (loop, outer)
        here = place.path[-1] - before
        after = replaced(replaced(kernel, nest.path, []), (*place.path[:-1], here), pair)
        numbers = [n for n, (_, p) in enumerate(_loops(after)) if p.path[:-1] == place.path[:-1] and p.path[-1] >= here]
        obstacle = why_not_fuse(after, *numbers[:2])
        if obstacle is not None:
            return replace(obstacle, subject=subject)
        moved = renamed(outer, {self.iterator: loop.iterator}, Names(kernel))
        assert isinstance(moved, Loop)
        whole = (*moved.body, *loop.body) if before else (*loop.body, *moved.body)
        without = replaced(after, (*place.path[:-1], here + 1), [])
        return replaced(without, (*place.path[:-1], here), [replace(loop, body=whole)])

    def order(self, kernel: Kernel) -> tuple[int, ...]:
        """The numbers that the statements of ``kernel`` had, in the order in which they stand after the step."""
        nest = nest_of(kernel, self.statement)
        beside = _loop_beside(kernel, nest, self.other)
        inside = [] if beside is None else _inside(kernel, beside[1])
        rest = [each for each in range(len(statements(kernel))) if each != self.statement]
        before = nest.statement.index < min(inside)
        place = rest.index(min(inside)) if before else rest.index(max(inside)) + 1
        return (*rest[:place], self.statement, *rest[place:])

    def text(self, kernel: Kernel) -> str:
        """``sink statement 0 by t to statement 1``."""
        del kernel
        return f"sink statement {self.statement} by {self.iterator} to statement {self.other}"


def read(words: StepReader, kernel: Kernel) -> Sink:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect("by")
    iterator = iterator_of(words, kernel, statement)
    words.expect("to")
    words.expect("statement")
    return Sink(statement, iterator, number_of(words, kernel))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Sink]:
    """Into loops that several statements share, where one of them uses what the statement writes, step by step."""
    found = statements(kernel)
    own, target = found[statement], found[statement].assign.target
    seen: set[int] = set()
    for other in found:
        loop = next(iter(other.loops[_depth(own, other) :]), None)
        if other is own or loop is None or loop in seen or sum(loop in each.loops for each in found) < 2:
            continue
        name = other.iterators[other.loops.index(loop)].name
        for access in (each for each in other.accesses if each.tensor == target.tensor):
            pairs = zip(target.map.results, access.map.results, strict=True)
            facing = [own_name for a, b in pairs if name in b.names and (own_name := _alone(a.names)) is not None]
            if len(facing) == 1 and loop not in seen:
                seen.add(loop)
                yield Sink(statement, facing[0], other.index)


def _alone(names: frozenset[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _depth(one: Statement, other: Statement) -> int:
    return sum(a == b for a, b in zip(one.loops, other.loops, strict=False))


def _loops(kernel: Kernel) -> list[tuple[Loop, Place]]:
    return [(node, place) for node, place in walk(kernel) if isinstance(node, Loop)]


def _loop_beside(kernel: Kernel, nest: Nest, other: int) -> tuple[Loop, Place] | None:
    """The loop in the same block as the nest that statement ``other`` stands in."""
    path = sites(kernel)[other].place.path
    for node, place in _loops(kernel):
        around = len(place.path) == len(nest.path) and place.path[:-1] == nest.path[:-1]
        if around and place.path != nest.path and path[: len(place.path)] == place.path:
            return node, place
    return None


def _inside(kernel: Kernel, place: Place) -> list[int]:
    """The statements in a loop."""
    return [site.index for site in sites(kernel) if site.place.path[: len(place.path)] == place.path]


def _between(kernel: Kernel, statement: int, other: int, place: Place) -> int | None:
    """A statement between the nest and the loop that depends on it, or that it depends on."""
    inside = _inside(kernel, place)
    low, high = min(statement, *inside), max(statement, *inside)
    for each in dependences(kernel):
        pair = {each.source, each.sink} - {statement}
        if statement in (each.source, each.sink) and len(pair) == 1:
            (found,) = pair
            if low < found < high and found not in inside:
                return found
    return None
