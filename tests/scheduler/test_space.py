"""The decision space as integers: every row means something, and its parts are those it was made of."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.pipeline import resolve
from isamapper.plan.lower import lower
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import SearchProblem
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.space.space import StatementSpace, family_count
from isamapper.scheduler.statements.equivalents import equivalents
from isamapper.scheduler.statements.isolate import isolated
from isamapper.scheduler.strategies.counting import counted
from isamapper.scheduler.strategies.exploring import space_of


@cache
def space(machine: str) -> StatementSpace:
    kernel, target = resolve("gemm", machine, sizes={"M": 70, "N": 40, "K": 96})
    chosen = next(iter(equivalents(kernel, target)))
    return space_of(SearchProblem(kernel, target), chosen, statements(chosen.kernel)[0], None)


@pytest.mark.parametrize("machine", ["avx512", "gemmini16", "ws16"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_a_row_is_made_of_is_what_it_is_read_as(machine: str, data: st.DataObject) -> None:
    whole = space(machine)
    place = data.draw(st.integers(0, len(whole.families) - 1))
    own = whole.families[place]
    levels, moving = own.shape.levels, own.moving
    sizes = [[data.draw(st.integers(1, own.shape.blocks[p])) for p in moving] for _ in range(levels)]
    orders = [data.draw(st.integers(0, len(own.orders) - 1)) for _ in range(levels + 1)]
    slots = [data.draw(st.integers(1, 2)) for _ in own.shape.buffers]
    tiles = np.array(sizes, dtype=np.int64).reshape(1, levels, len(moving))
    held = np.array(slots, dtype=np.int64).reshape(1, len(slots))
    (row,) = whole.rows(place, tiles, orders, held)
    assert row.dtype == np.int64 and row.shape == (whole.width,)
    family, found, numbers, kept = whole.parts(row)
    assert family is own and found.tolist() == tiles[0].tolist()
    assert numbers == tuple(orders) and kept.tolist() == slots
    assert np.array_equal(whole.rows(place, found[np.newaxis], numbers, kept[np.newaxis])[0], row)
    assert whole.words(row).startswith(own.title())


def test_any_integers_are_a_row() -> None:
    whole, generator = space("ws16"), np.random.default_rng(4)
    for _ in range(12):
        row = generator.integers(1, 99, size=whole.width)
        row[0] = generator.integers(len(whole.families))
        assert isinstance(whole.decoded(row), Nest | Rejection)


def test_a_decoded_row_is_its_steps_again_and_lowers() -> None:
    whole, generator = space("ws16"), np.random.default_rng(2)
    subject, lowered = whole.subject, 0
    for place in range(0, len(whole.families), 5):
        for row in whole.random_rows(generator, place, 2):
            nest = whole.decoded(row)
            if isinstance(nest, Rejection):
                continue
            kernel, moved = isolated(subject.tensors, nest, subject.shared, subject.fresh)
            schedule = Schedule(kernel, kernel, subject.machine, steps_of(moved))
            assert replay(schedule) == (moved,)
            lowered += bool(lower(schedule).body)
    assert lowered > 2


def test_the_count_is_the_product_of_its_axes() -> None:
    own = next(f for f in space("ws16").families if f.shape.levels == 1 and len(f.moving) == 3)
    tiles = int(np.prod([own.shape.blocks[place] for place in own.moving]))
    assert family_count(own) == tiles * 6**2 * 2 ** len(own.shape.buffers)


def test_the_count_names_its_axes() -> None:
    kernel, target = resolve("gemm", "ws16", sizes={"M": 70, "N": 40, "K": 96})
    (statement,) = counted(kernel, target)["statements"]
    assert (
        statement["axes"]["mappings"] > 1 and statement["axes"]["placements"] > 1 and statement["axes"]["layouts"] > 1
    )
    for family in statement["families"]:
        axes = family["axes"]
        assert family["schedules"] == axes["tiles"] * axes["orders"] * axes["slots"]
