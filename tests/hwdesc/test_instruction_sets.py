"""Every built-in instruction set multiplies matrices end to end: mapped, scheduled, lowered, simulated, verified."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.ir.types import DTYPES

SIZES = {"M": 12, "N": 20, "K": 20}
PACKED = ("amx", "sme", "nvidia_mma", "ascend_cube")
OTHERS = ("avx2", "avx512", "neon", "sve", "rvv", "tpu_like", "gemmini16", "vta")
TYPED = [
    ("avx512", "u8 i8 i32", "vpdpbusd"),
    ("avx512", "bf16 bf16 f32", "vdpbf16ps"),
    ("neon", "f32 f32 f32", "fmla"),
    ("neon", "u8 i8 i32", "us"),
    ("neon", "bf16 bf16 f32", "bf"),
    ("sve", "i8 i8 i32", "s"),
    ("sve", "bf16 bf16 f32", "bf"),
    ("rvv", "i16 i16 i32", "vwmacc.vv"),
    ("amx", "u8 i8 i32", "tdpbusd"),
    ("amx", "bf16 bf16 f32", "tdpbf16ps"),
    ("sme", "i8 i8 i32", "smopa"),
    ("sme", "f16 f16 f32", "fmopa.half"),
    ("sme", "i16 i16 i32", "smopa.half"),
    ("nvidia_mma", "i8 i8 i32", "mma.m16n8k32.s32.i8"),
    ("nvidia_mma", "tf32 tf32 f32", "mma.m16n8k8.f32.tf32"),
    ("nvidia_mma", "f16 f16 f16", "mma.m16n8k16.f16.f16"),
    ("ascend_cube", "i8 i8 i32", "mmad.s8"),
    ("ascend_cube", "bf16 bf16 f32", "mmad"),
    ("tpu_like", "u8 i8 i32", "matrix_multiply"),
]


def products(machine: str, types: str = "") -> list[str]:
    """The instructions that a verified run of a small product executes, but for copies and fills."""
    names = dict(zip(("TA", "TB", "TC"), types.split(), strict=False))
    result = isamapper.run("gemm", machine, sizes=SIZES, types={name: DTYPES[each] for name, each in names.items()})
    assert result.certificate.ok
    return [name for name, _ in result.timeline.instructions]


@pytest.mark.parametrize("machine", [*PACKED, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_a_product_runs_and_is_verified(machine: str) -> None:
    assert not any(name.startswith("host_multiply") for name in products(machine))


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes", [{"M": 1, "N": 1, "K": 1}, {"M": 7, "N": 5, "K": 3}, {"M": 33, "N": 17, "K": 9}], ids=str
)
@pytest.mark.parametrize("machine", [*PACKED, *OTHERS])
def test_sizes_that_divide_nothing_are_verified(machine: str, sizes: dict[str, int]) -> None:
    assert isamapper.run("gemm", machine, sizes=sizes).certificate.ok


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "types", "instruction"), TYPED, ids=[f"{m}-{i}" for m, _, i in TYPED])
def test_products_of_other_types_use_their_instruction(machine: str, types: str, instruction: str) -> None:
    assert any(name.startswith(instruction) for name in products(machine, types))
