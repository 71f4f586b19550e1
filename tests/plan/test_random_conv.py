"""Convolutions with shared windows, strides, dilation and padding: random nests compute what the kernel says."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection
from isamapper.ir.parser import parse_kernel
from isamapper.plan.nest import Digit
from tests.plan.lab import lab
from tests.plan.nests import random_compare, schedule_of
from tests.plan.strategies import loop_digits, nests

CONV = """
kernel conv(x: i8[{rows}, {columns}, C], f: i8[R, S, C, K]) -> (y: i32[H, W, K])
  sizes H=1, W=1, R=1, S=1, C=1, K=1, T=1, D=1, P=0, E=0
{{
  for h < H, w < W, k < K, r < R, s < S, c < C {{
    y[h, w, k] += i32(x[T*h + {flip}, T*w + D*s + E*h - P, c]{otherwise}) * i32(f[r, s, c, k])
  }}
}}
"""

PADDINGS = ("inside", "padded")


@st.composite
def conv_digits(draw: st.DrawFn, sizes: dict[str, int], bound: dict[str, Digit]) -> tuple[Digit, ...]:
    found: list[Digit] = []
    for name in "hwkrsc":
        inside = [bound[name]] if name in bound else []
        found += draw(loop_digits(name, sizes[name.upper()], inside))
    return tuple(found)


@pytest.mark.parametrize("instruction", ["compute", "narrow"])
@pytest.mark.parametrize("padding", PADDINGS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_random_conv(instruction: str, padding: str, data: st.DataObject) -> None:
    machine = lab()
    sizes = {name: data.draw(st.integers(1, 5), label=name) for name in "HWCK"}
    sizes |= {name: data.draw(st.integers(1, 3), label=name) for name in "RS"}
    sizes |= {name: data.draw(st.integers(1, 2), label=name) for name in "TD"}
    sizes["E"] = data.draw(st.sampled_from((0, 0, 1)), label="E")
    sizes["P"] = data.draw(st.integers(0, 2)) if padding == "padded" else 0
    rows, columns = ("T*(H-1) + D*(R-1) + 1", "T*(W-1) + D*(S-1) + E*(H-1) + 1")
    if padding == "padded":
        rows, columns = "max(1, T*(H-1) + D*(R-1) - P)", "max(1, T*(W-1) + D*(S-1) + E*(H-1) + 1 - P)"
    flip = data.draw(st.sampled_from(("D*r - P", "D*r - P", "D*(R-1) - D*r - P")))
    text = CONV.format(flip=flip, rows=rows, columns=columns, otherwise=" else 0" if padding == "padded" else "")
    kernel = parse_kernel(text, sizes)
    narrow = instruction == "narrow"
    pixels = data.draw(st.sampled_from("hw"))
    extents = {name: data.draw(st.integers(1, 4)) if narrow or name == pixels else 4 for name in (pixels, "k", "c")}
    lanes = {pixels: "i", "k": "j", "c": "p" if narrow else "k"}
    bound = {name: Digit(f"{name}0", name, extents[name], lane) for name, lane in lanes.items()}
    digits = data.draw(conv_digits(sizes, bound))
    sigma = {"a": 1, "w": 2, "c": 0}
    paths = {1: ("spad",), 2: ("spad", "weights"), 0: ("acc",)}
    nest = data.draw(nests(machine, kernel, instruction, sigma, digits, paths, first=f"{instruction}_first"))
    if isinstance(nest, Rejection):
        event(nest.reason)
    assume(not isinstance(nest, Rejection))
    assert not isinstance(nest, Rejection)
    random_compare(schedule_of(machine, kernel, nest))
