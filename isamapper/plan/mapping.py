"""Mappings: one statement of a kernel on one instruction, by the definition in docs/reference/mapping.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from isamapper.ir.nodes import Kernel


class MappingClass(Enum):
    EXACT = "exact"
    BROADCAST = "broadcast"


@dataclass(frozen=True, slots=True)
class Pairing:
    """One entry of sigma: instruction operand ``operand`` plays kernel access ``access``.

    ``access`` counts the statement's accesses: 0 is the target, 1, 2, ... the loads of its value from left to right.
    None: the operand takes the constant ``neutral`` instead of a kernel access.

    The operand that the instruction writes always has access 0. It may need something else in it first: the constant
    ``neutral``, or the elements of kernel access ``initial`` (an in-place instruction for ``y = max(x, 0)``). With
    neither, what it held before is the kernel's own target (an accumulation goes on) or does not matter. An operand
    that is only read and has access 0 holds the target's former value.
    """

    operand: str
    access: int | None
    neutral: int | float | None = None
    initial: int | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping (sigma, rho) of statement ``statement`` of ``kernel`` onto ``instruction``.

    ``kernel`` is the one that was matched: the user's, or what ``rewrites`` (names and arguments, in order) made of it.
    ``statement`` counts the kernel's assigns in textual order from 0. ``sigma`` follows the instruction's operand
    order. ``rho`` holds (kernel iterator, instruction iterator) pairs, sorted: each is one digit of the kernel
    iterator inside the instruction iterator. ``parameters`` gives the instruction's immediates their values. Two
    mappings of one statement are equal iff sigma, rho and the immediates are.
    """

    kernel: Kernel
    statement: int
    instruction: str
    sigma: tuple[Pairing, ...]
    rho: tuple[tuple[str, str], ...]
    kind: MappingClass
    rewrites: tuple[str, ...] = ()
    parameters: tuple[tuple[str, int], ...] = ()
