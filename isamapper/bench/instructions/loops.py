"""Programs that show the timing of one instruction, as one would write them for a real machine.

- ``chain``: each invocation reads what the one before wrote, through a source operand or through its accumulator;
- ``stream``: nothing depends on anything; accumulators rotate over as much of their memory as is left.

Source operands and results that share registers are two views of one address, as registers are untyped.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.bind import bind_instruction, complete_parameters
from isamapper.hwdesc.model import Instruction, Machine, Memory, MemoryKind
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.ir.parser import parse_program
from isamapper.ir.types import storage_bytes
from isamapper.plan.program import Program

MOST_SLOTS = 16
"""Independent results of a stream: more than any latency over its interval that is known."""


@dataclass(frozen=True, slots=True)
class Timed:
    """An instruction of a machine at given parameters."""

    machine: Machine
    instruction: Instruction
    parameters: tuple[tuple[str, int], ...]

    @property
    def kernel(self) -> Kernel:
        """Its meaning."""
        return bind_instruction(self.instruction, dict(self.parameters))

    @property
    def result(self) -> Tensor:
        """What it writes."""
        return next(each for each in self.kernel.tensors if each.direction is not Direction.IN)

    def memory(self, operand: str) -> Memory:
        """Where an operand lies: the first memory that it may lie in."""
        spec = next(each for each in self.instruction.operands if each.name == operand)
        return self.machine.memory(spec.memories[0])

    def invocation(self, windows: abc.Mapping[str, str]) -> str:
        """The text of one invocation with these operand windows."""
        values = complete_parameters(self.instruction, dict(self.parameters))
        settings = ", ".join(f"{name} = {value}" for name, value in values.items())
        operands = ", ".join(f"{each.name}: {windows[each.name]}" for each in self.kernel.tensors)
        return f"invoke {self.instruction.name}({settings}) {operands}"


class _Memories:
    """Allocations one after the other in each memory, as text."""

    def __init__(self, timed: Timed) -> None:
        self.timed = timed
        self.used: dict[str, int] = {}
        self.lines: list[str] = []

    def place(self, operand: Tensor, name: str, copies: int = 0) -> int:
        """Allocates ``operand`` (``copies`` of it along a first axis, unless 0) and says at which byte."""
        start, step = self._start(operand), self._room(operand)
        self.used[self.timed.memory(operand.name).name] = start + step * max(1, copies)
        self.alias(operand, name, start, copies)
        return start

    def alias(self, operand: Tensor, name: str, start: int, copies: int = 0) -> None:
        """One more view of what lies at byte ``start``."""
        memory = self.timed.memory(operand.name)
        shape = ((copies,) if copies else ()) + operand.shape
        address = start // memory.row_bytes if _is_registers(memory) and memory.row_bytes else start
        dims = ", ".join(map(str, shape))
        self.lines.append(f"allocate {name}: {operand.dtype}[{dims}] @{memory.name} at {address}")

    def left(self, operand: Tensor) -> int:
        """How many of ``operand`` still have room."""
        capacity = self.timed.memory(operand.name).capacity_bytes
        return MOST_SLOTS if capacity is None else max(1, (capacity - self._start(operand)) // self._room(operand))

    def _start(self, operand: Tensor) -> int:
        unit = self._unit(operand)
        return -(-self.used.get(self.timed.memory(operand.name).name, 0) // unit) * unit

    def _room(self, operand: Tensor) -> int:
        elements = 1
        for size in operand.shape:
            elements *= size
        unit = self._unit(operand)
        return -(-storage_bytes(operand.dtype, elements) // unit) * unit

    def _unit(self, operand: Tensor) -> int:
        memory = self.timed.memory(operand.name)
        spec = next(each for each in self.timed.instruction.operands if each.name == operand.name)
        return max(memory.alignment_bytes, spec.alignment_bytes, memory.row_bytes or 1)


def carriers(timed: Timed) -> tuple[str, ...]:
    """Source operands that can read what the same instruction wrote: they lie in the memory of its result."""
    home = timed.memory(timed.result.name)
    sources = (each for each in timed.kernel.tensors if each.direction is Direction.IN)
    return tuple(each.name for each in sources if timed.memory(each.name) == home)


def chain(timed: Timed, count: int, carrier: str | None) -> Program:
    """``count`` (even) invocations, each with the result of the one before in ``carrier``, or as its accumulator."""
    memories = _Memories(timed)
    windows = {each.name: _window(each.name, each) for each in timed.kernel.tensors}
    result = timed.result
    if carrier is None:
        for each in timed.kernel.tensors:
            memories.place(each, each.name)
        return _program(timed, memories, count, (timed.invocation(windows),))
    source = next(each for each in timed.kernel.tensors if each.name == carrier)
    for each in timed.kernel.tensors:
        if each not in (result, source):
            memories.place(each, each.name)
    for slot in range(2):
        larger, other = sorted((result, source), key=lambda each: memories._room(each), reverse=True)
        start = memories.place(larger, f"{larger.name}{slot}")
        memories.alias(other, f"{other.name}{slot}", start)
    body = tuple(
        timed.invocation(
            {
                **windows,
                result.name: _window(f"{result.name}{slot}", result),
                carrier: _window(f"{carrier}{1 - slot}", source),
            }
        )
        for slot in range(2)
    )
    return _program(timed, memories, count // 2, body)


def stream(timed: Timed, count: int) -> tuple[Program, int]:
    """``count`` rounds of independent invocations, and how many a round has."""
    memories = _Memories(timed)
    result = timed.result
    windows = {}
    for each in timed.kernel.tensors:
        if each != result:
            memories.place(each, each.name)
            windows[each.name] = _window(each.name, each)
    slots = min(MOST_SLOTS, memories.left(result))
    memories.place(result, result.name, slots)
    windows[result.name] = _window(result.name, result, "s")
    body = (f"for s < {slots} {{ {timed.invocation(windows)} }}",)
    return _program(timed, memories, count, body), slots


def once(timed: Timed) -> Program:
    """A single invocation."""
    return chain(timed, 1, None)


def _program(timed: Timed, memories: _Memories, count: int, body: abc.Sequence[str]) -> Program:
    lines = "\n".join((*memories.lines, f"for t < {count} {{", *body, "}"))
    parsed = parse_program(f"kernel loop() {{\n{lines}\n}}")
    return Program(parsed, timed.machine, parsed)


def _window(name: str, operand: Tensor, first: str | None = None) -> str:
    """The whole operand; with ``first``, that one of several."""
    indices = [*((first,) if first else ()), *(f"${axis}" for axis in range(len(operand.shape)))]
    return f"{name}[{', '.join(indices)}] over [{', '.join(map(str, operand.shape))}]"


def _is_registers(memory: Memory) -> bool:
    return memory.kind is MemoryKind.REGISTERS
