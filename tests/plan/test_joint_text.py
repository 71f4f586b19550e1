"""Facades of instructions and the text of joins."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir.affine import AccessMap, Affine, variable
from isamapper.ir.nodes import Access, Reduction
from isamapper.plan.facade import Facade, facade
from isamapper.plan.join_text import print_join
from isamapper.plan.joint import Join
from isamapper.plan.needle import lone_axes
from isamapper.plan.step_reader import StepReader
from isamapper.plan.step_text import parse_step, print_step
from tests.mapper.compound import fused_machines

JOIN = Join(
    2,
    (0, 2),
    "layer",
    (
        ("y", Access("y", AccessMap((variable("m"), variable("n"))))),
        ("x", Access("x", AccessMap((variable("m", 2) + variable("r") - 1, Affine((), 3))), 0)),
        ("b", Access("held", AccessMap(()))),
    ),
    (("m", ((0, "m"), (2, "p"))), ("n", ((0, "n"),)), ("r", ((0, "r"),))),
    (("b0", 4),),
    (("s", 7),),
    Reduction.ADD,
    (("k", "x", 0), ("k", "w", float("-inf"))),
    ("i", "j"),
    (("held", 1.5),),
)


def test_a_join_reads_back() -> None:
    line = print_step(JOIN)
    assert parse_step(StepReader(Source("file", line), 0, len(line))) == JOIN
    assert line.startswith('join 2 of 0, 2 by layer(y = y[m, n], x = x[2*m + r - 1, 3] else "0", b = held[]) set s = 7')
    assert print_join(JOIN) == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("join 2 by x", "expected 'of', found 'by'"),
        ("join 2 of 0, 1 by f(y = )", "expected a tensor, found ')'"),
        ('join 0 of 0 by f(y = y[]) reduce "-"', "'-' is no reduction"),
        ('join 0 of 0 by f(y = y[]) constant c = "x"', "'x' is no number"),
    ],
)
def test_a_join_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_step(StepReader(Source("file", text), 0, len(text)))
    assert caught.value.diagnostics[0].message == message


def seen(semantics: str) -> Facade | str:
    return facade(fused_machines.fused_machine(op=semantics).instruction("op"))


def test_iterators_of_one_axis_are_one_lane() -> None:
    found = seen(fused_machines.SOFTMAX)
    assert isinstance(found, Facade)
    assert {found.lane(number, "j") for number in (0, 2, 3)} == {found.lane(1, "q")}
    assert lone_axes(found.instruction.semantics, "x") == lone_axes(found.instruction.semantics, "y") == ("i", "j")


def test_axes_that_constants_index_get_a_lane_of_their_own() -> None:
    found = seen(fused_machines.LSTM)
    assert isinstance(found, Facade)
    assert found.fixed == (("bias", 0, "bias0"),)
    assert lone_axes(found.instruction.semantics, "bias") == ("bias0", found.lane(2, "n"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("for i < 4, j < 3 { t[i] += x[i + j] } for i < 4 { y[i] = t[i] }", "'x' has a compound index"),
        ("for i < 4 { t[i] = x[i] } for i < 4, j < 4 { if i <= j { y[i] += t[j] } }", "it has a guard of its own"),
        (
            "for i < 4 { y[i] = x[i] } for i < 4, j < 4 { t[i] += y[i] * y[j] }",
            "it uses one axis of a tensor along two iterators of one statement",
        ),
    ],
)
def test_what_has_no_facade_says_why(body: str, reason: str) -> None:
    assert seen(f"(x: f32[8] @pad) -> (y: f32[4] @pad) {{ local t: f32[4] {body} }}") == reason
