"""Where the cycles of a recurrence's step go: what its products, its other arithmetic and its transfers take alone.

All but one kind of work is left out of the loop over steps, and the program timed again. Where one kind by itself takes
as long as the step, the rest is done meanwhile; where all together take as long, one waits for the other; where they
take less, the rest of the step is latencies of what depends on each other.

What does not belong here: the whole problem (``measure.py``).
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.hwdesc.model import Instruction
from isamapper.ir.affine import constant, extent
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import (
    Cast,
    Expression,
    Guard,
    Invoke,
    Kernel,
    Load,
    Loop,
    Node,
    Reduction,
    Role,
    Tensor,
    Window,
)
from isamapper.ir.walk import walk
from isamapper.plan.homes import home_memory
from isamapper.plan.needle import copy_shape
from isamapper.plan.program import Program
from isamapper.plan.skeleton import Shared, skeleton
from isamapper.plan.steps import Schedule
from isamapper.sim.timing import simulate

FACTORS = 3
"""Accesses of a sum of products: its target and two factors, at least."""
STEPS = 16
"""Of more steps so many are timed."""
FEW_STEPS = 4
"""Of fewer no later ones are told from the first."""

PRODUCTS = "products"
ELEMENTWISE = "elementwise"
WEIGHTS = "weights fetched again"
EXCHANGE = "inputs and states moved"
KINDS = (PRODUCTS, ELEMENTWISE, WEIGHTS, EXCHANGE)
"""Products with what brings their factors into the array; all other arithmetic with its moves on chip; what is known
before run time and comes from home in every step; what else comes from home or goes there."""


def steps_of(program: Program, schedule: Schedule) -> dict[str, float] | None:
    """Cycles of a later step under ``"all"``, and of one with nothing but each kind of work that there is.

    None where there is no one loop over steps, or there are only few.
    """
    shared = {part.loop for part in skeleton(schedule.covered) if isinstance(part, Shared)}
    loops = [node for node in program.body.body if isinstance(node, Loop) and node.iterator in shared]
    if len(loops) != 1 or not loops[0].extent.is_constant or loops[0].extent.bounds[0].constant < FEW_STEPS:
        return None
    kinds = _Kinds(program)
    whole = _later(program, loops[0], loops[0])
    found = {"all": whole}
    for kind in KINDS:
        left = kinds.only(loops[0], kind)
        if left is not None:
            found[kind] = _later(program, loops[0], left)
    return found


def _later(program: Program, loop: Loop, instead: Node) -> float:
    """Cycles of one step more, once all is where it stays."""
    steps = min(STEPS, loop.extent.bounds[0].constant)
    most, least = (_cycles(program, loop, instead, trips) for trips in (steps, steps - steps // 2))
    return (most - least) / (steps // 2)


def _cycles(program: Program, loop: Loop, instead: Node, trips: int) -> int:
    assert isinstance(instead, Loop)
    short = replace(instead, extent=extent(constant(trips)))
    nodes = tuple(short if node is loop else node for node in program.body.body)
    return simulate(replace(program, body=replace(program.body, body=nodes))).cycles


class _Kinds:
    """Tells the kind of every invocation of a program."""

    def __init__(self, program: Program) -> None:
        self.machine, self.home = program.machine, home_memory(program.machine)
        self.known = _constants(program.body)
        self.places = {name: tensor.memory for name, tensor in _tensors(program.body).items()}

    def only(self, node: Node, kind: str) -> Node | None:
        """``node`` with invocations of a kind only; None where nothing is left."""
        match node:
            case Loop():
                body = self._left(node.body, kind)
                return replace(node, body=body) if any(isinstance(e, Loop | Guard | Invoke) for e in body) else None
            case Guard():
                body, otherwise = (self._left(part, kind) for part in (node.body, node.otherwise))
                return replace(node, body=body, otherwise=otherwise) if body or otherwise else None
            case Invoke():
                return node if self.of(node) == kind else None
            case _:
                return node

    def _left(self, nodes: tuple[Node, ...], kind: str) -> tuple[Node, ...]:
        return tuple(each for node in nodes if (each := self.only(node, kind)) is not None)

    def of(self, invoke: Invoke) -> str:
        """The kind of one invocation."""
        instruction = self.machine.instruction(invoke.instruction)
        if not _only_moves(instruction):
            return PRODUCTS if _multiplies(instruction) else ELEMENTWISE
        windows = [window for _, window in invoke.windows]
        if any(self.places.get(window.tensor) == self.home for window in windows):
            return WEIGHTS if self._is_known(windows) else EXCHANGE
        return PRODUCTS if self._is_known(windows) else ELEMENTWISE

    def _is_known(self, windows: list[Window]) -> bool:
        return any(window.tensor in self.known for window in windows)


def _only_moves(instruction: Instruction) -> bool:
    """Whether an instruction is a copy, as it is or to another data type."""
    values = [each.assign.value for each in statements(instruction.semantics)]
    return copy_shape(instruction) is not None and all(isinstance(_uncast(value), Load) for value in values)


def _uncast(value: Expression) -> Expression:
    return _uncast(value.operand) if isinstance(value, Cast) else value


def _multiplies(instruction: Instruction) -> bool:
    """Whether an instruction sums products."""
    found = statements(instruction.semantics)
    return any(each.assign.reduction is Reduction.ADD and len(each.accesses) >= FACTORS for each in found)


def _tensors(body: Kernel) -> dict[str, Tensor]:
    found = {tensor.name: tensor for tensor in body.tensors}
    for _, place in walk(body):
        found.update({each.tensor.name: each.tensor for each in place.scope})
    return found


def _constants(body: Kernel) -> set[str]:
    """Tensors known before run time, and what was copied from them."""
    found = {tensor.name for tensor in body.tensors if tensor.role is Role.CONST}
    size = -1
    while len(found) > size:
        size = len(found)
        for name in _tensors(body):
            root = max((each for each in found if name.startswith(f"{each}_")), key=len, default=None)
            if root is not None:
                found.add(name)
    return found
