"""The tiled programs compute what the layer is, and fit the machine whatever the tiles."""

from __future__ import annotations

import numpy as np
import pytest

from isamapper.bench.gemmini.data import builtin_table, measured_rows
from isamapper.bench.gemmini.layers import Layer, Sizes, clipped
from isamapper.bench.gemmini.program import Homes, tiled_program
from isamapper.bench.gemmini.tiler import default_tile
from isamapper.hwdesc.loader import load_machine
from isamapper.plan.check import check_program
from isamapper.plan.program import Program
from isamapper.sim import reference
from isamapper.sim.functional.run import execute
from isamapper.sim.sites import model
from isamapper.sim.timing import simulate

HOMES = Homes("l2", "dram", "l2")

LAYERS = [
    (Layer(Sizes(3, 20, 20, 2, 3, 40)), Sizes(2, 18, 16, 1, 2, 32)),  # ragged along every dimension
    (Layer(Sizes(4, 5, 36, 3, 3, 3), stride=2), Sizes(3, 5, 36, 3, 2, 2)),
    (Layer(Sizes(1, 33, 20, 1, 1, 40)), Sizes(1, 32, 16, 1, 1, 16)),
    (Layer(Sizes(2, 2, 16, 1, 1, 16)), Sizes(9, 9, 99, 9, 9, 99)),  # one tile
]


def _convolution(x: np.ndarray, w: np.ndarray, layer: Layer) -> np.ndarray:
    sizes, stride = layer.sizes, layer.stride
    sums = np.zeros((sizes.q, sizes.p, sizes.k), dtype=np.int64)
    for r in range(sizes.r):
        for s in range(sizes.s):
            part = x[r : r + sizes.q * stride : stride, s : s + sizes.p * stride : stride][: sizes.q, : sizes.p]
            sums += part.astype(np.int64) @ w[r, s].astype(np.int64)
    return np.clip((sums + 128) // 256 - (sums % 512 == 128), -128, 127)  # halves go to even


@pytest.mark.parametrize(("layer", "tile"), LAYERS)
def test_a_tiled_program_computes_its_layer(layer: Layer, tile: Sizes) -> None:
    machine = load_machine("gemmini16_rtl")
    body = tiled_program(layer, tile, HOMES, untouched=layer.stride == 1)
    random = np.random.default_rng(7)
    inputs = {each.name: random.integers(-128, 128, each.shape, dtype=np.int8) for each in body.tensors[:2]}
    found = execute(Program(body, machine, body), inputs)["y"]
    np.testing.assert_array_equal(found, _convolution(inputs["x"], inputs["w"], layer))


@pytest.mark.parametrize(("layer", "tile"), LAYERS[1:3])
def test_the_engines_agree_on_tiled_programs(layer: Layer, tile: Sizes) -> None:
    body = tiled_program(layer, tile, HOMES, untouched=True)
    program = Program(body, load_machine("gemmini16_rtl"), body)
    expected = reference.run(model(program)).cycles
    assert simulate(program).cycles == simulate(program, engine="expanded").cycles == expected


def test_default_tiles_are_the_recorded_ones_and_programs_fit_the_buffers() -> None:
    """All 112 recorded tilings follow from the rules, for buffers of 256 and 64 KiB whatever the row says."""
    machine = load_machine("gemmini16_rtl")
    for index, row in enumerate(measured_rows(builtin_table())):
        assert clipped(default_tile(row.layer), row.layer) == clipped(row.default, row.layer), row.name
        if index % 16 == 0:
            body = tiled_program(row.layer, row.default, HOMES)
            assert check_program(Program(body, machine, body)) == ()


def test_a_default_tile_uses_half_of_each_buffer() -> None:
    """56 x 56 pixels of 64 channels: 22 x 23 sums of 16 channels are 506 of 512 rows of half the accumulator."""
    assert default_tile(Layer(Sizes(56, 56, 64, 1, 1, 64))) == Sizes(22, 23, 16, 1, 1, 64)
    # A product of 128 x 768 by 768 x 768: five by five blocks of sums, all channels, 480 of 512 blocks of the buffer.
    assert default_tile(Layer(Sizes(1, 128, 768, 1, 1, 768))) == Sizes(1, 80, 80, 1, 1, 768)
