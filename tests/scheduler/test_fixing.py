"""Decisions taken by a person: they hold in what is found, and what cannot be met is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.diagnostics.source import SourceError, Span
from isamapper.pipeline import find_schedule
from isamapper.plan.fixed import Fixed, Pin
from isamapper.plan.steps import replay
from isamapper.scheduler.space.fix_file import read_fixed
from isamapper.scheduler.space.fixing import smallest_conflict

SIZES = {"M": 96, "N": 40, "K": 128}


def text_at(place: Span) -> str:
    """What stands at a place."""
    return place.source.text[place.start : place.end]


def fixed(tmp_path: Path, text: str) -> Fixed:
    path = tmp_path / "fix.yaml"
    path.write_text(text, encoding="utf-8")
    return read_fixed(str(path))


@pytest.mark.parametrize("strategy", ["heuristic", "exhaustive"])
def test_what_is_fixed_holds(tmp_path: Path, strategy: str) -> None:
    text = "instruction: compute\noperands: {a: 1}\ntiles: {m: 2, k: 4}\ninside: [k, m]\nslots: {spad.1: 1}\n"
    given = fixed(tmp_path, text)
    found = find_schedule(
        "gemm", "ws16", sizes=SIZES, strategy=strategy, cost_model="analytic", budget_seconds=2.0, fixed=given
    )
    (nest,) = replay(found.schedule)
    assert nest.call.instruction.name == "compute"
    assert dict(nest.call.sigma)["a"] == 1
    assert nest.digit("m_1").extent == 2 and nest.digit("k_1").extent == 4
    assert nest.order.index("k_1") < nest.order.index("m_1")
    assert [buffer.slots for buffer in nest.path(1)] == [1]


def test_axes_and_orders_of_a_group_are_decisions(tmp_path: Path) -> None:
    given = fixed(tmp_path, "axes: {i: m}\norders: {0: [k, n, m], 1: [n, k]}\ntiles: {m: 2, n: 2, k: 2}\n")
    found = find_schedule("gemm", "ws16", sizes=SIZES, strategy="random", cost_model="analytic", fixed=given)
    (nest,) = replay(found.schedule)
    outer, inner = (["k_0", "n_0", "m_0"], ["n_1", "k_1"])
    assert [name for name in nest.order if name in outer] == outer
    assert [name for name in nest.order if name in inner] == inner
    assert [nest.digit(name).iterator for name in nest.call.members("i")] == ["m"]


def test_the_fewest_decisions_in_conflict_are_named(tmp_path: Path) -> None:
    given = fixed(tmp_path, "copies: fine\ntiles: {m: 60, n: 20}\nslots: {acc.0: 2}\n")
    with pytest.raises(SourceError) as caught:
        find_schedule("gemm", "ws16", sizes={"M": 1760, "N": 640, "K": 64}, cost_model="analytic", fixed=given)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "FIX003"
    assert diagnostic.message == "no schedule has all of 'tiles.m: 60', 'tiles.n: 20'"
    assert diagnostic.span is not None and (diagnostic.span.line, text_at(diagnostic.span)) == (2, "60")
    assert [(text, text_at(place)) for text, place in diagnostic.notes if place] == [("and this one", "20")]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("tile: {m: 4}", "unknown decision 'tile'", 1),
        ("copies: fine\nslots: {spad.1: 3}", "must be a whole number from 1 to 2", 2),
        ("inside: [m, m]", "'inside' names a loop twice", 1),
        ("copies: medium", "'copies' must be 'fine' or 'coarse'", 1),
        ("tiles: [4]", "'tiles' must be a map", 1),
        ("[]", "a file of fixed decisions is a map", 1),
        ("orders: {a: [m]}", "'orders' maps the number of a group of loops to a list", 1),
        ("orders: {0: [m, m]}", "'orders' names a loop twice", 1),
        ("axes: {j: {n: 1}}", "'axes' maps an iterator of the instruction to iterators of the kernel", 1),
    ],
)
def test_mistakes_in_the_file_have_a_place(tmp_path: Path, text: str, message: str, line: int) -> None:
    with pytest.raises(SourceError) as caught:
        fixed(tmp_path, text)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("FIX002", message)
    assert diagnostic.span is not None and diagnostic.span.line == line


def test_a_statement_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no schedule has|there is no statement 7"):
        find_schedule("gemm", "ws16", sizes=SIZES, fixed=fixed(tmp_path, "statement: 7\ninstruction: compute\n"))


def test_a_smallest_conflict_is_smallest() -> None:
    pins = tuple(Pin("slots", name, 1) for name in "abc")
    assert smallest_conflict(pins, lambda chosen: not {"a", "c"} <= {pin.name for pin in chosen}) == (pins[0], pins[2])
    assert smallest_conflict(pins, lambda chosen: True) is None
