"""Every rewrite on random and chosen kernels: what it makes computes the same, prints, and replays from its text."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.frontends.library import load_kernel
from isamapper.ir.analysis import statements
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.ir.verifier import check_kernel
from isamapper.mapper.rewrites.replay import READERS, Rewrite, replayed
from isamapper.testing.kernels import inputs_for, kernels
from tests.mapper.rewrites.equal import assert_equal

MODULES = {"contract": "contraction", "band": "banding"}


def proposals(kernel: Kernel) -> list[Rewrite]:
    """Every step that the rewrites propose for a kernel."""
    found: list[Rewrite] = []
    for name in READERS:
        module = importlib.import_module(f"isamapper.mapper.rewrites.{MODULES.get(name, name)}")
        if hasattr(module, "steps"):  # others are proposed elsewhere: the parts of a split, the blocks of a band
            for statement in statements(kernel):
                found += module.steps(kernel, statement.index)
    return list(dict.fromkeys(found))


def check(kernel: Kernel, step: Rewrite) -> bool:
    """Whether the step is legal; then the kernel it makes is well formed, equal, and what its text makes."""
    result = step.apply(kernel)
    if isinstance(result, Rejection):
        assert result.reason
        with pytest.raises(SourceError):
            replayed(kernel, [step.text(kernel)])
        return False
    assert replayed(kernel, [step.text(kernel)]) == result
    check_kernel(result)
    assert parse_kernel(print_kernel(result)) == result
    _same_values(kernel, result, step)
    return True


def _same_values(kernel: Kernel, result: Kernel, step: Rewrite) -> None:
    inputs = inputs_for(kernel)
    with numpy.errstate(all="ignore"):
        wanted, found = interpret(kernel, dict(inputs)), interpret(result, dict(inputs))
    for name, value in wanted.items():
        numpy.testing.assert_array_equal(found[name], value, err_msg=f"{step.text(kernel)}\n{print_kernel(kernel)}")


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(kernels(2))
def test_random_kernels_are_rewritten_to_equal_ones(kernel: Kernel) -> None:
    for step in proposals(kernel):
        check(kernel, step)


CHOSEN = {
    "conv2d_transposed": ({"C": 2, "K": 2, "H": 3, "W": 2}, {"gather", "pad"}),
    "correlation": ({"C": 2, "H": 3, "W": 4, "D": 3, "E": 2}, {"skew", "diagonal", "layout", "pad"}),
    "conv1d_causal": ({"C": 2, "K": 3, "T": 5, "R": 3}, {"flip", "layout", "pad"}),
    "conv2d": ({"C": 2, "K": 2, "H": 2, "W": 3, "stride": 2, "pad": 1}, {"polyphase", "skew", "layout", "pad"}),
    "prefix_sum": ({"M": 2, "N": 5}, {"mask", "identity"}),
    "pairwise_distance": ({"M": 2, "N": 3, "K": 4}, {"expand", "collect", "partial", "pad"}),
    "dwsep_fused": ({"C": 2, "K": 2, "H": 2, "W": 2, "R": 2, "S": 2}, {"contract", "skew", "layout", "pad"}),
    "mttkrp": ({"I": 2, "J": 3, "K": 4, "L": 2}, {"contract", "diagonal", "partial", "pad"}),
    "layernorm": ({"M": 2, "N": 3}, {"identity", "fuse", "inline", "pad", "diagonal"}),
    "lstm": ({"T": 2, "B": 2, "I": 2, "H": 2}, {"distribute", "fuse", "pad", "separate", "sink"}),
    "complex_gemm": ({"M": 2, "N": 2, "K": 3}, {"fuse", "pad", "separate"}),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_library_kernels_are_rewritten_to_equal_ones(name: str) -> None:
    sizes, expected = CHOSEN[name]
    kernel = load_kernel(name, sizes)
    legal = set()
    for step in proposals(kernel):
        result = step.apply(kernel)
        if not isinstance(result, Rejection):
            text = step.text(kernel)
            legal.add(text.split()[0])
            assert replayed(kernel, [text]) == result
            assert_equal(kernel, result, exact=False)
    assert legal == expected


@st.composite
def windows(draw: st.DrawFn) -> Kernel:
    """Sums over sliding windows, gathered or scattered, with strides, dilation, padding and more iterators."""
    stride, dilation, pad = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(0, 1))
    p, r, c = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 2))
    reach = stride * (p - 1) + dilation * (r - 1) + 1
    image, weights = ("x[c, p]", "w[c, r]") if draw(st.booleans()) else ("x[p, c]", "w[r]")
    shapes = (f"{c}, {p}", f"{c}, {r}") if image == "x[c, p]" else (f"{p}, {c}", f"{r}")
    window = f"{stride}*p + {dilation}*r"
    target, shape = draw(st.sampled_from((("y[p]", f"{p}"), ("y[p, r]", f"{p}, {r}"), ("y[r]", f"{r}"))))
    if draw(st.booleans()):
        target, shape = f"y[{window}]", f"{reach}"
    else:
        image, shapes = f"(x[{window} - {pad}] else 0)", (f"{max(1, reach - pad)}", shapes[1])
    return parse_kernel(
        f"kernel k(x: i8[{shapes[0]}], w: i8[{shapes[1]}]) -> (y: i32[{shape}]) {{"
        f" for p < {p}, r < {r}, c < {c} {{ {target} += i32({image}) * i32({weights}) }} }}"
    )


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(windows())
def test_random_windows_are_rewritten_to_equal_ones(kernel: Kernel) -> None:
    for step in proposals(kernel):
        check(kernel, step)


def kernel_of(declarations: str, body: str) -> Kernel:
    return parse_kernel(f"kernel k({declarations}) {{ {body.replace(';', chr(10))} }}")


@pytest.mark.parametrize(
    ("declarations", "body", "step", "reason"),
    [
        (
            "x: f32[4, 4]) -> (y: f32[4]",
            "for i < 4, k < 4 { y[i] += x[i, k] }",
            "expand statement 0",
            "its value is a single product",
        ),
        (
            "x: f32[4, 4]) -> (y: f32[4]",
            "for i < 4, k < 4 { y[i] max= x[i, k] }",
            "expand statement 0",
            "the statement sums nothing",
        ),
        (
            "x: f32[4], y: inout f32[5]",
            "for i < 4 { y[i+1] = x[i] - y[i] }",
            "flip statement 0: i",
            "'i' is no loop of its own",
        ),
        (
            "x: f32[4, 4]) -> (y: f32[4]",
            "for i < 4, k < 4 { y[i] += x[i, k] }",
            "cut statement 0: k at 2",
            "'k' is no loop of its own whose iterations are independent",
        ),
        (
            "x: f32[4, 4]) -> (y: f32[4]",
            "for i < 4, k < 4 { y[i] += x[i, k] }",
            "cut statement 0: i at 4",
            "a cut lies between 1 and 3",
        ),
        (
            "x: f32[4]) -> (y: f32[4]",
            "for i < 4 { y[i] = x[i] }",
            "bring x to statement 0",
            "statement 0 is not the first in loops around its readers",
        ),
        (
            "x: f32[4, 4]) -> (y: f32[4]",
            "for i < 4, k < 4 { y[i] *= x[i, k] }",
            "identity statement 0",
            "only sums, least and greatest values take an identity operand",
        ),
        (
            "x: f32[4, 4]) -> (y: f32[4]",
            "for i < 4, k < 4 { y[i] += x[i, k] }",
            "mask statement 0",
            "it runs over its whole box as it is",
        ),
        (
            "x: f32[4], w: f32[3]) -> (y: f32[6]",
            "for p < 4, r < 3 { y[p + r] += x[p] + w[r] }",
            "gather statement 0: p",
            "no factor is indexed by 'p' alone, from end to end",
        ),
        (
            "x: f32[9], w: f32[3]) -> (y: f32[6]",
            "for p < 4, r < 3 { y[p + r] += x[2*p] * w[r] }",
            "gather statement 0: p",
            "'x' is read at indices that cannot be spread along the target",
        ),
        (
            "x: f32[6], w: f32[9]) -> (y: f32[4]",
            "for p < 4, r < 3 { y[p] += x[p + r] * w[r] }",
            "skew statement 0: r with p",
            "no factor is indexed by 'r' alone, from end to end",
        ),
        (
            "x: f32[4], w: f32[3]) -> (y: f32[4]",
            "for p < 4, r < 3 { y[p] += x[p] * w[r] }",
            "skew statement 0: r with p",
            "no index holds 'r' beside a multiple of 'p' alone",
        ),
        (
            "x: f32[4], w: f32[4]) -> (y: f32[4]",
            "for c < 4 { y[c] += x[c] + w[c] }",
            "diagonal statement 0: c in w",
            "'w' is no factor of the value",
        ),
        (
            "x: f32[4, 6]) -> (y: f32[4]",
            "for i < 4, k < 6 { y[i] += x[i, k] }",
            "partial statement 0: k by 4",
            "4 does not divide the extent 6 of 'k'",
        ),
        (
            "x: f32[9], w: f32[9]) -> (y: f32[4]",
            "for p < 4, r < 3 { y[p] += x[2*p + r] * w[r] }",
            "polyphase statement 0: r by 2",
            "no factor is indexed by 'r' alone, from end to end",
        ),
        (
            "x: f32[4, 9], w: f32[9]) -> (y: f32[4]",
            "for i < 4, k < 6 { y[i] += x[i, k] * w[k] }",
            "pad statement 0: k to 8",
            "no factor is indexed by 'k' alone, from end to end",
        ),
        (
            "x: f32[4], w: f32[4]) -> (y: f32[4]",
            "for i < 4 { y[i] = x[i] * 2 + w[i] * 3 }",
            "collect statement 0",
            "no factor stands in two of its products",
        ),
        (
            "x: f32[4], w: f32[4]) -> (y: f32[4], z: f32[4]",
            "for i < 4 { y[i] += x[i] * w[i] }; for i < 4 { z[i] += x[i] * w[i] }",
            "gauss statements 0 and 1",
            "their values are not a*c - b*d and a*d + b*c",
        ),
        (
            "x: inout f32[4]) -> (y: f32[4]",
            "local t: f32[4]; for i < 4 { t[i] = x[i] * 2 }; for i < 4 { x[i] = 0 }; for i < 4 { y[i] = t[i] }",
            "inline statement 0",
            "statement 1 writes 'x', which it reads",
        ),
        (
            "x: f32[4]) -> (y: f32[4], z: f32[4]",
            "for i < 4 { y[i] = x[i] }; for i < 4 { z[i] = y[3 - i] }",
            "fuse statements 0 and 1",
            "statements 0 and 1 meet in 'y' in different iterations of 'i', in an order that would be reversed",
        ),
        (
            "x: f32[4, 4]) -> (y: f32[4]",
            "for i < 4, k < 4 { y[i] += x[i, k] }",
            "layout statement 0: x as [i]",
            "'x' has the iterators i, k, not i",
        ),
    ],
)
def test_what_is_not_legal_says_why(declarations: str, body: str, step: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        replayed(kernel_of(declarations, body), [step])
    (found,) = caught.value.diagnostics
    assert found.code == "RW070"
    assert found.message.endswith(f"is not legal: {reason}")


@pytest.mark.parametrize(
    ("step", "message", "column"),
    [
        ("shrink statement 0", "unknown rewrite 'shrink'", 1),
        ("expand statement 7", "kernel 'k' has no statement 7", 18),
        ("flip statement 0: z", "statement 0 has no iterator 'z'", 19),
        ("diagonal statement 0: i in q", "statement 0 does not read 'q'", 28),
        ("contract statement 0 as (x x)", "the tree must hold each factor once: x, w", 29),
        ("contract statement 0 as (x q)", "the statement has no factor 'q'", 28),
        ("expand statement 0 twice", "expected the end of the line, found 'twice'", 20),
        ("partial statement 0: k to 4", "expected 'by', found 'to'", 24),
        ("gauss statements 0 and 0", "expected statement 1, the one that follows", 24),
        ("split statement 0: t; x[i, k]", "every part but the last is 'NAME = VALUE'", 20),
    ],
)
def test_a_step_that_cannot_be_read_is_shown(step: str, message: str, column: int) -> None:
    kernel = kernel_of("x: f32[4, 4], w: f32[4]) -> (y: f32[4]", "for i < 4, k < 4 { y[i] += x[i, k] * w[k] }")
    with pytest.raises(SourceError) as caught:
        replayed(kernel, [step])
    found = caught.value.diagnostics[0]
    assert found.span is not None
    assert (found.message, found.span.column) == (message, column)


def test_a_complex_product_takes_three_real_ones() -> None:
    kernel = parse_kernel(
        """kernel k(ar: f32[2, 3], ai: f32[2, 3], br: f32[3, 2], bi: f32[3, 2]) -> (cr: f32[2, 2], ci: f32[2, 2]) {
          for m < 2, n < 2, k < 3 { cr[m, n] += ar[m, k] * br[k, n] - ai[m, k] * bi[k, n] }
          for i < 2, j < 2, k < 3 { ci[i, j] += ar[i, k] * bi[k, j] + ai[i, k] * br[k, j] }
        }"""
    )
    result = replayed(kernel, ["gauss statements 0 and 1"])
    assert len(statements(result)) == 5
    assert_equal(kernel, result)


def test_every_rewrite_is_in_the_reference() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "rewrites.md").read_text(encoding="utf-8")
    for name in READERS:
        assert f"| `{name} " in page, name
