"""``cpsat``: tile sizes, order, slots and capacities as a model of OR-Tools' CP-SAT, one per family.

For every family with one level of tiles the solver chooses a size per iterator (one for every number of tiles), an
order of the loops outside the tile (one for every difference in traffic) and one or two slots per buffer, so that
buffers fit their memories and the busiest resource is least. Solved twice: with one slot each and no overlap asked for,
which gives a bound; and with every copy of a buffer with one slot in line with the calls, which gives tilings. One
worker with a fixed seed is reproducible. Every tiling is priced, built, lowered and judged before it counts.
"""

from __future__ import annotations

import math
import time
from collections import abc

import numpy as np
from ortools.sat.python import cp_model

from isamapper.costmodels.batch import fitting, prices
from isamapper.costmodels.shape import Stop, Transfer
from isamapper.scheduler.space.family import Family
from isamapper.scheduler.space.grid import neighbours
from isamapper.scheduler.space.ranking import orders_of
from isamapper.scheduler.strategies import beaming
from isamapper.scheduler.strategies.exhaustive import floor_of
from isamapper.scheduler.strategies.exploring import strategy
from isamapper.scheduler.strategies.moves import smallest
from isamapper.scheduler.strategies.starting import started
from isamapper.scheduler.strategies.task import Improvement, Task

