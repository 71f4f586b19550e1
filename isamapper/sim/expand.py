"""A program unrolled into its invocations, in program order, with every number that time depends on.

This is the definition of what a program executes. An invocation with a window of no elements is not executed at all:
it takes no dispatch slot and is not counted.
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from isamapper.hwdesc.bind import complete_parameters
from isamapper.ir.affine import evaluate, evaluate_extent
from isamapper.ir.nodes import Constraint
from isamapper.ir.sizes import evaluate_size
from isamapper.sim.regions import row_major, start_bits
from isamapper.sim.sites import Branch, Model, OperandUse, PortUse, Repeat, Site, Step
from isamapper.sim.traffic import Runs, beats, bytes_of, runs

Granules = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OperandAt:
    """An operand of one invocation. Times are relative to the start; ``granules`` index the operand's region."""

    use: OperandUse
    granules: Granules
    stretches: Runs
    read_at: int
    read_until: int
    ready_at: int

    @property
    def bytes(self) -> int:
        return bytes_of(self.use.tensor, self.stretches)

    def beats(self, port: PortUse) -> tuple[tuple[int, int], ...]:
        """``(bank, cycles)`` on ``port``."""
        return beats(self.use.tensor, self.use.memory, port.port, self.stretches)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One execution of an instruction."""

    site: Site
    occupies: int
    latency: int
    operands: tuple[OperandAt, ...]


def expand(model: Model) -> abc.Iterator[Invocation]:
    """All invocations of a program in program order."""
    return _steps(model.steps, {})


def _steps(steps: abc.Iterable[Step], values: dict[str, int]) -> abc.Iterator[Invocation]:
    for step in steps:
        match step:
            case Site():
                invocation = _invocation(step, values)
                if invocation is not None:
                    yield invocation
            case Repeat(iterator, extent, body):
                for value in range(evaluate_extent(extent, values)):
                    yield from _steps(body, {**values, iterator: value})
            case Branch(conditions, body, otherwise):
                yield from _steps(body if _holds(conditions, values) else otherwise, values)
            case _:
                assert_never(step)


def _holds(conditions: abc.Iterable[Constraint], values: abc.Mapping[str, int]) -> bool:
    for condition in conditions:
        value = evaluate(condition.function, values)
        if value < 0 or (condition.equality and value != 0):
            return False
    return True


def _invocation(site: Site, values: abc.Mapping[str, int]) -> Invocation | None:
    extents = [tuple(evaluate_extent(axis.extent, values) for axis in use.window.axes) for use in site.operands]
    if any(0 in each for each in extents):
        return None
    given = {name: evaluate_extent(value, values) for name, value in site.invoke.parameters}
    parameters = complete_parameters(site.instruction, given)
    operands = tuple(_operand(use, each, values, parameters) for use, each in zip(site.operands, extents, strict=True))
    instruction = site.instruction
    occupies = evaluate_size(instruction.occupies_cycles, parameters)
    return Invocation(site, occupies, evaluate_size(instruction.latency_cycles, parameters), operands)


def _operand(
    use: OperandUse, extents: tuple[int, ...], values: abc.Mapping[str, int], parameters: abc.Mapping[str, int]
) -> OperandAt:
    offsets = tuple(evaluate(offset, values) for offset in use.window.offsets)
    return OperandAt(
        use,
        _granules(use, offsets, extents),
        _runs(use, offsets, extents),
        0 if use.read_at is None else evaluate_size(use.read_at, parameters),
        evaluate_size(use.read_until, parameters),
        evaluate_size(use.ready_at, parameters),
    )


@lru_cache(maxsize=8192)
def _runs(use: OperandUse, offsets: tuple[int, ...], extents: tuple[int, ...]) -> Runs:
    return runs(use.window, use.tensor, offsets, extents)


@lru_cache(maxsize=8192)
def _granules(use: OperandUse, offsets: tuple[int, ...], extents: tuple[int, ...]) -> Granules:
    """Granules of the operand's region that the window touches; elements outside the tensor have none."""
    shape, strides = use.tensor.shape, row_major(use.tensor.shape)
    index = np.array([offsets], dtype=np.int64).reshape(1, len(shape))
    for axis, extent in zip(use.window.axes, extents, strict=True):
        step = np.zeros(len(shape), dtype=np.int64)
        for tensor_axis, amount in axis.steps:
            step[tensor_axis] += amount
        index = (index[:, None, :] + np.arange(extent)[None, :, None] * step).reshape(len(index) * extent, len(shape))
    inside = np.all((index >= 0) & (index < np.array(shape, dtype=np.int64)), axis=1)
    elements = index[inside] @ np.array(strides, dtype=np.int64)
    return _widen(use, elements)


def _widen(use: OperandUse, elements: Granules) -> Granules:
    region, bits = use.region, use.tensor.dtype.bits
    if not region.flat:
        return np.unique(elements)
    first = start_bits(use.memory, use.tensor) - region.base_bits + elements * bits
    spread = first[:, None] + np.append(np.arange(0, bits, region.granule_bits), bits - 1)[None, :]
    return np.unique(spread.ravel() // region.granule_bits)


def count(model: Model, limit: int) -> int:
    """Invocations of a program, counted no further than ``limit``."""
    return sum(1 for _ in itertools.islice(expand(model), limit))
