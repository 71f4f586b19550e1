"""Where copies stand: evenly over the loops that leave a finite queue room, close together where nothing is held up."""

from __future__ import annotations

from dataclasses import replace

from isamapper.diagnostics.source import Source
from isamapper.plan.nest import Nest
from isamapper.plan.steps import replay
from isamapper.plan.text import parse_schedule
from isamapper.scheduler.nests.spreading import as_needed, spread_best, variants
from tests.plan.lab import lab

TEXT = """\
machine lab
kernel gemm M=16 N=32 K=16 TA=i8 TB=i8 TC=i32
steps
  apply 0 call compute(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  apply 0 first compute_first(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  split 0 m into m1: 4, m0: 4 in i
  split 0 n into n1: 8, n0: 4 in j
  split 0 k into k1: 4, k0: 4 in k
  reorder 0 m1, k1, n1
  place 0.0 acc at m1 slots 2 order [n1] drain mvout(i = m0*4, j = n0*4)
  pipeline 0.0 acc spread [n1 = n1]
  place 0.1 spad at m1 slots 2 fill mvin(i = m0*4, j = k0*4)
  place 0.2 spad fill mvin(i = k0*4, j = n0*4)
  place 0.2 weights at n1 row 16 fill preload(k = k0*4, j = n0*4)
"""


def nest() -> Nest:
    (found,) = replay(parse_schedule(Source("s", TEXT), lambda _: lab()))
    return found


def test_a_finite_queue_gets_two_stores_per_round_not_eight_in_the_first() -> None:
    # eight stores a tile, four rounds of k1 with eight calls each: n1 alone would bring all eight in the first round
    given, machine = nest(), lab()
    drained = spread_best(machine, given, given.path(0)[0])
    assert machine.unit("store").queue_depth is None
    assert drained.spread == (("n1", "n1"),)
    finite = replace(machine, units=tuple(replace(unit, queue_depth=4) for unit in machine.units))
    assert spread_best(finite, given, given.path(0)[0]).spread == (("k1", "n1"),)


def test_the_other_ways_are_tried() -> None:
    found = [each.path(0)[0].spread for each in variants(nest())]
    assert found == [(("k1", "n1"),), ()]


def test_one_slot_is_filled_by_the_loops_that_use_it_first() -> None:
    (weights,) = (each for each in nest().path(2) if each.memory == "spad")
    assert as_needed(nest(), weights).spread == (("k1", "k1"), ("n1", "n1"))


def test_what_stays_on_the_way_in_is_not_asked_for_early() -> None:
    given = nest()
    outer, inner = given.path(2)
    kept = replace(inner, loop="k1")
    held = replace(given, buffers=(*given.path(0), *given.path(1), outer, kept))
    assert as_needed(held, outer).spread == (("k1", "k1"),), "registers for all of n1 are filled once per k1"
