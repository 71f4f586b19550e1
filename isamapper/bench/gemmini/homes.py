"""Where the tensors of a tiled layer are found when it reads them: in the system's L2, or in main memory.

A cache keeps what is read again before too much else has passed. The input is read once for each tile of output
channels; between two readings pass one band of it (a tile's pixels with all their channels) and that tile's weights.
Weights are read once for each tile of pixels; between two readings pass all weights and a band. Results stay as long as
all of them fit.
"""

from __future__ import annotations

from isamapper.bench.gemmini.layers import Layer, Sizes
from isamapper.bench.gemmini.program import Homes

NEAR, FAR = "l2", "dram"
NEAR_BYTES = 512 * 1024
"""The L2 of Chipyard's default system."""

_LINE_BYTES = 64


def homes(layer: Layer, tile: Sizes) -> Homes:
    """The memories of input, weights and output; ``tile`` is no larger than the layer."""
    sizes, stride = layer.sizes, layer.stride
    image = layer.input_rows * layer.input_columns * sizes.c
    band = ((tile.q - 1) * stride + sizes.r) * ((tile.p - 1) * stride + sizes.s) * sizes.c
    weights = sizes.r * sizes.s * sizes.c * sizes.k
    lines = min(sizes.k, -(-tile.k // _LINE_BYTES) * _LINE_BYTES)
    again = tile.k < sizes.k and band + sizes.r * sizes.s * sizes.c * lines <= NEAR_BYTES
    return Homes(
        NEAR if image <= NEAR_BYTES or again else FAR,
        NEAR if weights + band <= NEAR_BYTES else FAR,
        NEAR if sizes.q * sizes.p * sizes.k <= NEAR_BYTES else FAR,
    )
