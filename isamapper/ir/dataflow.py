"""Who sees whose value, exactly, in kernels and in programs.

Rules of this file:
- spaces are named by kind and number, numbers in textual order: declaration ``T3``, assign ``S2``, invocation ``V5``;
- an instance is a point of a space. ``S2R1[loops]`` is the read of access 1 of assign 2 (access 0 is what an
  accumulation reads), ``S2W[loops]`` its write; ``V5R1[loops, index]`` and ``V5W1[loops, index]`` are an
  invocation's read and write of one element of its window 1; ``D3[loops, index]`` is what an element of declaration 3
  starts with, written where it is declared: so every read inside its tensor has a source;
- an assign reads before it writes, an invocation reads all operands before it writes any, as the interpreter does;
- :func:`inner_flow` opens invocations: ``V5S0R1[loops, iterators]`` is read 1 of statement 0 of the instruction.

Everything here needs islpy (:func:`isamapper.ir.relations.available`).
What does not belong here: what a program must satisfy (``verify/``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

from isamapper.ir import relations
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Allocate, Assign, Direction, Invoke, Kernel, Load, Loop, Node, Tensor
from isamapper.ir.relations import Map, Set
from isamapper.ir.walk import Place, walk

Meaning: TypeAlias = abc.Callable[[str, abc.Mapping[str, int]], Kernel]


class Start(Enum):
    """What a tensor holds before anything is written."""

    GIVEN = "given"
    IDENTITY = "identity"
    UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration: its tensor, where it stands, and what it starts with."""

    number: int
    tensor: Tensor
    place: Place
    start: Start


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assign; ``tensors`` numbers the declarations its accesses go to, the target first, then the loads."""

    number: int
    assign: Assign
    place: Place
    tensors: tuple[int, ...]

    @property
    def accesses(self) -> tuple[Access, ...]:
        """The target, then the loads."""
        return (self.assign.target, *loads(self.assign.value))


@dataclass(frozen=True, slots=True)
class Invoked:
    """An invocation; ``tensors`` numbers the declarations of its windows, in their order.

    ``meanings`` are the instruction's kernels at all parameter values that occur, each with the points ``V5[loops]``
    at which it does.
    """

    number: int
    invoke: Invoke
    place: Place
    tensors: tuple[int, ...]
    meanings: tuple[tuple[Kernel, Set], ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """Exact dataflow of a kernel or program.

    ``reads``: read instance -> element ``T3[index]``. ``writes``: write or ``D`` instance -> element.
    ``sources``: read instance -> the one write or ``D`` instance whose value it sees; a read without an entry reads
    outside its tensor. ``finals``: element of a result -> the write or ``D`` instance that gives its final value.
    """

    declared: tuple[Declared, ...]
    assigns: tuple[Assigned, ...]
    invokes: tuple[Invoked, ...]
    reads: Map
    writes: Map
    sources: Map
    finals: Map


def dataflow(kernel: Kernel, meaning: Meaning | None = None) -> Flow:
    """The dataflow of ``kernel`` at any level; programs need ``meaning``, an instruction's kernel at its parameters."""
    return _Builder(kernel, meaning).flow()


@lru_cache(maxsize=512)
def kernel_flow(kernel: Kernel) -> Flow:
    """:func:`dataflow` of a kernel without invocations; kept, because programs ask for their instructions' again."""
    return dataflow(kernel)


