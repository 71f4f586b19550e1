"""The nodes of the IR: kernels, instructions' meanings and programs are all written with these.

Rules of this file:
- every node is a frozen, slotted dataclass of values and tuples of values, so it hashes and compares;
- ``span`` is never part of equality; nodes made by passes have ``span=None``;
- no behaviour beyond small derived properties; printing, checking and rewriting are functions elsewhere;
- a kernel is always *bound*: sizes, types and parameters are numbers by the time nodes exist
  (symbolic text is :class:`isamapper.ir.template.Template`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from isamapper.diagnostics.source import Span
from isamapper.ir.affine import AccessMap, Affine, Extent
from isamapper.ir.types import DType


class Direction(Enum):
    """How a tensor crosses the border of its kernel."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    LOCAL = "local"


class Role(Enum):
    """What a schedule may do with a tensor's layout: nothing, prepare it offline, or choose it."""

    PLAIN = "plain"
    CONST = "const"
    FREE = "free"


class IteratorKind(Enum):
    """What dependence analysis says of a loop."""

    PARALLEL = "parallel"
    REDUCTION = "reduction"
    SEQUENTIAL = "sequential"


class Reduction(Enum):
    """The operator of ``target op= value``; a target first written by it starts at its identity."""

    ADD = "+"
    MUL = "*"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class BlockFormat:
    """Block floating point: ``block`` consecutive elements of the last axis share ``exponent_bits`` of exponent."""

    block: int
    exponent_bits: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array; the order of ``shape`` is its layout in memory, row-major.

    ``memory`` is None until placed; ``address`` (bytes from the start of the memory; for register memories the
    register number) is None until lowered.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    memory: str | None = None
    direction: Direction = Direction.LOCAL
    role: Role = Role.PLAIN
    address: int | None = None
    block: BlockFormat | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Access:
    """An element of a tensor; ``otherwise`` is the value read where the index lies outside (None: an error)."""

    tensor: str
    map: AccessMap
    otherwise: int | float | None = None
    span: Span | None = field(default=None, compare=False)


# Expressions


class UnaryOp(Enum):
    NEG = "neg"
    ABS = "abs"
    EXP = "exp"
    LOG = "log"
    TANH = "tanh"
    SIGMOID = "sigmoid"
    ERF = "erf"
    SQRT = "sqrt"
    RSQRT = "rsqrt"
    ROUND = "round"  # to the nearest integer, halves to even
    FLOOR = "floor"


class BinaryOp(Enum):
    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"  # floats: true quotient; integers: towards zero
    MIN = "min"
    MAX = "max"
    SHL = "<<"
    SHR = ">>"  # arithmetic: floor(x / 2**s)
    SHR_ROUND = "shr_round"  # x / 2**s rounded to nearest, halves to even


class CompareOp(Enum):
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    EQ = "=="
    NE = "!="


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal with its concrete data type."""

    value: int | float
    dtype: DType
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Load:
    """The value of an access; its dtype is the tensor's."""

    access: Access
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """``op(operand)``; the dtype is the operand's."""

    op: UnaryOp
    operand: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """``left op right``; both sides have one dtype, which is the result's (shift counts are integer constants)."""

    op: BinaryOp
    left: Expression
    right: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Select:
    """``if_true`` where ``left op right`` holds, else ``if_false``."""

    op: CompareOp
    left: Expression
    right: Expression
    if_true: Expression
    if_false: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """Conversion to ``dtype``.

    Integer to wider integer is exact; integer to narrower integer wraps; float to integer rounds halves to even and
    saturates; to a float rounds to nearest even.
    """

    dtype: DType
    operand: Expression
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Clamp:
    """``min(max(operand, low), high)``; ``low`` and ``high`` are literals of the operand's dtype."""

    operand: Expression
    low: int | float
    high: int | float
    span: Span | None = field(default=None, compare=False)


Expression: TypeAlias = Constant | Load | Unary | Binary | Select | Cast | Clamp


# Statements


@dataclass(frozen=True, slots=True)
class Assign:
    """``target = value`` or ``target op= value``."""

    target: Access
    value: Expression
    reduction: Reduction | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Loop:
    """``for iterator < extent``; ``kind`` is the author's claim, checked by the verifier (None: no claim).

    ``across`` names a grid of the machine whose copies take one iteration each, at the same time; programs only.
    """

    iterator: str
    extent: Extent
    body: tuple[Node, ...]
    kind: IteratorKind | None = None
    span: Span | None = field(default=None, compare=False)
    across: str | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """``function >= 0``, or ``function == 0`` where ``equality``."""

    function: Affine
    equality: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """``body`` where all conditions hold, else ``otherwise``."""

    conditions: tuple[Constraint, ...]
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Allocate:
    """Declares a tensor that lives until the end of the enclosing block."""

    tensor: Tensor
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class WindowAxis:
    """One axis of an instruction operand laid over a tensor.

    Moving one step along the operand axis moves ``step`` along each named tensor axis; no entry at all is a
    broadcast (the same element again), several entries a diagonal.
    """

    extent: Extent
    steps: tuple[tuple[int, int], ...]  # (tensor axis, step in elements of that axis), sorted


@dataclass(frozen=True, slots=True)
class Window:
    """What an invocation sees of a tensor: operand index ``p`` is tensor index ``offsets + sum(p[d] * steps[d])``.

    ``axes`` has one entry per axis of the instruction's operand. ``otherwise`` is the value read outside the tensor,
    for operands that the machine declares to pad (None: outside is an error).
    """

    tensor: str
    offsets: tuple[Affine, ...]
    axes: tuple[WindowAxis, ...]
    otherwise: int | float | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Invoke:
    """One execution of an instruction: a window for each operand, in operand order, a value for each parameter."""

    instruction: str
    windows: tuple[tuple[str, Window], ...]
    parameters: tuple[tuple[str, Extent], ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Prepare:
    """Work on const tensors done once, offline: allocations, loops and assigns; executed first, not charged.

    Legal only in programs, before everything else.
    """

    body: tuple[Node, ...]
    span: Span | None = field(default=None, compare=False)


Node: TypeAlias = Assign | Loop | Guard | Allocate | Invoke | Prepare


@dataclass(frozen=True, slots=True)
class Kernel:
    """A loop nest with its tensors: a kernel, the meaning of an instruction, or a program.

    ``sizes`` and ``types`` record what the text's names were bound to; everything else is already numbers.
    ``tensors`` holds parameters (IN, INOUT), results (OUT) and kernel-wide locals, in declaration order.
    """

    name: str
    sizes: tuple[tuple[str, int], ...]
    types: tuple[tuple[str, DType], ...]
    tensors: tuple[Tensor, ...]
    body: tuple[Node, ...]
    span: Span | None = field(default=None, compare=False)

    def __hash__(self) -> int:
        """Cheap: kernels are keys of many caches, and those of one border are few."""
        return hash((self.name, self.sizes, tuple((tensor.name, tensor.shape) for tensor in self.tensors)))
