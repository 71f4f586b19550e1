"""Iterator kinds against brute force, and the legality of moving loops."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Source
from isamapper.ir.affine import evaluate
from isamapper.ir.analysis import iterator_kinds, statements
from isamapper.ir.dependence import DependenceKind, dependences
from isamapper.ir.graph import statement_graph
from isamapper.ir.interpreter import holds
from isamapper.ir.legality import (
    live_ranges,
    may_distribute,
    may_fuse,
    may_interchange,
    shared_groups,
    why_not_distribute,
    why_not_fuse,
    why_not_reorder,
)
from isamapper.ir.nodes import IteratorKind, Kernel
from isamapper.ir.template import bind, parse_template
from isamapper.ir.walk import domain, sites


def parsed(text: str) -> Kernel:
    """Without the verifier: many of these read what nobody wrote."""
    return bind(parse_template(Source("f.isam", text)))


def kinds(body: str, shapes: str = "x: f32[99], inout a: f32[99], inout b: f32[99, 99]") -> str:
    """One word per statement: the first letters of its iterators' kinds, outermost first."""
    kernel = parsed(f"kernel f({shapes}) {{ {body} }}")
    return " ".join(
        "".join(iterator.kind.value[0] for iterator in statement.iterators) for statement in statements(kernel)
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("for i < 9 { a[i] = x[i] }", "p"),
        ("for i < 9 { a[0] += x[i] }", "r"),
        ("for i < 9 { a[0] = x[i] }", "s"),
        ("for i < 9 { a[i] = a[i] + x[i] }", "p"),
        ("for i < 9 { a[i+1] = a[i] }", "s"),
        ("for i < 9 { a[i] = a[i+1] }", "s"),
        ("for i < 9 { a[i] = a[i+9] }", "p"),
        ("for i < 9 { a[i] = a[8-i] }", "s"),
        ("for i < 9 { a[2*i] = a[2*i+1] }", "p"),
        ("for i < 9 { a[2*i] = a[4*i+2] }", "s"),
        ("for i < 9 { a[i] += a[i] * x[i] }", "p"),
        ("for i < 9 { a[0] += a[0] * x[i] }", "s"),
        ("for i < 9, j < 9 { a[i+j] += x[i] * x[j] }", "rp"),
        ("for i < 9, j < 9 { a[i] max= b[i, j] }", "pr"),
        ("for i < 9, j < 9 { a[10*i+j] = x[j] }", "pp"),
        ("for i < 9, j < 9 { a[8*i+j] = x[j] }", "sp"),
        ("for i < 9, j < 9 { b[i+1, j] = b[i, j+1] }", "sp"),
        ("for i < 9, j < 9 { if j < i { b[i, j] = b[j, i] } }", "pp"),
        ("for i < 9, j < 9 { if j <= i { b[i, j] = b[j, i] } }", "pp"),
        ("for i < 9, j < 9 { b[i, j] = b[j, i] }", "sp"),
        ("for i < 9, j < i { b[i, j] = b[j, i] }", "pp"),
        ("for i < 9, j < i + 1 { a[j] += x[i] }", "rp"),
        ("for i < 9 { if i == 0 { a[i] = x[i] } else { a[i] = a[i-1] } }", "s s"),
        ("for i < 9 { if i >= 5 { a[i] = a[i-5] } else { a[i] = x[i] } }", "s s"),
        ("for i < 5 { a[i] = a[i+5] }", "p"),
        ("for i < 1 { a[0] = x[i] }", "p"),
        ("for i < 9, j < 9 { a[i] += b[i, j] } for i < 9 { a[i] = a[i] * x[i] }", "pr p"),
        ("for i < 9, j < 9 { a[i] += x[j]  b[i, j] = x[j] }", "pr pp"),
        ("for i < 9, j < 9 { a[i] += x[j]  a[i] += x[i] }", "pr pr"),
        ("for i < 9, j < 9 { a[i] += x[j]  a[i] max= x[i] }", "ps ps"),
        ("for t < 9 { for i < 9 { b[t+1, i] = a[i] } for i < 9 { a[i] = b[t+1, i] } }", "sp sp"),
        ("for t < 9 { for i < 9 { b[t, i] = x[i] } for i < 9 { a[i] += b[t, i] } }", "pp rp"),
        ("for i < 9, j < 9, k < 9 { b[i, j] += x[i+k] * x[j+k] }", "ppr"),
        ("for i < 9 { b[i, i] = b[0, 5] }", "p"),
        ("for i < 9 { b[i, 0] = b[0, 0] }", "s"),
    ],
)
def test_kinds(body: str, expected: str) -> None:
    assert kinds(body) == expected


def test_accesses_are_the_target_and_then_the_loads_from_left_to_right() -> None:
    kernel = parsed("kernel f(x: f32[9], y: f32[9]) -> (z: f32[9]) { for i < 9 { z[i] += x[i] * (y[i] + x[8-i]) } }")
    (statement,) = statements(kernel)
    assert [access.tensor for access in statement.accesses] == ["z", "x", "y", "x"]
    assert statement.reads == {"x", "y", "z"}


