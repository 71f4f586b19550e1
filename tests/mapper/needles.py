"""Texts of small instructions and kernels that several tests use, and how to get at them."""

from __future__ import annotations

from isamapper.ir.parser import parse_kernel
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.match import enumerate_mappings
from isamapper.mapper.matching.needle import Needle, needle_of_kernel
from isamapper.mapper.matching.sigma import Subject
from isamapper.plan.mapping import Mapping

GEMM = "kernel mm(A: f32[16, 16], B: f32[16, 16], C: inout f32[16, 16]) { C[i, j] += A[i, k] * B[k, j] }"
FMA = "kernel fma(a: f32[16], b: f32[16], c: inout f32[16]) { c[l] += a[l] * b[l] }"
FMA3 = "kernel fma3(a: f32[16], b: f32[16], c: f32[16]) -> (d: f32[16]) { d[l] = a[l] * b[l] + c[l] }"
RELU_IN_PLACE = "kernel relu(c: inout f32[16]) { c[l] = max(c[l], 0) }"
DOT4 = """kernel dot(a: i8[16, 16, 4], b: i8[16, 16, 4], c: inout i32[16, 16])
  { c[i, j] += i32(a[i, k, t]) * i32(b[k, j, t]) }"""
CONV = "kernel conv(a: f32[6], w: f32[3], c: inout f32[4]) { for i < 4, k < 3 { c[i] += a[i+k] * w[k] } }"


def needle(text: str, parameters: dict[str, tuple[int, int]] | None = None) -> Needle:
    """The instruction; ``parameters`` gives (low, step) of iterators that can be set."""
    found = needle_of_kernel(parse_kernel(text), parameters)
    assert found is not None
    return found


def subject(text: str, **sizes: int) -> Subject:
    """The only statement of a kernel."""
    (found,) = subjects(parse_kernel(text, sizes=sizes))
    return found


def mappings(kernel: str, instruction: str, **sizes: int) -> list[Mapping]:
    """All mappings of the kernel's only statement."""
    return list(enumerate_mappings(subject(kernel, **sizes), needle(instruction)))


def relations(kernel: str, instruction: str, **sizes: int) -> set[tuple[tuple[str, str], ...]]:
    """Their relations, whatever sigma."""
    return {mapping.rho for mapping in mappings(kernel, instruction, **sizes)}


def sigma(mapping: Mapping) -> dict[str, int | float | None]:
    """Which access each operand plays, or its constant."""
    return {
        pairing.operand: pairing.access if pairing.access is not None else pairing.neutral for pairing in mapping.sigma
    }
