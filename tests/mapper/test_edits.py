"""The edits that explain proposes, done: the mapping appears, or the cost is gone."""

from __future__ import annotations

import re

import pytest

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES
from isamapper.mapper import explain, find_mappings

GEMM = """kernel gemm(a: TA[M, K], b: TB[K, N]) -> (c: TC[M, N])
  sizes M=64, N=64, K=64
  types TA=f32, TB=f32, TC=f32
  { for m < M, n < N, k < K { c[m, n] += TC(a[m, k]) * TC(b[k, n]) } }"""
PLAIN = """kernel scores(a: f32[64, 64], b: f32[64, 64]) -> (c: f32[64, 64])
  { for m < 64, n < 64, k < 64 { c[m, n] += a[m, k] * b[k, n] } }"""
SUM = """kernel sum(x: f32[64, 64]) -> (y: f32[64]) { for m < 64, k < 64 { y[m] += x[m, k] } }"""
CONV = """kernel conv(x: f16[1, 64, 18, 18], const w: f16[64, 64, 3, 3]) -> (y: f32[1, 64, 16, 16])
  { for n < 1, k < 64, h < 16, j < 16, c < 64, r < 3, s < 3 {
      y[n, k, h, j] += f32(x[n, c, h+r, j+s]) * f32(w[k, c, r, s]) } }"""


def reasons(text: str, machine: str, instruction: str, sizes: dict[str, int], types: str) -> tuple[Rejection, ...]:
    return explain(kernel(text, sizes, types), load_machine(machine), instruction)


def kernel(text: str, sizes: dict[str, int] | None = None, types: str = ""):  # type: ignore[no-untyped-def]
    given = dict(zip(("TA", "TB", "TC"), types.split(), strict=False)) if types else {}
    return parse_kernel(text, sizes=sizes or {}, types={name: DTYPES[each] for name, each in given.items()})


def declared(edit: str) -> dict[str, str]:
    """``declare 'a' and 'b' as i8, 'c' as i32``: a data type for each tensor."""
    (clause,) = re.findall(r"declare (.*?)(?: and write|$)", edit)
    return {
        tensor: dtype
        for names, dtype in re.findall(r"((?:'\w+'(?:, | and )?)+) as (\w+)", clause)
        for tensor in re.findall(r"'(\w+)'", names)
    }


@pytest.mark.parametrize(
    ("machine", "instruction", "types"),
    [
        ("avx512", "vpdpbusd", "i8 i8 i32"),
        ("avx512", "vpdpbusd", "f32 f32 f32"),
        ("avx512", "vdpbf16ps", "f32 f32 f32"),
        ("amx", "tdpbf16ps", "f32 f32 f32"),
        ("amx", "tdpbsud", "u8 u8 i32"),
        ("neon", "smmla", "bf16 bf16 f32"),
        ("neon", "fmla", "i8 i8 i32"),
        ("sve", "usdot", "i8 i8 i32"),
        ("sme", "bfmopa", "i8 i8 i32"),
        ("sme", "fmopa.d", "f32 f32 f32"),
        ("rvv", "vwmacc.vv", "f32 f32 f32"),
        ("nvidia_mma", "mma.m16n8k8.f32.tf32", "f16 f16 f32"),
        ("nvidia_mma", "mma.m16n8k16.f16.f16", "f16 f16 f32"),
        ("ascend_cube", "mmad.s8", "f16 f16 f32"),
        ("tpu_like", "matrix_multiply.u8", "i8 i8 i32"),
        ("gemmini16", "compute", "u8 i8 i32"),
        ("vta", "gemm", "f32 f32 f32"),
    ],
)
def test_other_data_types_make_it_map(machine: str, instruction: str, types: str) -> None:
    (found,) = reasons(GEMM, machine, instruction, {}, types)
    assert found.code == "MAP005" and found.edit is not None
    wanted = declared(found.edit)
    before = dict(zip("abc", types.split(), strict=True))
    assert all(before[name] != dtype for name, dtype in wanted.items()), "nothing is declared that is so already"
    after = " ".join({**before, **wanted}[name] for name in "abc")
    assert next(find_mappings(kernel(GEMM, types=after), load_machine(machine), instruction=instruction), None)


@pytest.mark.parametrize("instruction", ["tdpbf16ps", "tdpbssd"])
def test_conversions_are_written_where_the_types_alone_are_not_enough(instruction: str) -> None:
    (found,) = explain(parse_kernel(PLAIN), load_machine("amx"), instruction)
    assert found.edit is not None
    value = found.edit.partition("write '")[2].rstrip("'").replace("(a)", "(a[m, k])").replace("(b)", "(b[k, n])")
    text = PLAIN.replace("a[m, k] * b[k, n]", value)
    for tensor, dtype in declared(found.edit).items():
        text = text.replace(f"{tensor}: f32", f"{tensor}: {dtype}")
    assert next(find_mappings(parse_kernel(text), load_machine("amx"), instruction=instruction), None)


def test_a_product_by_one_makes_a_sum_map() -> None:
    machine = load_machine("gemmini16_f32")
    (found,) = explain(parse_kernel(SUM), machine, "compute")
    assert (found.code, found.edit) == ("MAP004", "write 'x * 1'")
    assert next(
        find_mappings(parse_kernel(SUM.replace("x[m, k]", "x[m, k] * 1")), machine, instruction="compute"), None
    )


