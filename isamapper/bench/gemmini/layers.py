"""Layers of a convolution or matrix product, and tiles of them: six sizes each, by the letters of loop-factor mappings.

``q`` and ``p`` are the image's rows and columns (``p`` lies contiguous), ``k`` the output and ``c`` the input channels,
``r`` and ``s`` the kernel's rows and columns. A matrix product is a layer of one row: ``p`` by
``c`` times ``c`` by ``k``.
"""

from __future__ import annotations

from dataclasses import dataclass

DIM = 16
"""Rows and columns of the array."""

DIMENSIONS = "qpkrsc"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Iterations along each dimension, of a layer or of a tile."""

    q: int
    p: int
    k: int
    r: int
    s: int
    c: int

    def along(self, dimension: str) -> int:
        """The size along one of ``DIMENSIONS``."""
        return int(getattr(self, dimension))


@dataclass(frozen=True, slots=True)
class Layer:
    """What is computed: ``sizes`` with the step of the input per output pixel. Nothing is padded."""

    sizes: Sizes
    stride: int = 1

    @property
    def is_product(self) -> bool:
        """Whether Gemmini's library does it as a matrix product: a single row of pixels under a 1 x 1 kernel."""
        sizes = self.sizes
        return sizes.q == sizes.r == sizes.s == self.stride == 1

    @property
    def input_rows(self) -> int:
        return (self.sizes.q - 1) * self.stride + self.sizes.r

    @property
    def input_columns(self) -> int:
        return (self.sizes.p - 1) * self.stride + self.sizes.s


def clipped(tile: Sizes, layer: Layer) -> Sizes:
    """``tile`` no larger than the layer along any dimension."""
    return Sizes(*(min(tile.along(each), layer.sizes.along(each)) for each in DIMENSIONS))


def buffer_bytes(tile: Sizes, layer: Layer) -> tuple[int, int]:
    """What ``tile`` takes of scratchpad and accumulator, in whole rows."""
    rows, columns = (tile.q - 1) * layer.stride + tile.r, (tile.p - 1) * layer.stride + tile.s
    channels, outputs = (-(-size // DIM) * DIM for size in (tile.c, tile.k))
    return rows * columns * channels + tile.r * tile.s * tile.c * outputs, 4 * tile.q * tile.p * outputs
