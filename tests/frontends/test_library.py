"""The shipped kernels compute what their comments say, and kernels are found by name, path and subscripts."""

from __future__ import annotations

import math
from collections import abc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.frontends.library import kernel_source, kernel_template, library_kernels, load_kernel
from isamapper.ir.analysis import statements
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel, warnings
from isamapper.ir.printer import print_kernel
from isamapper.ir.types import DTYPES
from isamapper.testing.kernels import inputs_for
from tests.frontends.deepbench_references import DEEPBENCH
from tests.frontends.showcase_references import SHOWCASE

Arrays = dict[str, np.ndarray[Any, Any]]
Reference = abc.Callable[[Arrays, dict[str, int]], Arrays]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def quantised(sums: Any, shift: int) -> Any:
    return np.clip(np.rint(sums / 2.0**shift), -128, 127)


def pooled(v: Arrays, z: dict[str, int], outside: float, how: Any) -> Any:
    p = z["pad"]
    x = np.pad(v["x"], [(0, 0), (0, 0), (p, p), (p, p)], constant_values=outside)
    windows = np.lib.stride_tricks.sliding_window_view(x, (z["R"], z["S"]), (2, 3))
    return how(windows[:, :, :: z["stride"], :: z["stride"]], axis=(4, 5))


def convolved(v: Arrays, z: dict[str, int]) -> Any:
    """A convolution over any number of axes, by its definition on padded arrays."""
    x, w = v["x"].astype(np.float64), v["w"].astype(np.float64)
    axes, groups = x.ndim - 2, z["groups"]
    x = np.pad(x, [(0, 0), (0, 0)] + [(z["pad"], z["pad"])] * axes)
    taps = [(size - 1) * z["dilation"] + 1 for size in w.shape[2:]]
    windows = np.lib.stride_tricks.sliding_window_view(x, taps, tuple(range(2, x.ndim)))
    windows = windows[(slice(None),) * 2 + (slice(None, None, z["stride"]),) * axes]
    windows = windows[(...,) + (slice(None, None, z["dilation"]),) * axes]
    n, c, outer = windows.shape[0], windows.shape[1], windows.shape[2 : 2 + axes]
    grouped = windows.reshape(n, groups, c // groups, *outer, *w.shape[2:])
    filters = w.reshape(groups, -1, *w.shape[1:])
    o, t = "hij"[:axes], "rst"[:axes]
    return np.einsum(f"ngc{o}{t},gkc{t}->ngk{o}", grouped, filters).reshape(n, -1, *outer)


def channels_first(v: Arrays) -> Arrays:
    """Operands stored as N, H, W, C and R, S, C, K in the order that :func:`convolved` takes."""
    return {"x": np.moveaxis(v["x"], -1, 1), "w": np.transpose(v["w"], (3, 2, 0, 1))}


def depthwise(v: Arrays, z: dict[str, int]) -> Any:
    channels = v["x"].shape[1]
    return convolved({"x": v["x"], "w": v["w"][:, None]}, {**z, "groups": channels})


def separable(v: Arrays, z: dict[str, int]) -> Any:
    plain = {"stride": 1, "dilation": 1, "pad": 0}
    return depthwise({"x": v["x"], "w": v["d"]}, plain)


def gru_step(v: Arrays, gx: Any, h: Any) -> Any:
    gh = np.einsum("bi,gij->gbj", h, v["u"]) + v["bh"][:, None]
    r, u = sigmoid(gx[0] + gh[0]), sigmoid(gx[1] + gh[1])
    return (1 - u) * np.tanh(gx[2] + r * gh[2]) + u * h


def gru(v: Arrays) -> Any:
    h = [v["h0"]]
    for x in v["x"]:
        h.append(gru_step(v, np.einsum("bi,gij->gbj", x, v["w"]) + v["bx"][:, None], h[-1]))
    return np.stack(h)


def lstm_step(v: Arrays, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    a = np.einsum("bi,gij->gbj", x, v["w"]) + np.einsum("bi,gij->gbj", h, v["u"]) + v["bias"][:, None]
    cn = sigmoid(a[1]) * c + sigmoid(a[0]) * np.tanh(a[2])
    return sigmoid(a[3]) * np.tanh(cn), cn


def lstm(v: Arrays) -> Arrays:
    states = [(v["h0"], v["c0"])]
    for x in v["x"]:
        states.append(lstm_step(v, x, *states[-1]))
    return {"h": np.stack([h for h, _ in states]), "c": np.stack([c for _, c in states])}


def attention(v: Arrays) -> Any:
    scores = np.einsum("bhid,bhjd->bhij", v["q"], v["k"]) / np.sqrt(v["q"].shape[-1])
    return np.einsum("bhij,bhjd->bhid", softmax(scores), v["v"])


def layernorm(v: Arrays) -> Any:
    centred = v["x"] - v["x"].mean(1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5) * v["scale"] + v["shift"]


def lstm_cell(v: Arrays) -> Arrays:
    hn, cn = lstm_step(v, v["x"], v["h"], v["c"])
    return {"hn": hn, "cn": cn}


SMALL = {"M": 3, "N": 4, "K": 5}
ODD = {"N": 2, "C": 4, "K": 6, "R": 3, "S": 2, "stride": 2, "dilation": 2, "pad": 1, "groups": 2}
POOL = {"N": 1, "C": 2, "H": 3, "W": 3, "R": 3, "S": 3, "stride": 2, "pad": 1}
CELL = {"B": 2, "I": 3, "H": 4}
HEADS = {"B": 1, "H": 2, "L": 3, "D": 4}

REFERENCES: dict[str, tuple[dict[str, int], Reference]] = {
    "add": ({"M": 3, "N": 4}, lambda v, z: {"c": v["a"] + v["b"]}),
    "attention": (HEADS, lambda v, z: {"y": attention(v)}),
    "attention_scores": (HEADS, lambda v, z: {"s": np.einsum("bhid,bhjd->bhij", v["q"], v["k"]) / 2}),
    "avgpool2d": (POOL, lambda v, z: {"y": pooled(v, z, 0, np.mean)}),
    "batched_gemm": ({**SMALL, "B": 2}, lambda v, z: {"c": v["a"] @ v["b"]}),
    "bias_relu": ({"M": 3, "N": 4}, lambda v, z: {"y": np.maximum(v["x"] + v["b"], 0)}),
    "complex_gemm": (
        SMALL,
        lambda v, z: {
            "cr": ((v["ar"] + 1j * v["ai"]) @ (v["br"] + 1j * v["bi"])).real,
            "ci": ((v["ar"] + 1j * v["ai"]) @ (v["br"] + 1j * v["bi"])).imag,
        },
    ),
    "conv1d": ({**{k: n for k, n in ODD.items() if k != "R"}, "W": 4}, lambda v, z: {"y": convolved(v, z)}),
    "conv2d": ({**ODD, "H": 3, "W": 2}, lambda v, z: {"y": convolved(v, z)}),
    "conv2d_q": ({**ODD, "H": 3, "W": 2, "shift": 2}, lambda v, z: {"y": quantised(convolved(v, z), 2)}),
    "conv2d_q_nhwc": (
        {**{k: n for k, n in ODD.items() if k != "groups"}, "H": 3, "W": 2, "shift": 2},
        lambda v, z: {"y": np.moveaxis(quantised(convolved(channels_first(v), {**z, "groups": 1}), 2), 1, -1)},
    ),
    "conv3d": ({**ODD, "N": 1, "D": 2, "H": 2, "W": 2, "T": 2, "R": 2}, lambda v, z: {"y": convolved(v, z)}),
    **DEEPBENCH,
    **SHOWCASE,
    "depthwise": (
        {"N": 2, "C": 3, "H": 3, "W": 2, "R": 3, "S": 2, "stride": 2, "dilation": 2, "pad": 1},
        lambda v, z: {"y": depthwise(v, z)},
    ),
    "dwsep": (
        {"C": 3, "K": 4, "H": 3, "W": 2, "shift": 1},
        lambda v, z: {"y": np.einsum("nchw,kc->nkhw", quantised(separable(v, z), 1), v["p"])},
    ),
    "dwsep_fused": (
        {"C": 3, "K": 4, "H": 3, "W": 2},
        lambda v, z: {"y": np.einsum("nchw,kc->nkhw", separable(v, z), v["p"])},
    ),
    "gelu": ({"M": 2, "N": 4}, lambda v, z: {"y": v["x"] * np.vectorize(_phi)(v["x"])}),
    "gemm": (SMALL, lambda v, z: {"c": v["a"] @ v["b"]}),
    "gemm_bias_relu": (SMALL, lambda v, z: {"y": np.maximum(v["x"] @ v["w"] + v["b"], 0)}),
    "gemm_q": ({**SMALL, "shift": 2}, lambda v, z: {"c": quantised(v["a"].astype(int) @ v["b"].astype(int), 2)}),
    "gemm_ta": (SMALL, lambda v, z: {"c": v["a"].T @ v["b"]}),
    "gemm_tatb": (SMALL, lambda v, z: {"c": v["a"].T @ v["b"].T}),
    "gemm_tb": (SMALL, lambda v, z: {"c": v["a"] @ v["b"].T}),
    "gemv": ({"M": 3, "K": 5}, lambda v, z: {"y": v["a"] @ v["x"]}),
    "gru": ({**CELL, "T": 3}, lambda v, z: {"h": gru(v)}),
    "gru_cell": (
        CELL,
        lambda v, z: {"y": gru_step(v, np.einsum("bi,gij->gbj", v["x"], v["w"]) + v["bx"][:, None], v["h"])},
    ),
    "layernorm": ({"M": 2, "N": 5}, lambda v, z: {"y": layernorm(v)}),
    "lstm": ({**CELL, "T": 3}, lambda v, z: lstm(v)),
    "lstm_cell": (CELL, lambda v, z: lstm_cell(v)),
    "maxpool2d": (POOL, lambda v, z: {"y": pooled(v, z, -np.inf, np.max)}),
    "mttkrp": (
        {"I": 2, "J": 3, "K": 4, "L": 2},
        lambda v, z: {"y": np.einsum("ikl,kj,lj->ij", v["x"], v["b"], v["c"])},
    ),
    "mul": ({"M": 3, "N": 4}, lambda v, z: {"c": v["a"] * v["b"]}),
    "pairwise_distance": (SMALL, lambda v, z: {"d": ((v["a"][:, None] - v["b"][None]) ** 2).sum(-1)}),
    "pointwise": (
        {"N": 2, "C": 3, "K": 4, "H": 2, "W": 3},
        lambda v, z: {"y": np.einsum("nchw,kc->nkhw", v["x"], v["w"])},
    ),
    "relu": ({"M": 3, "N": 4}, lambda v, z: {"y": np.maximum(v["x"], 0)}),
    "softmax": ({"M": 3, "N": 4}, lambda v, z: {"y": softmax(v["x"])}),
    "transpose": ({"M": 3, "N": 4}, lambda v, z: {"y": v["x"].T}),
}


def _phi(x: float) -> float:
    """The normal distribution's cumulative function."""
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def test_every_kernel_has_a_reference() -> None:
    assert sorted(REFERENCES) == list(library_kernels())


@pytest.mark.parametrize("name", REFERENCES)
def test_a_kernel_computes_its_reference(name: str) -> None:
    sizes, reference = REFERENCES[name]
    kernel = load_kernel(name, sizes)
    inputs = inputs_for(kernel, seed=1)
    wide = {key: value.astype(np.float64) for key, value in inputs.items()}
    found, expected = interpret(kernel, inputs), reference(wide, dict(kernel.sizes))
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key].astype(np.float64), value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", library_kernels())
def test_a_kernel_is_a_short_text_with_a_comment_under_its_own_name(name: str) -> None:
    text = kernel_source(name).text
    assert text.startswith("# ")
    assert max(map(len, text.splitlines())) <= 120
    assert len(text.splitlines()) <= 45
    assert kernel_template(name).name == name


@pytest.mark.parametrize("name", library_kernels())
def test_a_kernel_reads_back_and_uses_all_its_tensors(name: str) -> None:
    kernel = load_kernel(name)
    assert parse_kernel(print_kernel(kernel)) == kernel
    assert warnings(kernel) == ()


def matrix_kernels() -> list[str]:
    return [name for name in library_kernels() if "TA" in dict(kernel_template(name).types)]


@pytest.mark.parametrize("name", matrix_kernels())
@pytest.mark.parametrize("types", [("i8", "i8", "i32"), ("bf16", "bf16", "f32"), ("f32", "f32", "f32")])
def test_kernels_of_products_take_the_types_of_machines(name: str, types: tuple[str, str, str]) -> None:
    named = {key: DTYPES[value] for key, value in zip(("TA", "TB", "TC"), types, strict=True)}
    if name in ("gemm_q", "conv2d_q", "conv2d_q_nhwc", "dwsep") and types[2] == "f32":
        with pytest.raises(SourceError, match="'shr_round' shifts integers, not f32"):
            load_kernel(name, None, named)
    else:
        assert isinstance(load_kernel(name, None, named), Kernel)


def test_the_fused_kernel_is_one_statement() -> None:
    (only,) = statements(load_kernel("dwsep_fused"))
    assert [each.name for each in only.iterators] == list("nkhwcrs")


# Finding kernels


def refused(name: str | Path) -> Diagnostic:
    with pytest.raises(SourceError) as caught:
        load_kernel(name)
    return caught.value.diagnostics[0]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    found = refused("gem")
    assert (found.code, found.message, found.help) == ("IR070", "unknown kernel 'gem'", "did you mean 'gemm'?")


def test_a_missing_file_is_refused_with_the_kernel_of_that_name() -> None:
    found = refused("gemm.isam")
    assert found.code == "IR071"
    assert found.message == "cannot read kernel 'gemm.isam': no such file or directory"
    assert found.help == "did you mean 'gemm'?"


@pytest.mark.parametrize(("path", "reason"), [("./", "is a directory"), ("x\0y.isam", "embedded null byte")])
def test_what_cannot_be_read_is_refused(path: str, reason: str) -> None:
    assert refused(path).message.endswith(reason)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "k.isam"
    file.write_bytes(b"kernel \xff")
    assert refused(file).message == f"'{file}' is not UTF-8 text (byte 7)"


def test_a_kernel_is_read_from_a_path_of_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(kernel_source("gemm").text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for path in (file, str(file), "mine.txt"):
        assert load_kernel(path, {"M": 2}) == load_kernel("gemm", {"M": 2})


def test_mistakes_in_a_file_name_it_as_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "k.isam"
    file.write_text("kernel k(x: f31) -> (y: f32) { y = 1 }", encoding="utf-8")
    found = refused(str(file))
    assert found.span is not None
    assert (found.span.source.name, found.span.line, found.span.column) == (str(file), 1, 13)


def test_subscripts_are_a_kernel() -> None:
    assert load_kernel("mk,kn->mn", {"M": 2}).sizes == (("M", 2), ("K", 64), ("N", 64))
