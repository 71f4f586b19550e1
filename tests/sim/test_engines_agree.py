"""The compiled engine against the reference, and skipping against stepping: equal on random programs and machines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.sim import reference
from isamapper.sim.compiled import engine
from isamapper.sim.compiled.nest import SkipPolicy
from isamapper.sim.sites import model
from tests.sim.generate import Scale, random_program
from tests.sim.pipelines import random_pipeline

EAGER = SkipPolicy(first=1, trips=2)
LONG = Scale(depth=2, trips=40, budget=1500)


def check(seed: int, scale: Scale) -> None:
    """Every event and every total of one random program, stepped and skipped."""
    view = model(random_program(seed, scale))
    stepped = engine.run(view, 1_000_000)
    if stepped is None:
        return
    expected = reference.run(view, 1_000_000)
    assert stepped == expected, f"seed {seed}"
    expected.events = []
    for walked in (engine.WALKED_MOST, 0):
        skipped = engine.run(view, policy=EAGER, walked=walked)
        assert skipped is not None
        skipped.skipped = 0
        assert skipped == expected, f"seed {seed}, skipping, walked {walked}"


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1 << 30))
def test_engines_agree_on_small_programs(seed: int):
    check(seed, Scale())


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1 << 30))
def test_engines_agree_on_long_loops(seed: int):
    check(seed, LONG)


def check_skipping(seed: int, depth: int, most: int) -> None:
    """Every total of one random pipeline, stepped and skipped, eagerly and as usual."""
    view = model(random_pipeline(seed, depth, most))
    stepped = engine.run(view, skip=False)
    if stepped is None:
        return
    for policy in (EAGER, engine.DEFAULT_POLICY):
        walked, written = engine.run(view, policy=policy), engine.run(view, policy=policy, walked=0)
        assert walked is not None and walked == written
        walked.skipped = 0
        assert walked == stepped, f"seed {seed}, {policy}"


def test_what_is_too_long_to_walk_gets_code_of_its_own():
    view = model(random_pipeline(3, 2, 40))
    written = engine.run(view, walked=0)
    assert engine.run(view, walked=1) == written
    assert engine.run(view) == written


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1 << 30))
def test_skipping_agrees_on_tiled_products(seed: int):
    check_skipping(seed, 3, 12)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 4000, 250))
def test_skipping_agrees_on_thousands_of_tiled_products(first: int):
    for seed in range(first, first + 250):
        check_skipping(seed, 4, 12)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 4000, 250))
def test_engines_agree_on_thousands_of_programs(first: int):
    for seed in range(first, first + 250):
        check(seed, LONG if seed % 4 == 0 else Scale())
