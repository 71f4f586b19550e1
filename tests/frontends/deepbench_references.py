"""What the kernels of DeepBench compute, by numpy: products that add, passes of convolutions, recurrences."""

from __future__ import annotations

from typing import Any

import numpy as np

SMALL = {"M": 3, "N": 4, "K": 5}
CONVOLUTION = {"N": 2, "C": 3, "K": 4, "HI": 6, "WI": 5, "R": 3, "S": 2, "pad": 1}
STEPS = {"T": 3, "B": 2, "H": 4}
POINTS = {"N": 2, "C": 3, "K": 4, "P": 5}
SCALE = 2.0**-13


def windows(v: dict[str, Any], z: dict[str, int], image: Any, stride: int) -> Any:
    """Every window of the padded image: n, c, r, s, h, j."""
    pad, rows, columns = z["pad"], z["R"], z["S"]
    padded = np.pad(image, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    found = np.lib.stride_tricks.sliding_window_view(padded, (rows, columns), axis=(2, 3))
    return found[:, :, ::stride, ::stride].transpose(0, 1, 4, 5, 2, 3)


def forward(v: dict[str, Any], z: dict[str, int]) -> dict[str, Any]:
    return {"y": np.einsum("ncrshj,kcrs->nkhj", windows(v, z, v["x"], z["stride"]), v["w"])}


def backward_weights(v: dict[str, Any], z: dict[str, int]) -> dict[str, Any]:
    return {"dw": np.einsum("ncrshj,nkhj->kcrs", windows(v, z, v["x"], z["stride"]), v["dy"])}


def backward_data(v: dict[str, Any], z: dict[str, int], stride: int = 1) -> dict[str, Any]:
    """Every element of the output gradient is added to the inputs that its window covered."""
    stride, pad = z.get("stride", stride), z["pad"]
    padded = np.zeros((z["N"], z["C"], z["HI"] + 2 * pad, z["WI"] + 2 * pad))
    for h, j in np.ndindex(v["dy"].shape[2:]):
        spread = np.einsum("nk,kcrs->ncrs", v["dy"][:, :, h, j], v["w"])
        padded[:, :, stride * h : stride * h + z["R"], stride * j : stride * j + z["S"]] += spread
    return {"dx": padded[:, :, pad : pad + z["HI"], pad : pad + z["WI"]]}


def flat(results: dict[str, Any]) -> dict[str, Any]:
    """Results with rows and columns on one axis."""
    return {name: value.reshape(*value.shape[:2], -1) for name, value in results.items()}


def unfolded(v: dict[str, Any]) -> dict[str, Any]:
    """Weights whose channels, rows and columns are one axis, with these apart."""
    return {**v, "w": v["w"].reshape(4, 3, 3, 2)}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def whole(x: Any) -> Any:
    """A state in [-1, 1] as a small integer, to nearest, halves to even."""
    return np.clip(np.rint(127 * x.astype(np.float32)), -128, 127)


def vanilla(v: dict[str, Any], small: bool) -> dict[str, Any]:
    states = [v["h0"]]
    for x in v["x"]:
        sums = states[-1] @ v["u"] * (SCALE if small else 1)
        state = np.maximum(x + sums + v["bias"], 0)
        states.append(whole(state) if small else state)
    return {"h": np.array(states)}


def lstm(v: dict[str, Any], small: bool) -> dict[str, Any]:
    states, cells = [v["h0"]], [v["c0"]]
    for x in v["x"]:
        sums = np.einsum("bi,gij->gbj", states[-1], v["u"]) * (SCALE if small else 1)
        i, f, g, o = x + sums + v["bias"][:, None]
        cells.append(sigmoid(f) * cells[-1] + sigmoid(i) * np.tanh(g))
        state = sigmoid(o) * np.tanh(cells[-1])
        states.append(whole(state) if small else state)
    return {"h": np.array(states), "c": np.array(cells)}


def gru(v: dict[str, Any], small: bool) -> dict[str, Any]:
    states, floats = [v["h0"]], [v["s0"] if small else v["h0"]]
    for x in v["x"]:
        sums = np.einsum("bi,gij->gbj", states[-1], v["u"]) * (SCALE if small else 1)
        r, z = (sigmoid(x + sums[gate] + v["bias"][gate]) for gate in (0, 1))
        candidate = np.tanh(x + r * (sums[2] + v["bias"][2]))
        floats.append((1 - z) * candidate + z * floats[-1])
        states.append(whole(floats[-1]) if small else floats[-1])
    return {"h": np.array(states), **({"s": np.array(floats)} if small else {})}


def points_met(x: Any, z: dict[str, int]) -> Any:
    """The points of every image that windows of one point meet, side by side."""
    wide = np.pad(x, ((0, 0), (0, 0), (z["pad"], z["pad"]), (z["pad"], z["pad"])))
    return wide[:, :, :: z["stride"], :: z["stride"]].reshape(*x.shape[:2], -1)


DEEPBENCH = {
    "conv1x1_backward_data": (POINTS, lambda v, z: {"dx": np.einsum("nkp,kc->ncp", v["dy"], v["w"])}),
    "conv1x1_backward_data_s2": (
        {"N": 2, "C": 3, "K": 4, "HI": 6, "WI": 5, "pad": 3},
        lambda v, z: backward_data({**v, "w": v["w"][:, :, None, None]}, {**z, "R": 1, "S": 1}, 2),
    ),
    "conv1x1_backward_weights_strided": (
        {"N": 2, "C": 3, "K": 4, "HI": 6, "WI": 5, "pad": 1, "stride": 2},
        lambda v, z: {"dw": np.einsum("ncp,nkp->kc", points_met(v["x"], z), v["dy"])},
    ),
    "conv1x1_forward_strided": (
        {"N": 2, "C": 3, "K": 4, "HI": 6, "WI": 5, "pad": 1, "stride": 2},
        lambda v, z: {"y": np.einsum("ncp,kc->nkp", points_met(v["x"], z), v["w"])},
    ),
    "conv1x1_backward_data_s2_rows": (
        {"N": 2, "C": 3, "K": 4, "HI": 6, "WI": 5, "pad": 3},
        lambda v, z: backward_data({**v, "w": v["w"][:, :, None, None]}, {**z, "R": 1, "S": 1}, 2),
    ),
    "conv1x1_backward_weights": (POINTS, lambda v, z: {"dw": np.einsum("ncp,nkp->kc", v["x"], v["dy"])}),
    "conv1x1_forward": (POINTS, lambda v, z: {"y": np.einsum("ncp,kc->nkp", v["x"], v["w"])}),
    "conv2d_backward_data": ({**CONVOLUTION, "stride": 2}, backward_data),
    "conv2d_backward_data_s1": (CONVOLUTION, backward_data),
    "conv2d_backward_data_s2": (CONVOLUTION, lambda v, z: backward_data(v, z, 2)),
    "conv2d_backward_weights": ({**CONVOLUTION, "stride": 2}, backward_weights),
    "conv2d_backward_weights_windows": (
        {**CONVOLUTION, "stride": 2},
        lambda v, z: {"dw": backward_weights(v, z)["dw"].reshape(4, -1)},
    ),
    "conv2d_forward": ({**CONVOLUTION, "stride": 2}, forward),
    "conv2d_forward_flat": (CONVOLUTION, lambda v, z: flat(forward(v, {**z, "stride": 1}))),
    "conv2d_forward_windows": (CONVOLUTION, lambda v, z: flat(forward(unfolded(v), {**z, "stride": 1}))),
    "conv2d_backward_data_flat": (CONVOLUTION, lambda v, z: flat(backward_data(v, z))),
    "conv2d_backward_data_windows": (CONVOLUTION, lambda v, z: flat(backward_data(unfolded(v), z))),
    "conv2d_backward_weights_flat": (
        CONVOLUTION,
        lambda v, z: backward_weights({**v, "dy": v["dy"].reshape(2, 4, 6, 6)}, {**z, "stride": 1}),
    ),
    "gemm_acc": (SMALL, lambda v, z: {"c": v["c"] + v["a"] @ v["b"]}),
    "gemm_acc_ta": (SMALL, lambda v, z: {"c": v["c"] + v["a"].T @ v["b"]}),
    "gemm_acc_tatb": (SMALL, lambda v, z: {"c": v["c"] + v["a"].T @ v["b"].T}),
    "gemm_acc_tb": (SMALL, lambda v, z: {"c": v["c"] + v["a"] @ v["b"].T}),
    "gru_skip": (STEPS, lambda v, z: gru(v, False)),
    "gru_skip_q": (STEPS, lambda v, z: gru(v, True)),
    "lstm_skip": (STEPS, lambda v, z: lstm(v, False)),
    "lstm_skip_q": (STEPS, lambda v, z: lstm(v, True)),
    "rnn_skip": (STEPS, lambda v, z: vanilla(v, False)),
    "rnn_skip_q": (STEPS, lambda v, z: vanilla(v, True)),
}
"""Sizes and reference of each kernel, as the library's tests take them."""
