"""Products of the built-in instruction sets against the manuals' pseudocode, on the raw bytes of registers.

The references work on flat registers, double word by double word, as the manuals write it; the meaning in the machine
file has axes. Both must agree on every byte, so packing and element order are checked, not only sums.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Direction
from isamapper.ir.numeric import numpy_dtype

Array = NDArray[Any]
Reference = Callable[[Array, Array, Array], Array]
"""Flat registers a and b, flat accumulator: the new accumulator."""


def dot(group: int) -> Reference:
    """VPDPBUSD, SDOT, VDPBF16PS: each word of the accumulator gets the products of one group of neighbours."""

    def compute(a: Array, b: Array, c: Array) -> Array:
        found = c.copy()
        for word in range(c.size):
            for place in range(group * word, group * word + group):
                found[word] += c.dtype.type(a[place]) * c.dtype.type(b[place])
        return found

    return compute


def matrix(rows: int, columns: int, depth: int, segments: int = 1) -> Reference:
    """SMMLA, BFMMLA, mma.row.col: row i of a times row j of b, in each segment by itself."""

    def compute(a: Array, b: Array, c: Array) -> Array:
        found = c.copy()
        for segment in range(segments):
            first, second, out = segment * rows * depth, segment * columns * depth, segment * rows * columns
            for i in range(rows):
                for j in range(columns):
                    for k in range(depth):
                        product = c.dtype.type(a[first + depth * i + k]) * c.dtype.type(b[second + depth * j + k])
                        found[out + columns * i + j] += product
        return found

    return compute


def tile(group: int) -> Reference:
    """TDPBSSD and its kind (SDM): rows of 64 bytes; a.row[m].dword[k] with b.row[k].dword[n]."""

    def compute(a: Array, b: Array, c: Array) -> Array:
        found, row = c.copy(), 16 * group
        for m in range(16):
            for k in range(16):
                for n in range(16):
                    for t in range(group):
                        left, right = a[m * row + group * k + t], b[k * row + group * n + t]
                        found[16 * m + n] += c.dtype.type(left) * c.dtype.type(right)
        return found

    return compute


def outer(side: int, group: int) -> Reference:
    """FMOPA, SMOPA: word i of a with word j of b."""

    def compute(a: Array, b: Array, c: Array) -> Array:
        found = c.copy()
        for i in range(side):
            for j in range(side):
                for t in range(group):
                    found[side * i + j] += c.dtype.type(a[group * i + t]) * c.dtype.type(b[group * j + t])
        return found

    return compute


def fractals(a: Array, b: Array, c: Array) -> Array:
    """Mmad at one block each: b transposed within the block (nZ)."""
    return matrix(16, 16, 16)(a, b, c)


CASES = [
    ("avx512", "vpdpbusd", dot(4)),
    ("avx512", "vdpbf16ps", dot(2)),
    ("avx512", "vfmadd231ps", dot(1)),
    ("avx2", "vfmadd231ps", dot(1)),
    ("neon", "sdot", dot(4)),
    ("neon", "udot", dot(4)),
    ("neon", "usdot", dot(4)),
    ("neon", "bfdot", dot(2)),
    ("neon", "smmla", matrix(2, 2, 8)),
    ("neon", "ummla", matrix(2, 2, 8)),
    ("neon", "usmmla", matrix(2, 2, 8)),
    ("neon", "bfmmla", matrix(2, 2, 4)),
    ("sve", "sdot", dot(4)),
    ("sve", "smmla", matrix(2, 2, 8, segments=2)),
    ("sve", "bfmmla", matrix(2, 2, 4, segments=2)),
    ("amx", "tdpbssd", tile(4)),
    ("amx", "tdpbusd", tile(4)),
    ("amx", "tdpbsud", tile(4)),
    ("amx", "tdpbuud", tile(4)),
    ("amx", "tdpbf16ps", tile(2)),
    ("sme", "fmopa", outer(16, 1)),
    ("sme", "fmopa.d", outer(8, 1)),
    ("sme", "bfmopa", outer(16, 2)),
    ("sme", "smopa", outer(16, 4)),
    ("sme", "usmopa", outer(16, 4)),
    ("sme", "smopa.half", outer(16, 2)),
    ("nvidia_mma", "mma.m16n8k16.f32.f16", matrix(16, 8, 16)),
    ("nvidia_mma", "mma.m16n8k16.f32.bf16", matrix(16, 8, 16)),
    ("nvidia_mma", "mma.m16n8k32.s32.i8", matrix(16, 8, 32)),
    ("nvidia_mma", "mma.m16n8k32.s32.u8.i8", matrix(16, 8, 32)),
    ("nvidia_mma", "mma.m16n8k8.f32.tf32", matrix(16, 8, 8)),
]


@pytest.mark.parametrize(("machine", "instruction", "reference"), CASES, ids=[f"{m}-{i}" for m, i, _ in CASES])
def test_a_product_is_what_the_manual_says(machine: str, instruction: str, reference: Reference) -> None:
    kernel = bind_instruction(load_machine(machine).instruction(instruction), {})
    given = {each.name: whole_numbers(each.shape, numpy_dtype(each.dtype), each.name) for each in kernel.tensors}
    result = next(each.name for each in kernel.tensors if each.direction is Direction.INOUT)
    a, b, c = (each.reshape(-1).copy() for each in given.values())
    found = interpret(kernel, given)[result]
    np.testing.assert_array_equal(found.reshape(-1), reference(a, b, c))


def whole_numbers(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> Array:
    """Whole numbers that sum without rounding; bytes over their whole range."""
    generator = np.random.default_rng(sum(name.encode()))
    if np.issubdtype(dtype, np.integer) and dtype.itemsize < 4:
        limits = np.iinfo(dtype)
        return generator.integers(limits.min, limits.max + 1, shape).astype(dtype)
    return generator.integers(-8, 9, shape).astype(dtype)


def test_a_block_product_of_the_cube_takes_b_transposed_within_its_block() -> None:
    kernel = bind_instruction(load_machine("ascend_cube").instruction("mmad.f16"), {"m": 1, "n": 1, "k": 1})
    given = {each.name: whole_numbers(each.shape, numpy_dtype(each.dtype), each.name) for each in kernel.tensors}
    a, b, c = (each.reshape(-1).copy() for each in given.values())
    np.testing.assert_array_equal(interpret(kernel, given)["c"].reshape(-1), fractals(a, b, c))


def test_sums_of_dot_products_wrap_and_do_not_saturate() -> None:
    kernel = bind_instruction(load_machine("avx512").instruction("vpdpbusd"), {"n": 1})
    given = {"a": np.full((1, 4), 255, np.uint8), "b": np.full((1, 4), 127, np.int8)}
    found = interpret(kernel, {**given, "c": np.array([2**31 - 1], np.int32)})["c"]
    assert found[0] == (2**31 - 1 + 4 * 255 * 127) - 2**32


def test_pairs_of_bytes_saturate_on_avx2() -> None:
    kernel = bind_instruction(load_machine("avx2").instruction("vpmaddubsw"), {"n": 2})
    given = {"a": np.array([[255, 255], [1, 2]], np.uint8), "b": np.array([[127, 127], [3, -4]], np.int8)}
    np.testing.assert_array_equal(interpret(kernel, given)["y"], [32767, -5])


def test_pairs_of_words_do_not_saturate_on_avx2() -> None:
    kernel = bind_instruction(load_machine("avx2").instruction("vpmaddwd"), {"n": 1})
    worst = np.full((1, 2), -32768, np.int16)
    assert interpret(kernel, {"a": worst, "b": worst})["y"][0] == -(2**31)


def test_products_of_bfloat16_are_exact_in_float32() -> None:
    kernel = bind_instruction(load_machine("neon").instruction("bfdot"), {"n": 1})
    a = np.array([[1.0078125, 3.0]], ml_dtypes.bfloat16)
    found = interpret(kernel, {"a": a, "b": a, "c": np.zeros(1, np.float32)})["c"]
    assert found[0] == np.float32(1.0078125) ** 2 + 9
