"""What the report says of tensors that stay on chip."""

from __future__ import annotations

from dataclasses import replace

from isamapper import find_schedule, parse_kernel, parse_schedule
from isamapper.diagnostics.source import Source
from isamapper.plan.staying import staying
from isamapper.plan.steps import Place, Step
from tests.plan.test_kept import SCHEDULE
from tests.scheduler.test_parting import STATES
from tests.scheduler.test_spatial import candidates, quad

RECURRENCE = {"T": 4, "B": 1, "H": 64}


def test_tensors_that_statements_hand_on_are_named_by_memory() -> None:
    assert staying(parse_schedule(Source("s", SCHEDULE))) == ("'vrf' keeps a, h from statement to statement",)


def test_what_is_filled_once_and_what_is_fetched_again_is_named() -> None:
    found = find_schedule("rnn_skip", "brainwave", sizes=RECURRENCE).schedule
    assert any("is filled once with u" in line for line in staying(found))
    again = replace(found, steps=tuple(_fetched(step) for step in found.steps))
    assert staying(again)[-1] == "fetched again in every iteration: 8,192 bytes of u"


def _fetched(step: Step) -> Step:
    if isinstance(step, Place) and step.statement == 1:
        return replace(step, buffer=replace(step.buffer, resident=False))
    return step


def test_kernels_without_shared_loops_have_no_such_lines() -> None:
    assert staying(find_schedule("gemm", "toy4", sizes={"M": 8, "N": 8, "K": 8}).schedule) == ()


def test_the_part_that_each_core_keeps_is_named() -> None:
    *_, best = candidates(parse_kernel(STATES), quad())
    (line,) = (line for line in staying(best.schedule) if "part of u" in line and "'spad'" in line)
    assert line.startswith("'spad' of each of ") and " of 'core' is filled once with its part of u: " in line
