"""Where the tensors of a tiled layer are found when it reads them: in the system's L2, or in main memory.

A cache keeps what is read again before too much else has passed. The input is read once for each tile of output
channels; between two readings pass one band of it (a tile's pixels with all their channels) and that tile's weights.
Weights are read once for each tile of pixels; between two readings pass all weights and a band. Results stay as long as
all of them fit.
"""

from __future__ import annotations

import math

from isamapper.bench.gemmini.layers import Layer, Sizes
from isamapper.bench.gemmini.program import Homes

NEAR, FAR = "l2", "dram"
NEAR_BYTES = 512 * 1024
"""The L2 of Chipyard's default system."""

_LINE_BYTES = 64
_STEPS = 200


def kept(layer: Layer, tile: Sizes) -> float:
    """The part of the weights that is still near when they are read again after all of them and a band.

    The L2 replaces lines at random (SiFive's inclusive cache). Of what is read round and round, s times the size of the
    cache, a part h is found, and 1 - h of it is fetched and throws others out: h = exp(-s (1 - h)).
    """
    size = (_weights(layer) + _band(layer, tile)) / NEAR_BYTES
    part = 0.5 if size > 1 else 1.0
    for _ in range(_STEPS if size > 1 else 0):
        part = math.exp(-size * (1 - part))
    return part


def _weights(layer: Layer) -> int:
    sizes = layer.sizes
    return sizes.r * sizes.s * sizes.c * sizes.k


def _band(layer: Layer, tile: Sizes) -> int:
    """Bytes of a tile's pixels with all their channels."""
    sizes, stride = layer.sizes, layer.stride
    return ((tile.q - 1) * stride + sizes.r) * ((tile.p - 1) * stride + sizes.s) * sizes.c


def homes(layer: Layer, tile: Sizes) -> Homes:
    """The memories of input, weights and output; ``tile`` is no larger than the layer."""
    sizes = layer.sizes
    image = layer.input_rows * layer.input_columns * sizes.c
    band, weights = _band(layer, tile), _weights(layer)
    lines = min(sizes.k, -(-tile.k // _LINE_BYTES) * _LINE_BYTES)
    again = tile.k < sizes.k and band + sizes.r * sizes.s * sizes.c * lines <= NEAR_BYTES
    return Homes(
        NEAR if image <= NEAR_BYTES or again else FAR,
        NEAR if weights + band <= NEAR_BYTES else FAR,
        NEAR if sizes.q * sizes.p * sizes.k <= NEAR_BYTES else FAR,
    )
