"""Weights that fit on chip in part only: one part stays, the rest is fetched in every step."""

from __future__ import annotations

from dataclasses import replace

from isamapper import find_schedule, parse_kernel, simulate, verify
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.mapper.rewrites.replay import replayed
from isamapper.plan.lower import lower
from isamapper.plan.steps import Place
from isamapper.scheduler.statements.subject import subject_of

STEPS = """
kernel steps(x: f16[T, B, H], const u: f16[H, H]) -> (h: f16[T+1, B, H])
  sizes T=2, B=1, H=8
{
  local a: f16[T, B, H]
  for b < B, j < H { h[0, b, j] = x[0, b, j] }
  for t < T {
    for b < B, j < H, i < H { a[t, b, j] += h[t, b, i] * u[i, j] }
    for b < B, j < H { h[t+1, b, j] = a[t, b, j] + x[t, b, j] }
  }
}
"""


def test_each_part_of_a_cut_starts_its_own_sums() -> None:
    both = replayed(parse_kernel(STEPS), ["cut statement 1: j at 3"])
    found = statements(both)
    assert [each.extent for s in found[1:3] for each in s.iterators if each.name == "j"] == [3, 5]
    assert found[2].assign.target.map.results[2].constant == 3
    assert subject_of(load_machine("rapid"), both, found[2]).fresh


def test_what_fits_stays_and_the_rest_is_fetched() -> None:
    sizes = {"T": 8, "B": 1, "H": 512}  # 256 KiB of weights for 168 KiB of memory
    alone = replace(load_machine("plasticine_rnn"), grids=())
    found = find_schedule("rnn_skip", alone, sizes=sizes).schedule
    (cut,) = (line for line in found.rewrites if line.startswith("cut statement "))
    stays = [
        s.statement for s in found.steps if isinstance(s, Place) and s.buffer.resident and s.buffer.memory == "pmu"
    ]
    first = int(cut.split()[2].rstrip(":"))
    assert ": j at " in cut and (first in stays) != (first + 1 in stays)
    program = lower(found)
    assert verify(program).ok
    at = int(cut.rsplit(" ", 1)[1])
    read = simulate(program).to_dict()["bytes"]["dram"]["read"]
    part = at if first in stays else 512 - at
    weights = 512 * (part + 8 * (512 - part))
    assert weights <= read < weights + 8 * 512 * 16
