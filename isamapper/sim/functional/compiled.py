"""The compiled engine: writes, compiles and runs a body in a domain. The only way into the code generator."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Assign, Direction, Invoke, Kernel, Tensor
from isamapper.ir.walk import first_write, walk
from isamapper.sim.functional.code import MAX_DEPTH, STATE_FIELDS, Failure, Field, Site
from isamapper.sim.functional.counting import instances
from isamapper.sim.functional.domain import Domain
from isamapper.sim.functional.machine_code import MachineCode
from isamapper.sim.functional.native import callback_addresses
from isamapper.sim.functional.programs import ENTRY, Written, write_program

Array: TypeAlias = np.ndarray[Any, Any]

_SMALL = 1_000_000
"""Statement instances that take less time to run unoptimised than optimising the code takes."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a run stopped: why, and the sites (in the instruction, in the program) with their loop values."""

    failure: Failure
    places: tuple[tuple[Site, dict[str, int]], ...]

    def __str__(self) -> str:
        return "; ".join(_place_text(site, point) for site, point in self.places)


def _place_text(site: Site, point: abc.Mapping[str, int]) -> str:
    at = ", ".join(f"{name} = {value}" for name, value in point.items())
    return site.what + (f" at {at}" if at else "")


@dataclass(slots=True)
class Result:
    """What a run left: every tensor of the table as stored, by position and (parameters and results) by name."""

    stop: Stop | None
    tensors: tuple[Tensor, ...]
    arrays: tuple[Array, ...]
    named: dict[str, Array] = field(default_factory=dict)


class Compiled:
    """A body compiled in a domain, to be run any number of times."""

    def __init__(self, body: Kernel, machine: Machine | None, domain: Domain) -> None:
        self.body, self.domain = body, domain
        self.written: Written = write_program(body, machine, domain)
        self.changed = frozenset(_changed(body, machine))
        optimised = instances(body, machine) > _SMALL
        self.code = MachineCode(self.written.text, ENTRY, callback_addresses(), optimised)

    def run(self, inputs: abc.Mapping[str, Array], stop_at: int = 0, seed: int = 0) -> Result:
        """Runs on ``inputs`` as stored (IN and INOUT tensors); they are not changed.

        ``stop_at`` is the ordinal of an invocation, ``seed`` chooses what the domain chooses at random.
        """
        arrays = [self._memory(tensor, inputs, n, seed) for n, tensor in enumerate(self.written.tensors)]
        table = np.array([array.ctypes.data for array in arrays], np.uint64)
        state = np.concatenate([np.zeros(STATE_FIELDS, np.int64), self.domain.extra_state(seed)])
        state[Field.INNER_SITE] = state[Field.OUTER_SITE] = -1
        state[Field.STOP] = stop_at
        stopped = self.code.call(table.ctypes.data, state.ctypes.data)
        named = {tensor.name: array for tensor, array in zip(self.body.tensors, arrays, strict=False)}
        return Result(self._stop(state) if stopped else None, self.written.tensors, tuple(arrays), named)

    def _memory(self, tensor: Tensor, inputs: abc.Mapping[str, Array], number: int, seed: int) -> Array:
        storage = self.domain.storage(tensor.dtype)
        parameter = number < len(self.body.tensors)
        if parameter and tensor.direction in (Direction.IN, Direction.INOUT):
            given = inputs[tensor.name]
            if tensor.name in self.changed:
                return np.array(given, storage, order="C", copy=True)
            return np.ascontiguousarray(given, storage).reshape(tensor.shape)
        first: Assign | None = first_write(self.body.body, tensor.name) if parameter else None
        filler: Any = self.domain.undefined(tensor.dtype)
        if first is not None and first.reduction is not None:
            filler = self.domain.identity(first.reduction, tensor.dtype, seed)
        return np.zeros(tensor.shape, storage) if not filler else np.full(tensor.shape, filler, storage)

    def _stop(self, state: Array) -> Stop:
        places: list[tuple[Site, dict[str, int]]] = []
        for number, loops in ((Field.INNER_SITE, Field.INNER_LOOPS), (Field.OUTER_SITE, Field.OUTER_LOOPS)):
            if state[number] >= 0:
                site = self.written.sites[state[number]]
                values = state[loops : loops + MAX_DEPTH]
                places.append((site, {name: int(v) for name, v in zip(site.loops, values, strict=False)}))
        return Stop(Failure(int(state[Field.FAILURE])), tuple(places))


def _changed(body: Kernel, machine: Machine | None) -> abc.Iterator[str]:
    """Names of the tensors that ``body`` writes."""
    for node, _ in walk(body):
        if isinstance(node, Assign):
            yield node.target.tensor
        elif isinstance(node, Invoke) and machine is not None:
            semantics = machine.instruction(node.instruction).semantics
            results = {t.name for t in semantics.tensors if t.direction in (Direction.OUT, Direction.INOUT)}
            yield from (window.tensor for name, window in node.windows if name in results)


@lru_cache(maxsize=64)
def compile_body(body: Kernel, machine: Machine | None, domain: Domain) -> Compiled:
    """The compiled form of ``body``, kept for the last few bodies."""
    return Compiled(body, machine, domain)
