"""The static facts of a program's invocations that time depends on: units, operands, ports, regions.

Everything is derived from the machine's numbers and the meaning of instructions, never from names. Both timing engines
read programs through this view; what an invocation at given iterator values is stands in ``expand.py``.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias, assert_never

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.hwdesc.classify import reads_and_writes
from isamapper.hwdesc.model import Instruction, Machine, Memory, Operand, Port, PortDirection
from isamapper.ir.affine import Extent
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import (
    Allocate,
    Assign,
    Cast,
    Constraint,
    Expression,
    Guard,
    Invoke,
    Load,
    Loop,
    Node,
    Prepare,
    Tensor,
    Window,
)
from isamapper.ir.sizes import SizeExpression
from isamapper.plan.program import Program
from isamapper.sim.regions import Region, placed_tensors, regions


@dataclass(frozen=True, slots=True, eq=False)
class PortUse:
    """A port with one calendar per bank of its memory; ``first`` numbers the calendar of bank 0.

    A port that serves several cores with one transfer is there again, behind all others, with the calendars of its own
    and more of the bandwidth.
    """

    index: int
    memory: Memory
    port: Port
    first: int
    cores: int = 1

    @property
    def banks(self) -> int:
        """Calendars of this port."""
        return bank_count(self.memory)


@dataclass(frozen=True, slots=True, eq=False)
class OperandUse:
    """One operand of one invocation: its window on a placed tensor, what is done to it, and when."""

    name: str
    window: Window
    tensor: Tensor
    memory: Memory
    region: Region
    reads: bool
    writes: bool
    accumulates: bool
    read_at: SizeExpression | None
    read_until: SizeExpression
    ready_at: SizeExpression
    read_ports: tuple[PortUse, ...]
    write_ports: tuple[PortUse, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One ``invoke`` of the text. ``transfer``: its beats on all ports begin together and latency follows the last."""

    index: int
    invoke: Invoke
    instruction: Instruction
    unit: int
    transfer: bool
    operands: tuple[OperandUse, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A loop over steps."""

    iterator: str
    extent: Extent
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """``body`` where all conditions hold, else ``otherwise``."""

    conditions: tuple[Constraint, ...]
    body: tuple[Step, ...]
    otherwise: tuple[Step, ...]


Step: TypeAlias = Site | Repeat | Branch


@dataclass(frozen=True, slots=True)
class Model:
    """A program as the timing engines see it: its steps, and its sites in textual order."""

    program: Program
    steps: tuple[Step, ...]
    sites: tuple[Site, ...]
    regions: tuple[Region, ...]
    ports: tuple[PortUse, ...]

    @property
    def machine(self) -> Machine:
        return self.program.machine


def model(program: Program) -> Model:
    """The timing view of ``program``; SourceError where it names what its machine does not have."""
    machine = program.machine
    ports = _together(_ports(machine), program)
    owner, found = regions(machine, placed_tensors(program.body))
    builder = _Builder(machine, ports, owner, {(site, name): cores for site, name, cores in program.together})
    steps = builder.steps(program.body.body, {tensor.name: tensor for tensor in program.body.tensors})
    return Model(program, steps, tuple(builder.sites), found, ports)


def bank_count(memory: Memory) -> int:
    """Banks that can be told apart: one where the memory is unbounded and not interleaved."""
    if memory.bank_interleave_bytes == 0 and memory.capacity_bytes is None:
        return 1
    return memory.banks


def _ports(machine: Machine) -> tuple[PortUse, ...]:
    found: list[PortUse] = []
    calendars = 0
    for memory in machine.memories:
        for port in memory.ports:
            found.append(PortUse(len(found), memory, port, calendars))
            calendars += bank_count(memory)
    return tuple(found)


def _together(ports: tuple[PortUse, ...], program: Program) -> tuple[PortUse, ...]:
    """The ports, and again those that serve so many cores with one transfer."""
    found = list(ports)
    for cores in dict.fromkeys(cores for _, _, cores in program.together):
        for use in ports:
            if use.port.sharers % cores == 0:
                port = replace(use.port, sharers=use.port.sharers // cores)
                found.append(PortUse(len(found), use.memory, port, use.first, cores))
    return tuple(found)


class _Builder:
    """Walks the program's text with the tensors in scope."""

    def __init__(
        self,
        machine: Machine,
        ports: tuple[PortUse, ...],
        owner: dict[Tensor, Region],
        together: abc.Mapping[tuple[int, str], int],
    ) -> None:
        self.together = together
        self.machine = machine
        self.ports = ports
        self.owner = owner
        self.sites: list[Site] = []

    def steps(self, nodes: abc.Iterable[Node], outer: abc.Mapping[str, Tensor]) -> tuple[Step, ...]:
        scope = dict(outer)
        found: list[Step] = []
        for node in nodes:
            match node:
                case Allocate(tensor):
                    scope[tensor.name] = tensor
                case Loop():
                    found.append(Repeat(node.iterator, node.extent, self.steps(node.body, scope)))
                case Guard():
                    body, otherwise = self.steps(node.body, scope), self.steps(node.otherwise, scope)
                    found.append(Branch(node.conditions, body, otherwise))
                case Invoke():
                    found.append(self._site(node, scope))
                case Prepare(body):
                    scope.update({each.tensor.name: each.tensor for each in body if isinstance(each, Allocate)})
                case Assign():
                    raise SourceError(Diagnostic("SIM004", "a program cannot hold an assign", node.span))
                case _:
                    assert_never(node)
        return tuple(found)

    def _site(self, invoke: Invoke, scope: abc.Mapping[str, Tensor]) -> Site:
        instruction = next((each for each in self.machine.instructions if each.name == invoke.instruction), None)
        if instruction is None:
            message = f"machine '{self.machine.name}' has no instruction '{invoke.instruction}'"
            raise SourceError(Diagnostic("SIM001", message, invoke.span))
        tensors = {name: _tensor(window, scope) for name, window in invoke.windows}
        transfer = is_transfer(instruction, {name: tensor.memory for name, tensor in tensors.items()})
        operands = tuple(self._operand(instruction, name, window, tensors[name]) for name, window in invoke.windows)
        units = [unit.name for unit in self.machine.units]
        site = Site(len(self.sites), invoke, instruction, units.index(instruction.unit), transfer, operands)
        self.sites.append(site)
        return site

    def _operand(self, instruction: Instruction, name: str, window: Window, tensor: Tensor) -> OperandUse:
        demand = next((each for each in instruction.operands if each.name == name), Operand(name, ()))
        read, written = reads_and_writes(instruction)
        memory = self._memory(tensor, window)
        cores = self.together.get((len(self.sites), name), 1)
        return OperandUse(
            name,
            window,
            tensor,
            memory,
            self.owner[tensor],
            name in read,
            name in written,
            demand.accumulates,
            demand.read_at,
            demand.read_until or instruction.occupies_cycles,
            demand.ready_at or instruction.latency_cycles,
            self._facing(memory, PortDirection.READ, cores) if name in read else (),
            self._facing(memory, PortDirection.WRITE, cores) if name in written else (),
        )

    def _memory(self, tensor: Tensor, window: Window) -> Memory:
        for memory in self.machine.memories:
            if memory.name == tensor.memory:
                return memory
        message = f"tensor '{tensor.name}' is placed in no memory of machine '{self.machine.name}'"
        raise SourceError(Diagnostic("SIM002", message, tensor.span or window.span))

    def _facing(self, memory: Memory, direction: PortDirection, cores: int) -> tuple[PortUse, ...]:
        suitable = (direction, PortDirection.BOTH)
        found = [use for use in self.ports if use.memory is memory and use.port.direction in suitable]
        return tuple(use for use in found if use.cores == cores) or tuple(use for use in found if use.cores == 1)


def _tensor(window: Window, scope: abc.Mapping[str, Tensor]) -> Tensor:
    if window.tensor not in scope:
        raise SourceError(Diagnostic("SIM003", f"no tensor '{window.tensor}' is declared here", window.span))
    return scope[window.tensor]


def is_transfer(instruction: Instruction, memories: abc.Mapping[str, str | None]) -> bool:
    """Whether ``instruction``, with its operands in ``memories``, moves one tensor's elements to another place.

    Plain copies (casts included) always do. One-element arithmetic on the way (scale, clamp, requantise) makes no
    difference between two memories; within one memory it is arithmetic.
    """
    plain, on_the_way = _movement(instruction)
    return plain or (on_the_way is not None and memories.get(on_the_way[0]) != memories.get(on_the_way[1]))


@lru_cache(maxsize=4096)
def _movement(instruction: Instruction) -> tuple[bool, tuple[str, str] | None]:
    """Whether every statement is a plain copy; else source and target of a lone one-element statement."""
    ranks = {tensor.name: len(tensor.shape) for tensor in instruction.semantics.tensors}
    found = [statement.assign for statement in statements(instruction.semantics)]
    if any(assign.reduction is not None for assign in found):
        return False, None
    if found and all(_is_load(assign.value) for assign in found):
        return True, None
    if len(found) != 1:
        return False, None
    sources = [access.tensor for access in loads(found[0].value) if ranks.get(access.tensor, 1) > 0]
    return False, (sources[0], found[0].target.tensor) if len(sources) == 1 else None


def _is_load(value: Expression) -> bool:
    while isinstance(value, Cast):
        value = value.operand
    return isinstance(value, Load)
