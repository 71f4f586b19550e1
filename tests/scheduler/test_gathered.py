"""Which frames come first where operands are re-laid out: those that need the fewest elements gathered."""

from __future__ import annotations

from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.types import DTYPES
from isamapper.mapper.matching.find import find_mappings
from isamapper.scheduler.space.families import relayouts, route_choices
from isamapper.scheduler.space.gathered import least_gathered
from isamapper.scheduler.statements.frames import Frame, frames_of
from isamapper.scheduler.statements.subject import Subject, subject_of

TYPES = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}


def _subject() -> tuple[Subject, tuple[Frame, ...]]:
    """A gradient with respect to weights: batch, rows and columns are summed."""
    machine = load_machine("gemmini16")
    sizes = {"N": 8, "C": 32, "K": 32, "HI": 28, "WI": 28, "R": 3, "S": 3, "stride": 1, "pad": 1}
    kernel = load_kernel("conv2d_backward_weights", sizes, TYPES)
    statement = statements(kernel)[0]
    subject = subject_of(machine, kernel, statement)
    mappings = tuple(find_mappings(kernel, machine, statement=0))
    return subject, frames_of(machine, statement, mappings, subject.fresh, subject.shared)


def test_lanes_along_rows_come_before_lanes_across_images() -> None:
    subject, frames = _subject()
    cheapest, chosen = frames[0], least_gathered(subject, frames)[0]
    assert any(digit.iterator == "n" for digit in cheapest.bound)
    assert {(digit.iterator, digit.extent) for digit in chosen.bound} >= {("j", 16)}
    assert not any(digit.iterator == "n" for digit in chosen.bound)
    assert sorted(map(id, frames)) == sorted(map(id, least_gathered(subject, frames)))


def test_the_result_is_re_laid_out_with_one_operand_or_another() -> None:
    subject, frames = _subject()
    routes = next(route_choices(subject, frames[0]))
    found = list(relayouts(subject, frames[0], routes))
    assert {frozenset({0}), frozenset({0, 1}), frozenset({0, 2}), frozenset({0, 1, 2})} <= set(found)
    assert len(found) == len(set(found))
