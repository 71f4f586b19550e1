"""Frames, routes, levels and tilings by themselves."""

from __future__ import annotations

import pytest

from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES
from isamapper.mapper.matching.find import find_mappings
from isamapper.pipeline import resolve
from isamapper.plan.nest import Nest
from isamapper.plan.steps import Schedule, steps_of
from isamapper.scheduler.nests.build import build_nest
from isamapper.scheduler.space.candidates import subject_of
from isamapper.scheduler.space.families import families_of
from isamapper.scheduler.space.tiling import Hop, Level, Tiled, best_tilings, tile_sizes
from isamapper.scheduler.statements.frames import Frame, frames_of
from isamapper.scheduler.statements.routes import boundaries, input_routes, output_routes
from tests.scheduler.problems import assert_computes


def frames(machine: str, text: str) -> tuple[Frame, ...]:
    target, kernel = load_machine(machine), parse_kernel(text)
    subject = subject_of(target, kernel, statements(kernel)[0])
    mappings = find_mappings(kernel, target, statement=0)
    return frames_of(target, subject.statement, mappings, subject.fresh, subject.shared)


def product(direction: str, m: int = 8, n: int = 8, k: int = 8) -> str:
    head = f"c: inout i32[{m}, {n}]) {{" if direction == "inout" else f") -> (c: i32[{m}, {n}]) {{"
    comma = ", " if direction == "inout" else ""
    return (
        f"kernel g(a: i8[{m}, {k}], b: i8[{k}, {n}]{comma}{head}"
        f" for m < {m}, n < {n}, k < {k} {{ c[m, n] += i32(a[m, k]) * i32(b[k, n]) }} }}"
    )


def test_fresh_sums_begin_with_the_overwriting_twin() -> None:
    first = frames("toy4", product("out"))[0].first
    assert first is not None and first.instruction.name == "compute_first"


def test_sums_that_go_on_begin_with_nothing() -> None:
    found = frames("toy4", product("inout"))
    assert found and all(frame.first is None and frame.init is None for frame in found)


def test_without_a_twin_the_target_is_filled() -> None:
    text = (
        "kernel g(a: f32[8, 4], b: f32[4, 16]) -> (c: f32[8, 16])"
        " { for m < 8, n < 16, k < 4 { c[m, n] += a[m, k] * b[k, n] } }"
    )
    best = frames("avx512", text)[0]
    assert best.first is None and best.init is not None and best.init.instruction.name.startswith("vzero")


def test_lanes_of_fixed_extent_are_whole_and_narrow_ones_shrink() -> None:
    best = next(f for f in frames("toy4", product("out", m=3, n=3, k=3)) if f.call.instruction.name.startswith("comp"))
    extents = {digit.bound: digit.extent for digit in best.bound}
    assert extents == {"i": 3, "j": 4, "k": 4}


def test_routes_run_from_home_to_the_operand() -> None:
    machine = load_machine("toy4")
    compute = machine.instruction("compute")
    assert input_routes(machine, compute, "w", "dram", DTYPES["i8"])[0] == ("spad", "weights")
    assert input_routes(machine, compute, "a", "dram", DTYPES["i8"])[0] == ("spad",)
    assert output_routes(machine, compute, "c", "dram", DTYPES["i32"])[0] == ("acc",)


def test_registers_next_to_the_instruction_lie_inside_the_innermost_tile() -> None:
    machine = load_machine("avx512")
    assert boundaries(machine, 1, ("l2", "l1", "zmm")) == (1, 0, None)
    assert boundaries(machine, 0, ("l2", "l1", "zmm")) == (1, 0, 0)


def level(capacity: int) -> Level:
    hop = Hop((("bus", 0.25),), 10)
    left = Tiled(1, (((0, 1),), ((2, 1),)), "spad", hop)
    right = Tiled(1, (((2, 1),), ((1, 1),)), "spad", hop)
    target = Tiled(4, (((0, 1),), ((1, 1),)), "acc", hop, target=True)
    return Level(
        (64, 48, 40), (4, 4, 4), (left, right, target), (("acc", capacity), ("spad", capacity)), (("mac", 3e4),)
    )


@pytest.mark.parametrize("capacity", [256, 1000, 4096, 1 << 20])
def test_tilings_fit_and_come_best_first(capacity: int) -> None:
    found = best_tilings(level(capacity), 8)
    assert found and [t.cycles for t in found] == sorted(t.cycles for t in found)
    for tiling in found:
        m, n, k = (4 * tiles for tiles in tiling.tiles)
        assert m * k + k * n <= capacity and 4 * m * n <= capacity


def test_there_is_no_tiling_where_one_block_does_not_fit() -> None:
    assert best_tilings(level(16), 8) == ()


@pytest.mark.parametrize("blocks", [1, 7, 13, 100])
def test_tile_sizes_hold_one_and_all(blocks: int) -> None:
    sizes = tile_sizes(blocks)
    assert sizes[0] == 1 and sizes[-1] == blocks and list(sizes) == sorted(set(sizes))


def test_what_other_steps_have_written_is_no_earlier_value() -> None:
    kernel = parse_kernel(
        "kernel k(a: i8[8, 4], b: i8[4]) -> (y: i32[16], z: i32[16]) {"
        " for i < 8, k < 4 { y[2*i] += i32(a[i, k]) * i32(b[k]) }"
        " for i < 8, k < 4 { y[2*i + 1] += i32(a[i, k]) * i32(b[k]) }"
        " for i < 8, k < 4 { z[2*i] += i32(a[i, k]) * i32(b[k]) }"
        " for i < 5, k < 4 { z[3*i + 1] += i32(a[i, k]) * i32(b[k]) } }"
    )
    machine = load_machine("toy4")
    assert [subject_of(machine, kernel, each).fresh for each in statements(kernel)] == [True, True, True, False]


def test_a_result_is_re_laid_out_at_home_and_an_image_with_its_channels_last() -> None:
    """Pixels as rows of the array: windows of the image stay windows, its channels lie side by side."""
    sizes = {"C": 32, "K": 16, "HI": 5, "WI": 5}
    kernel, machine = resolve("conv2d_forward", "gemmini16", sizes)
    subject = subject_of(machine, kernel, statements(kernel)[0])
    mappings = find_mappings(kernel, machine, statement=0)
    found = frames_of(machine, subject.statement, mappings, subject.fresh, subject.shared)
    rows = next(each for each in found if each.call.instruction.name == "compute" and each.call.operand(1) == "a")
    family = next(each for each in families_of(subject, rows) if each.relaid == {0, 1, 2})
    assert family.shape.relay_cycles == 3 * 25 * (32 + 16)  # every element of image and result once, by the host
    whole = [[family.shape.blocks[place] for place in family.moving]]
    choice = family.choice(whole, [family.moving] * 2, [1] * len(family.shape.buffers))
    nest = build_nest(machine, kernel, subject.home, choice)
    assert isinstance(nest, Nest)
    image, result = nest.path(1)[0], nest.path(0)[0]
    assert (image.memory, image.order, result.memory) == ("dram", ("dim0", "dim2", "dim3", "dim1"), "dram")
    assert result.drain is not None and result.drain.instruction.startswith("host_copy")
    assert_computes(Schedule(kernel, kernel, machine, steps_of(nest)))
