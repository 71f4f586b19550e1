"""Part 2 without the compiled engine: small programs, one scalar at a time, in the field of 2**61 - 1 elements.

The operators are those of ``residues.py``, on Python's integers.
"""

from __future__ import annotations

import hashlib
import time
from collections import abc
from dataclasses import replace
from typing import Any

import numpy as np

from isamapper.ir.nodes import BinaryOp, CompareOp, Direction, Kernel, Reduction, UnaryOp
from isamapper.ir.types import DType
from isamapper.plan.program import Program
from isamapper.sim.functional.counting import instances
from isamapper.verify.casts import rounds
from isamapper.verify.certificate import Difference, Part, Status
from isamapper.verify.choices import EXTREMA, Name, literal_name, neutral_name, opposite_of, random_residue, residue_of
from isamapper.verify.plainly import Array, Scalars, execute_plainly
from isamapper.verify.respelled import forwarded, respelled

NAME = "prime_fields"
PRIME = 2**61 - 1
_MOST_INSTANCES = 300_000


class PlainField(Scalars):
    """Residues as Python integers; ``spelled``: what limits values in instructions is in one spelling."""

    def __init__(self, seed: int, *, spelled: bool = False) -> None:
        self.seed, self.spelled = seed, spelled

    def meaning(self, kernel: Kernel) -> Kernel:
        return respelled(kernel) if self.spelled else kernel

    def _element(self, *name: str) -> int:
        chosen: Name = name
        opposite = opposite_of(chosen)
        if opposite is not None:
            return -self._element(*opposite) % PRIME
        return random_residue(self.seed, chosen, PRIME)

    def literal(self, value: int | float, dtype: DType) -> int:
        name = literal_name(value, dtype)
        return residue_of(value, PRIME) if name is None else self._element(*name)

    def identity(self, reduction: Reduction, dtype: DType) -> int:
        if reduction in EXTREMA:
            return self._element(*neutral_name(reduction, dtype))
        return 0 if reduction is Reduction.ADD else 1

    def unary(self, op: UnaryOp, operand: int, dtype: DType) -> int:
        match op:
            case UnaryOp.NEG:
                return -operand % PRIME
            case UnaryOp.ABS if dtype.is_float:
                return self.binary(BinaryOp.MAX, operand, -operand % PRIME, dtype)
            case UnaryOp.RSQRT:
                return self._function("inverse", self._function(UnaryOp.SQRT.value, operand))
            case UnaryOp.SIGMOID:
                return self._sigmoid(operand)
            case UnaryOp.TANH:
                return (2 * self._sigmoid(2 * operand % PRIME) - 1) % PRIME
            case _:
                return self._function(op.value, operand)

    def _sigmoid(self, operand: int) -> int:
        return self._function("inverse", (1 + self._function(UnaryOp.EXP.value, -operand % PRIME)) % PRIME)

    def binary(self, op: BinaryOp, left: int, right: int, dtype: DType) -> int:
        match op:
            case BinaryOp.ADD:
                return (left + right) % PRIME
            case BinaryOp.SUB:
                return (left - right) % PRIME
            case BinaryOp.MUL:
                return left * right % PRIME
            case BinaryOp.MIN if dtype.is_float:
                return -self.binary(BinaryOp.MAX, -left % PRIME, -right % PRIME, dtype) % PRIME
            case BinaryOp.MIN | BinaryOp.MAX:
                neutral, bend = self._element("neutral", op.value), self._element("bend", op.value)
                return (left + right - neutral + bend * (left - neutral) * (right - neutral)) % PRIME
            case BinaryOp.DIV if dtype.is_float:
                return left * self._function("inverse", right) % PRIME
            case BinaryOp.SHL | BinaryOp.SHR | BinaryOp.SHR_ROUND if right == 0:
                return left
            case _:
                return self._function(op.value, left, right)

    def select(self, op: CompareOp, left: int, right: int, yes: int, no: int) -> int:
        return (no + (yes - no) * self._function(op.value, left, right)) % PRIME

    def cast(self, operand: int, source: DType, target: DType) -> int:
        factor = self._function(f"to {target.name}", operand) if rounds(source, target) else 1
        return operand * factor % PRIME

    def _function(self, name: str, *arguments: int) -> int:
        digest = hashlib.sha256(repr((self.seed, name, arguments)).encode()).digest()
        return int.from_bytes(digest[:16], "little") % PRIME


def plain_field_part(program: Program, seed: int, reason: str) -> tuple[Part, float | None]:
    """Two trials, where the program is small; ``reason`` is why the compiled engine was not taken."""
    start = time.perf_counter()
    work = instances(program.kernel) + instances(program.body, program.machine)
    if work > _MOST_INSTANCES:
        return Part(NAME, Status.NOT_RUN, f"{reason}, and the program is too large to do without"), None
    for trial in range(2):
        difference = _trial(program, seed + trial)
        if difference is not None and not _equal_respelled(program, seed + trial):
            return Part(NAME, Status.FAILED, str(difference), time.perf_counter() - start, (), difference), None
    probability = min(1.0, work**2 / 2 / PRIME) ** 2
    detail = (
        f"equal modulo 2**61 - 1 on 2 random inputs; a wrong program passes with probability below {probability:.1e}"
    )
    facts = (("trials", 2), ("prime", PRIME), ("error_probability", probability))
    return Part(NAME, Status.PASSED, detail, time.perf_counter() - start, facts), probability


def _equal_respelled(program: Program, seed: int) -> bool:
    """Whether both are equal with one spelling of limits, and the kernel is itself with its values at hand."""
    at_hand = replace(program, body=forwarded(program.kernel))
    if _trial(at_hand, seed) is not None:
        return False
    return _trial(replace(program, kernel=respelled(program.kernel)), seed, spelled=True) is None


def _trial(program: Program, seed: int, *, spelled: bool = False) -> Difference | None:
    scalars, inputs = PlainField(seed, spelled=spelled), _inputs(program, seed)
    wanted = execute_plainly(program.kernel, None, scalars, inputs)
    got = execute_plainly(program.body, program.machine, scalars, inputs)
    for name, expected in wanted.items():
        for index in np.ndindex(*expected.shape):
            if expected[index] is not None and expected[index] != got[name][index]:
                return Difference(name, index, str(expected[index]), str(got[name][index]))
    return None


def _inputs(program: Program, seed: int) -> abc.Mapping[str, Array]:
    random = np.random.default_rng(seed)
    given = (t for t in program.kernel.tensors if t.direction in (Direction.IN, Direction.INOUT))
    found: dict[str, np.ndarray[Any, Any]] = {}
    for tensor in given:
        values = random.integers(0, PRIME, tensor.shape).astype(object)
        found[tensor.name] = np.asarray(values, object)
    return found
