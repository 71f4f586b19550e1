"""No nest takes fewer cycles than the bound of its row: random rows of random small problems on many machines."""

from __future__ import annotations

from collections import abc

import numpy as np
import pytest

from isamapper.costmodels.floors import floor_of_shape, floors
from isamapper.costmodels.simulated import Simulated
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.pipeline import resolve
from isamapper.plan.protocols import SearchProblem
from isamapper.scheduler.statements.equivalents import equivalents
from isamapper.scheduler.strategies.exploring import space_of
from isamapper.scheduler.strategies.task import Task

MACHINES = ("gemmini16", "ws16", "vta", "tpu_like", "avx512", "amx", "toy4")
STRIDED = "strided"
SIZES = {
    "gemm": ("M", "N", "K"),
    "gemm_q": ("M", "N", "K"),
    "conv2d": ("C", "K", "H", "W"),
    "depthwise": ("C", "H", "W"),
    "dwsep": ("C", "K", "H", "W"),
    STRIDED: ("C", "K", "H", "W"),
}
SMALL = {"gemm": 40, "gemm_q": 40, "conv2d": 9, "depthwise": 9, "dwsep": 8, STRIDED: 6}


def sizes_of(name: str, generator: np.random.Generator) -> dict[str, int]:
    found = {size: int(generator.integers(2, SMALL[name] + 1)) for size in SIZES[name]}
    return found if name in ("gemm", "gemm_q") else {"R": 3, "S": int(generator.integers(1, 4)), **found}


def strided(machine: str, sizes: dict[str, int]) -> Kernel:
    kinds = load_machine(machine).default_types or {}
    first, other, total = (kinds.get(name, "f32") for name in ("TA", "TB", "TC"))
    c, k, h, w, r, s = (sizes[name] for name in "CKHWRS")
    return parse_kernel(
        f"kernel strided(x: {first}[{c}, {2 * h + r}, {2 * w + s}], const d: {other}[{k}, {c}, {r}, {s}])"
        f" -> (y: {total}[{k}, {h}, {w}]) {{"
        f" for k < {k}, h < {h}, v < {w}, c < {c}, r < {r}, s < {s} {{"
        f" y[k, h, v] += {total}(x[c, 2*h+r, 2*v+s]) * {total}(d[k, c, r, s]) }} }}"
    )


def tasks(name: str, machine: str, generator: np.random.Generator) -> abc.Iterator[Task]:
    """A search task for every statement of the first equivalent kernel."""
    sizes = sizes_of(name, generator)
    if name == STRIDED:
        kernel, target = strided(machine, sizes), load_machine(machine)
    else:
        kernel, target = resolve(name, machine, sizes=sizes)
    for chosen in list(equivalents(kernel, target))[:1]:
        for statement in statements(chosen.kernel):
            space = space_of(SearchProblem(kernel, target), chosen, statement, None)
            if space.families:
                yield Task(space, Simulated(), generator)


def compared(task: Task, generator: np.random.Generator, count: int) -> abc.Iterator[tuple[float, float, float, str]]:
    """Floor of the family, bound of the row, simulated cycles, and the row in words, of rows that can be built."""
    for _ in range(count):
        place = int(generator.integers(len(task.space.families)))
        if not task.alive(place):
            continue
        row = task.space.random_rows(generator, place, 1)
        simulated = task.cost(row[0])
        if simulated is not None:
            floor = floor_of_shape(task.space.families[place].shape)
            yield floor, float(task.space.priced(row).least[0]), simulated, task.space.words(row[0])


def check(name: str, machine: str, seed: int, count: int) -> int:
    generator, seen = np.random.default_rng((seed, MACHINES.index(machine), len(name))), 0
    for task in tasks(name, machine, generator):
        for floor, least, simulated, words in compared(task, generator, count):
            seen += 1
            assert floor <= least + 1e-6, words
            assert least <= simulated + 1e-6, words
    return seen


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["gemm", "depthwise"])
def test_no_nest_comes_below_its_bound(name: str, machine: str) -> None:
    assert check(name, machine, 0, 6) > 0 or name != "gemm"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", sorted(SIZES))
def test_no_nest_of_many_comes_below_its_bound(name: str, machine: str, seed: int) -> None:
    check(name, machine, seed + 1, 40)


def test_conditions_leave_nothing_to_bound() -> None:
    kernel, target = resolve("attention_window", "ws16", sizes={})
    chosen = next(iter(equivalents(kernel, target)))
    for statement in statements(chosen.kernel):
        if not (statement.conditions or statement.exclusions):
            continue
        for family in space_of(SearchProblem(kernel, target), chosen, statement, None).families[:2]:
            assert floor_of_shape(family.shape) == 0.0
            tiles = np.ones((1, family.shape.levels, len(family.names)), dtype=np.int64)
            orders = ((*range(len(family.names)),),) * (family.shape.levels + 1)
            assert floors(family.shape, tiles, orders)[0] in (0.0, np.inf)
