"""Random machines and programs for the timing engines: every feature that time depends on, small enough to step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.model import (
    Dispatch,
    Instruction,
    Machine,
    Memory,
    MemoryKind,
    Operand,
    ParameterRange,
    Port,
    PortDirection,
    Unit,
)
from isamapper.ir.affine import Affine, Extent, affine, constant, extent, rotate, variable
from isamapper.ir.nodes import (
    BlockFormat,
    Constraint,
    Direction,
    Guard,
    Invoke,
    Kernel,
    Loop,
    Node,
    Tensor,
    Window,
    WindowAxis,
)
from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeExpression, SizeName, SizeOp
from isamapper.ir.template import Template, bind, parse_template
from isamapper.ir.types import DTYPES
from isamapper.plan.program import Program

MEANINGS = {
    "copy": "(r in 1..4, c in 1..4) (src: T[r, c]) -> (dst: T[r, c]) { for i < r, j < c { dst[i, j] = src[i, j] } }",
    "gather": "(src: T[4]) -> (dst: T[4]) { for i < 4 { dst[i] = src[i] } }",
    "scale": "(r in 1..4) (src: T[r, 4]) -> (dst: T[r, 4]) { for i < r, j < 4 { dst[i, j] = max(src[i, j], 0) } }",
    "mac": "(m in 1..4) (a: T[m, 4], w: T[4, 4], c: inout T[m, 4])"
    " { for i < m, j < 4, k < 4 { c[i, j] += a[i, k] * w[k, j] } }",
    "set": "(m in 1..4) (a: T[m, 4], w: T[4, 4]) -> (c: T[m, 4])"
    " { for i < m, j < 4, k < 4 { c[i, j] += a[i, k] * w[k, j] } }",
    "step": "(x: inout T[]) { x += 1 }",
    "fill": "(r in 1..4) () -> (y: T[r, 4]) { for i < r, j < 4 { y[i, j] = 0 } }",
}
DTYPE_NAMES = ("i8", "i32", "i4", "i16")


def _template(name: str) -> Template:
    return parse_template(Source(name, MEANINGS[name].replace("T[", "i8[")))


TEMPLATES = {name: _template(name) for name in MEANINGS}
KERNELS = {name: bind(template) for name, template in TEMPLATES.items()}


@dataclass(frozen=True)
class Scale:
    """How big programs get: loop depth, the trips of a loop, and invocations in all (about)."""

    depth: int = 3
    trips: int = 4
    budget: int = 400


def random_machine(random: Random) -> Machine:
    """A machine with three memories, a few units and all instructions, everything at random."""
    memories = tuple(_memory(random, name) for name in ("mem", "buf", "acc"))
    if random.random() < 0.15:
        registers = replace(memories[2], kind=MemoryKind.REGISTERS, rows=1 << 10, row_bytes=4, renamed=True)
        memories = (*memories[:2], replace(registers, banks=1, bank_interleave_bytes=0))
    units = tuple(_unit(random, f"u{index}") for index in range(random.randint(1, 4)))
    dispatch = Dispatch(
        random.choice((1, 1, 2, 3)),
        random.choice((None, 1, 2, 4, 8, 16)),
        random.choice(("in_order", "any")),
        random.choice((None, None, 4, 8)),
    )
    if random.random() < 0.15:  # dispatch that waits for nothing but its rate
        units = tuple(replace(unit, queue_depth=None) for unit in units)
        dispatch = replace(dispatch, window=None)
    instructions = tuple(
        _instruction(random, name, f"{name}{copy}", random.choice(units).name) for name in MEANINGS for copy in "ab"
    )
    return Machine("random", 1, memories, units, (), dispatch, "hardware", instructions)


def _memory(random: Random, name: str) -> Memory:
    ports = []
    for index in range(random.choice((0, 1, 1, 2, 3))):
        port = Port(
            f"p{index}",
            random.choice(tuple(PortDirection)),
            random.choice((1, 2, 4, 8, 16)),
            random.choice((1, 1, 4, 8)),
            random.choice((1, 1, 8)),
        )
        ports.append(port)
    banks = random.choice((1, 1, 2, 3))
    return Memory(
        name,
        random.choice((MemoryKind.ADDRESSED, MemoryKind.HOST)),
        random.choice((1 << 12, 1 << 10)) * banks,
        banks=banks,
        bank_interleave_bytes=random.choice((0, 4, 16)) if banks > 1 else 0,
        ports=tuple(ports),
        latency_cycles=random.choice((0, 0, 3, 11)),
    )


def _unit(random: Random, name: str) -> Unit:
    return Unit(
        name,
        random.choice((1, 1, 1, 2, 3)),
        random.choice((None, 1, 2, 3, 8)),
        random.choice(("start", "start", "end")),
        random.choice((None, None, None, 1, 2, 5)),
        random.random() < 0.15,
    )


def _cycles(random: Random, parameters: tuple[ParameterRange, ...], most: int) -> SizeExpression:
    number = SizeConstant(random.randint(0, most))
    if not parameters or random.random() < 0.5:
        return number
    name = SizeName(random.choice(parameters).name)
    other = SizeBinary(random.choice((SizeOp.ADD, SizeOp.MAX)), name, number)
    return random.choice((name, other, SizeBinary(SizeOp.CEILDIV, other, SizeConstant(2))))


def _instruction(random: Random, kind: str, name: str, unit: str) -> Instruction:
    template, kernel = TEMPLATES[kind], KERNELS[kind]
    dtype = DTYPES[random.choice(DTYPE_NAMES)]
    tensors = tuple(replace(tensor, dtype=dtype) for tensor in kernel.tensors)
    parameters = tuple(ParameterRange(*each) for each in template.parameters)
    operands = []
    for tensor in tensors:
        demand = Operand(tensor.name, ("mem", "buf", "acc"))
        if random.random() < 0.3:
            demand = replace(demand, read_at=_cycles(random, parameters, 3))
        if random.random() < 0.3:
            demand = replace(demand, read_until=_cycles(random, parameters, 9))
        if random.random() < 0.3:
            demand = replace(demand, ready_at=_cycles(random, parameters, 9))
        if tensor.direction is Direction.INOUT and random.random() < 0.6:
            demand = replace(demand, accumulates=True)
        operands.append(demand)
    return Instruction(
        name,
        unit,
        template,
        replace(kernel, tensors=tensors),
        parameters,
        tuple(operands),
        _cycles(random, parameters, 6),
        _cycles(random, parameters, 12),
        implicit=random.random() < 0.08,
        issue_cycles=random.choice((1, 1, 1, 1, 2, 5)),
        length_bytes=random.choice((None, None, 4, 12)),
    )


@dataclass
class _Pool:
    """Tensors under construction: per tensor the rank, and the greatest index seen along each axis."""

    memory: str
    dtype: str
    sizes: list[int]
    address: int | None
    block: BlockFormat | None
    padded: bool = False


class ProgramWriter:
    """Writes one random program for a machine."""

    def __init__(self, random: Random, machine: Machine, scale: Scale) -> None:
        self.random = random
        self.machine = machine
        self.scale = scale
        self.loops = 0
        self.pools: dict[str, _Pool] = {}

    def program(self) -> Program:
        body = self._block({}, self.scale.depth, self.scale.budget)
        tensors = tuple(
            Tensor(
                name,
                DTYPES[pool.dtype],
                tuple(pool.sizes),
                pool.memory,
                Direction.INOUT,
                address=pool.address,
                block=pool.block,
            )
            for name, pool in self.pools.items()
        )
        kernel = Kernel("random", (), (), tensors, body)
        return Program(kernel, self.machine, kernel)

    def _block(self, scope: dict[str, int], depth: int, budget: int) -> tuple[Node, ...]:
        random = self.random
        nodes: list[Node] = []
        for _ in range(random.randint(1, 3)):
            choice = random.random()
            if depth and choice < 0.55 and budget > 2:
                trips = random.randint(1, max(1, min(self.scale.trips, budget // 2)))
                name = f"i{self.loops}"
                self.loops += 1
                inner = self._block({**scope, name: trips}, depth - 1, budget // trips)
                nodes.append(Loop(name, self._extent(trips, scope), inner))
            elif scope and depth and choice < 0.72:
                inner, other = self._block(scope, depth - 1, budget), self._block(scope, depth - 1, budget)
                nodes.append(Guard(self._conditions(scope), inner, other if random.random() < 0.5 else ()))
            else:
                nodes.append(self._invoke(scope))
        return tuple(nodes)

    def _extent(self, most: int, scope: dict[str, int]) -> Extent:
        """At most ``most``, sometimes less where outer iterators are great."""
        if scope and self.random.random() < 0.25:
            name = self.random.choice(list(scope))
            slope = self.random.choice((-1, -1, -2, 1))
            bound = affine([(name, slope)], self.random.randint(1, most + scope[name]))
            return extent(most, bound)
        return extent(most)

    def _conditions(self, scope: dict[str, int]) -> tuple[Constraint, ...]:
        random = self.random
        found = []
        for _ in range(random.choice((1, 1, 2))):
            names = random.sample(list(scope), k=min(len(scope), random.choice((1, 1, 2))))
            terms = [(name, random.choice((1, -1, 1, 2))) for name in names]
            last = scope[names[0]] - 1
            offset = random.choice((0, -1, last, -last, 1 - last, random.randint(-3, 3)))
            found.append(Constraint(affine(terms, offset), random.random() < 0.4))
        return tuple(found)

    def _invoke(self, scope: dict[str, int]) -> Invoke:
        random = self.random
        instruction = random.choice(self.machine.instructions)
        parameters = {each.name: self._parameter(each, scope) for each in instruction.parameters}
        shapes = {tensor.name: tensor.shape for tensor in instruction.semantics.tensors}
        axes = {"r": 0, "m": 0, "c": 1}
        windows = []
        for operand in instruction.operands:
            extents = [extent(size) for size in shapes[operand.name]]
            for parameter, value in parameters.items():
                axis = axes[parameter]
                applies = operand.name in ("src", "dst", "a", "c", "y")
                if applies and axis < len(extents):
                    extents[axis] = value
            windows.append((operand.name, self._window(extents, scope, operand.name)))
        return Invoke(instruction.name, tuple(windows), tuple(parameters.items()))

    def _parameter(self, parameter: ParameterRange, scope: dict[str, int]) -> Extent:
        value = self.random.randint(parameter.low, parameter.high)
        return self._extent(value, scope) if self.random.random() < 0.5 else extent(value)

    def _window(self, extents: list[Extent], scope: dict[str, int], operand: str) -> Window:
        random = self.random
        name = f"t{random.randint(0, 5)}"
        if name not in self.pools:
            self.pools[name] = self._pool()
        pool = self.pools[name]
        rank = len(pool.sizes)
        offsets = [self._offset(scope) for _ in range(rank)]
        axes = []
        for index, each in enumerate(extents):
            steps = self._steps(rank, index, len(extents))
            axes.append(WindowAxis(each, steps))
        pads = operand in ("src", "a", "w") and random.random() < (0.02 if pool.address is not None else 0.15)
        if pads:
            offsets = [offset - random.randint(0, 2) for offset in offsets]
            for axis in range(rank):
                pool.sizes[axis] = max(pool.sizes[axis], 2)
        else:
            self._grow(pool, offsets, axes, scope)
        return Window(name, tuple(offsets), tuple(axes), 0 if pads else None)

    def _pool(self) -> _Pool:
        random = self.random
        address = random.choice((None, None, 0, 16, 64, 100, 256))
        block = BlockFormat(4, 8) if random.random() < 0.05 else None
        memory = random.choice(self.machine.memories)
        dtype = "i32" if memory.renamed else random.choice(DTYPE_NAMES)
        return _Pool(memory.name, dtype, [1] * random.choice((1, 2, 2, 3)), address, block)

    def _offset(self, scope: dict[str, int]) -> Affine:
        random = self.random
        result = constant(random.choice((0, 0, 0, 1, 2, 4, 8)))
        for name in scope:
            if random.random() < 0.35:
                result = result + variable(name, random.choice((1, 1, 2, 4, 4, 8)))
        if scope and random.random() < 0.25:
            inner = affine([(name, random.choice((0, 1, 1, 2))) for name in scope], random.choice((0, 1)))
            result = result + rotate(inner, random.choice((2, 2, 3))) * random.choice((1, 4))
        return result

    def _steps(self, rank: int, index: int, count: int) -> tuple[tuple[int, int], ...]:
        random = self.random
        axis = max(0, rank - count + index)
        choice = random.random()
        if choice < 0.75:
            return ((axis, 1),)
        if choice < 0.85:
            return ((axis, random.choice((2, 4))),)
        if choice < 0.9:
            return ()
        if choice < 0.95 and rank > 1:
            return ((0, 1), (1, 1))
        return ((random.randrange(rank), random.choice((1, 4))),)

    def _grow(self, pool: _Pool, offsets: list[Affine], axes: list[WindowAxis], scope: dict[str, int]) -> None:
        for axis, offset in enumerate(offsets):
            last = offset.constant + sum(c * (scope[name] - 1) for name, c in offset.terms)
            last += sum(c * (rotation.modulus - 1) for rotation, c in offset.rotations)
            for each in axes:
                for moved, step in each.steps:
                    if moved == axis:
                        last += step * (each.extent.bounds[0].constant - 1 if each.extent.bounds[0].is_constant else 3)
            pool.sizes[axis] = max(pool.sizes[axis], last + 1)


def random_program(seed: int, scale: Scale | None = None) -> Program:
    """A random program on a random machine, the same for the same seed."""
    random = Random(seed)
    machine = random_machine(random)
    return ProgramWriter(random, machine, scale or Scale()).program()
