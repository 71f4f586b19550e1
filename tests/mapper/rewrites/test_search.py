"""The search over rewrites: equal kernels met once, a fixed order, a bound; canonical digests."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isamapper.frontends.library import load_kernel
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.mapper.rewrites.canonical import kernel_digest
from isamapper.mapper.rewrites.edit import Names, renamed
from isamapper.mapper.rewrites.replay import replayed
from isamapper.mapper.rewrites.search import KERNELS, derivations, whole_kernels
from isamapper.testing.kernels import kernels
from tests.mapper.rewrites.equal import assert_equal
from tests.mapper.rewrites.test_every_rewrite import windows

SMALL = {
    "pairwise_distance": {"M": 2, "N": 3, "K": 4},
    "correlation": {"C": 2, "H": 3, "W": 3, "D": 3, "E": 2},
    "dwsep_fused": {"C": 2, "K": 2, "H": 2, "W": 2, "R": 2, "S": 2},
    "conv2d_transposed": {"C": 2, "K": 2, "H": 2, "W": 2},
    "prefix_sum": {"M": 2, "N": 4},
}


def test_names_and_the_order_of_operands_and_loops_do_not_matter() -> None:
    one = parse_kernel("""kernel k(x: f32[4, 5], w: f32[5, 6]) -> (y: f32[4, 6]) {
      local t: f32[4, 6]
      for m < 4, n < 6, k < 5 { t[m, n] += x[m, k] * w[k, n] }
      for m < 4, n < 6 { y[m, n] = t[m, n] + 1 }
    }""")
    other = parse_kernel("""kernel k(x: f32[4, 5], w: f32[5, 6]) -> (y: f32[4, 6]) {
      local sums: f32[4, 6]
      for c < 5, b < 6, a < 4 { sums[a, b] += w[c, b] * x[a, c] }
      for i < 4, j < 6 { y[i, j] = 1 + sums[i, j] }
    }""")
    assert kernel_digest(one) == kernel_digest(other)


def test_operands_that_look_alike_are_tried_in_every_order() -> None:
    texts = ("x[i, k] * x[k, j] * x[j, i]", "x[j, i] * x[i, k] * x[k, j]", "x[k, j] * x[j, i] * x[i, k]")
    found = [parse_kernel(f"kernel k(x: f32[3, 3]) -> (y: f32[3]) {{ y[i] += {text} }}") for text in texts]
    assert len({kernel_digest(each) for each in found}) == 1


def test_what_differs_in_an_index_differs() -> None:
    texts = ("x[i, k] * x[k, j]", "x[i, k] * x[j, k]", "x[k, i] * x[k, j]", "x[i, k] + x[k, j]", "x[i, k] * x[i, j]")
    found = [parse_kernel(f"kernel k(x: f32[3, 3]) -> (y: f32[3, 3]) {{ y[i, j] += {text} }}") for text in texts]
    assert len({kernel_digest(each) for each in found}) == len(texts)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(kernels(3), windows()), st.permutations(list("abdefghmn")))
def test_random_kernels_keep_their_digest_under_other_names(kernel: Kernel, names: list[str]) -> None:
    new = dict(zip(("i", "j", "k", "l", "r", "s", "t", "p", "c"), names, strict=True))
    body = tuple(renamed(node, new, Names(kernel)) for node in kernel.body)
    assert kernel_digest(replace(kernel, body=body)) == kernel_digest(kernel)


def test_every_derived_kernel_is_equal_and_met_once() -> None:
    for name, sizes in SMALL.items():
        kernel = load_kernel(name, sizes)
        found = derivations(kernel, 0)
        digests = [kernel_digest(each.kernel) for each in found.found]
        assert len(set(digests)) == len(digests) > 0
        assert kernel_digest(kernel) not in digests
        assert found == derivations(kernel, 0)
        for each in found.found:
            texts, current = [], kernel
            for step in each.steps:
                texts.append(step.text(current))
                current = replayed(current, texts[-1:])
            assert current == each.kernel
            assert_equal(kernel, each.kernel, exact=False)


def test_the_bound_is_said_to_be_reached() -> None:
    kernel = load_kernel("correlation", SMALL["correlation"])
    assert derivations(kernel, 0, most=3).bounded
    assert len(derivations(kernel, 0, most=3).found) == 3
    assert not derivations(load_kernel("gemm"), 0, most=KERNELS, depth=1).bounded


def test_sums_are_inlined_where_they_are_multiplied() -> None:
    kernel = parse_kernel("""kernel k(a: f32[2, 4], b: f32[3, 4]) -> (d: f32[2, 3]) {
      local t: f32[2, 3, 4]
      for m < 2, n < 3, k < 4 { t[m, n, k] = a[m, k] - b[n, k] }
      for m < 2, n < 3, k < 4 { d[m, n] += t[m, n, k] * t[m, n, k] }
    }""")
    _, inlined = whole_kernels(kernel)
    assert [step.text(kernel) for step in inlined.steps] == ["inline statement 0"]
    assert_equal(kernel, inlined.kernel)
