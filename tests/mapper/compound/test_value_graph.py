"""However a computation is cut in pieces, its value graph is the same."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.ir.printer import print_node
from isamapper.mapper.compound.value_graph import ValueGraph, value_graph


def graph(body: str, results: str = "y: f32[8]", **options: bool) -> ValueGraph:
    text = f"kernel k(x: f32[8], w: f32[8, 4], b: f32[8]) -> ({results}) {{ {body} }}"
    return value_graph(isamapper.parse_kernel(text), **options)


def parts(body: str, results: str = "y: f32[8]", **options: bool) -> list[str]:
    return [print_node(part.assign).strip() for part in graph(body, results, **options).parts]


SUM = "y[i] += w[i, k] * x[i]"


@pytest.mark.parametrize(
    "body",
    [
        "for i < 8, k < 4 { y[i] += w[i, k] * x[i] }",
        "for i < 8 { y[i] = 0 } for i < 8, k < 4 { y[i] += w[i, k] * x[i] }",
        "local t: f32[8] for i < 8, k < 4 { t[i] += w[i, k] * x[i] } for j < 8 { y[j] = t[j] }",
        "local t: f32[8] for i < 8 { t[i] = x[i] } for i < 8, k < 4 { y[i] += w[i, k] * t[i] }",
        "local t: f32[8, 4] for i < 8, k < 4 { t[i, k] = w[i, k] * x[i] } for i < 8, k < 4 { y[i] += t[i, k] }",
    ],
)
def test_pieces_do_not_matter(body: str) -> None:
    assert parts(body) == [SUM]


def test_results_that_are_read_again_count_as_values_or_not() -> None:
    body = "for i < 8 { y[i] = exp(x[i]) } for i < 8 { z[i] = y[i] + b[i] }"
    results = "y: f32[8], z: f32[8]"
    assert parts(body, results) == ["y[i] = exp(x[i])", "z[i] = exp(x[i]) + b[i]"]
    assert parts(body, results, through_results=False) == ["y[i] = exp(x[i])", "z[i] = y[i] + b[i]"]


@pytest.mark.parametrize(
    "body",
    [
        "local t: f32[8] for i < 8 { t[i] = x[i] } for i < 8 { t[i] = t[i] + b[i] } for i < 8 { y[i] = t[i] }",
        "local t: f32[8] for i < 8 { t[i] = 1 } for i < 8, k < 4 { t[i] += w[i, k] } for i < 8 { y[i] = -t[i] }",
        "local t: f32[8] for i < 4 { t[2*i] = x[i] } for i < 4 { y[i] = t[2*i] }",
    ],
)
def test_what_is_written_twice_or_in_part_stays(body: str) -> None:
    assert any("t[" in part for part in parts(body))


def test_a_value_is_not_moved_over_a_change_of_what_it_is_made_of() -> None:
    text = """kernel k(x: inout f32[8]) -> (y: f32[8]) {
      local t: f32[8]
      for i < 8 { t[i] = x[i] + 1 }
      for i < 8 { x[i] = 0 }
      for i < 8 { y[i] = t[i] }
    }"""
    found = value_graph(isamapper.parse_kernel(text))
    assert [print_node(part.assign).strip() for part in found.parts] == ["y[i] = x[i] + f32(1)", "x[i] = f32(0)"]
    assert not found.replaced


def test_elements_of_an_earlier_iteration_are_not_the_value() -> None:
    text = """kernel k(b: f32[8]) -> (h: f32[9], y: f32[8]) {
      h[0] = 0
      for t < 8 sequential { h[t+1] = h[t] * 2 + b[t] }
      for t < 8 { y[t] = h[t] }
    }"""
    found = value_graph(isamapper.parse_kernel(text))
    assert not found.replaced
