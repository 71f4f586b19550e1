"""What explain says, word for word."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Rejection
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES
from isamapper.mapper import explain
from tests.mapper.machines import ARRAY, ARRAY_F32, EXP, HOST_CAST, HOST_MAC, REQUANTISE, SUB, VNNI, machine

MATMUL_I8 = """kernel k(x: i8[32, 32], z: i8[32, 32]) -> (y: i32[32, 32]) {
  for m < 32, n < 32, k < 32 { y[m, n] += i32(x[m, k]) * i32(z[k, n]) } }"""


def reasons(text: str, **semantics: str) -> list[str]:
    return [each.reason for each in explain(parse_kernel(text), machine(**semantics)) if each.subject in semantics]


def only(text: str, semantics: str) -> Rejection:
    (found,) = [each for each in explain(parse_kernel(text), machine(op=semantics)) if each.subject == "op"]
    return found


def elementwise(value: str) -> str:
    return f"kernel k(x: f32[32], z: f32[32]) -> (y: f32[32]) {{ for p < 32 {{ y[p] = {value} }} }}"


def test_a_dtype_that_is_wanted_otherwise() -> None:
    found = only(MATMUL_I8, VNNI)
    assert found.code == "MAP005"
    assert found.reason == "operand 'a' of 'op' is u8, the kernel's 'x' is i8"
    assert found.edit == "declare 'x' as u8"


def test_the_spans_show_both_texts() -> None:
    found = only(MATMUL_I8, VNNI)
    assert [span.source.text[span.start : span.end] for span in found.spans] == [
        "y[m, n] += i32(x[m, k]) * i32(z[k, n])",
        "c[l] += i32(a[l, t]) * i32(b[l, t])",
    ]


@pytest.mark.parametrize(
    ("value", "semantics", "reason"),
    [
        ("tanh(x[p])", EXP, "'op' computes 'exp' where the kernel has 'tanh'"),
        ("x[p] - z[p]", EXP, "'op' computes 'exp' where the kernel has '+'"),
        ("x[p]", EXP, "'op' also computes 'exp', which the kernel does not"),
        ("exp(x[p] - z[p])", EXP, "the kernel computes '+' where 'op' takes an operand"),
        ("x[p] - z[p] - x[p]", SUB, "the kernel joins 3 values with '+', 'op' joins 2"),
        (
            "clamp(x[p], 0, 6)",
            "(a: f32[8] @pad) -> (c: f32[8] @pad) { c[l] = clamp(a[l], 0, 5) }",
            "'op' has the constant 5 where the kernel has '6'",
        ),
        (
            "x[p] * z[p]",
            "(a: f16[8] @pad, b: f16[8] @pad) -> (c: f16[8] @pad) { c[l] = a[l] * b[l] }",
            "operand 'a' of 'op' is f16, the kernel's 'x' is f32",
        ),
    ],
)
def test_expressions_that_differ(value: str, semantics: str, reason: str) -> None:
    assert only(elementwise(value), semantics).reason == reason


def test_another_reduction() -> None:
    text = "kernel k(x: f32[8, 8], z: f32[8, 8]) -> (y: f32[8, 8]) { y[m, n] max= x[m, k] * z[k, n] }"
    assert only(text, ARRAY_F32).reason == "'op' reduces with '+=', the kernel with 'max='"


def test_an_overwriting_instruction_for_an_accumulation() -> None:
    text = "kernel k(x: f32[8, 8], z: f32[8, 8]) -> (y: f32[8, 8]) { y[m, n] += x[m, k] * z[k, n] }"
    assert only(text, EXP).reason == "'op' computes 'exp' and overwrites its result; the kernel accumulates with '+='"


def test_several_statements_in_one_instruction() -> None:
    two = "(a: f32[8] @pad) -> (c: f32[8] @pad, d: f32[8] @pad) { for l < 8 { c[l] = a[l]\n d[l] = a[l] } }"
    found = only(elementwise("exp(x[p])"), two)
    assert found.reason == (
        "'op' does 2 statements together; no statement of the kernel does 'c[l] = a[l]': "
        "statement 0 has 'exp', which the instruction has not"
    )


def test_the_intermediate_of_a_fused_convolution_is_too_wide() -> None:
    types = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
    found = explain(load_kernel("dwsep_fused", types=types), load_machine("gemmini16"))[0]
    assert (found.code, found.subject) == ("MAP007", "statement 0")
    assert found.reason == (
        "contract statement 0 as ((x d) p): the 18-bit intermediate 't' (-146304 to 147456: 18 bits and a sign) "
        "does not fit operand 'a' of 'compute', which is i8 (7 bits and a sign)"
    )
    assert found.edit == "convert 't' to i8 explicitly"


def test_a_difference_that_an_array_cannot_square() -> None:
    text = """kernel k(x: i8[8, 8], z: i8[8, 8]) -> (y: i32[8, 8]) {
      y[m, n] += (i32(x[m, k]) - i32(z[n, k])) * (i32(x[m, k]) - i32(z[n, k])) }"""
    subtract = "(a: i32[8] @dram, b: i32[8] @dram) -> (c: i32[8] @dram) { c[l] = a[l] - b[l] }"
    found = explain(parse_kernel(text), machine(array=ARRAY, cast=HOST_CAST, subtract=subtract, host_mac=HOST_MAC))[0]
    assert "the 8-bit intermediate 't2' (-255 to 255: 8 bits and a sign) does not fit operand" in found.reason


def test_narrow_values_in_a_wide_tensor() -> None:
    text = """kernel k(x: i32[8, 8], z: i8[8, 8]) -> (y: i32[8, 8]) {
      local t: i32[8, 8]
      for m < 8, k < 8 { t[m, k] = clamp(x[m, k], -5, 5) }
      for m < 8, n < 8, k < 8 { y[m, n] += t[m, k] * i32(z[k, n]) } }"""
    found = next(each for each in explain(parse_kernel(text), machine(array=ARRAY)) if each.subject == "array")
    assert found.reason == "'t' is i32, but its values -5 to 5 fit operand 'a' of 'array'"
    assert found.edit == "declare 't' as i8"


def test_an_operator_that_no_instruction_has() -> None:
    found = explain(parse_kernel(elementwise("tanh(x[p])")), machine(exp=EXP))
    assert (found[0].subject, found[0].reason) == ("statement 0", "no instruction computes 'tanh' on f32")


def test_a_parameter_out_of_range() -> None:
    text = "kernel k(x: i32[32]) -> (y: i8[32]) {{ for p < 32 {{ y[p] = i8(clamp(shr_round(x[p], {}), -128, 127)) }} }}"
    assert not [each for each in explain(parse_kernel(text.format(9)), machine(op=REQUANTISE)) if each.code < "MAP1"]
    found = explain(parse_kernel(text.format(0)), machine(op=REQUANTISE))
    assert (found[0].code, found[1].code) == ("MAP020", "MAP006")
    assert found[1].reason == "parameter 's' of 'op' takes 1 to 31; the kernel has '0' there"


def test_extents_that_nothing_pads() -> None:
    text = "kernel k(x: f32[8, 5], z: f32[8]) -> (y: f32[8]) { y[p] += x[p, q] + z[p] }"
    semantics = "(a: f32[4, 4] @pad, b: f32[4] @pad, c: inout f32[4] @pad) { c[i] += a[i, k] + b[i] }"
    found = only(text, semantics)
    assert found.reason == "no value pads 'k' of 'op': the kernel's extents must fill it exactly, and they do not"
    assert found.edit == "choose extents that divide"


def test_what_a_fitting_instruction_costs() -> None:
    text = """kernel k(x: f32[16, 65], z: f32[8, 65]) -> (y: f32[16, 8]) { y[m, n] += x[m, k] * z[n, k] }"""
    found = reasons(text, array=ARRAY_F32)
    assert found[0] == "k = 65 pads to 72 on 'array', 10% waste"
    assert "operand 'w' of 'array' needs 'z' transposed" in found


def test_groups_that_pad_and_steps_that_only_take_time_are_told_apart() -> None:
    types = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
    found = explain(load_kernel("gemm", sizes={"K": 65}, types=types), load_machine("amx"), "tdpbssd")
    assert found[0].reason == "k = 65 pads to 68 and takes as long as if it were padded to 128 on 'tdpbssd', 49% waste"
    assert found[0].edit == "make k = 64 or 128"


def test_a_gather_is_named_with_its_index() -> None:
    text = """kernel k(x: f32[10, 10], z: f32[3, 3, 8]) -> (y: f32[8, 8, 8]) {
      for p < 8, q < 8, n < 8, r < 3, s < 3 { y[p, q, n] += x[p+r, q+s] * z[r, s, n] } }"""
    found = [each for each in explain(parse_kernel(text), machine(op=ARRAY_F32)) if each.code == "MAP102"]
    assert found
    assert found[0].reason == "operand 'a' of 'op' gathers 'x': 'p + r' reads each element 2.4x"


def test_what_is_filled_in_part_and_what_nothing_fills() -> None:
    types = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
    image = explain(load_kernel("conv2d", sizes={"C": 3}, types=types), load_machine("tpu_like"), "matrix_multiply.i8")
    assert "c, r and s fill 27 of 256 of 'k' of 'matrix_multiply.i8', 89% waste" in [each.reason for each in image]
    vector = explain(load_kernel("gemv", types=types), load_machine("amx"), "tdpbssd")
    assert [(each.code, each.reason) for each in vector if each.code == "MAP104"] == [
        ("MAP104", "nothing fills 'i' of 'tdpbssd', 94% waste")
    ]


def test_narrow_calls_that_save_time_waste_nothing() -> None:
    types = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
    found = explain(load_kernel("gemm", sizes={"M": 65, "K": 64}, types=types), load_machine("tpu_like"), None)
    rows = [each.reason for each in found if each.subject == "matrix_multiply.i8"]
    assert not any(reason.startswith("m =") for reason in rows), "a call of 65 rows takes 65 cycles"


@pytest.mark.parametrize(
    ("kernel", "types", "machine", "instruction", "reason", "edit"),
    [
        ("gemm", "u8 i8 i32", "avx512", "vpdpbusd", "needs 'b' in groups of 4 along 'k'", "it is done once, offline"),
        (
            "gemm_ta",
            "f16 f16 f32",
            "nvidia_mma",
            "mma.m16n8k16.f32.f16",
            "needs 'a' transposed",
            "'ldmatrix.a.trans.f16' does",
        ),
        ("gemm_ta", "i8 i8 i32", "nvidia_mma", "mma.m16n8k32.s32.i8", "needs 'a' transposed", "declare 'a' as a[m, k]"),
        ("gemm", "f32 f32 f32", "sme", "fmopa", "needs 'a' transposed", "'ld1w.vertical.f32' does it on the way"),
    ],
)
def test_another_order_and_who_makes_it(
    kernel: str, types: str, machine: str, instruction: str, reason: str, edit: str
) -> None:
    given = dict(zip(("TA", "TB", "TC"), (DTYPES[each] for each in types.split()), strict=True))
    found = explain(load_kernel(kernel, types=given), load_machine(machine), instruction)
    assert any(each.reason.endswith(reason) and (each.edit or "").startswith(edit) for each in found)


def test_rows_that_copies_bring_are_no_other_order() -> None:
    types = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
    assert explain(load_kernel("gemm", types=types), load_machine("gemmini16"), "compute") == ()


def test_saturating_products_are_told_by_their_clamp() -> None:
    types = {"TA": DTYPES["u8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
    (found,) = explain(load_kernel("gemm", types=types), load_machine("avx2"), "vpmaddubsw")
    assert "'clamp'" in found.reason and found.reason.endswith(
        "overwrites its result; the kernel accumulates with '+='"
    )


def test_a_kernel_that_is_rewritten_first_is_said_to_be() -> None:
    found = explain(load_kernel("gelu"), load_machine("amx"))
    assert (found[0].code, found[0].reason) == ("MAP105", "it is done after rewriting: split statement 0")
