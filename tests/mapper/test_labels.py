"""Labels of mappings: criteria, access classes, waste, utilisation, reuse."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.parser import parse_kernel
from isamapper.mapper import find_mappings, labels
from isamapper.mapper.measures.labelling import Labels, OperandLabel
from isamapper.plan.mapping import Mapping


def machine(semantics: str, operands: str = "{}") -> Machine:
    """A machine with one memory, one unit and one instruction."""
    text = f"""
format: 1
name: one
source: made up for a test
clock_hz: 1000000000
memories: [{{name: mem, kind: host}}]
units: [{{name: unit}}]
instructions:
  - name: op
    unit: unit
    semantics: "{semantics}"
    operands: {operands}
    timing: {{occupies_cycles: 1, latency_cycles: 1}}
"""
    return load_machine(Source("one.yaml", text))


GEMM = "(A: f32[16, 16] @mem, B: f32[16, 16] @mem, C: inout f32[16, 16] @mem) { C[i, j] += A[i, k] * B[k, j] }"
ROWS = "{A: {contiguous: [k]}, B: {contiguous: [j]}, C: {contiguous: [j]}}"


def labelled(kernel: str, *pairs: str, semantics: str = GEMM, operands: str = ROWS) -> tuple[Mapping, Labels]:
    """The mapping with these pairs and the first load on the first operand."""
    target = machine(semantics, operands)
    wanted = tuple(sorted((pair.split(">")[0], pair.split(">")[1]) for pair in pairs))
    found = [
        mapping
        for mapping in find_mappings(parse_kernel(kernel), target)
        if mapping.rho == wanted and mapping.sigma[0].access == 1
    ]
    return found[0], labels(found[0], target)


def operand(found: Labels, name: str) -> OperandLabel:
    return next(each for each in found.operands if each.operand == name)


def matmul(m: int, n: int, k: int) -> str:
    return f"kernel mm(x: f32[{m}, {k}], w: f32[{k}, {n}]) -> (y: f32[{m}, {n}]) {{ y[m, n] += x[m, k] * w[k, n] }}"


def test_a_matrix_product_lies_as_it_should() -> None:
    _, found = labelled(matmul(32, 32, 32), "m>i", "n>j", "k>k")
    assert [(each.access, each.duplication, each.reuse) for each in found.operands] == [("direct", 1.0, 16)] * 3
    assert (found.padding_waste, found.utilisation, found.criteria) == (0.0, 1.0, ("full", "amos", "strict"))


def test_a_transposed_operand_is_a_layout_copy() -> None:
    kernel = "kernel mm(x: f32[32, 32], w: f32[32, 32]) -> (y: f32[32, 32]) { y[m, n] += x[m, k] * w[n, k] }"
    _, found = labelled(kernel, "m>i", "n>j", "k>k")
    assert operand(found, "B").access == "layout copy"


def test_rows_may_be_any_stride_apart_unless_the_whole_is_dense() -> None:
    dense = labelled(matmul(32, 32, 32), "m>i", "n>j", "k>k", operands="{}")[1]
    assert operand(dense, "A").access == "layout copy"
    exact = labelled(matmul(16, 16, 16), "m>i", "n>j", "k>k", operands="{}")[1]
    assert operand(exact, "A").access == "direct"


@pytest.mark.parametrize(("k", "waste"), [(64, 0.0), (65, 1 - 65 / 80), (3, 1 - 3 / 16)])
def test_padding_waste_is_what_is_executed_for_nothing(k: int, waste: float) -> None:
    _, found = labelled(matmul(16, 16, k), "m>i", "n>j", "k>k")
    assert found.padding_waste == pytest.approx(waste)
    assert found.utilisation == pytest.approx(1 - waste)


def test_settable_extents_waste_nothing() -> None:
    semantics = GEMM.replace("(A: f32[16, 16]", "(d in 1..16) (A: f32[16, d]").replace(
        "B: f32[16, 16]", "B: f32[d, 16]"
    )
    semantics = semantics.replace("{ C", "{ for i < 16, j < 16, k < d { C").replace("B[k, j] }", "B[k, j] } }")
    _, found = labelled(matmul(16, 16, 65), "m>i", "n>j", "k>k", semantics=semantics)
    assert found.padding_waste == pytest.approx(0.0)
    assert found.utilisation == pytest.approx(65 / 80)


def test_a_convolution_window_is_gathered() -> None:
    kernel = """kernel conv(x: f32[8, 58, 58], w: f32[8, 3, 3, 8]) -> (y: f32[56, 56, 8]) {
      for p < 56, q < 56, k < 8, c < 8, r < 3, s < 3 { y[p, q, k] += x[c, p+r, q+s] * w[c, r, s, k] } }"""
    _, found = labelled(kernel, "p>i", "q>i", "k>j", "c>k", "r>k", "s>k")
    image = operand(found, "A")
    assert image.access == "gather"
    assert image.duplication == pytest.approx((56 * 3 / 58) ** 2)
    assert operand(found, "B").duplication == 1.0
    assert found.criteria == ("full",) or found.criteria == ("full", "amos")


def test_overlapping_rows_are_still_a_strided_window() -> None:
    kernel = """kernel conv(x: f32[58], w: f32[3, 8]) -> (y: f32[56, 8]) {
      for p < 56, k < 8, r < 3 { y[p, k] += x[p+r] * w[r, k] } }"""
    _, found = labelled(kernel, "p>i", "k>j", "r>k")
    assert (operand(found, "A").access, round(operand(found, "A").duplication, 2)) == ("direct", 2.9)


def test_iterators_that_are_one_in_memory_are_named() -> None:
    kernel = """kernel k(x: f32[4, 5, 7], w: f32[7, 9]) -> (y: f32[4, 5, 9]) { y[n, p, k] += x[n, p, c] * w[c, k] }"""
    _, found = labelled(kernel, "n>i", "p>i", "c>k", "k>j")
    assert found.mergeable == (("n", "p"),)
    assert operand(found, "A").access == "direct", "all of p, then the next n"


def test_sums_of_floats_taken_in_another_order_are_marked() -> None:
    kernel = """kernel k(x: f32[8, 4, 4], w: f32[4, 4, 8]) -> (y: f32[8, 8]) { y[m, n] += x[m, c, d] * w[c, d, n] }"""
    assert labelled(kernel, "m>i", "n>j", "c>k")[1].reassociates
    assert not labelled(kernel, "m>i", "n>j", "d>k")[1].reassociates


def test_criteria_of_a_mapping_without_unit_axes_are_those_of_a_twin() -> None:
    one = """kernel conv(x: f32[1, 1, 18], w: f32[8, 1, 3]) -> (y: f32[1, 8, 16]) {
      for n < 1, k < 8, p < 16, c < 1, r < 3 { y[n, k, p] += x[n, c, p+r] * w[k, c, r] } }"""
    many = one.replace("[1, 1, 18]", "[2, 2, 18]").replace("[8, 1, 3]", "[8, 2, 3]").replace("[1, 8, 16]", "[2, 8, 16]")
    many = many.replace("n < 1", "n < 2").replace("c < 1", "c < 2")
    assert "amos" in labelled(one, "p>i", "k>j", "r>k")[1].criteria, "n and c may stand beside p and r"
    assert labelled(many, "p>i", "k>j", "r>k")[1].criteria == ("full",)


TAPS = "(x: f32[18] @mem, w: f32[3] @mem, y: inout f32[16] @mem) { for q < 16, f < 3 { y[q] += x[q + f] * w[f] } }"


def test_a_window_that_slides_is_direct_and_reused_by_its_taps() -> None:
    kernel = "kernel taps(a: f32[66], b: f32[3]) -> (o: f32[64]) { for i < 64, t < 3 { o[i] += a[i + t] * b[t] } }"
    _, found = labelled(kernel, "i>q", "t>f", semantics=TAPS, operands="{}")
    assert [(each.operand, each.access, each.duplication, each.reuse) for each in found.operands] == [
        ("x", "direct", 1.0, 16 * 3 / 18),
        ("w", "direct", 1.0, 16),
        ("y", "direct", 1.0, 3),
    ]
