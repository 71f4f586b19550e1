"""First looks at families of which no row of tiles fits the memories."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.parser import parse_kernel
from isamapper.mapper.matching.find import find_mappings
from isamapper.scheduler.space import descent
from isamapper.scheduler.space.candidates import subject_of
from isamapper.scheduler.space.families import families_of
from isamapper.scheduler.statements.frames import frames_of


def test_where_no_row_fits_there_is_a_look_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "kernel k(a: i8[16, 32], b: i8[32, 16]) -> (c: i32[16, 16]) { c[i, j] += i32(a[i, p]) * i32(b[p, j]) }"
    machine, kernel = load_machine("toy4"), parse_kernel(text)
    subject = subject_of(machine, kernel, statements(kernel)[0])
    frames = frames_of(machine, subject.statement, tuple(find_mappings(kernel, machine)), subject.fresh, subject.shared)
    families = [each for frame in frames for each in families_of(subject, frame, 1, False)]
    monkeypatch.setattr(descent, "fitting", lambda shape, tiles: np.zeros(len(tiles), dtype=np.bool_))
    assert families
    assert descent.look(families[0]).least < math.inf
