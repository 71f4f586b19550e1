"""A move that is called legal keeps the meaning: moved kernels are run beside the originals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Source
from isamapper.ir.interpreter import interpret
from isamapper.ir.legality import may_distribute, may_fuse, may_interchange, shared_groups
from isamapper.ir.nodes import Kernel, Loop
from isamapper.ir.template import bind, parse_template


def parsed(body: str) -> Kernel:
    text = f"kernel f(x: i32[9], inout a: i32[24], inout c: i32[24]) {{ {body} }}"
    return bind(parse_template(Source("f.isam", text)))


def same(one: Kernel, other: Kernel) -> bool:
    inputs = {"x": np.arange(3, 12), "a": np.arange(24) * 7 - 50, "c": np.arange(24) * -5 + 31}
    first, second = interpret(one, inputs), interpret(other, inputs)
    return all(np.array_equal(first[name], second[name]) for name in first)


@st.composite
def statements(draw: st.DrawFn, names: str) -> str:
    def index() -> str:
        return " + ".join([*(f"{draw(st.integers(0, 2))}*{name}" for name in names), str(draw(st.integers(0, 4)))])

    tensor = st.sampled_from(["a", "c"])
    update = draw(st.sampled_from(["=", "+=", "+=", "max=", "*="]))
    value = draw(st.sampled_from(["x[i]", f"{draw(tensor)}[{index()}] + x[i]", f"3 * {draw(tensor)}[{index()}]"]))
    return f"{draw(tensor)}[{index()}] {update} {value}"


@given(statements("i"), statements("i"))
@settings(max_examples=120, deadline=None)
def test_a_legal_distribution_keeps_the_meaning(first: str, second: str) -> None:
    kernel = parsed(f"for i < 5 {{ {first}  {second} }}")
    (loop,) = kernel.body
    assert isinstance(loop, Loop)
    if may_distribute(kernel, 0, 1):
        assert same(kernel, replace(kernel, body=tuple(replace(loop, body=(node,)) for node in loop.body)))


@given(statements("i"), statements("i"), statements("i"))
@settings(max_examples=80, deadline=None)
def test_groups_in_their_order_keep_the_meaning(first: str, second: str, third: str) -> None:
    kernel = parsed(f"for i < 5 {{ {first}  {second}  {third} }}")
    (loop,) = kernel.body
    assert isinstance(loop, Loop)
    parts = [replace(loop, body=tuple(loop.body[k] for k in sorted(group))) for group in shared_groups(kernel)[0]]
    assert same(kernel, replace(kernel, body=tuple(parts)))


@given(statements("i"), statements("i"))
@settings(max_examples=80, deadline=None)
def test_a_legal_fusion_keeps_the_meaning(first: str, second: str) -> None:
    kernel = parsed(f"for i < 5 {{ {first} }} for i < 5 {{ {second} }}")
    one, other = kernel.body
    assert isinstance(one, Loop) and isinstance(other, Loop)
    if may_fuse(kernel, 0, 1):
        assert same(kernel, replace(kernel, body=(replace(one, body=one.body + other.body),)))


@given(statements("ij"), statements("ij"))
@settings(max_examples=120, deadline=None)
def test_a_legal_interchange_keeps_the_meaning(first: str, second: str) -> None:
    kernel = parsed(f"for i < 4, j < 3 {{ {first}  {second} }}")
    (outer,) = kernel.body
    assert isinstance(outer, Loop)
    (inner,) = outer.body
    assert isinstance(inner, Loop)
    if may_interchange(kernel, 0):
        moved = replace(inner, body=(replace(outer, body=inner.body),))
        assert same(kernel, replace(kernel, body=(moved,)))
