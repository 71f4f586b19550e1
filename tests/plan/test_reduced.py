"""Reduced schedules: the same form on small kernels, and shrunk kernels keep their padding."""

from __future__ import annotations

import numpy as np
import pytest

from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES
from isamapper.pipeline import find_schedule
from isamapper.plan.nest import Digit
from isamapper.plan.reduced import MOST_TRIPS, _wanted, reduced, reduced_program
from isamapper.plan.shrink import shrunk
from isamapper.plan.steps import replay
from isamapper.sim.functional import evaluate, execute

TYPES = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}


@pytest.mark.parametrize("sizes", [(37, 29, 50), (64, 64, 64), (61, 4, 3)])
def test_a_reduced_gemm_computes_its_small_kernel(sizes: tuple[int, int, int]) -> None:
    kernel = load_kernel("gemm", dict(zip("MNK", sizes, strict=True)), TYPES)
    schedule = find_schedule(kernel, load_machine("toy4")).schedule
    small = reduced(schedule)
    program = reduced_program(schedule)
    assert small is not None and program is not None
    assert [len(nest.buffers) for nest in replay(small)] == [len(nest.buffers) for nest in replay(schedule)]
    assert all(d.extent <= 2 * MOST_TRIPS for nest in replay(small) for d in nest.digits if d.bound is None)
    random = np.random.default_rng(0)
    inputs = {t.name: random.integers(-9, 9, t.shape, dtype=np.int8) for t in small.kernel.tensors if t.name != "c"}
    assert np.array_equal(execute(program, inputs)["c"], evaluate(small.kernel, inputs)["c"])


@pytest.mark.parametrize(("whole", "cut"), [(64, 12), (61, 9), (62, 10), (13, 9), (12, 12), (5, 5), (4, 4), (3, 3)])
def test_the_last_block_is_as_ragged_as_it_was(whole: int, cut: int) -> None:
    digits = (Digit("m_0", "m", -(-whole // 4)), Digit("m.i", "m", 4, "i"))
    assert _wanted(digits, whole, MOST_TRIPS) == cut
    assert cut % 4 == whole % 4


def test_a_shrunk_convolution_keeps_its_padding() -> None:
    kernel = load_kernel("conv2d", {"H": 56, "W": 56, "C": 64, "K": 64, "R": 3, "S": 3})
    statement = statements(kernel)[0]
    new = {"h": 5, "j": 5, "c": 6, "k": 6}
    numbered = zip(statement.iterators, statement.loops, strict=True)
    small = shrunk(kernel, {number: new[i.name] for i, number in numbered if i.name in new})
    assert small is not None
    shapes = {tensor.name: tensor.shape for tensor in small.tensors}
    before = {tensor.name: tensor.shape for tensor in kernel.tensors}
    for name, shape in before.items():
        assert shapes[name] == tuple({64: 6}.get(size, size - 51 if size > 50 else size) for size in shape)


def test_a_kernel_with_conditions_is_not_shrunk() -> None:
    text = "kernel k(a: f32[9, 9]) -> (b: f32[9]) { for i < 9, j < 9 { if j <= i { b[i] += a[i, j] } } }"
    assert shrunk(parse_kernel(text), {0: 3}) is None


def test_phases_of_an_axis_reach_all_of_it_as_they_did() -> None:
    sizes = {"N": 1, "C": 8, "K": 8, "HI": 79, "WI": 35, "R": 5, "S": 4, "pad": 0}
    schedule = find_schedule(load_kernel("conv2d_backward_data_s2", sizes, TYPES), load_machine("toy4")).schedule
    small = reduced(schedule)
    assert small is not None and small.kernel.tensors[2].shape[2] < 79
    reached = [
        {name: set(range(index.constant, index.constant + 2 * box[index.terms[0][0]], 2)) for name, index in rows}
        for statement in statements(small.kernel)
        for box in ({each.name: each.extent for each in statement.iterators},)
        for rows in (zip("hw", statement.assign.target.map.results[2:], strict=True),)
    ]
    for axis, name in enumerate("hw", 2):
        assert set[int]().union(*(each[name] for each in reached)) == set(range(small.kernel.tensors[2].shape[axis]))
