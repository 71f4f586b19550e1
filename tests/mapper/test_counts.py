"""How many mappings there are, by the definition: sigma fixed, saturated, exact, unit axes kept, symbolic extents."""

from __future__ import annotations

import pytest

from isamapper.ir.parser import parse_kernel
from isamapper.mapper.find import subjects
from isamapper.mapper.match import enumerate_mappings
from isamapper.mapper.needle import Needle, needle_of_kernel
from isamapper.plan.mapping import Mapping, MappingClass

GEMM = "kernel mm(A: f32[16, 16], B: f32[16, 16], C: inout f32[16, 16]) { C[i, j] += A[i, k] * B[k, j] }"
MATMUL = "kernel matmul(x: f32[64, 64], w: f32[64, 64]) -> (y: f32[64, 64]) { y[m, n] += x[m, k] * w[k, n] }"
CONV1D = """kernel conv1d(x: f32[4, 32, 66], w: f32[32, 32, 3]) -> (y: f32[4, 32, 64]) {
  for n < 4, k < 32, p < 64, c < 32, r < 3 { y[n, k, p] += x[n, c, p+r] * w[k, c, r] } }"""
CONV2D = """kernel conv2d(x: f32[4, 8, 99, 99], w: f32[8, 8, 3, 3]) -> (y: f32[4, 8, 16, 16])
  sizes stride=1, dilation=1
  { for n < 4, k < 8, p < 16, q < 16, c < 8, r < 3, s < 3 {
      y[n, k, p, q] += x[n, c, stride*p + dilation*r, stride*q + dilation*s] * w[k, c, r, s] } }"""
DEPTHWISE = """kernel depthwise(x: f32[4, 8, 18, 18], w: f32[8, 2, 3, 3]) -> (y: f32[4, 8, 2, 16, 16])
  { for n < 4, c < 8, m < 2, p < 16, q < 16, r < 3, s < 3 {
      y[n, c, m, p, q] += x[n, c, p+r, q+s] * w[c, m, r, s] } }"""


def needle(text: str) -> Needle:
    found = needle_of_kernel(parse_kernel(text))
    assert found is not None
    return found


def exact(kernel: str, instruction: str, criterion: str, **sizes: int) -> list[Mapping]:
    """Exact mappings with the first load of the kernel on the instruction's first operand."""
    (subject,) = subjects(parse_kernel(kernel, sizes=sizes))
    wanted = needle(instruction)
    first = wanted.tensors[0].name
    return [
        mapping
        for mapping in enumerate_mappings(subject, wanted, criterion=criterion, symbolic=True, twins=True)
        if next(pairing.access for pairing in mapping.sigma if pairing.operand == first) == 1
    ]


@pytest.mark.parametrize(
    ("kernel", "sizes", "counts"),
    [
        (MATMUL, {}, (1, 1, 1)),
        (CONV1D, {}, (9, 6, 5)),
        (CONV2D, {}, (49, 35, 21)),
        (CONV2D, {"stride": 2, "dilation": 3}, (49, 35, 21)),
        (DEPTHWISE, {}, (21, 11, 7)),
    ],
    ids=["matmul", "conv1d", "conv2d", "conv2d strided and dilated", "depthwise with multiplier"],
)
def test_counts_on_a_matrix_instruction(kernel: str, sizes: dict[str, int], counts: tuple[int, int, int]) -> None:
    found = tuple(len(exact(kernel, GEMM, criterion, **sizes)) for criterion in ("full", "amos", "strict"))
    assert found == counts


VNNI = """kernel dot(a: i8[16, 16, 4], b: i8[16, 16, 4], c: inout i32[16, 16])
  { c[i, j] += i32(a[i, k, t]) * i32(b[k, j, t]) }"""
MATMUL_I8 = """kernel matmul(x: i8[64, 64], w: i8[64, 64]) -> (y: i32[64, 64])
  { y[m, n] += i32(x[m, k]) * i32(w[k, n]) }"""
FMA = "kernel fma(a: f32[16], b: f32[16], c: inout f32[16]) { c[l] += a[l] * b[l] }"


def test_packed_dot_product_has_one_mapping_of_matmul() -> None:
    (mapping,) = exact(MATMUL_I8, VNNI, "full")
    assert mapping.rho == (("k", "k"), ("k", "t"), ("m", "i"), ("n", "j"))


def test_packed_dot_product_has_one_mapping_at_real_extents() -> None:
    (subject,) = subjects(parse_kernel(MATMUL_I8))
    found = list(enumerate_mappings(subject, needle(VNNI)))
    assert [mapping.sigma[0].access for mapping in found] == [1, 2]


def test_vector_fma_is_found_on_matmul_as_broadcast() -> None:
    (subject,) = subjects(parse_kernel(MATMUL))
    found = [each for each in enumerate_mappings(subject, needle(FMA)) if each.kind is MappingClass.BROADCAST]
    assert {each.rho for each in found} == {(("m", "l"),), (("n", "l"),), (("m", "l"), ("n", "l"))}
    assert len(found) == 3, "the two operands of the product are interchangeable"


def test_unit_axes_and_twins_leave_three_of_forty_nine() -> None:
    text = CONV2D.replace("n < 4", "n < 1").replace("r < 3, s < 3", "r < 1, s < 1").replace("[4, 8,", "[1, 8,")
    text = text.replace("f32[8, 8, 3, 3]", "f32[8, 8, 1, 1]")
    assert len(exact(text, GEMM, "full")) == 49
    (subject,) = subjects(parse_kernel(text))
    image_first = [each for each in enumerate_mappings(subject, needle(GEMM)) if each.sigma[0].access == 1]
    assert [each.rho for each in image_first] == [
        (("c", "k"), ("k", "j"), ("p", "i")),
        (("c", "k"), ("k", "j"), ("q", "i")),
        (("c", "k"), ("k", "j"), ("p", "i"), ("q", "i")),
    ]
