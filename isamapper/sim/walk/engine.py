"""The compiled event engine: writes code for a program, runs it, and reads the totals back."""

from __future__ import annotations

from isamapper.sim.compiled.atoms import Atoms, Unsuited, atoms
from isamapper.sim.compiled.engine import DEFAULT_POLICY, read_counters, step_specs
from isamapper.sim.compiled.jit import compile_program
from isamapper.sim.compiled.layout import STATUS, STEPS, Layout, Needs
from isamapper.sim.compiled.nest import Nest, SkipPolicy, contested_sites, skipping_loops
from isamapper.sim.compiled.specs import StepSpec
from isamapper.sim.compiled.text import Function
from isamapper.sim.counters import Counters
from isamapper.sim.sites import Model
from isamapper.sim.walk.step import MOST_OPERANDS, walk_step
from isamapper.sim.walk.words import FULL, OVERFLOW, Sizes, walk_layout

MOST_WORDS = 1 << 28
"""Words of state: 2 GiB."""


class WalkNest(Nest):
    """The program's loops around steps that offer jobs."""

    COUNTED = STEPS
    SNAPSHOT = "remember"
    ATTEMPT = "repeat"
    NAME = "stream"

    def floor(self, coming: object) -> None:
        """Nothing: the walk knows what is still on its way."""


def run(
    model: Model, events: int = 0, skip: bool = True, policy: SkipPolicy = DEFAULT_POLICY, sizes: Sizes | None = None
) -> Counters | None:
    """Times a program; None where only the plain event engine can.

    Where ``events`` are asked for, no more than those are stepped, and they are kept.
    """
    try:
        found = atoms(model)
        specs = step_specs(model, found)
    except Unsuited:
        return None
    sizes = sizes or Sizes()
    if any(len(spec.operands) > MOST_OPERANDS for spec in specs):
        return None
    while True:
        plan, steps, nest = _program(model, found, specs, events, policy if skip and not events else None, sizes)
        if plan.words > MOST_WORDS:
            return None
        _code, entry = compile_program(steps, nest, 0, walking=True)
        state = plan.state()
        entry(state.ctypes.data)
        if state[STATUS] != OVERFLOW:
            return read_counters(plan, state)
        sizes = sizes.larger(int(state[FULL]))


def _program(
    model: Model, found: Atoms, specs: tuple[StepSpec, ...], events: int, policy: SkipPolicy | None, sizes: Sizes
) -> tuple[Layout, tuple[str, ...], str]:
    """State, steps and loops of a program."""
    loops = skipping_loops(model, found, policy) if policy else {}
    plan = walk_layout(model, specs, found, Needs(len(loops), contested_sites(loops), events, 0), sizes)
    numbers = {spec: index for index, spec in enumerate(specs)}
    nest = WalkNest(plan, found, numbers, loops, policy or SkipPolicy(), bool(events), stops=True).text()
    steps = tuple(walk_step(plan, index) for index in range(len(specs)))
    whole = Function("run", internal=False)
    whole.call("stream")
    whole.call("drain")
    return plan, steps, nest + whole.end(0)
