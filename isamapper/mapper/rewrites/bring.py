"""Bringing what several statements read to one place, once in every iteration of the loops around them.

Before:
    for t < T { for j < H { r[j] = x[t, j] + a[j] }  for j < H { z[j] = x[t, j] * b[j] } }
After ``bring x to statement 0``:
    local x1: like x
    for t < T { for j < H { x1[t, j] = x[t, j] }  for j < H { r[j] = x1[t, j] + a[j] }  ... }

The copy stands first in the loops that its readers share, so that it is under way early. Legal where nothing in those
loops writes the tensor and all readers there look at one element of it at a time, the same for all.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Assign, Direction, Kernel, Load, Loop, Node, Role, Tensor
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import sites
from isamapper.mapper.rewrites.edit import Names, loops_around, replaced
from isamapper.mapper.rewrites.reader import number_of
from isamapper.plan.homes import all_tensors
from isamapper.plan.skeleton import shared_iterators
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Bring:
    """The step: ``tensor`` is copied where statement ``first`` stands, which is the first in its shared loops."""

    tensor: str
    first: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"bring of '{self.tensor}'"
        found = statements(kernel)
        shared = shared_iterators(kernel, found[self.first])
        loops = found[self.first].loops[: len(shared)]
        members = [each for each in found if loops and each.loops[: len(loops)] == loops]
        readers = [each for each in members if any(a.tensor == self.tensor for a in each.accesses[1:])]
        if not readers or members[0].index != self.first:
            return Rejection("RW111", subject, f"statement {self.first} is not the first in loops around its readers")
        if any(each.assign.target.tensor == self.tensor for each in members):
            return Rejection("RW111", subject, "it is written in the loops around its readers")
        if any(each.conditions or each.exclusions for each in readers):
            return Rejection("RW111", subject, "a reader stands under a condition")
        access = same_access(readers, self.tensor)
        if access is None:
            return Rejection("RW111", subject, "its readers look at different elements of it")
        return self._made(kernel, members, access, set(shared))

    def _made(self, kernel: Kernel, members: abc.Sequence[Statement], access: Access, shared: abc.Set[str]) -> Kernel:
        own = all_tensors(kernel)[self.tensor]
        name = Names(kernel).fresh(f"{self.tensor}1")
        near = replace(own, name=name, direction=Direction.LOCAL, role=Role.PLAIN, memory=None, address=None, span=None)
        reader = next(each for each in members if access in each.accesses)
        extents = {each.name: each.extent for each in reader.iterators if each.name not in shared}
        used = {each for index in access.map.results for each in index.names}
        copy = loops_around(
            {each: size for each, size in extents.items() if each in used},
            Assign(Access(name, access.map), Load(Access(self.tensor, access.map))),
        )
        changed = kernel
        for each in members:
            changed = _reading(changed, each.index, self.tensor, name)
        path = sites(changed)[self.first].place.path
        inside = path[: len(shared) + 1]
        return _before(changed, inside, copy, near)

    def text(self, kernel: Kernel) -> str:
        """``bring x to statement 0``."""
        del kernel
        return f"bring {self.tensor} to statement {self.first}"


def same_access(readers: abc.Sequence[Statement], tensor: str) -> Access | None:
    """How all of ``readers`` look at ``tensor``, if they do alike and at one element for each of their iterations."""
    found = {access for each in readers for access in each.accesses[1:] if access.tensor == tensor}
    if len(found) != 1:
        return None
    access = found.pop()
    names = {name for index in access.map.results for name in index.names}
    sizes = {tuple((each.name, each.extent) for each in own.iterators if each.name in names) for own in readers}
    lone = all(len(index.terms) <= 1 and not index.rotations for index in access.map.results)
    return access if len(sizes) == 1 and lone and access.otherwise is None else None


def _reading(kernel: Kernel, index: int, old: str, new: str) -> Kernel:
    """The kernel whose statement ``index`` reads ``new`` in place of ``old``."""
    assign = statements(kernel)[index].assign

    def renamed(load: Load) -> Load:
        return replace(load, access=replace(load.access, tensor=new)) if load.access.tensor == old else load

    value = map_loads(assign.value, renamed)
    return replaced(kernel, sites(kernel)[index].place.path, (replace(assign, value=value),))


def _before(kernel: Kernel, path: tuple[int, ...], node: Node, tensor: Tensor) -> Kernel:
    """The kernel with ``node`` put before the node at ``path``, and a tensor more."""
    found: Node | None = None
    body: tuple[Node, ...] = kernel.body
    for position in path:
        found = body[position]
        body = found.body if isinstance(found, Loop) else ()
    assert found is not None
    return replaced(kernel, path, (node, found), (tensor,))


def read(words: StepReader, kernel: Kernel) -> Bring:
    """The step after its first word."""
    name = words.name("a tensor")
    if name not in all_tensors(kernel):
        raise words.wrong(f"kernel '{kernel.name}' has no tensor '{name}'")
    words.expect("to")
    words.expect("statement")
    return Bring(name, number_of(words, kernel))
