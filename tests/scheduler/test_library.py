"""Every library kernel on every machine: what the search yields lowers, passes its checks and computes the kernel."""

from __future__ import annotations

import pytest

from isamapper.costmodels.analytic import Analytic
from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.loader import load_machine
from tests.scheduler.problems import PAIRS, assert_computes, schedules_of, small_kernel

EVERY = 7
CASES = [
    pytest.param(name, machine, marks=() if place % EVERY == 0 else pytest.mark.slow)
    for place, (name, machine) in enumerate(PAIRS)
]
HONEST_NO = {
    (name, machine)
    for name in ("bilinear", "dwsep_fused", "mttkrp", "pairwise_distance")
    for machine in ("toy4", "gemmini16", "vta")
}
"""Products of three factors, or squares of differences: these machines' units multiply two narrow integers."""


@pytest.mark.parametrize(("name", "machine"), CASES)
def test_library_kernels_are_computed(name: str, machine: str) -> None:
    target = load_machine(machine)
    try:
        kernel = small_kernel(name, target)
    except SourceError as error:  # the machine's types do not fit the kernel: shifts of floats
        assert "shifts integers" in str(error)
        return
    schedules = schedules_of(kernel, target, Analytic())
    assert schedules or (name, machine) in HONEST_NO
    for schedule in schedules:
        assert_computes(schedule)
