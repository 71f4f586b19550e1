"""Statements that only copy have no frames for which their tensors would have to be copied first."""

from __future__ import annotations

from isamapper import find_schedule
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.parser import parse_kernel
from isamapper.mapper.matching.find import find_mappings
from isamapper.plan.lower import lower
from isamapper.scheduler.space.candidates import subject_of
from isamapper.scheduler.statements.frames import Frame, frames_of

COPY = """kernel k(x: i8[4, 6, 8]) -> (y: i8[4, 48]) {
  for n < 4, h < 6, j < 8 { y[n, 8*h + j] = x[n, h, j] } }"""
TURN = "kernel k(x: i8[16, 32]) -> (y: i8[32, 16]) { for i < 16, j < 32 { y[j, i] = x[i, j] } }"


def frames(text: str, known: bool) -> tuple[Frame, ...]:
    machine, kernel = load_machine("gemmini16"), parse_kernel(text)
    subject = subject_of(machine, kernel, statements(kernel)[0])
    mappings = tuple(find_mappings(kernel, machine, statement=0))
    tensors = subject.tensors if known else None
    return frames_of(machine, subject.statement, mappings, subject.fresh, subject.shared, tensors)


def dense(frame: Frame) -> list[str]:
    """Iterators of the lane of a transfer whose elements must be neighbours, outermost first."""
    return [digit.iterator for digit in frame.bound if digit.bound == "j"]


def test_rows_of_a_transfer_walk_neighbours() -> None:
    some, every = ({dense(f)[-1] for f in frames(COPY, k) if f.call.instruction.name == "mvin"} for k in (True, False))
    assert some == {"j"}
    assert every == {"n", "h", "j"}


def test_two_loops_that_walk_one_run_are_neighbours() -> None:
    assert ["h", "j"] in [dense(f) for f in frames(COPY, True) if f.call.instruction.name == "mvin"]


def test_a_copy_that_turns_has_no_transfer_along_the_wrong_axis() -> None:
    """What reads rows of x may not fill its lanes along i, what writes rows of y not along j."""
    found = frames(TURN, True)
    assert {tuple(dense(f)) for f in found if f.call.instruction.name == "mvin"} == {("j",)}
    assert {tuple(dense(f)) for f in found if f.call.instruction.name == "mvout_spad"} == {("i",)}
    assert any(f.call.instruction.name.startswith("host") for f in found)


def test_sums_keep_all_their_frames() -> None:
    text = "kernel k(a: i8[16, 32], b: i8[32, 16]) -> (c: i32[16, 16]) { c[i, j] += i32(a[i, p]) * i32(b[p, j]) }"
    assert len(frames(text, True)) == len(frames(text, False))


def test_a_consumer_that_writes_other_axes_keeps_no_windows() -> None:
    sizes = {"N": 4, "C": 3, "K": 16, "HI": 96, "WI": 96, "R": 7, "S": 7, "stride": 2, "pad": 3}
    found = find_schedule("conv2d_backward_weights_windows", "gemmini16", sizes=sizes)
    assert lower(found.schedule).body
