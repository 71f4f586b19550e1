"""Expanded streams: a program's invocations one after the other as rows of numbers, and the engine that times them.

A row is an opcode, the site in the program's text, and what the invocation's time depends on: parameters and extents
that vary, and per operand the address of its hazard record, in words of the engine's state, and its first bit where
banks matter. Tokens are rows of registers like any other operand: what is pushed and popped are records. Rows are
32-bit integers of one width; what an opcode does not use is 0.

Expanding does what the loops of a program do; timing a stream is what is left of a simulation. Nothing is skipped.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from isamapper.sim.compiled.atoms import Atoms, Unsuited, atoms
from isamapper.sim.compiled.engine import read_counters, step_specs
from isamapper.sim.compiled.jit import compile_whole
from isamapper.sim.compiled.layout import OVERFLOW, ROWS, STATUS, STEPS, Layout, Needs, State, layout
from isamapper.sim.compiled.nest import Nest, SkipPolicy
from isamapper.sim.compiled.registers import in_registers, kept_words
from isamapper.sim.compiled.specs import StepSpec
from isamapper.sim.compiled.step import Options, argument_names, step_function
from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.counters import Counters
from isamapper.sim.sites import Model, OperandUse, Site

_INTERVALS = 1 << 13
_LARGEST = 1 << 31


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A program with its invocations as ``rows``; ``columns`` names, per opcode, what follows the opcode in a row."""

    model: Model
    rows: NDArray[np.int32]
    instructions: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    intervals: int

    def __len__(self) -> int:
        return len(self.rows)


class _Rows(Nest):
    """The program's loops around code that writes rows, or only counts them."""

    def __init__(self, plan: Layout, found: Atoms, numbers: abc.Mapping[StepSpec, int], words: int) -> None:
        super().__init__(plan, found, numbers, {}, SkipPolicy(), False)
        self.words = words

    def invocation(self, site: Site, step: int, arguments: abc.Sequence[Value]) -> None:
        fn = self.fn
        if self.words:
            at = fn.load(ROWS)
            halves: list[Value] = [step, *arguments]
            halves += [0] * (2 * self.words - len(halves))
            for word in range(self.words):
                fn.store(fn.add(at, word), fn.packed(halves[2 * word], halves[2 * word + 1]))
            fn.store(ROWS, fn.add(at, self.words))
        fn.increase(STEPS, 1)


def expanded(model: Model, intervals: int = _INTERVALS) -> Stream:
    """All invocations of a program.

    ``Unsuited`` where the compiled engine cannot time it, or has more state than a row's numbers reach.
    """
    found, specs, plan = _plan(model, intervals)
    reach = max(operand.tensor.dtype.bits * _size(operand) for site in model.sites for operand in site.operands)
    if max(plan.words, reach) >= _LARGEST:
        raise Unsuited("a stream's numbers have 32 bits")
    names = [argument_names(spec) for spec in specs]
    words = -(-(1 + max(len(each) for each in names)) // 2)
    numbers = {spec: index for index, spec in enumerate(specs)}
    state = plan.state()
    _run(_Rows(plan, found, numbers, 0).text(), state)
    rows = np.zeros((int(state[STEPS]), 2 * words), dtype=np.int32)
    state[ROWS] = _distance(state, rows)
    _run(_Rows(plan, found, numbers, words).text(), state)
    instructions = tuple(model.machine.instructions[spec.instruction].name for spec in specs)
    columns = tuple(_columns(spec, each) for spec, each in zip(specs, names, strict=True))
    return Stream(model, rows, instructions, columns, intervals)


def _size(operand: OperandUse) -> int:
    """Elements up to the end of an operand's tensor, from the start of its memory on."""
    address = operand.tensor.address or 0
    return math.prod(operand.tensor.shape) + address * 8 // operand.tensor.dtype.bits


def _distance(state: State, rows: NDArray[np.int32]) -> int:
    """Words from the state to the rows."""
    return (rows.ctypes.data - state.ctypes.data) // state.itemsize


def _columns(spec: StepSpec, names: abc.Sequence[str]) -> tuple[str, ...]:
    """Names of a step's arguments in words of the machine: ``m``, ``c.record``, ``a.bit``, ``a.extent0``."""
    kinds = {"e": "extent", "r": "record", "s": "bit", "o": "offset"}
    found = []
    for name in names:
        head, _, axis = name[1:].partition("_")
        if name == "site":
            found.append(name)
        elif name[0] == "p":
            found.append(f"parameter{head}")
        else:
            found.append(f"{spec.operands[int(head)][0]}.{kinds[name[0]]}{axis}")
    return tuple(found)


def time_stream(stream: Stream) -> Counters:
    """The totals of the program that the stream was expanded from."""
    while True:
        _, specs, plan = _plan(stream.model, stream.intervals)
        options = Options(skip=False, events=False, long=True)
        steps = "".join(step_function(plan, index, options) for index in range(len(specs)))
        state = plan.state()
        state[ROWS], state[STEPS] = _distance(state, stream.rows), len(stream)
        _run(in_registers(steps + _reader(specs, stream.rows.shape[1] // 2), kept_words(plan)), state)
        if state[STATUS] != OVERFLOW:
            return read_counters(plan, state)
        stream = expanded(stream.model, stream.intervals * 16)


def _reader(specs: tuple[StepSpec, ...], words: int) -> str:
    """The loop over the rows: each is a call of its step."""
    fn = Function("run", internal=False)
    first = fn.load(ROWS)
    with fn.counted(fn.load(STEPS)) as index:
        row = fn.add(first, fn.mul(index, words))

        def call(step: int) -> None:
            loaded = [fn.load(fn.add(row, word)) for word in range(-(-(1 + len(argument_names(specs[step]))) // 2))]
            halves = [half for word in loaded for half in (fn.low_half(word), fn.high_half(word))]
            fn.call(f"step{step}", *halves[1 : 1 + len(argument_names(specs[step]))])

        fn.cases(fn.low_half(fn.load(row)), [partial(call, step) for step in range(len(specs))])
    return fn.end(0)


def _run(text: str, state: State) -> None:
    _code, entry = compile_whole(text)
    entry(state.ctypes.data)


def _plan(model: Model, intervals: int) -> tuple[Atoms, tuple[StepSpec, ...], Layout]:
    found = atoms(model)
    specs = step_specs(model, found)
    return found, specs, layout(model, specs, found, Needs(0, (), 0, intervals))