SCALE = 64
"""Cycles are counted in this part of one: CP-SAT knows whole numbers only."""
SECONDS = 5.0
"""Per solve where no budget ends the search."""
LARGEST = 1 << 50
JUDGED = 4


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Families by their floor; last the best with the least bound of all."""
    if task.objective:
        yield from beaming.explore(task)
        return
    bounds: list[float] = []
    deeper = False
    families = task.space.families
    if all(family.shape.levels <= 1 for family in families):
        yield from started(task)
    for place in sorted(range(len(families)), key=lambda each: (floor_of(families[each]), each)):
        own = families[place]
        if task.best is not None and floor_of(own) >= task.best.cycles:
            break
        if not task.alive(place):
            continue
        if own.shape.levels != 1 or task.late():
            deeper = deeper or own.shape.levels > 1
            bounds.append(floor_of(own))
            if own.shape.levels == 0:
                yield from task.offered_all(smallest(task.space, place))
            continue
        bound = max(
            floor_of(own),
            _Model(own, task.space.sizes(place), task.deadline, serial=False).bound(),
        )
        bounds.append(bound)
        if task.best is not None and bound >= task.best.cycles:
            continue
        tiles = _Model(own, task.space.sizes(place), task.deadline, serial=True).tiles()
        if tiles is not None:
            yield from _judged(task, place, tiles)
    if deeper:
        yield from beaming.explore(task)
    if task.best is not None:
        proven = min([task.best.cycles, *bounds])
        yield Improvement(task.best.nest, task.best.cycles, task.best.row, proven)


def _judged(task: Task, place: int, sizes: tuple[int, ...]) -> abc.Iterator[Improvement]:
    """The tiling and its neighbours under all orders that differ, the best few judged: the model rounds cycles down."""
    own = task.space.families[place]
    orders, shape = orders_of(own), own.shape
    near = neighbours(own, np.array(sizes, dtype=np.int64).reshape(1, 1, len(own.moving)))
    near = near[fitting(shape, own.tiles(near))]
    tiles = np.tile(near, (len(orders), 1, 1))
    which = np.repeat(np.arange(len(orders)), len(near))
    found = prices(shape, own.tiles(tiles), orders[which])
    numbers = {each: number for number, each in enumerate(own.orders)}
    loops = np.array([[numbers[tuple(group)] for group in order] for order in orders.tolist()], dtype=np.int64)
    rows = task.space.rows(place, tiles, [0] * (shape.levels + 1), found.slots)
    start = 1 + task.space.tile_columns
    rows[:, start : start + shape.levels + 1] = loops[which]
    yield from task.offered(rows, found.cycles, found.bytes_moved, JUDGED)


class _Model:
    """One family as a model; ``serial``: copies of buffers with one slot do not overlap with the calls."""

    def __init__(
        self, family: Family, sizes: abc.Sequence[tuple[int, ...]], deadline: float | None, *, serial: bool
    ) -> None:
        self.family, self.shape, self.serial = family, family.shape, serial
        self.deadline = deadline
        self.model = cp_model.CpModel()
        self.sizes: dict[int, cp_model.IntVar] = {}
        self.trips: dict[int, cp_model.IntVar] = {}
        for place, options in zip(family.moving, sizes, strict=True):
            self._iterator(place, options)
        self.orders = [self.model.new_bool_var(f"order{number}") for number in range(len(family.classes))]
        self.model.add_exactly_one(self.orders)
        self.used: dict[str, list[cp_model.LinearExprT]] = {}
        self.busy: dict[str, list[cp_model.LinearExprT]] = {}
        self.line: list[cp_model.LinearExprT] = []
        for stop in self.shape.stops:
            self._stop(stop)
        self.most = self.model.new_int_var(0, LARGEST, "cycles")
        self._limits()
        self.solver = cp_model.CpSolver()

    def _iterator(self, place: int, options: tuple[int, ...]) -> None:
        blocks = self.shape.blocks[place]
        chosen = self.model.new_int_var(0, len(options) - 1, f"option{place}")
        self.sizes[place] = self.model.new_int_var(1, blocks, f"size{place}")
        self.trips[place] = self.model.new_int_var(1, blocks, f"trips{place}")
        self.model.add_element(chosen, list(options), self.sizes[place])
        self.model.add_element(chosen, [-(-blocks // size) for size in options], self.trips[place])

    def _product(self, factors: abc.Sequence[cp_model.IntVar], most: int, name: str) -> cp_model.LinearExprT:
        if not factors:
            return 1
        total = factors[0]
        for number, factor in enumerate(factors[1:]):
            joined = self.model.new_int_var(0, most, f"{name}.{number}")
            self.model.add_multiplication_equality(joined, [total, factor])
            total = joined
        return total

    def _tile(self, stop: Stop) -> cp_model.LinearExprT:
        """Blocks of the operand in one tile; a window counts as the blocks of its longest mover."""
        movers = [max(dim, key=lambda mover: self.shape.blocks[mover[0]])[0] for dim in stop.dims]
        factors = [self.sizes[place] for place in dict.fromkeys(movers) if place in self.sizes]
        most = math.prod(self.shape.blocks[place] for place in dict.fromkeys(movers))
        return self._product(factors, most, f"tile{stop.access}{stop.memory}")

    def _stop(self, stop: Stop) -> None:
        block = stop.element_bytes * math.prod(self.shape.block[p] for p in stop.movers)
        if stop.level is None:
            return
        tile = self._tile(stop)
        bytes_held = max(1, math.floor(block * stop.padding))
        slots = self.model.new_int_var(1, 2 if self.serial else 1, f"slots{stop.access}{stop.memory}")
        every = math.prod(self.shape.blocks[place] for place in stop.movers)
        held = self.model.new_int_var(0, 2 * every, f"held{stop.access}{stop.memory}")
        self.model.add_multiplication_equality(held, [tile, slots])
        self.used.setdefault(stop.memory, []).append(held * bytes_held)
        transfer = stop.drain if stop.target else stop.fill
        if transfer is None:
            return
        total = stop.element_bytes * math.prod(self.shape.extents[p] for p in stop.movers)
        repeats = self._repeats(stop)
        for name, cycles in transfer.per_byte:
            self.busy.setdefault(name, []).append(repeats * math.floor(total * cycles * SCALE))
        if stop.target and stop.fill is None:
            self.model.add(repeats == 1)
        elif stop.target and stop.fill is not None:
            for name, cycles in stop.fill.per_byte:
                self.busy.setdefault(name, []).append((repeats - 1) * math.floor(total * cycles * SCALE))
        if self.serial:
            self._turns(stop, transfer)
            self.line.append(tile * math.ceil(block * transfer.slowest * SCALE))
            alone = self.model.new_bool_var(f"alone{stop.access}{stop.memory}")
            self.model.add(slots == 1).only_enforce_if(alone)
            self.model.add(slots == 2).only_enforce_if(alone.negated())
            waits = self.model.new_int_var(0, LARGEST, f"waits{stop.access}{stop.memory}")
            cycles = math.floor(total * transfer.slowest * SCALE)
            self.model.add(waits == repeats * cycles).only_enforce_if(alone)
            self.line.append(waits)

    def _turns(self, stop: Stop, transfer: Transfer) -> None:
        """A tile of a doubled buffer takes half the time from the start of a copy to its end at least."""
        fills = self.model.new_int_var(1, math.prod(self.shape.blocks), f"fills{stop.access}{stop.memory}")
        for chosen, order in zip(self.orders, self.family.classes, strict=True):
            moving = [at for at, place in enumerate(order) if place in stop.movers]
            outside = tuple(sorted(order[: max(moving) + 1])) if moving else ()
            factors = [self.trips[place] for place in outside]
            visits = self._product(factors, math.prod(self.shape.blocks), f"fills{stop.access}{stop.memory}{outside}")
            self.model.add(fills == visits).only_enforce_if(chosen)
        turn = (transfer.latency_cycles + transfer.piece_bytes * transfer.slowest + self.shape.call_cycles) / 2
        self.busy.setdefault(f"turns{stop.access}{stop.memory}", []).append(fills * math.ceil(turn * SCALE))

    def _repeats(self, stop: Stop) -> cp_model.LinearExprT:
        """How often every element comes: by order, the trips of the loops outside the innermost that moves it."""
        most = math.prod(self.shape.blocks)
        repeats = self.model.new_int_var(1, most, f"repeats{stop.access}{stop.memory}")
        products: dict[tuple[int, ...], cp_model.LinearExprT] = {}
        for chosen, order in zip(self.orders, self.family.classes, strict=True):
            moving = [at for at, place in enumerate(order) if place in stop.movers]
            outside = order[: max(moving)] if moving else ()
            again = tuple(sorted(place for place in outside if place not in stop.movers))
            if again not in products:
                factors = [self.trips[place] for place in again]
                products[again] = self._product(factors, most, f"again{stop.access}{again}")
            self.model.add(repeats == products[again]).only_enforce_if(chosen)
        return repeats

    def _limits(self) -> None:
        for memory, capacity in self.shape.capacity:
            if memory in self.used:
                self.model.add(sum(self.used[memory]) <= capacity)
        base = dict(self.shape.base)
        for name in sorted(set(base) | set(self.busy)):
            self.model.add(self.most >= math.floor(base.get(name, 0.0) * SCALE) + sum(self.busy.get(name, [])))
        if self.line:
            calls = math.floor(base.get(f"unit.{self.shape.unit}", 0.0) * SCALE)
            self.model.add(self.most >= calls + sum(self.line))
        self.model.minimize(self.most)

    def _solve(self) -> int:
        self.solver.parameters.num_workers = 1
        self.solver.parameters.random_seed = 0
        left = SECONDS if self.deadline is None else self.deadline - time.monotonic()
        self.solver.parameters.max_time_in_seconds = max(0.05, min(SECONDS, left))
        return int(self.solver.solve(self.model))

    def bound(self) -> float:
        """Cycles that no tiling of the family undercuts; infinite where none fits."""
        status = self._solve()
        if status == cp_model.INFEASIBLE:
            return math.inf
        if status == cp_model.MODEL_INVALID:
            raise AssertionError(self.model.validate())
        return float(self.solver.best_objective_bound) / SCALE

    def tiles(self) -> tuple[int, ...] | None:
        """Sizes of the moving iterators, or None where none was found."""
        if self._solve() not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        return tuple(int(self.solver.value(self.sizes[place])) for place in self.family.moving)


cpsat = strategy(explore)
