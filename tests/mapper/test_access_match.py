"""Which relations are sound: splits, fused and degenerate iterators, compound indices, recurrences, guards, padding."""

from __future__ import annotations

import pytest

from isamapper.ir.parser import parse_kernel
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.match import enumerate_mappings, match_of
from isamapper.plan.mapping import MappingClass
from tests.mapper.needles import CONV, DOT4, FMA, GEMM, mappings, needle, relations, subject

POOL = "kernel pool(a: f32[8, 4], c: inout f32[8]) { c[i] max= a[i, k] }"
SUM_WITH_BIAS = "kernel sum(a: f32[4, 4], b: f32[4], c: inout f32[4]) { c[i] += a[i, k] + b[i] }"


def matmul(m: int, n: int, k: int) -> str:
    return f"kernel mm(x: f32[{m}, {k}], w: f32[{k}, {n}]) -> (y: f32[{m}, {n}]) {{ y[m, n] += x[m, k] * w[k, n] }}"


def test_problems_smaller_than_the_instruction_map() -> None:
    assert (("k", "k"), ("m", "i"), ("n", "j")) in relations(matmul(3, 5, 7), GEMM)


def test_an_iterator_that_runs_once_leaves_its_place_empty() -> None:
    assert (("k", "k"), ("n", "j")) in relations(matmul(1, 5, 7), GEMM)
    assert relations(matmul(1, 1, 1), GEMM) == {()}


def test_several_iterators_share_one_of_the_instruction() -> None:
    kernel = """kernel k(x: f32[4, 5, 7], w: f32[7, 9]) -> (y: f32[4, 5, 9]) { y[n, p, k] += x[n, p, c] * w[c, k] }"""
    assert (("c", "k"), ("k", "j"), ("n", "i"), ("p", "i")) in relations(kernel, GEMM)


def test_one_iterator_is_split_over_two_of_the_instruction() -> None:
    kernel = "kernel k(x: i8[8, 64], w: i8[64, 8]) -> (y: i32[8, 8]) { y[m, n] += i32(x[m, k]) * i32(w[k, n]) }"
    assert relations(kernel, DOT4) == {
        (("k", "k"), ("k", "t"), ("m", "i"), ("n", "j")),
        (("k", "k"), ("k", "t"), ("m", "j"), ("n", "i")),
    }


def test_an_iterator_of_two_cannot_be_split() -> None:
    kernel = "kernel k(x: i8[8, 2], w: i8[2, 8]) -> (y: i32[8, 8]) { y[m, n] += i32(x[m, k]) * i32(w[k, n]) }"
    found = {relation for relation in relations(kernel, DOT4) if ("m", "i") in relation}
    assert found == {(("k", "k"), ("m", "i"), ("n", "j")), (("k", "t"), ("m", "i"), ("n", "j"))}


def test_short_instruction_iterators_hold_few_digits() -> None:
    kernel = "kernel k(x: f32[4, 4, 4]) -> (y: f32[4, 4, 4]) { y[p, q, r] = x[p, q, r] }"
    copy = "kernel copy(a: f32[4]) -> (c: f32[4]) { c[l] = a[l] }"
    assert max(len(relation) for relation in relations(kernel, copy)) == 2


def test_flat_packed_operands_are_the_same_instruction() -> None:
    flat = """kernel dot(a: i8[64], b: i8[64], c: inout i32[16])
      { for i < 16, t < 4 { c[i] += i32(a[4*i + t]) * i32(b[4*i + t]) } }"""
    packed = "kernel dot(a: i8[16, 4], b: i8[16, 4], c: inout i32[16]) { c[i] += i32(a[i, t]) * i32(b[i, t]) }"
    kernel = "kernel k(x: i8[8, 64], w: i8[64, 8]) -> (y: i32[8, 8]) { y[m, n] += i32(x[m, k]) * i32(w[k, n]) }"
    assert relations(kernel, flat) == relations(kernel, packed) != set()


@pytest.mark.parametrize(("stride", "found"), [(1, True), (2, False), (3, False)])
def test_a_convolution_instruction_wants_its_own_stride(stride: int, found: bool) -> None:
    kernel = f"""kernel conv(x: f32[99], w: f32[5]) -> (y: f32[20]) {{
      for p < 20, r < 5 {{ y[p] += x[{stride}*p + r] * w[r] }} }}"""
    assert ((("p", "i"), ("r", "k")) in relations(kernel, CONV)) is found


def test_a_recurrence_stays_outside() -> None:
    kernel = """kernel k(a: f32[9, 8], b: f32[9, 8], h: inout f32[9, 8]) {
      for t < 8, i < 8 { h[t+1, i] = a[t, i] * h[t, i] } }"""
    product = "kernel v(a: f32[8], b: f32[8]) -> (c: f32[8]) { c[l] = a[l] * b[l] }"
    assert relations(kernel, product) == {(("i", "l"),)}


