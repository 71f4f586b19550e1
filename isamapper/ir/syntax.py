"""The text form as written: the tree the grammar builds, before sizes and types are known.

Rules of this file:
- values only; the grammar's reader makes them, ``bind.py`` turns them into nodes;
- sizes, indices and values share one expression form: only binding knows which names are sizes, iterators or tensors;
- ``span`` is never part of equality.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from isamapper.diagnostics.source import Span

# Expressions


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or float literal; ``inf`` is a name."""

    value: int | float
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name: a size, an iterator, or a tensor without axes."""

    name: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AxisStep:
    """``$d``: axis ``d`` of an instruction's operand."""

    axis: int
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negation:
    """``-operand``."""

    operand: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """``left op right`` with one of ``+ - * / // % << >>``."""

    op: str
    left: Expression
    right: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left op right`` with one of ``< <= > >= == !=``."""

    op: str
    left: Expression
    right: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """``name(arguments)``: a function, a cast, or ``rotate``."""

    name: Name
    arguments: tuple[Expression, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Element:
    """``tensor[indices] else otherwise``."""

    tensor: Name
    indices: tuple[Expression, ...]
    otherwise: Expression | None
    span: Span = field(compare=False, repr=False)


Expression: TypeAlias = Number | Name | AxisStep | Negation | Operation | Comparison | Call | Element


# Declarations


@dataclass(frozen=True, slots=True)
class Block:
    """``block(elements, exponent_bits)`` of a declaration."""

    elements: Expression
    exponent_bits: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Declaration:
    """``[const|free] name: [inout] dtype[shape] [block(…)] [@memories] [at address]``."""

    name: Name
    dtype: Name
    shape: tuple[Expression, ...]
    role: str | None
    inout: bool
    block: Block | None
    memory: str | None
    address: Expression | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Default:
    """``NAME=value`` of a ``sizes`` or ``types`` list."""

    name: Name
    value: Number | Name | Negation
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """``name in low..high step step`` of an instruction's parameters."""

    name: Name
    low: int
    high: int
    step: int
    span: Span = field(compare=False, repr=False)


# Statements


@dataclass(frozen=True, slots=True)
class Assign:
    """``target op value`` with one of ``= += *= min= max=``."""

    target: Element
    op: Name
    value: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """``iterator < extent [kind] [across grid]`` of a ``for``."""

    iterator: Name
    extent: Expression
    kind: str | None
    span: Span = field(compare=False, repr=False)
    across: Name | None = None


@dataclass(frozen=True, slots=True)
class For:
    """``for heads { body }``."""

    heads: tuple[Head, ...]
    body: tuple[Statement, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class If:
    """``if conditions { body } else { otherwise }``."""

    conditions: tuple[Comparison, ...]
    body: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Local:
    """``local declaration``."""

    declaration: Declaration
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Allocate:
    """``allocate declaration``."""

    declaration: Declaration
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """``name = value`` of an invocation's parameters."""

    name: Name
    value: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Operand:
    """``operand: window over [extents] else otherwise`` of an invocation."""

    name: Name
    window: Element
    extents: tuple[Expression, ...]
    otherwise: Expression | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Invoke:
    """``invoke instruction(arguments) operands``."""

    instruction: str
    arguments: tuple[Argument, ...]
    operands: tuple[Operand, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Prepare:
    """``prepare { body }``."""

    body: tuple[Statement, ...]
    span: Span = field(compare=False, repr=False)


Statement: TypeAlias = Assign | For | If | Local | Allocate | Invoke | Prepare


@dataclass(frozen=True, slots=True)
class KernelText:
    """A whole kernel, instruction meaning (``name`` is None) or program."""

    name: Name | None
    ranges: tuple[Range, ...]
    parameters: tuple[Declaration, ...]
    results: tuple[Declaration, ...]
    sizes: tuple[Default, ...]
    types: tuple[Default, ...]
    requires: tuple[Comparison, ...]
    body: tuple[Statement, ...]
    span: Span = field(compare=False, repr=False)
