"""Sets and maps from nodes, and the questions asked of them."""

from __future__ import annotations

import pytest

from isamapper.ir import relations
from isamapper.ir.affine import affine, constant, extent, rotate, variable
from isamapper.ir.nodes import Constraint, Window, WindowAxis
from isamapper.ir.walk import Place

pytestmark = pytest.mark.skipif(not relations.available(), reason="islpy is not installed")

PLACE = Place(loops=(0, 1), iterators=("o", "k"), extents=(3, 4))


def count(points: relations.Set) -> int:
    found: list[object] = []
    points.foreach_point(found.append)
    return len(found)


def test_instances_respect_conditions_and_exclusions() -> None:
    o, k = variable("o"), variable("k")
    place = Place((), (0, 1), ("o", "k"), (3, 4), (Constraint(o - k),), ((Constraint(k - 1), Constraint(o - 2)),))
    assert count(relations.instances("A", PLACE)) == 12
    assert count(relations.instances("A", place)) == 4  # of the 6 with k <= o those but (2, 1), (2, 2)


def test_a_place_that_is_never_executed_has_no_instances() -> None:
    place = Place((), (0, 1), ("o", "k"), (3, 4), (), ((Constraint(variable("o")),),))
    assert relations.instances("A", place).is_empty()


def test_an_extent_takes_each_of_its_values_somewhere() -> None:
    ragged = extent(16, affine([("o", -16)], 40))
    found = relations.values("A", PLACE, [ragged, extent(2)])
    assert [value for value, _ in found] == [(8, 2), (16, 2)]
    assert [count(where) for _, where in found] == [4, 8]


def test_an_extent_is_never_below_zero() -> None:
    assert [value for value, _ in relations.values("A", PLACE, [extent(affine([("o", -1)], 1))])] == [(0,), (1,)]


def window(offset: int, size: int, step: int = 1, slot: str | None = None) -> Window:
    first = rotate(variable(slot), 2) if slot else constant(0)
    return Window("t", (first, variable("k", 4) + offset), (WindowAxis(extent(size), ((1, step),)),))


def test_windows_that_share_an_element() -> None:
    one, other = (PLACE, window(0, 4)), (PLACE, window(2, 4))
    shared = relations.windows_share(one, other)
    assert count(shared.wrap()) == 9 * (4 + 3)  # (k, k) and (k, k - 1), for any two values of o
    assert relations.windows_share((PLACE, window(0, 2, 2)), (PLACE, window(1, 2, 2))).is_empty()


def test_windows_in_alternating_slots_meet_every_second_time() -> None:
    place = Place(loops=(0, 1), iterators=("o", "k"), extents=(4, 1))
    shared = relations.windows_share((place, window(0, 4, slot="o")), (place, window(0, 4, slot="o")))
    assert count(shared.wrap()) == 8


def test_satisfiable_agrees_with_arithmetic() -> None:
    x, y = variable("x"), variable("y")
    assert relations.satisfiable([Constraint(x * 2 - y * 3 - 1, True)])
    assert not relations.satisfiable([Constraint(x * 2 - y * 2 - 1, True)])


def test_questions_can_be_limited() -> None:
    with pytest.raises(relations.TooLarge, match="more than 10 operations"), relations.limited(10):
        relations.instances("A", PLACE)
    assert count(relations.instances("A", PLACE)) == 12


def test_maps_are_injective_or_not() -> None:
    tiled = relations.window_map("A", PLACE, window(0, 4), None, "T")
    assert not tiled.is_injective()  # o is in no index
    row = Place(loops=(0,), iterators=("k",), extents=(4,))
    assert relations.window_map("A", row, window(0, 4), None, "T").is_injective()


def test_what_isl_cannot_do_is_no_question_of_size() -> None:
    read = type(relations.no_set())
    with pytest.raises(relations.Failed, match="isl_union_set_read_from_str"), relations.limited(1000):
        read("{ S0[o : }")
    assert count(relations.instances("S0", PLACE)) == 12