def test_guards_and_varying_extents_are_conditions() -> None:
    kernel = parsed("kernel f(x: f32[9]) -> (z: f32[9, 9]) { for i < 9, j < i { if j >= 2 { z[i, j] = x[j] } } }")
    (statement,) = statements(kernel)
    assert [iterator.extent for iterator in statement.iterators] == [9, 8]
    points = [
        point
        for point in product(range(9), range(8))
        if all(evaluate(c.function, dict(zip("ij", point, strict=True))) >= 0 for c in statement.conditions)
    ]
    assert points == [(i, j) for i in range(9) for j in range(2, i)]


def test_else_of_several_conditions_is_an_exclusion() -> None:
    kernel = parsed(
        "kernel f(x: f32[9]) -> (z: f32[9]) { for i < 9 { if i >= 2, i <= 4 { z[i] = x[i] } else { z[i] = x[0] } } }"
    )
    first, second = statements(kernel)
    assert len(first.conditions) == 2 and not first.exclusions
    assert not second.conditions and second.exclusions == (first.conditions,)


@pytest.mark.parametrize("guard", ["i == 2, j >= 1", "i >= 1, j <= 1, i == j", "i <= 9, j <= 9", "i >= 5"])
def test_the_cases_of_a_domain_exclude_each_other(guard: str) -> None:
    kernel = parsed(
        f"kernel f(inout a: f32[9, 9]) {{ for i < 4, j < 3 {{ if {guard} {{ a[i, j] = 1 }} else {{ a[i, j] = 2 }} }} }}"
    )
    inside, outside = (site.place for site in sites(kernel))
    for point in (dict(zip("ij", values, strict=True)) for values in product(range(4), range(3))):
        held = all(holds(condition, point) for condition in inside.conditions)
        cases = [all(holds(condition, point) for condition in case) for case in domain(outside)]
        assert sum(cases) == (0 if held else 1)


# Brute force


@st.composite
def small_kernels(draw: st.DrawFn) -> Kernel:
    """Two loops with one or two statements on one or two tensors, indices anyhow."""

    def index(names: str) -> str:
        terms = [f"{draw(st.integers(0, 2))}*{name}" for name in names]
        return " + ".join([*terms, str(draw(st.integers(0, 3)))])

    def statement() -> str:
        update = draw(st.sampled_from(["=", "+=", "max="]))
        tensors = st.sampled_from(["a", "c"])
        value = f"{draw(tensors)}[{index('ij')}] + x[i]"
        return f"{draw(tensors)}[{index('ij')}] {update} {value}"

    guard = draw(st.sampled_from(["", "if j <= i ", "if i + j >= 2, i <= 2 "]))
    inner = f"{guard}{{ {statement()} }}" if guard else statement()
    body = f"for i < 4, j < 3 {{ {inner}  {statement() if draw(st.booleans()) else ''} }}"
    return parsed(f"kernel f(x: f32[9], inout a: f32[40], inout c: f32[40]) {{ {body} }}")


def brute_kinds(kernel: Kernel) -> dict[int, IteratorKind]:
    """Kinds from the list of all instances in order."""
    found = sites(kernel)
    events = []
    for i, j in product(range(4), range(3)):
        point = {"i": i, "j": j}
        for site in found:
            if all(evaluate(c.function, point) >= 0 for c in site.place.conditions):
                touched = [
                    (access.tensor, evaluate(access.map.results[0], point), position == 0, site)
                    for position, access in enumerate(site.accesses)
                ]
                events.append(((i, j), touched))
    result = {0: 0, 1: 0}
    for place, (first, touched) in enumerate(events):
        for second, later in events[place + 1 :]:
            level = 0 if first[0] != second[0] else 1
            if first == second:
                continue
            for tensor, element, write, site in touched:
                for other, other_element, other_write, other_site in later:
                    if (tensor, element) == (other, other_element) and (write or other_write):
                        harmless = write and other_write and site.assign.reduction is not None
                        harmless = harmless and site.assign.reduction is other_site.assign.reduction
                        result[level] = max(result[level], 1 if harmless else 2)
    order = (IteratorKind.PARALLEL, IteratorKind.REDUCTION, IteratorKind.SEQUENTIAL)
    return {loop: order[kind] for loop, kind in result.items()}


@given(small_kernels())
@settings(max_examples=150, deadline=None)
def test_kinds_are_those_of_brute_force(kernel: Kernel) -> None:
    assert iterator_kinds(kernel) == brute_kinds(kernel)


# Dependences and what they allow


def whole(body: str) -> Kernel:
    return parsed(f"kernel f(x: f32[99], inout a: f32[99], inout b: f32[99], inout c: f32[99, 99]) {{ {body} }}")


