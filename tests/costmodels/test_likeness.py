"""Shapes alike: the same statement with rows and columns exchanged, and nothing else."""

from __future__ import annotations

from isamapper.costmodels.likeness import likeness
from isamapper.costmodels.shape import Shape
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.mapper.matching.find import find_mappings
from isamapper.pipeline import resolve
from isamapper.scheduler.space.families import families_of
from isamapper.scheduler.statements.frames import frames_of
from isamapper.scheduler.statements.subject import subject_of


def _shapes(height: int, width: int, bound: str) -> list[Shape]:
    """Shapes of a convolution whose calls walk along ``bound``."""
    machine = load_machine("ws16")
    kernel, _ = resolve("conv2d", machine, {"N": 1, "C": 16, "K": 16, "H": height, "W": width, "R": 3, "S": 3})
    subject = subject_of(machine, kernel, statements(kernel)[0])
    frames = frames_of(machine, subject.statement, tuple(find_mappings(kernel, machine)), subject.fresh, subject.shared)
    chosen = (each for each in frames if [digit.iterator for digit in each.bound] == [bound, "c", "k"])
    return [family.shape for frame in chosen for family in families_of(subject, frame, 1, False)]


def test_rows_and_columns_of_a_square_image_are_alike():
    rows, columns = ({likeness(shape) for shape in _shapes(28, 28, bound)} for bound in "hj")
    assert rows == columns and rows


def test_rows_and_columns_of_another_image_are_not():
    rows, columns = ({likeness(shape) for shape in _shapes(28, 56, bound)} for bound in "hj")
    assert rows and columns and not rows & columns


def test_a_shape_is_like_itself_only_with_the_same_copies():
    keys = [likeness(shape) for shape in _shapes(28, 28, "j")]
    assert len(set(keys)) > 1
