"""Addresses of tensors: one after another in each memory, nests reusing what earlier nests have left."""

from __future__ import annotations

from collections import abc
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from isamapper.diagnostics.source import Diagnostic, SourceError, Span
from isamapper.hwdesc.model import Machine, Memory, MemoryKind
from isamapper.ir.nodes import Tensor
from isamapper.ir.types import storage_bytes
from isamapper.plan.cores import Across, is_divided, sharers

_HOME_ALIGNMENT_BYTES = 64


def tensor_bytes(memory: Memory, tensor: Tensor) -> int:
    """Bytes of ``memory`` that ``tensor`` occupies; a register memory holds whole registers only."""
    elements = 1
    for size in tensor.shape:
        elements *= size
    total = storage_bytes(tensor.dtype, elements)
    if memory.row_bytes:
        total = -(-total // memory.row_bytes) * memory.row_bytes
    return total


@lru_cache(maxsize=256)
def start_bytes(machine: Machine, memory: Memory) -> int:
    """What tensors start at multiples of: rows, or what some operand demands there (a tile is a group of registers)."""
    demands = (
        operand.alignment_bytes
        for instruction in machine.instructions
        for operand in instruction.operands
        if memory.name in operand.memories
    )
    return max((memory.alignment_bytes, memory.row_bytes or 1, *demands))


class Addresses:
    """Bump allocation per memory; ``scope`` frees on exit what was placed inside it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.across: Across = ()
        self.used: dict[str, int] = {memory.name: 0 for memory in machine.memories}
        self.base = dict(self.used)
        self.last: dict[str, int] = {}

    def place(
        self, tensor: Tensor, memory_name: str, span: Span | None = None, parts: int = 0, one: bool = False
    ) -> Tensor:
        """``tensor`` with memory and address; SourceError, shown at ``span``, where the memory is full.

        Along its first ``parts`` axes every element lies on a core of its own; ``one`` is there once for all cores that
        share the memory.
        """
        memory = self.machine.memory(memory_name)
        unit = self._alignment(memory)
        start = -(-self.used[memory_name] // unit) * unit
        copies = 1 if one else self._copies(memory)
        end = start + copies * tensor_bytes(memory, replace(tensor, shape=tensor.shape[parts:]))
        if memory.capacity_bytes is not None and end > memory.capacity_bytes:
            left = max(0, memory.capacity_bytes - start)
            message = f"'{tensor.name}' needs {end - start} bytes of memory '{memory_name}', which has {left} left"
            help = f"smaller tiles or fewer slots: {start} of its {memory.capacity_bytes} bytes are taken before it"
            raise SourceError(Diagnostic("SCH022", message, span, help))
        self.used[memory_name] = end
        address = start // (memory.row_bytes or 1) if memory.kind is MemoryKind.REGISTERS else start
        return replace(tensor, memory=memory_name, address=address)

    def _alignment(self, memory: Memory) -> int:
        if memory.kind is MemoryKind.HOST:
            return max(_HOME_ALIGNMENT_BYTES, memory.alignment_bytes)
        return start_bytes(self.machine, memory)

    def _copies(self, memory: Memory) -> int:
        """How many cores have a tensor of their own there."""
        return sharers(self.machine, memory.name, self.across) if is_divided(memory) else 1

    def behind(self) -> dict[str, int]:
        """By how many addresses of each memory what is placed in this scope should move, to lie behind what did before.

        Where there is room; else it stays, and what comes next lies behind it again.
        """
        found: dict[str, int] = {}
        for memory in self.machine.memories:
            base, size, unit = self.base[memory.name], memory.capacity_bytes, self._alignment(memory)
            need = self.used[memory.name] - base
            if need and size is not None and memory.kind is not MemoryKind.HOST:
                shift = max(0, -(-(self.last.get(memory.name, base) - base) // unit) * unit)
                shift = shift if base + shift + need <= size else 0
                self.last[memory.name] = base + shift + need
                found[memory.name] = shift // (memory.row_bytes or 1) if memory.kind is MemoryKind.REGISTERS else shift
        return found

    @contextmanager
    def scope(self, across: Across = ()) -> abc.Iterator[None]:
        """Frees what is placed inside in all memories but the hosts'; every core ``across`` grids has its own of it."""
        before, self.across, outer = dict(self.used), across, self.base
        self.base = before
        yield
        self.across, self.base = (), outer
        for memory in self.machine.memories:
            if memory.kind is not MemoryKind.HOST:
                self.used[memory.name] = before[memory.name]
