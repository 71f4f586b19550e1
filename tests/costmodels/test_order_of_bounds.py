"""bound <= mapped bound <= simulated cycles, on every machine, and no candidate of a whole search comes below them."""

from __future__ import annotations

import pytest

from isamapper.costmodels.analytic import Analytic
from isamapper.costmodels.bounds import bounds
from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.parser import parse_kernel
from isamapper.plan.lower import lower
from isamapper.plan.steps import Schedule, steps_of
from isamapper.scheduler.space.candidates import ranked_candidates, subject_of
from isamapper.sim.timing import simulate
from tests.scheduler.problems import MACHINES, schedules_of, small_kernel


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["gemm", "bias_relu", "conv1d", "softmax"])
def test_bounds_stand_in_order(name: str, machine: str) -> None:
    target = load_machine(machine)
    for schedule in schedules_of(small_kernel(name, target), target, Analytic()):
        found = bounds(schedule)
        assert found.bound_cycles <= found.mapped_bound_cycles <= simulate(lower(schedule)).cycles


@pytest.mark.parametrize(("m", "n", "k"), [(4, 4, 4), (8, 4, 12), (5, 7, 9), (16, 16, 4)])
def test_no_candidate_on_the_toy_comes_below_a_bound(m: int, n: int, k: int) -> None:
    machine = load_machine("toy4")
    kernel = parse_kernel(
        f"kernel g(a: i8[{m}, {k}], const b: i8[{k}, {n}]) -> (c: i32[{m}, {n}])"
        f" {{ for m < {m}, n < {n}, k < {k} {{ c[m, n] += i32(a[m, k]) * i32(b[k, n]) }} }}"
    )
    ranked = ranked_candidates(subject_of(machine, kernel, statements(kernel)[0]))
    assert not isinstance(ranked, Rejection)
    for found in ranked:
        schedule = Schedule(kernel, kernel, machine, steps_of(found.nest))
        limit = bounds(schedule)
        assert limit.bound_cycles <= limit.mapped_bound_cycles <= simulate(lower(schedule)).cycles
