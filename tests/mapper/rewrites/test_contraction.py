"""Contraction trees: how many there are, what they become, when they are legal."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_node
from isamapper.mapper.rewrites.contraction import Contract, contraction_steps, trees
from isamapper.mapper.rewrites.contraction_order import cheapest_tree
from isamapper.mapper.rewrites.edit import nest_of
from tests.mapper.rewrites.equal import assert_equal

FUSED = """kernel fused(x: f32[2, 3, 4, 4], d: f32[3, 2, 2], p: f32[4, 3]) -> (y: f32[2, 4, 3, 3])
  { for n < 2, k < 4, h < 3, w < 3, c < 3, r < 2, s < 2 {
      y[n, k, h, w] += x[n, c, h+r, w+s] * d[c, r, s] * p[k, c] } }"""


def applied(text: str, tree: object) -> Kernel | Rejection:
    return Contract(0, tree).apply(parse_kernel(text))  # type: ignore[arg-type]


@pytest.mark.parametrize("factors", [2, 3, 4, 5, 6])
def test_there_are_odd_factorial_many(factors: int) -> None:
    found = list(trees(tuple(range(factors))))
    assert len(found) == math.prod(range(1, 2 * factors - 2, 2))
    assert len({repr(tree) for tree in found}) == len(found)


def test_an_iterator_is_summed_at_the_lowest_node_that_holds_its_uses() -> None:
    kernel = applied(FUSED, ((0, 1), 2))
    assert isinstance(kernel, Kernel)
    first, second = (print_node(node) for node in kernel.body)
    assert "t[n, c, h, w] += x[n, c, h + r, s + w] * d[c, r, s]" in first
    assert "y[n, k, h, w] += t[n, c, h, w] * p[k, c]" in second
    assert [each.name for each in statements(kernel)[1].iterators] == ["n", "k", "h", "w", "c"]


@pytest.mark.parametrize(
    "text",
    [
        FUSED,
        """kernel a(x: f32[2, 3, 4], b: f32[3, 5], c: f32[4, 5]) -> (y: f32[2, 5])
           { y[i, j] += x[i, k, l] * b[k, j] * c[l, j] }""",
        "kernel b(x: i8[2, 3], z: i8[3], w: i8[2]) -> (y: i32[2]) { y[i] += i32(x[i, k]) * (i32(z[k]) * i32(w[i])) }",
        "kernel c(x: f32[2, 3], z: f32[3], w: f32[4]) -> (y: f32[2]) { y[i] max= x[i, k] + z[k] + w[l] }",
        "kernel d(x: i8[2, 3], z: i8[3], w: i8[4]) -> (y: i8[2]) { y[i] min= max(max(x[i, k], z[k]), w[l]) }",
        "kernel e(x: f32[4], z: f32[4], w: f32[4], y: inout f32[]) { y[] += x[i] * z[i] * w[j] }",
        "kernel f(x: f32[9], d: f32[3], p: f32[7]) -> (y: f32[7]) { y[i] += x[i+r] else 0 * d[r] * p[i] * d[r] }",
        """kernel g(x: f32[3, 4], z: f32[3, 2, 4], w: f32[2, 4], h: inout f32[4, 4])
           { for t < 3 { for i < 4, k < 2 { h[t+1, i] += x[t, i] * z[t, k, i] * w[k, i] }
                         for i < 4 { h[t+1, i] += h[t, i] } } }""",
    ],
)
def test_every_tree_computes_the_same(text: str) -> None:
    kernel = parse_kernel(text.replace("x[i+r] else 0 *", "(x[i+r] else 0) *"))
    steps = list(contraction_steps(kernel, 0))
    assert len(steps) == (15 if "kernel f(" in text else 3)
    for step, iterations in steps:
        result = step.apply(kernel)
        assert isinstance(result, Kernel)
        assert_equal(kernel, result)
        made = statements(result)[: 1 + len(statements(result)) - len(statements(kernel))]
        assert iterations == sum(_own_iterations(kernel, each) for each in made)


def _own_iterations(kernel: Kernel, statement: Statement) -> int:
    around = len(statements(kernel)[0].iterators) - len(nest_of(kernel, 0).own)
    return math.prod(each.extent for each in statement.iterators[around:])


def test_a_step_prints_its_tree() -> None:
    kernel = parse_kernel(FUSED)
    assert [step.text(kernel) for step, _ in contraction_steps(kernel, 0)] == [
        "contract statement 0 as ((x d) p)",
        "contract statement 0 as ((x p) d)",
        "contract statement 0 as (x (d p))",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("kernel a(x: f32[4], z: f32[4]) -> (y: f32[4]) { y[i] = x[i] * z[i] }", "the statement reduces nothing"),
        (
            "kernel a(x: i8[4, 4], z: i8[4]) -> (y: i8[4]) { y[i] max= x[i, k] + z[k] }",
            "'+' does not distribute over 'max' on i8",
        ),
        (
            "kernel a(x: f32[4, 4], z: f32[4]) -> (y: f32[4]) { y[i] max= x[i, k] * z[k] }",
            "'*' does not distribute over 'max' on f32",
        ),
        ("kernel a(x: f32[4, 4]) -> (y: f32[4]) { y[i] += exp(x[i, k]) }", "its value is no product"),
        ("kernel a(x: f32[4, 4], y: inout f32[4]) { for i < 4, k < 4 { y[i] += x[i, k] * y[k] } }", None),
    ],
)
def test_what_cannot_be_contracted_says_why(text: str, reason: str | None) -> None:
    result = applied(text, (0, 1))
    assert isinstance(result, Rejection)
    assert reason is None or result.reason == reason


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=2, max_size=5),
    st.lists(st.integers(1, 5), min_size=6, max_size=6),
)
def test_the_cheapest_tree_is_the_cheapest_of_all(factors: list[str], sizes: list[int]) -> None:
    letters = sorted(set("".join(factors)))
    extents = {letter: size for letter, size in zip("abcdef", sizes, strict=True) if letter in letters}
    kept = frozenset(letters[:1])
    operands = ", ".join(f"x{n}: f32[{', '.join(str(extents[a]) for a in f)}]" for n, f in enumerate(factors))
    value = " * ".join(f"x{n}[{', '.join(f)}]" for n, f in enumerate(factors))
    loops = ", ".join(f"{letter} < {size}" for letter, size in extents.items())
    size = extents[letters[0]]
    kernel = parse_kernel(
        f"kernel k({operands}) -> (y: f32[{size}]) {{ for {loops} {{ y[{letters[0]}] += {value} }} }}"
    )
    steps = dict(contraction_steps(kernel, 0))
    tree, iterations = cheapest_tree([frozenset(factor) for factor in factors], kept, extents)
    if steps:
        assert iterations == min(steps.values()) == steps[Contract(0, tree)]


def test_a_long_product_is_contracted_by_its_cheapest_tree() -> None:
    names = "abcdefghij"
    factors = " * ".join(f"x{n}[{names[n]}, {names[n + 1]}]" for n in range(9))
    operands = ", ".join(f"x{n}: f32[2, 2]" for n in range(9))
    kernel = parse_kernel(f"kernel k({operands}) -> (y: f32[2, 2]) {{ y[a, j] += {factors} }}")
    ((step, iterations),) = contraction_steps(kernel, 0)
    result = step.apply(kernel)
    assert isinstance(result, Kernel)
    assert (len(statements(result)), iterations) == (8, 8 * 8)