def test_targets_that_meet_are_not_bound_together() -> None:
    kernel = "kernel k(x: f32[8], w: f32[3]) -> (y: f32[10]) { for p < 8, r < 3 { y[p + r] += x[p] * w[r] } }"
    outer = "kernel o(a: f32[4], b: f32[4], c: inout f32[4, 4]) { c[i, j] += a[i] * b[j] }"
    found = relations(kernel, outer)
    assert found
    assert all(len({name for name, _ in relation}) == 1 for relation in found)
    apart = kernel.replace("y[p + r]", "y[3*p + r]").replace("f32[10]", "f32[24]")
    assert (("p", "i"), ("r", "j")) in relations(apart, outer)


def test_broadcast_needs_no_copy_of_a_scalar() -> None:
    kernel = "kernel k(x: f32[64], s: f32[]) -> (y: f32[64]) { y[p] += x[p] * s[] }"
    assert {(each.rho, each.kind) for each in mappings(kernel, FMA)} >= {((("p", "l"),), MappingClass.BROADCAST)}


def test_unsaturated_relations_come_on_demand() -> None:
    wanted = needle(GEMM)
    found = list(enumerate_mappings(subject(matmul(8, 8, 8)), wanted, every=True))
    assert len(found) == 16, "each of three pairs is there or not, for both roles"


def test_what_pads_a_product_is_zero() -> None:
    mapping = mappings(matmul(5, 5, 5), GEMM)[0]
    match = match_of(mapping, subject(matmul(5, 5, 5)), needle(GEMM))
    assert (match.padding.cells, match.padding.padded, match.padding.values) == ({"i", "j"}, {"k"}, (("A", 0),))


def test_what_pads_a_maximum_is_the_least_value() -> None:
    kernel = "kernel k(x: f32[8, 9]) -> (y: f32[8]) { y[p] max= x[p, q] }"
    (mapping,) = mappings(kernel, POOL)
    match = match_of(mapping, subject(kernel), needle(POOL))
    assert match.padding.values == (("a", float("-inf")),)


def test_an_offset_of_the_kernel_pads_with_its_opposite() -> None:
    instruction = "kernel v(a: u8[4, 4], b: i8[4], c: inout i32[4]) { c[i] += (i32(a[i, k]) - 128) * i32(b[k]) }"
    kernel = "kernel k(x: u8[8, 8], z: i8[8]) -> (y: i32[8]) { y[p] += (i32(x[p, q]) - 128) * i32(z[q]) }"
    (mapping,) = mappings(kernel, instruction)
    values = dict(match_of(mapping, subject(kernel), needle(instruction)).padding.values)
    assert values in ({"a": 128}, {"b": 0})


@pytest.mark.parametrize(("extent", "found"), [(4, True), (8, True), (6, True), (5, False), (3, False)])
def test_extents_without_a_pad_value_must_be_met(extent: int, found: bool) -> None:
    kernel = f"kernel k(x: f32[8, {extent}], z: f32[8]) -> (y: f32[8]) {{ y[p] += x[p, q] + z[p] }}"
    instruction = SUM_WITH_BIAS if extent != 6 else SUM_WITH_BIAS.replace("[4, 4]", "[4, 2]")
    assert bool(relations(kernel, instruction)) is found


def test_extents_that_can_be_set_need_no_pad_value() -> None:
    kernel = "kernel k(x: f32[8, 5], z: f32[8]) -> (y: f32[8]) { y[p] += x[p, q] + z[p] }"
    found = list(enumerate_mappings(subject(kernel), needle(SUM_WITH_BIAS, {"k": (1, 1)})))
    assert (("p", "i"), ("q", "k")) in {each.rho for each in found}


def test_a_guard_is_masked_by_an_operand_that_holds_it() -> None:
    kernel = """kernel k(a: f32[8, 8], b: f32[8, 8]) -> (y: f32[8, 8]) {
      for i < 8, j < 8, k < 8 { if k <= i { y[i, j] += a[i, k] * b[k, j] } } }"""
    found = relations(kernel, GEMM)
    assert (("i", "i"), ("j", "j"), ("k", "k")) in found
    assert (("i", "j"), ("j", "i"), ("k", "k")) in found


def test_a_guard_that_no_operand_holds_stays_outside() -> None:
    kernel = """kernel k(a: f32[8, 8], b: f32[8, 8]) -> (y: f32[8, 8]) {
      for i < 8, j < 8, k < 8 { if i + j + k <= 9 { y[i, j] += a[i, k] * b[k, j] } } }"""
    assert all(len(relation) < 3 for relation in relations(kernel, GEMM))


def test_instructions_with_an_order_of_their_own_match_nothing() -> None:
    scan = "kernel scan(a: f32[8], c: inout f32[9]) { for i < 8 { c[i+1] = c[i] + a[i] } }"
    assert not mappings("kernel k(x: f32[8], z: f32[8]) -> (y: f32[8]) { y[p] = x[p] + z[p] }", scan)


def test_fresh_targets_are_known() -> None:
    text = """kernel k(x: f32[8], z: inout f32[8]) -> (y: f32[8]) {
      for i < 8 { y[i] += x[i] }
      for i < 8 { y[i] += x[i] }
      for i < 8 { z[i] += x[i] } }"""
    assert [each.fresh for each in subjects(parse_kernel(text))] == [True, False, False]
