"""Expanded streams, and code for programs that run long: the totals of stepping, whatever the program."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.bench.simulator import arithmetic, product
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
from isamapper.sim.compiled import engine
from isamapper.sim.compiled.atoms import Unsuited
from isamapper.sim.compiled.stream import expanded, time_stream
from isamapper.sim.sites import Model, model
from tests.sim.generate import Scale, random_program

SMALL = Scale(depth=1, trips=3, budget=12)


def on_toy(text: str) -> Model:
    body = parse_program(text)
    return model(Program(body, load_machine("toy4"), body))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1 << 30))
def test_a_stream_takes_the_time_of_its_program(seed: int) -> None:
    view = model(random_program(seed, SMALL))
    try:
        stream = expanded(view)
    except Unsuited:
        return
    found = time_stream(stream)
    assert found == engine.run(view, skip=False)
    assert sum(found.invocations) == len(stream)


def test_rows_say_what_they_are() -> None:
    stream = expanded(on_toy(product(4, 4, 16)))
    assert stream.instructions == ("mvin", "mvin", "preload", "compute_first", "compute", "mvout")
    assert stream.columns[2] == ("site", "b.record", "b.bit", "w.record")
    names = [stream.instructions[opcode] for opcode in stream.rows[:, 0]]
    assert names == ["mvin", "mvin", "preload", "compute_first", *("mvin", "preload", "compute") * 3, "mvout"]
    preloads = stream.rows[stream.rows[:, 0] == 2]
    assert preloads[:, 3].tolist() == [8 * (2048 + 16 * k) for k in range(4)]  # rows of y, in bits of the scratchpad
    assert len(set(preloads[:, 4].tolist())) == 2  # two slots of weights, in turn


def test_a_stream_that_needs_longer_calendars_gets_them() -> None:
    view = on_toy(product(16, 16, 32))
    assert time_stream(expanded(view, intervals=2)) == engine.run(view, skip=False)


@pytest.mark.parametrize("first", [0, 2040, 2048 - 16])
def test_windows_in_one_bank_and_across_two_count_alike(first: int) -> None:
    """Code for long runs is written twice where windows may cross banks; each counts what is its own."""
    view = on_toy(arithmetic(6).replace("x: i8[16, 4] @spad at 0", f"x: i8[16, 4] @spad at {first}"))
    assert time_stream(expanded(view)) == engine.run(view, skip=False)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1 << 30))
def test_code_for_long_programs_finds_the_same(seed: int) -> None:
    view = model(random_program(seed, SMALL))
    plain = engine.run(view, skip=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "VERY_LONG", 0)
        assert engine.run(view, skip=False) == plain