def test_dependences_name_their_kind_and_level() -> None:
    kernel = whole("for i < 9 { a[i+1] = a[i]  b[i] = a[i+1] }")
    found = [(d.source, d.sink, d.tensor, d.level, d.kind) for d in dependences(kernel)]
    assert found == [
        (0, 0, "a", 0, DependenceKind.FLOW),
        (0, 1, "a", 1, DependenceKind.FLOW),
    ]


@pytest.mark.parametrize(
    ("body", "legal"),
    [
        ("for i < 9 { a[i] = x[i]  b[i] = a[i] }", True),
        ("for i < 9 { b[i] = a[i]  a[i+1] = x[i] }", False),
        ("for i < 9 { b[i] = a[i+1]  a[i] = x[i] }", True),
        ("for i < 9 { a[0] += x[i]  a[0] += x[i+1] }", True),
        ("for i < 9 { a[0] += x[i]  a[0] max= x[i] }", False),
    ],
)
def test_distribution(body: str, legal: bool) -> None:
    assert may_distribute(whole(body), 0, 1) is legal


def test_an_illegal_distribution_says_why() -> None:
    rejection = why_not_distribute(whole("for i < 9 { b[i] = a[i]  a[i+1] = x[i] }"), 0, 1)
    assert rejection is not None
    assert rejection.reason == (
        "statements 1 and 0 meet in 'a' in different iterations of 'i', in an order that would be reversed"
    )
    assert len(rejection.spans) == 2


@pytest.mark.parametrize(
    ("body", "legal"),
    [
        ("for i < 9 { a[i] = x[i] } for i < 9 { b[i] = a[i] }", True),
        ("for i < 9 { a[i] = x[i] } for i < 9 { b[i] = a[i+1] }", False),
        ("for i < 9 { a[i+1] = x[i] } for i < 9 { b[i] = a[i] }", True),
        ("for i < 9 { a[i] = x[i] } for j < 9 { b[j] = a[8-j] }", False),
        ("for i < 9 { a[0] += x[i] } for i < 9 { a[0] += x[i] }", True),
        ("for i < 9 { a[i] = x[i] } for i < 8 { b[i] = a[i] }", False),
    ],
)
def test_fusion(body: str, legal: bool) -> None:
    assert may_fuse(whole(body), 0, 1) is legal


def test_fusion_needs_neighbours_of_one_extent() -> None:
    rejection = why_not_fuse(whole("for i < 9 { a[i] = x[i] } for j < 8 { b[j] = x[j] }"), 0, 1)
    assert rejection is not None and rejection.reason == "'i' and 'j' are not neighbours of one extent"


@pytest.mark.parametrize(
    ("body", "legal"),
    [
        ("for i < 9, j < 9 { c[i, j] = x[i] }", True),
        ("for i < 9, j < 9 { c[i+1, j+1] = c[i, j] }", True),
        ("for i < 9, j < 9 { c[i+1, j] = c[i, j+1] }", False),
        ("for i < 9, j < 9 { a[i] += c[i, j] }", True),
        ("for i < 9, j < i { c[i, j] = x[i] }", False),
    ],
)
def test_interchange(body: str, legal: bool) -> None:
    assert may_interchange(whole(body), 0) is legal


def test_reordering_three_loops_looks_at_all_of_them() -> None:
    kernel = parsed("kernel f(inout t: f32[9, 9, 9]) { for i < 8, j < 8, k < 8 { t[i+1, j, k] = t[i, j+1, k] } }")
    assert why_not_reorder(kernel, (2, 0, 1)) is None
    assert why_not_reorder(kernel, (1, 0, 2)) is not None
    assert why_not_reorder(kernel, (1, 2, 0)) is not None


def test_statements_in_a_circle_of_dependences_share_their_loop() -> None:
    kernel = whole(
        "for t < 9 { for i < 9 { c[t, i] = x[t] * x[i] } for i < 9 { b[i] = a[i] + c[t, i] }"
        " for i < 9 { a[i] = b[i] } }"
    )
    assert shared_groups(kernel)[0] == ((0,), (1, 2))


def test_the_statement_graph_has_an_edge_per_dependence() -> None:
    kernel = whole("for i < 9 { a[i] = x[i] } for i < 9 { b[i] = a[i] }")
    graph = statement_graph(kernel)
    assert list(graph.nodes) == [0, 1]
    assert [(one, other, data["dependence"].tensor) for one, other, data in graph.edges(data=True)] == [(0, 1, "a")]


def test_live_ranges_reach_from_the_first_to_the_last_touch() -> None:
    kernel = parsed(
        """kernel f(x: f32[9]) -> (y: f32[9]) {
          local s: f32[9]
          local u: f32[9]
          for i < 9 { s[i] = x[i] }
          for i < 9 { u[i] = s[i] }
          for i < 9 { y[i] = u[i] }
        }"""
    )
    assert live_ranges(kernel) == {"s": (0, 1), "u": (1, 2)}
