"""The machine model: what a loaded machine file is to the rest of the package.

Rules of this file:
- values only; reading YAML is ``loader.py``, checking is ``checks.py``;
- an instruction's meaning is a :class:`~isamapper.ir.template.Template`; ``bind_instruction`` gives the kernel for
  given parameter values;
- numbers carry their unit in the name; cycle counts may be expressions over the instruction's parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from isamapper.diagnostics.source import Span
from isamapper.ir.nodes import Kernel
from isamapper.ir.sizes import SizeExpression
from isamapper.ir.template import Template
from isamapper.ir.types import DType


class MemoryKind(Enum):
    ADDRESSED = "addressed"
    REGISTERS = "registers"
    CACHE = "cache"
    HOST = "host"


class PortDirection(Enum):
    READ = "read"
    WRITE = "write"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Port:
    """One path into a memory. ``request_bytes`` and ``burst_bytes`` round transfers up (1: no rounding).

    ``sharers`` copies of a core use it at the same time and get equal shares of its bandwidth; files do not say so,
    programs do.
    """

    name: str
    direction: PortDirection
    bytes_per_cycle: int
    request_bytes: int = 1
    burst_bytes: int = 1
    arbitration: str = "oldest"  # oldest (program order) | fifo | round_robin
    sharers: int = 1
    machine_cycles: tuple[int, int] = (1, 1)  # of the machine's clock, in so many of the port's

    @property
    def byte_cycles(self) -> tuple[int, int]:
        """Cycles of the machine that a byte takes, as a fraction."""
        cycles, own = self.machine_cycles
        return self.sharers * cycles, self.bytes_per_cycle * own


@dataclass(frozen=True, slots=True)
class Memory:
    """A place for tensors.

    ``capacity_bytes`` is None where unbounded (a host memory). Register memories have ``rows`` registers of
    ``row_bytes``; an addressed memory with ``row_bytes`` is addressed in whole rows. ``bank_bytes`` is the interleave
    (0: each bank is one contiguous block). ``renamed`` registers are written to a fresh copy each time, as out-of-order
    cores do: a write never waits for earlier reads or writes of the register; reads wait for writes as ever.
    """

    name: str
    kind: MemoryKind
    capacity_bytes: int | None
    rows: int | None = None
    row_bytes: int | None = None
    banks: int = 1
    bank_interleave_bytes: int = 0
    alignment_bytes: int = 1
    ports: tuple[Port, ...] = ()
    latency_cycles: int = 0
    energy_pj_per_byte: float | None = None
    renamed: bool = False
    source: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unit:
    """An in-order issue queue with ``count`` identical servers (DESIGN section 7).

    ``clock_hz``: its own clock (None: the machine's); cycle counts of its instructions are the machine's all the same.
    """

    name: str
    count: int = 1
    queue_depth: int | None = None  # None: unbounded
    held: str = "start"  # start | end
    in_flight: int | None = None
    serial: bool = False
    clock_hz: int | None = None
    source: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Grid:
    """``count`` copies of the named memories and units (and grids, for nesting).

    Its network brings what all copies read of the memories in ``multicast`` to all of them at once, and adds up what
    all add to those in ``reduces``.
    """

    name: str
    count: int
    holds: tuple[str, ...]
    source: str | None = None
    span: Span | None = field(default=None, compare=False)
    multicast: tuple[str, ...] = ()
    reduces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The in-order front end: ``per_cycle`` invocations a cycle, at most ``window`` not retired (None: unbounded).

    ``fetch_bytes_per_cycle``: how much instruction text arrives in a cycle (None: always enough).
    """

    per_cycle: int = 1
    window: int | None = None
    window_order: str = "in_order"  # in_order | any
    fetch_bytes_per_cycle: int | None = None


@dataclass(frozen=True, slots=True)
class Operand:
    """What the hardware demands of one operand.

    ``memories``: where it may lie. ``contiguous``: the operand's axes (named by the iterator that indexes them alone)
    that must be dense, innermost last, the others may have any stride; None: the whole operand is dense row-major at
    the instruction's greatest parameters. ``pads``: elements outside the tensor read as the window's ``otherwise``.
    ``pad_value`` is the only value that can be read there (None: any). Times are relative to the start
    (None: ``read_until`` = occupies, ``ready_at`` = latency).
    """

    name: str
    memories: tuple[str, ...]
    alignment_bytes: int = 1
    contiguous: tuple[str, ...] | None = None
    pads: bool = False
    pad_value: int | float | None = None
    read_at: SizeExpression | None = None
    read_until: SizeExpression | None = None
    ready_at: SizeExpression | None = None
    accumulates: bool = False
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ParameterRange:
    """Values a parameter may take: ``low, low + step, ... <= high``."""

    name: str
    low: int
    high: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: meaning, place, demands and time.

    ``semantics`` is the kernel at the greatest parameter values; operands are its tensors in declaration order.
    ``implicit`` instructions are done by the hardware without being issued (cache fills): they take no dispatch slot
    and never appear in assembly text. ``issue_cycles`` is how long one keeps the front end, ``length_bytes`` the length
    of its text (None: no matter).
    """

    name: str
    unit: str
    template: Template
    semantics: Kernel
    parameters: tuple[ParameterRange, ...]
    operands: tuple[Operand, ...]
    occupies_cycles: SizeExpression
    latency_cycles: SizeExpression
    energy_pj: float | None = None
    implicit: bool = False
    issue_cycles: int = 1
    length_bytes: int | None = None
    emit: tuple[tuple[str, str], ...] = ()
    source: str | None = None
    span: Span | None = field(default=None, compare=False)

    def __hash__(self) -> int:
        """Cheap: instructions are keys of many caches, and names rarely repeat."""
        return hash((self.name, self.unit))


@dataclass(frozen=True, slots=True)
class Machine:
    """A whole machine. ``digest`` is the sha256 of its normalised description, ``settings`` made in it included."""

    name: str
    clock_hz: int
    memories: tuple[Memory, ...]
    units: tuple[Unit, ...]
    grids: tuple[Grid, ...]
    dispatch: Dispatch
    interlocks: str  # hardware | explicit
    instructions: tuple[Instruction, ...]
    default_types: tuple[tuple[str, DType], ...] = ()
    source: str | None = None
    digest: str = ""
    settings: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """Cheap: machines are keys of caches."""
        return hash((self.name, self.digest))

    def front_end_cycles(self, instruction: Instruction) -> int:
        """How long ``instruction`` keeps the front end: for its issue, or until its text is fetched."""
        fetched = self.dispatch.fetch_bytes_per_cycle
        if fetched is None or instruction.length_bytes is None:
            return instruction.issue_cycles
        return max(instruction.issue_cycles, -(-instruction.length_bytes // fetched))

    def memory(self, name: str) -> Memory:
        """The memory called ``name``; KeyError where there is none."""
        for memory in self.memories:
            if memory.name == name:
                return memory
        raise KeyError(name)

    def unit(self, name: str) -> Unit:
        """The unit called ``name``; KeyError where there is none."""
        for unit in self.units:
            if unit.name == name:
                return unit
        raise KeyError(name)

    def instruction(self, name: str) -> Instruction:
        """The instruction called ``name``; KeyError where there is none."""
        for instruction in self.instructions:
            if instruction.name == name:
                return instruction
        raise KeyError(name)
