"""The compiled event engine for cores that contend for ports: a state for each, and one code that walks them all."""

from __future__ import annotations

import math
from collections import abc

import numpy as np

from isamapper.sim.compiled.atoms import Atoms, Unsuited, atoms
from isamapper.sim.compiled.engine import read_counters, step_specs
from isamapper.sim.compiled.jit import Code, compile_cores, compile_steps
from isamapper.sim.compiled.layout import ARGUMENTS, STATUS, Layout, Needs, State
from isamapper.sim.compiled.nest import SkipPolicy
from isamapper.sim.compiled.specs import StepSpec
from isamapper.sim.compiled.step import argument_names
from isamapper.sim.compiled.table import MOST_ARGUMENTS, Table
from isamapper.sim.contention import Contention, credit
from isamapper.sim.counters import Counters
from isamapper.sim.sites import Branch, Model, OperandUse, Repeat, Step
from isamapper.sim.traffic import greatest_number
from isamapper.sim.walk.cores import (
    D_CONTENDED,
    D_CORES,
    D_ROWS,
    D_SCALE,
    D_STATES,
    DRIVER_WORDS,
)
from isamapper.sim.walk.engine import MOST_WORDS
from isamapper.sim.walk.resume import FRAME_WORDS
from isamapper.sim.walk.step import MOST_OPERANDS, walk_step
from isamapper.sim.walk.words import (
    C_CREDIT,
    C_SHARED,
    FRAMES,
    FULL,
    OVERFLOW,
    PORT_WORDS,
    PORTS,
    Sizes,
    walk_layout,
)

MOST_WORK = 1 << 62


def run(
    models: abc.Sequence[Model], contended: abc.Sequence[Contention], scale: int, events: int = 0
) -> tuple[Counters, ...] | None:
    """Times cores together, and keeps so many of the first events of each; None where only ``sim/joint.py`` can."""
    try:
        cores = [_Core(model) for model in models]
    except Unsuited:
        return None
    if not all(core.suits(scale) for core in cores):
        return None
    sizes = Sizes()
    while True:
        plans = [core.plan(events, sizes) for core in cores]
        if sum(plan.words for plan in plans) > MOST_WORDS:
            return None
        full = _walk(cores, plans, contended, scale)
        if full is None:
            return tuple(read_counters(plan, core.state) for core, plan in zip(cores, plans, strict=True))
        sizes = sizes.larger(full)


class _Core:
    """A program with all that its code is made from."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.found: Atoms = atoms(model)
        self.specs: tuple[StepSpec, ...] = step_specs(model, self.found)
        self.codes: tuple[Code, ...] = ()
        self.state: State = np.zeros(0, dtype=np.int64)

    def suits(self, scale: int) -> bool:
        """Whether steps can be called from tables, and what they count stays in a word."""
        if any(len(argument_names(each)) > MOST_ARGUMENTS or len(each.operands) > MOST_OPERANDS for each in self.specs):
            return False
        bytes_ = (
            _elements(operand) * max(use.port.request_bytes + use.port.burst_bytes, 16)
            for site in self.model.sites
            for operand in site.operands
            for use in (*operand.read_ports, *operand.write_ports)
        )
        cycles = max((use.port.machine_cycles[0] for use in self.model.ports), default=1)
        return max(bytes_, default=0) * scale * cycles < MOST_WORK

    def plan(self, events: int, sizes: Sizes) -> Layout:
        """Where everything lies, and the table of the program's loops."""
        plan = walk_layout(self.model, self.specs, self.found, Needs(0, (), events, 0), sizes)
        steps = tuple(walk_step(plan, index, "hold") for index in range(len(self.specs)))
        self.codes, addresses = compile_steps(steps, walking=True)
        Table(plan, self.found, self.specs, addresses, {}, SkipPolicy()).write()
        frames = plan.reserve(FRAME_WORDS * (2 + _depth(self.model.steps)))
        plan.initial += [(FRAMES, frames), (ARGUMENTS, plan.reserve(MOST_ARGUMENTS))]
        return plan


def _elements(operand: OperandUse) -> int:
    """As many as one window has at most."""
    most = [greatest_number(axis.extent) for axis in operand.window.axes]
    known = math.prod(each for each in most if each is not None)
    return max(1, known) * (math.prod(operand.tensor.shape) if None in most else 1)


def _depth(steps: abc.Iterable[Step]) -> int:
    """Blocks that stand in each other."""
    depths = [0]
    for step in steps:
        if isinstance(step, Repeat):
            depths.append(1 + _depth(step.body))
        elif isinstance(step, Branch):
            depths.append(1 + max(_depth(step.body), _depth(step.otherwise)))
    return max(depths)


def _walk(
    cores: abc.Sequence[_Core], plans: abc.Sequence[Layout], contended: abc.Sequence[Contention], scale: int
) -> int | None:
    """Walks the cores to their ends; the table that was full, if one was."""
    for core, plan in zip(cores, plans, strict=True):
        core.state = plan.state()
    rows = [_calendars(plan) for plan in plans]
    for each in contended:
        for number, calendar, weight in each.members:
            row = rows[number] + calendar * PORT_WORDS
            cores[number].state[row + C_CREDIT] = credit(scale, weight)
            cores[number].state[row + C_SHARED] = 1
    driver = _driver([core.state for core in cores], rows, contended, scale)
    _code, entry = compile_cores()
    entry(driver.ctypes.data)
    full = [int(core.state[FULL]) for core in cores if core.state[STATUS] == OVERFLOW]
    return full[0] if full else None


def _calendars(plan: Layout) -> int:
    return next(value for address, value in plan.initial if address == PORTS)


def _driver(
    states: abc.Sequence[State], rows: abc.Sequence[int], contended: abc.Sequence[Contention], scale: int
) -> State:
    """The state of the code that walks them."""
    words = [0] * DRIVER_WORDS
    words[D_CORES], words[D_STATES] = len(states), len(words)
    words += [int(state.ctypes.data) for state in states]
    words[D_SCALE], words[D_CONTENDED], words[D_ROWS] = scale, len(contended), len(words)
    first = len(words) + len(contended)
    members: list[int] = []
    for each in contended:
        words.append(first + len(members))
        members.append(len(each.members))
        for core, calendar, weight in each.members:
            members += [core, rows[core] + calendar * PORT_WORDS, weight, 0]
    return np.array([*words, *members], dtype=np.int64)
