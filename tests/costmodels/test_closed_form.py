"""Cycles and traffic as formulas, held against the simulator."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from isamapper import find_schedule, resolve, simulate
from isamapper.cli.main import main
from isamapper.costmodels.closed_form import ClosedForm, closed_form, resized
from isamapper.diagnostics.source import Rejection
from isamapper.ir.nodes import Kernel
from isamapper.plan.lower import lower
from isamapper.plan.steps import Schedule


def formed(kernel: str, machine: str, sizes: dict[str, int]) -> tuple[Schedule, ClosedForm]:
    found = find_schedule(kernel, machine, sizes=sizes)

    def rebind(changed: Mapping[str, int]) -> Kernel:
        return resolve(kernel, machine, {**sizes, **changed})[0]

    form = closed_form(found.schedule, rebind)
    assert isinstance(form, ClosedForm)
    return found.schedule, form


@pytest.mark.parametrize(
    ("kernel", "machine", "sizes"),
    [
        ("gemm", "gemmini16", {"M": 500, "N": 300, "K": 200}),
        ("relu", "toy4", {"M": 4, "N": 12}),
    ],
)
def test_formulas_meet_programs_far_beyond_those_they_were_made_from(
    kernel: str, machine: str, sizes: dict[str, int]
) -> None:
    schedule, form = formed(kernel, machine, sizes)
    far = {free.name: free.value + 9 * free.step for free in form.free}
    bound = resolve(kernel, machine, {**sizes, **far})[0]
    moved = resized(schedule, bound)
    assert moved is not None
    timeline = simulate(lower(moved))
    predicted = form.at(far)
    if "cycles" in predicted:
        assert predicted["cycles"] == timeline.cycles
    host = "dram.write"
    assert predicted[f"bytes.{host}"] == timeline.to_dict()["bytes"]["dram"]["write"]  # type: ignore[index]


def test_cycles_of_a_product_have_a_formula_with_its_work_in_it() -> None:
    _, form = formed("gemm", "gemmini16", {"M": 512, "N": 512, "K": 512})
    assert "K*M*N/256" in str(dict(form.formulas)["cycles"])
    assert not form.without
    assert form.checked


def test_sizes_that_an_instruction_holds_whole_are_fixed() -> None:
    _, form = formed("relu", "toy4", {"M": 4, "N": 12})
    assert len(form.free) == 1 and len(form.fixed) == 1


def test_the_command_prints_formulas_and_where_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["schedule", "relu", "--hw", "toy4", "-s", "M=4,N=12", "--symbolic"]
    assert main(words) == 0
    assert "cycles" in capsys.readouterr().out
    assert main([*words, "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"formulas", "valid_from", "in_steps_of", "fixed", "checked_at", "without_formula"} <= set(answer)


def test_no_size_that_can_grow_is_an_honest_no(capsys: pytest.CaptureFixture[str]) -> None:
    found = find_schedule("relu", "toy4", sizes={"M": 4, "N": 12})

    def never(changed: Mapping[str, int]) -> Kernel:
        del changed
        return found.schedule.kernel

    assert isinstance(closed_form(found.schedule, never), Rejection)


def test_sizes_whose_growth_does_not_fit_stay_as_they_are() -> None:
    _, form = formed("gemm_q", "ws16", {"M": 256, "N": 64, "K": 1760})
    assert [free.name for free in form.free] == ["K"], "columns of weights that stay on chip would not fit"
    assert "N" in dict(form.fixed) and form.checked


def test_sizes_inside_one_call_are_named() -> None:
    found = find_schedule("gemm", "gemmini16", sizes={"M": 7, "N": 5, "K": 3}, cost_model="analytic")
    refused = closed_form(
        found.schedule, lambda changed: resolve("gemm", "gemmini16", {"M": 7, "N": 5, "K": 3, **changed})[0]
    )
    assert isinstance(refused, Rejection)
    assert refused.reason.startswith("no size can grow while the schedule stays as it is: 'm' lies inside one call of")
    assert refused.edit == "ask at larger sizes"
