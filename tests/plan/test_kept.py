"""Tensors that live on chip from statement to statement: how many positions are alive, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper import parse_kernel, parse_schedule, simulate, verify
from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir.nodes import Allocate, Kernel
from isamapper.plan.kept import overwritten
from isamapper.plan.lower import lower
from isamapper.plan.nest import KeptAxis
from isamapper.plan.steps import Place, Schedule

STATES = """
kernel states(x: f16[T, H], h0: f16[H]) -> (y: f16[T, H])
  sizes T=7, H=64
{{
  local h: f16[T+2, H]
  for j < H {{ h[0, j] = h0[j] }}
  for j < H {{ h[1, j] = h0[j] }}
  for t < T {{
    for j < H {{ h[t+2, j] = h[t+{early}, j] + x[t, j] }}
    for j < H {{ y[t, j] = h[t+{late}, j] + h[t+2, j] }}
  }}
}}
"""


def states(early: int, late: int) -> Kernel:
    return parse_kernel(STATES.format(early=early, late=late))


@pytest.mark.parametrize(
    ("early", "late", "places"),
    [(1, 2, 2), (1, 1, 2), (0, 1, 3), (0, 0, 3)],
)
def test_so_many_positions_are_alive(early: int, late: int, places: int) -> None:
    kernel = states(early, late)
    assert overwritten(kernel, "h", 0, places) is None
    assert "after its place was taken" in str(overwritten(kernel, "h", 0, places - 1))


def test_a_statement_that_reads_all_positions_needs_them_all() -> None:
    kernel = parse_kernel(
        "kernel k(x: f32[4]) -> (y: f32[4]) {\n local h: f32[5]\n h[0] = 0\n"
        " for t < 4 { h[t+1] = h[t] + x[t] }\n for t < 4 { y[t] = h[t] }\n}"
    )
    assert overwritten(kernel, "h", 0, 5) is None
    assert overwritten(kernel, "h", 0, 4) is not None


SCHEDULE = """
machine brainwave
kernel states(x: f16[5, 1, 500], h0: f16[1, 500]) -> (h: f16[6, 1, 500])
{
  local a: f16[5, 1, 500]
  for b < 1, j < 500 {
    h[0, b, j] = h0[b, j]
  }
  for t < 5 sequential {
    for b < 1, j < 500 {
      a[t, b, j] = h[t, b, j] + x[t, b, j]
    }
    for b < 1, j < 500 {
      h[t + 1, b, j] = relu(a[t, b, j])
    }
  }
}
steps
  apply 0 call v_rd(src = 1, dst = 0) over i = [j0]
  split 0 b into b1: 1
  split 0 j into j1: 2, j0: 400 in i
  reorder 0 b1, j1
  place 0.0 vrf kept [0: 2 rolls, 1: 1, 2/400: 2, 2: 400] drain v_wr(i = j0*400)
  apply 1 call vv_add(a = 1, b = 2, y = 0) over i = [j0]
  split 1 t into t: 5
  split 1 b into b1: 1
  split 1 j into j1: 2, j0: 400 in i
  reorder 1 b1, j1
  place 1.1 vrf kept [0: 2 rolls, 1: 1, 2/400: 2, 2: 400]
  place 1.2 vrf at j1 row 400 fill v_rd(i = j0*400)
  place 1.0 vrf kept [0: 1 rolls, 1: 1, 2/400: 2, 2: 400]
  apply 2 call v_relu(x = 1, y = 0) over i = [j0]
  split 2 t into t: 5
  split 2 b into b1: 1
  split 2 j into j1: 2, j0: 400 in i
  reorder 2 b1, j1
  place 2.1 vrf kept [0: 1 rolls, 1: 1, 2/400: 2, 2: 400]
  place 2.0 vrf kept [0: 2 rolls, 1: 1, 2/400: 2, 2: 400] drain v_wr(i = j0*400)
"""


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    return parse_schedule(Source("s", SCHEDULE))


def test_a_state_and_what_statements_hand_on_stay_on_chip(schedule: Schedule) -> None:
    program = lower(schedule)
    assert verify(program).ok
    traffic = simulate(program).to_dict()["bytes"]["dram"]
    assert traffic["read"] <= (5 * 500 + 500) * 2 + 64 * 12  # inputs and the first state, in whole requests
    assert not any(name.startswith("a") for name in _homes(program))


def _homes(program: object) -> list[str]:
    nodes = program.body.body  # type: ignore[attr-defined]
    return [node.tensor.name for node in nodes if isinstance(node, Allocate) and node.tensor.memory == "dram"]


def _with(schedule: Schedule, statement: int, access: int, **changes: object) -> Schedule:
    steps = tuple(
        replace(step, buffer=replace(step.buffer, **changes))  # type: ignore[arg-type]
        if isinstance(step, Place) and (step.statement, step.buffer.access) == (statement, access)
        else step
        for step in schedule.steps
    )
    return replace(schedule, steps=steps)


OTHER = (KeptAxis(0, 1, 6), KeptAxis(1, 1, 1), KeptAxis(2, 400, 2), KeptAxis(2, 1, 400))
SHORT = (KeptAxis(0, 1, 1, True), KeptAxis(1, 1, 1), KeptAxis(2, 400, 1), KeptAxis(2, 1, 400))


@pytest.mark.parametrize(
    ("statement", "access", "changes", "reason"),
    [
        (1, 1, {"kept": OTHER}, "statement 1 keeps it at another place"),
        (2, 0, {"drain": None}, "nobody brings home what statement 2 writes"),
        (1, 1, {"slots": 2}, "statements fill it"),
        (1, 1, {"loop": "j1"}, "it stands first, outside all loops"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    schedule: Schedule, statement: int, access: int, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(SourceError) as caught:
        lower(_with(schedule, statement, access, **changes))
    assert caught.value.diagnostics[0].code == "SCH017"
    assert reason in caught.value.diagnostics[0].message


def test_every_position_has_a_place(schedule: Schedule) -> None:
    shorter = schedule
    for statement, access in ((1, 0), (2, 1)):
        shorter = _with(shorter, statement, access, kept=SHORT)
    with pytest.raises(SourceError, match="not all 500 positions of its axis 2 have a place"):
        lower(shorter)