class _Builder:
    """Collects what every node reads, writes and when; stations of time are preorder numbers of loops and leaves."""

    def __init__(self, kernel: Kernel, meaning: Meaning | None) -> None:
        self.kernel, self.meaning = kernel, meaning
        self.nodes: list[tuple[Node, Place]] = list(walk(kernel))
        self.loops = [number for number, (node, _) in enumerate(self.nodes) if isinstance(node, Loop)]
        self.length = 2 * max((len(place.loops) for _, place in self.nodes), default=0) + 2
        self.declared: dict[tuple[int, ...], Declared] = {}
        self.assigns: list[Assigned] = []
        self.invokes: list[Invoked] = []
        self.reads, self.writes, self.starts, self.times = (relations.no_map() for _ in range(4))

    def flow(self) -> Flow:
        for position, tensor in enumerate(self.kernel.tensors):
            self.declare(tensor, Place(path=(-1 - position,)), -1)
        for number, (node, place) in enumerate(self.nodes):
            match node:
                case Allocate(tensor):
                    self.declare(tensor, place, number)
                case Assign():
                    self.assign(node, place, number)
                case Invoke():
                    self.invoke(node, place, number)
                case _:
                    pass
        finals = self.results()
        sources = relations.last_writers(self.reads, self.writes, self.starts, finals, self.times)
        return Flow(
            tuple(self.declared.values()),
            tuple(self.assigns),
            tuple(self.invokes),
            self.reads,
            self.writes.union(self.starts),
            sources.subtract_domain(finals.domain()),
            finals.reverse().apply_range(sources),
        )

    def declare(self, tensor: Tensor, place: Place, number: int) -> None:
        first = self.first_write(tensor.name, place.path[:-1], number)
        declared = Declared(len(self.declared), tensor, place, _start(tensor, first))
        self.declared[place.path] = declared
        start = relations.elements(f"D{declared.number}", place, tensor.shape, f"T{declared.number}")
        self.starts = self.starts.union(start)
        self.time(f"D{declared.number}", place, number, 1, len(tensor.shape))

    def first_write(self, name: str, block: tuple[int, ...], number: int) -> Assign | None:
        """The textually first assign to ``name`` after node ``number`` in the block with path ``block``."""
        for node, place in self.nodes[number + 1 :]:
            if place.path[: len(block)] != block:
                return None
            if isinstance(node, Assign) and node.target.tensor == name:
                return node
        return None

    def assign(self, assign: Assign, place: Place, number: int) -> None:
        names = [assign.target.tensor, *(access.tensor for access in loads(assign.value))]
        found = [self.seen(place, name) for name in names]
        made = Assigned(len(self.assigns), assign, place, tuple(declared.number for declared in found))
        self.assigns.append(made)
        for position, (access, declared) in enumerate(zip(made.accesses, found, strict=True)):
            name, target = f"S{made.number}R{position}", f"T{declared.number}"
            shape = declared.tensor.shape if access.otherwise is not None else None
            if position > 0 or assign.reduction is not None:
                self.read(relations.access_map(name, place, access.map, shape, target))
                self.time(name, place, number, 0)
            if position == 0:
                self.write(relations.access_map(f"S{made.number}W", place, access.map, None, target))
                self.time(f"S{made.number}W", place, number, 1)

    def invoke(self, invoke: Invoke, place: Place, number: int) -> None:
        made = self.invoked(invoke, place)
        self.invokes.append(made)
        for position, (name, window) in enumerate(invoke.windows):
            declared = self.seen(place, window.tensor)
            shape = declared.tensor.shape if window.otherwise is not None else None
            for letter, used, phase in (("R", _read, 0), ("W", _written, 1)):
                instance = f"V{made.number}{letter}{position}"
                whole = relations.window_map(instance, place, window, shape, f"T{declared.number}")
                part = _restricted(whole, made, instance, name, used)
                (self.read if phase == 0 else self.write)(part)
                self.time(instance, place, number, phase, len(window.axes))

    def invoked(self, invoke: Invoke, place: Place) -> Invoked:
        if self.meaning is None:
            raise ValueError(f"the dataflow of an invocation of '{invoke.instruction}' needs the machine's meanings")
        number = len(self.invokes)
        names = [name for name, _ in invoke.parameters]
        points = relations.values(f"V{number}", place, [value for _, value in invoke.parameters])
        meanings = tuple(
            (self.meaning(invoke.instruction, dict(zip(names, value, strict=True))), where) for value, where in points
        )
        tensors = tuple(self.seen(place, window.tensor).number for _, window in invoke.windows)
        return Invoked(number, invoke, place, tensors, meanings)

    def seen(self, place: Place, name: str) -> Declared:
        declaration = place.declaration(name)
        if declaration is None:
            raise ValueError(f"tensor '{name}' is not declared")
        return self.declared[declaration.path]

    def results(self) -> Map:
        """A read of every element of every result, after everything."""
        found = relations.no_map()
        for declared in self.declared.values():
            if declared.tensor.direction in (Direction.OUT, Direction.INOUT):
                name, shape = f"F{declared.number}", declared.tensor.shape
                found = found.union(relations.elements(name, Place(), shape, f"T{declared.number}"))
                self.time(name, Place(), len(self.nodes), 0, len(shape))
        return found

    def read(self, relation: Map) -> None:
        self.reads = self.reads.union(relation)

    def write(self, relation: Map) -> None:
        self.writes = self.writes.union(relation)

    def time(self, name: str, place: Place, number: int, phase: int, extra: int = 0) -> None:
        stations = [*(self.loops[loop] for loop in place.loops), number, phase]
        self.times = self.times.union(relations.time_map(name, place, extra, stations, self.length))