def reordered(text: str, edit: str) -> str:
    """``declare 'x' as x[n, h + r, c]``: the tensor with its axes in that order."""
    ((tensor, indices),) = re.findall(r"as (\w+)\[(.*)\]$", edit)
    wanted = [each.replace(" ", "") for each in indices.split(", ")]
    (inside,) = re.findall(rf"{tensor}\[([^\]]*[a-z][^\]]*)\]", text.partition("{")[2])
    present = [each.replace(" ", "") for each in inside.split(", ")]
    (shape,) = re.findall(rf"{tensor}: \w+\[([^\]]*)\]", text.partition("{")[0])
    sizes = dict(zip(present, shape.split(", "), strict=True))
    text = text.replace(f"{tensor}[{inside}]", f"{tensor}[{', '.join(wanted)}]")
    return re.sub(
        rf"({tensor}: \w+)\[[^\]]*\]",
        lambda match: f"{match[1]}[{', '.join(sizes[each] for each in wanted)}]",
        text,
        count=1,
    )


@pytest.mark.parametrize(
    ("text", "types", "machine", "instruction"),
    [
        (GEMM, "i8 i8 i32", "nvidia_mma", "mma.m16n8k32.s32.i8"),
        (GEMM, "i8 i8 i32", "neon", "smmla"),
        (GEMM, "i8 i8 i32", "vta", "gemm"),
        (CONV, "", "gemmini16_f32", "compute"),
        (CONV, "", "nvidia_mma", "mma.m16n8k16.f32.f16"),
    ],
    ids=["mma of bytes", "smmla", "vta", "conv on an array", "conv on tensor cores"],
)
def test_another_order_of_axes_needs_no_copy(text: str, types: str, machine: str, instruction: str) -> None:
    if machine == "gemmini16_f32":
        text = text.replace("f16", "f32").replace("f32(", "(")
    for _ in range(4):
        found = [each for each in reasons(text, machine, instruction, {}, types) if each.code == "MAP103"]
        edits = [each.edit for each in found if each.edit is not None and each.edit.startswith("declare")]
        if not edits:
            break
        text = reordered(text, edits[0])
    assert [each for each in found if each.edit is not None and each.edit.startswith("declare")] == []
    assert next(find_mappings(kernel(text, types=types), load_machine(machine), instruction=instruction), None)


@pytest.mark.parametrize(
    ("machine", "instruction", "sizes", "types", "reason"),
    [
        (
            "tpu_like",
            "matrix_multiply.i8",
            {"K": 300},
            "i8 i8 i32",
            "k = 300 pads to 512 on 'matrix_multiply.i8', 41% waste",
        ),
        (
            "nvidia_mma",
            "mma.m16n8k16.f32.f16",
            {"K": 65},
            "f16 f16 f32",
            "k = 65 pads to 80 on 'mma.m16n8k16.f32.f16', 19% waste",
        ),
        (
            "gemmini16",
            "compute",
            {"K": 65},
            "i8 i8 i32",
            "k = 65 takes as long as if it were padded to 80 on 'compute', 19% waste",
        ),
        ("neon", "smmla", {"M": 5}, "i8 i8 i32", "m = 5 pads to 6 on 'smmla', 17% waste"),
    ],
)
def test_sizes_that_divide_waste_nothing(
    machine: str, instruction: str, sizes: dict[str, int], types: str, reason: str
) -> None:
    found = [each for each in reasons(GEMM, machine, instruction, sizes, types) if each.code == "MAP101"]
    first = next(each for each in found if each.reason == reason)
    assert first.edit is not None
    name, values = re.findall(r"make (\w) = (.*)", first.edit)[0]
    for value in values.split(" or "):
        again = reasons(GEMM, machine, instruction, {**sizes, name.upper(): int(value)}, types)
        assert not [each for each in again if each.code == "MAP101" and each.reason.startswith(f"{name} =")]


MACHINES = (
    "avx2",
    "avx512",
    "neon",
    "sve",
    "amx",
    "sme",
    "rvv",
    "nvidia_mma",
    "ascend_cube",
    "tpu_like",
    "gemmini16",
    "vta",
)


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    "types", ["f32 f32 f32", "i8 i8 i32", "u8 u8 i32", "bf16 bf16 f32", "f16 f16 f16", "i16 i16 i32"]
)
def test_every_change_of_types_makes_its_instruction_map(machine: str, types: str) -> None:
    present = dict(zip("abc", types.split(), strict=True))
    wrong = []
    for found in explain(kernel(GEMM, types=types), load_machine(machine)):
        if found.code == "MAP005" and found.edit is not None:
            after = " ".join({**present, **declared(found.edit)}[name] for name in "abc")
            mappings = find_mappings(kernel(GEMM, types=after), load_machine(machine), instruction=found.subject)
            wrong += [] if next(mappings, None) else [(found.subject, found.edit)]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_every_size_that_is_proposed_wastes_nothing(machine: str) -> None:
    target = load_machine(machine)
    given = {name: dtype.name for name, dtype in target.default_types}
    types = " ".join(given.get(name, "f32") for name in ("TA", "TB", "TC"))
    sizes = {"M": 21, "N": 37, "K": 65}
    for found in explain(kernel(GEMM, sizes, types), target):
        if found.code != "MAP101" or found.edit is None:
            continue
        name, values = re.findall(r"make (\w) = (.*)", found.edit)[0]
        for value in values.split(" or "):
            again = reasons(GEMM, machine, found.subject, {**sizes, name.upper(): int(value)}, types)
            assert not [each for each in again if each.code == "MAP101" and each.reason.startswith(f"{name} =")]
