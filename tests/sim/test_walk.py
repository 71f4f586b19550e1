"""The compiled event engine: the plain one's results, stepped and skipping; the one-pass engines' where both apply."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.bench.simulator import arithmetic, product
from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
from isamapper.sim import event
from isamapper.sim.compiled.nest import SkipPolicy
from isamapper.sim.sites import model
from isamapper.sim.timing import simulate
from isamapper.sim.walk import engine
from isamapper.sim.walk.words import Sizes
from tests.sim.generate import Scale, random_program

EAGER = SkipPolicy(first=8, trips=2)
RULES = ("oldest", "fifo", "round_robin")


def ruled(case: Program, rules: tuple[str, ...], seed: int = 0) -> Program:
    """The program on its machine with one of ``rules`` for every port."""
    random = Random(seed)
    memories = tuple(
        replace(each, ports=tuple(replace(port, arbitration=random.choice(rules)) for port in each.ports))
        for each in case.machine.memories
    )
    return replace(case, machine=replace(case.machine, memories=memories))


def on_toy(text: str, rule: str) -> Program:
    body = parse_program(text)
    return ruled(Program(body, load_machine("toy4"), body), (rule,))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30))
def test_it_agrees_with_the_plain_engine_event_by_event(seed: int) -> None:
    view = model(ruled(random_program(seed), RULES, seed))
    found = engine.run(view, events=400)
    if found is not None:
        assert found == event.run(view, 400)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1 << 30))
def test_totals_agree_with_the_plain_engine(seed: int) -> None:
    view = model(ruled(random_program(seed, Scale(2, 12, 150)), RULES, seed))
    found = engine.run(view, policy=EAGER)
    if found is not None:
        found.skipped = 0
        assert found == event.run(view)


@pytest.mark.parametrize("seed", [1, 9, 19, 25, 28, 36, 40, 44, 51, 60])
def test_skipping_changes_nothing(seed: int) -> None:
    view = model(ruled(random_program(seed, Scale(2, 400, 4000)), RULES, seed))
    found, stepped = engine.run(view, policy=EAGER), engine.run(view, skip=False)
    if found is not None and stepped is not None:
        found.skipped = 0
        assert found == stepped


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("text", [arithmetic(3_000), product(32, 32, 64)])
def test_real_loops_repeat(text: str, rule: str) -> None:
    view = model(on_toy(text, rule))
    found, stepped = engine.run(view), engine.run(view, skip=False)
    assert found is not None and stepped is not None and found.skipped > 0
    found.skipped = 0
    assert found == stepped


@pytest.mark.parametrize("text", [arithmetic(300), product(32, 32, 64), product(8, 16, 16)])
def test_where_the_oldest_is_served_both_ways_take_the_same_cycles(text: str) -> None:
    case = on_toy(text, "oldest")
    taken = {name: simulate(case, engine=name) for name in ("expanded", "walked", "walk", "compiled")}
    assert len({(each.cycles, each.units, each.traffic, each.ports) for each in taken.values()}) == 1


def test_a_thousand_million_invocations_that_arbitrate() -> None:
    case = on_toy(arithmetic(250_000_000), "round_robin")
    assert simulate(case).cycles == 4_000_000_010


def test_what_asks_for_more_room_gets_it() -> None:
    view = model(on_toy(product(32, 32, 64), "fifo"))
    small = Sizes(jobs=8, dependencies=2, nodes=16, times=4)
    assert engine.run(view, skip=False, sizes=small) == engine.run(view, skip=False)


def test_a_violated_order_is_an_error() -> None:
    case = on_toy(product(8, 8, 16), "fifo")
    target = replace(case, machine=replace(case.machine, interlocks="explicit"))
    messages = set()
    for name in ("event", "walk"):
        with pytest.raises(SourceError) as error:
            simulate(target, engine=name)
        messages.add(error.value.diagnostics[0].message)
    assert len(messages) == 1
