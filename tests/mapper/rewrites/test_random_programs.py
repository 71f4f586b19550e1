"""Rewrites of several statements on random programs: whatever is legal gives an equal kernel, and so do the forms."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.mapper.compound.forms import forms
from isamapper.mapper.rewrites import part, separate, sink, stack
from isamapper.mapper.rewrites.replay import Rewrite
from tests.mapper.rewrites.equal import assert_equal
from tests.mapper.rewrites.random_programs import program
from tests.mapper.rewrites.test_every_rewrite import check


def kernel_of(seed: int) -> Kernel | None:
    try:
        return parse_kernel(program(seed))
    except SourceError:  # it reads what nothing wrote
        return None


def play(seeds: range) -> dict[str, int]:
    """How many steps of each kind were legal, and how many forms there were."""
    legal = {"separate": 0, "sink": 0, "stack": 0, "part": 0, "forms": 0}
    for kernel in (kernel for seed in seeds if (kernel := kernel_of(seed)) is not None):
        for statement in statements(kernel):
            steps: list[Rewrite] = []
            for module in (separate, sink, stack, part):
                steps += module.steps(kernel, statement.index)
            for step in steps:
                legal[step.text(kernel).split()[0]] += check(kernel, step)
        for form in forms(kernel):
            legal["forms"] += 1
            assert_equal(kernel, form.kernel)
            texts = form.texts(kernel)
            assert len(texts) == len(form.steps)
            assert not any(isinstance(step, Rejection) for step in form.steps)
            assert len(form.origins) == len(statements(form.kernel))
    return legal


def test_random_programs_stay_equal() -> None:
    legal = play(range(6))
    assert sum(legal.values()) > 0


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_random_programs_stay_equal(block: int) -> None:
    play(range(1000 + 30 * block, 1030 + 30 * block))
