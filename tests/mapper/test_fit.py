"""Whether digits fit at real extents."""

from __future__ import annotations

import pytest

from isamapper.mapper.matching.fit import fills, holds, meets_exactly
from isamapper.mapper.matching.needle import NeedleIterator


@pytest.mark.parametrize(
    ("digits", "extent", "expected"), [(1, 1, True), (2, 2, False), (2, 3, True), (3, 4, False), (3, 5, True)]
)
def test_an_iterator_fills_its_digits(digits: int, extent: int, expected: bool) -> None:
    assert fills(digits, extent) is expected


@pytest.mark.parametrize(("extent", "digits"), [(2, 1), (3, 1), (4, 2), (7, 2), (16, 4)])
def test_an_instruction_iterator_holds_so_many_digits(extent: int, digits: int) -> None:
    lane = NeedleIterator("l", extent, extent)
    assert holds(lane, digits) and not holds(lane, digits + 1)


@pytest.mark.parametrize(
    ("relation", "extents", "expected"),
    [
        ([("q", "k")], {"q": 6}, True),
        ([("q", "k")], {"q": 4}, False),
        ([("q", "k"), ("q", "i")], {"q": 6}, True),
        ([("q", "k"), ("q", "i")], {"q": 3}, False),  # nothing is left for the digit in i
        ([], {}, False),
    ],
)
def test_an_iterator_of_three_is_met_exactly(
    relation: list[tuple[str, str]], extents: dict[str, int], expected: bool
) -> None:
    lanes = {"k": NeedleIterator("k", 3, 3), "i": NeedleIterator("i", 3, 3)}
    assert meets_exactly(relation, lanes, frozenset("k"), extents) is expected


def test_an_iterator_that_can_be_set_follows_the_extent() -> None:
    lanes = {"k": NeedleIterator("k", 16, 1)}
    assert meets_exactly([("q", "k")], lanes, frozenset("k"), {"q": 37})
    assert meets_exactly([], lanes, frozenset("k"), {})
    assert not meets_exactly([("q", "k")], {"k": NeedleIterator("k", 16, 4, 4)}, frozenset("k"), {"q": 37})
