"""What numpy says of the kernels that show how matrix products hide in other computations."""

from __future__ import annotations

from collections import abc
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]
Reference = abc.Callable[[Arrays, dict[str, int]], Arrays]


def _windows(x: Any, taps: tuple[int, ...], axes: tuple[int, ...], stride: int) -> Any:
    found = np.lib.stride_tricks.sliding_window_view(x, taps, axes)
    steps = [slice(None)] * found.ndim
    for axis in axes:
        steps[axis] = slice(None, None, stride)
    return found[tuple(steps)]


def transposed(v: Arrays, z: dict[str, int]) -> Any:
    x, w, stride = v["x"], v["w"], z["stride"]
    (n, _, h, width), (_, k, r, s) = x.shape, w.shape
    y = np.zeros((n, k, (h - 1) * stride + r, (width - 1) * stride + s))
    for i in range(h):
        for j in range(width):
            window = np.einsum("nc,ckrs->nkrs", x[:, :, i, j], w)
            y[:, :, i * stride : i * stride + r, j * stride : j * stride + s] += window
    return y


def capsules(v: Arrays, z: dict[str, int]) -> Any:
    found = _windows(v["x"], (z["R"], z["S"]), (2, 3), z["stride"])
    return np.einsum("nchjpqrs,kcrsqo->nkhjpo", found[:, :, : z["H"], : z["W"]], v["w"])


def correlated(v: Arrays, z: dict[str, int]) -> Any:
    d, e, h, w = z["D"], z["E"], z["H"], z["W"]
    b = np.pad(v["b"], [(0, 0), (0, 0), (d // 2, d), (e // 2, e)])
    rows = [[np.einsum("nchw,nchw->nhw", v["a"], b[:, :, i : i + h, j : j + w]) for j in range(e)] for i in range(d)]
    return np.transpose(np.array(rows), (2, 0, 1, 3, 4))


def causal(v: Arrays, z: dict[str, int]) -> Any:
    x, w, dilation = v["x"], v["w"], z["dilation"]
    y = np.zeros((x.shape[0], w.shape[0], x.shape[2]))
    for t in range(x.shape[2]):
        for r in range(w.shape[2]):
            if t >= dilation * r:
                y[:, :, t] += x[:, :, t - dilation * r] @ w[:, :, r].T
    return y


def banded_scores(v: Arrays, z: dict[str, int]) -> Any:
    half, width = z["W"] // 2, z["W"]
    k = np.pad(v["k"], [(0, 0), (0, 0), (half, width), (0, 0)])
    rows = [np.einsum("bhid,bhid->bhi", v["q"], k[:, :, r : r + z["L"]]) for r in range(width)]
    return np.stack(rows, axis=-1)


def complex_parts(v: Arrays) -> Arrays:
    product = (v["ar"] + 1j * v["ai"]) @ (v["br"] + 1j * v["bi"])
    return {"cr": product.real, "ci": product.imag}


SHOWCASE: dict[str, tuple[dict[str, int], Reference]] = {
    "attention_window": (
        {"B": 1, "H": 2, "L": 5, "D": 3, "W": 4},
        lambda v, z: {"s": banded_scores(v, z)},
    ),
    "bilinear": (
        {"B": 2, "I": 3, "J": 4, "O": 2},
        lambda v, z: {"y": np.einsum("bi,oij,bj->bo", v["x"], v["w"], v["z"])},
    ),
    "complex_product": ({"M": 3, "N": 4, "K": 5}, lambda v, z: complex_parts(v)),
    "conv1d_causal": ({"N": 2, "C": 2, "K": 3, "T": 6, "R": 3, "dilation": 2}, lambda v, z: {"y": causal(v, z)}),
    "conv2d_capsule": (
        {"C": 2, "K": 3, "H": 2, "W": 2, "R": 2, "S": 2, "P": 2, "Q": 3, "O": 2},
        lambda v, z: {"y": capsules(v, z)},
    ),
    "conv2d_transposed": (
        {"N": 2, "C": 2, "K": 3, "H": 3, "W": 2, "R": 3, "S": 2},
        lambda v, z: {"y": transposed(v, z)},
    ),
    "correlation": ({"C": 2, "H": 4, "W": 3, "D": 3, "E": 2}, lambda v, z: {"y": correlated(v, z)}),
    "mean_variance": ({"M": 3, "N": 4}, lambda v, z: {"mean": v["x"].mean(1), "variance": v["x"].var(1)}),
    "prefix_sum": ({"M": 3, "N": 5}, lambda v, z: {"y": np.cumsum(v["x"], axis=1)}),
}