def _start(tensor: Tensor, first: Assign | None) -> Start:
    if tensor.direction in (Direction.IN, Direction.INOUT):
        return Start.GIVEN
    return Start.IDENTITY if first is not None and first.reduction is not None else Start.UNDEFINED


# What an instruction reads and writes of its operands


def _read(kernel: Kernel, operand: str) -> Set:
    """``E[index]`` for the operand's elements whose given value the instruction reads."""
    flow = kernel_flow(kernel)
    declared = _declared(flow, operand)
    if declared.start is not Start.GIVEN:
        return relations.no_set()
    return relations.renamed_set(flow.sources.range(), {f"D{declared.number}": "E"})


def _written(kernel: Kernel, operand: str) -> Set:
    """``E[index]`` for the operand's elements that the instruction gives a value."""
    flow = kernel_flow(kernel)
    declared = _declared(flow, operand)
    target, start = f"T{declared.number}", f"D{declared.number}"
    everything = relations.renamed(flow.finals, {target: "E"}, None).domain()
    if declared.start is Start.IDENTITY:
        return everything
    return everything.subtract(relations.renamed(flow.finals, {target: "E"}, {start: start}).domain())


def _declared(flow: Flow, name: str) -> Declared:
    return next(declared for declared in flow.declared if declared.tensor.name == name)


def _restricted(whole: Map, made: Invoked, instance: str, operand: str, used: abc.Callable[[Kernel, str], Set]) -> Map:
    """``whole`` for the operand's elements that are ``used`` at each point's parameter values.

    Where the elements used at the greatest values, cut to the window, are the same, that shorter form is taken.
    """
    exact = relations.no_set()
    for kernel, points in made.meanings:
        exact = exact.union(relations.product(points, used(kernel, operand), instance))
    if len(made.meanings) <= 1:  # none where the invocation is never executed
        return whole.intersect_domain(exact)
    everywhere = relations.instances(f"V{made.number}", made.place)
    greatest = relations.product(everywhere, used(made.meanings[-1][0], operand), instance)
    candidate = whole.intersect_domain(greatest)
    return candidate if candidate.domain().is_equal(exact) else whole.intersect_domain(exact.coalesce())


# Inside invocations


@dataclass(frozen=True, slots=True)
class InnerFlow:
    """How instructions' statements connect to their operands.

    ``reads``: ``V5S0R1[loops, iterators]`` -> what it sees: ``V5R1[loops, index]`` (the operand as given),
    ``V5S1W[loops, iterators]`` (a statement of the same invocation) or ``V5D2[loops, index]`` (an instruction's local
    or result as it starts). ``writes``: ``V5W1[loops, index]`` -> the statement instance or start that gave the value.
    ``copies``: write -> read of the statements, of invocations and of the program itself, that only copy.
    """

    reads: Map
    writes: Map
    copies: Map


