"""Inputs with margins: both sides change alike, mistakes stay visible, and proofs go through."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.plan.program import Program
from isamapper.verify.certificate import Status
from isamapper.verify.margins import with_margins
from isamapper.verify.sets_part import sets_part
from tests.verify import small_programs

WINDOW = "kernel k(x: f32[8], w: f32[3]) -> (y: f32[8]) { %s }"
CENTRED = WINDOW % "for p < 8, r < 3 { y[p] += (x[p + r - 1] else 0.0) * w[r] }"


def test_what_is_read_outside_becomes_part_of_the_tensor_on_both_sides() -> None:
    other = WINDOW % "for r < 3, p < 8 { y[p] += (x[p + r - 1] else 0.0) * w[r] }"
    wide = with_margins(parse_kernel(CENTRED), parse_kernel(other))
    assert wide is not None
    for text in map(print_kernel, wide):
        assert "x: f32[10]" in text
        assert "x[p + r]" in text
        assert "else" not in text


def test_the_wider_side_decides_for_both() -> None:
    other = WINDOW % "for p < 8, r < 5 { y[p] += (x[p + r - 2] else 0.0) * (w[r - 1] else 0.0) }"
    wide = with_margins(parse_kernel(CENTRED), parse_kernel(other))
    assert wide is not None
    assert {tensor.name: tensor.shape for tensor in wide[0].tensors} == {"x": (12,), "w": (5,), "y": (8,)}


def test_without_reads_outside_there_are_no_margins() -> None:
    plain = parse_kernel(WINDOW % "for p < 6, r < 3 { y[p] += x[p + r] * w[r] }")
    assert with_margins(plain, plain) is None


def test_two_numbers_for_one_outside_leave_the_tensor_as_it_is() -> None:
    other = parse_kernel(WINDOW % "for p < 8, r < 3 { y[p] += (x[p + r - 1] else 1.0) * w[r] }")
    assert with_margins(parse_kernel(CENTRED), other) is None


def test_a_read_that_may_be_outside_by_mistake_is_not_hidden() -> None:
    body = "for p < 8, r < 3 { y[p] += (x[p + r - 1] else 0.0) * w[r] } for p < 9 { y[0] += x[p] * w[0] }"
    longer = parse_kernel((WINDOW % body).replace("x: f32[8]", "x: f32[9]"))
    kernel = parse_kernel(CENTRED)
    assert with_margins(kernel, replace(longer, tensors=kernel.tensors)) is None


@pytest.mark.parametrize(
    ("other", "status"),
    [
        ("for r < 3, p < 8 { y[p] += (x[p + r - 1] else 0.0) * w[r] }", Status.PROVED),
        ("for p < 8, r < 5 { y[p] += (x[p + r - 2] else 0.0) * (w[r - 1] else 0.0) }", Status.PROVED),
        ("for r < 3, p < 8 { y[p] += (x[p + r - 1] else 1.0) * w[r] }", Status.NOT_RUN),
        ("for r < 3, p < 8 { y[p] += (x[p + r] else 0.0) * w[r] }", Status.NOT_RUN),
    ],
)
def test_proofs_of_windows_at_edges(other: str, status: Status) -> None:
    pytest.importorskip("islpy")
    program = Program(parse_kernel(CENTRED), small_programs.machine("lanes8"), parse_kernel(WINDOW % other))
    assert sets_part(program, 4).status is status