def inner_flow(flow: Flow) -> InnerFlow:
    """The flow inside every invocation of a program."""
    reads, writes, copies = relations.no_map(), relations.no_map(), _copies(flow)
    for made in flow.invokes:
        windows = {name: position for position, (name, _) in enumerate(made.invoke.windows)}
        for kernel, points in made.meanings:
            inner, prefix = kernel_flow(kernel), f"V{made.number}"
            values = _value_names(inner, prefix)
            given = {
                f"D{d.number}": f"{prefix}R{windows[d.tensor.name]}" for d in inner.declared if d.start is Start.GIVEN
            }
            operands = {
                f"T{d.number}": f"{prefix}W{windows[d.tensor.name]}" for d in inner.declared if d.tensor.name in windows
            }
            names = [f"S{a.number}R{k}" for a in inner.assigns for k in range(len(a.tensors))]
            instances = {name: prefix + name for name in names}
            reads = reads.union(relations.over(points, inner.sources, instances, {**values, **given}))
            writes = writes.union(relations.over(points, inner.finals, operands, values))
            copies = copies.union(relations.over(points, _copies(inner), values, instances))
    return InnerFlow(reads.coalesce(), writes.coalesce(), copies.coalesce())


def _value_names(inner: Flow, prefix: str) -> dict[str, str]:
    """Instances inside an invocation that give values of their own: writes, and starts that are not operands'."""
    starts = {f"D{d.number}": f"{prefix}D{d.number}" for d in inner.declared if d.start is not Start.GIVEN}
    return starts | {f"S{a.number}W": f"{prefix}S{a.number}W" for a in inner.assigns}


def _copies(flow: Flow) -> Map:
    """Write -> read of the assigns whose value is a load and nothing else."""
    found = relations.no_map()
    for made in flow.assigns:
        if isinstance(made.assign.value, Load) and made.assign.reduction is None:
            name = f"S{made.number}"
            reads = relations.renamed_set(flow.sources.domain(), {f"{name}R1": f"{name}R1"}).identity()
            found = found.union(relations.renamed(reads, {f"{name}R1": f"{name}W"}, None))
    return found


def instance_sources(flow: Flow, inner: InnerFlow) -> Map:
    """Read of any statement, of the program's or inside an invocation -> the write or start whose value it sees.

    The windows are gone: ``V5S0R1[...] -> V3S0W[...]``, or ``D2[index]`` for what a tensor was given.
    """
    seen = flow.sources.union(inner.reads)
    return _followed(_followed(seen, flow.sources), inner.writes)


def _followed(relation: Map, further: Map) -> Map:
    """``relation`` with every end that ``further`` leads on from replaced by where it leads."""
    stay = relation.subtract_range(further.domain())
    return stay.union(relation.apply_range(further)).coalesce()


def origins(flow: Flow, inner: InnerFlow, rounds: int = 16) -> Map:
    """As :func:`instance_sources`, with copies seen through: the computation, or the given element, behind each read.

    A chain of more than ``rounds`` copies is followed only so far.
    """
    sources = instance_sources(flow, inner)
    behind = inner.copies.apply_range(sources)
    result = sources
    for _ in range(rounds):
        followed = _followed(result, behind)
        if followed.is_equal(result):
            break
        result = followed
    return result


# Findings


def undefined_reads(flow: Flow) -> Set:
    """Reads that see an element nobody wrote, or that lie outside their tensor."""
    undefined = {f"D{d.number}": f"D{d.number}" for d in flow.declared if d.start is Start.UNDEFINED}
    unwritten = relations.renamed(flow.sources, None, undefined).domain()
    return unwritten.union(flow.reads.domain().subtract(flow.sources.domain()))


def undefined_results(flow: Flow) -> Set:
    """Elements of results that nobody wrote."""
    undefined = {f"D{d.number}": f"D{d.number}" for d in flow.declared if d.start is Start.UNDEFINED}
    return relations.renamed(flow.finals, None, undefined).domain()


def dead_writes(flow: Flow) -> Set:
    """Writes whose value nobody reads and no result holds."""
    starts = {f"D{d.number}": f"D{d.number}" for d in flow.declared}
    written = flow.writes.domain().subtract(relations.renamed_set(flow.writes.domain(), starts))
    return written.subtract(flow.sources.range()).subtract(flow.finals.range())
