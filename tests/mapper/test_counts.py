"""How many mappings there are, by the definition: sigma fixed, saturated, exact, unit axes kept, symbolic extents."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.mapper.matching.delta import moves
from isamapper.mapper.matching.find import find_mappings, subjects
from isamapper.mapper.matching.match import enumerate_mappings
from isamapper.mapper.matching.needle import Needle, needle_of_kernel
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
SMALL_CONVOLUTION = """kernel small(a: f32[10], b: f32[3], c: inout f32[8])
  { for i < 8, k < 3 { c[i] += a[i+k] * b[k] } }"""
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


def amos_by_formula(kernel: str) -> int:
    """(2**|J| - 1) times the pairs (S of I, R of K), not empty, in which nothing is isolated.

    I are the iterators in output and first operand only, J those in output and second only, K the reductions in both;
    an edge joins i and k unless they share an index.
    """
    (found,) = subjects(parse_kernel(kernel))
    target, first, second = (moves(access) for access in found.statement.accesses)
    left, right, inner = target & first - second, target & second - first, first & second - target
    shared = {
        frozenset((one, other))
        for access in found.statement.accesses
        for index in access.map.results
        for one, _ in index.terms
        for other, _ in index.terms
    }

    def subsets(names: frozenset[str]) -> list[tuple[str, ...]]:
        return [each for size in range(1, len(names) + 1) for each in combinations(sorted(names), size)]

    def connected(chosen: tuple[str, ...], summed: tuple[str, ...]) -> bool:
        edges = {(i, k) for i in chosen for k in summed if frozenset((i, k)) not in shared}
        return all(any(i == e[0] for e in edges) for i in chosen) and all(any(k == e[1] for e in edges) for k in summed)

    pairs = sum(connected(chosen, summed) for chosen in subsets(left) for summed in subsets(inner))
    return (2 ** len(right) - 1) * pairs


CONV3D = """kernel conv3d(x: f32[4, 8, 9, 18, 18], w: f32[8, 8, 2, 3, 3]) -> (y: f32[4, 8, 8, 16, 16])
  { for n < 4, k < 8, o < 8, p < 16, q < 16, c < 8, t < 2, r < 3, s < 3 {
      y[n, k, o, p, q] += x[n, c, o+t, p+r, q+s] * w[k, c, t, r, s] } }"""
CAUSAL = """kernel causal(x: f32[4, 66, 8], w: f32[3, 8, 8, 2]) -> (y: f32[4, 64, 8, 2])
  { for n < 4, p < 64, k < 8, g < 2, c < 8, r < 3 { y[n, p, k, g] += x[n, p+r, c] * w[r, c, k, g] } }"""


@pytest.mark.parametrize("kernel", [MATMUL, CONV1D, CONV2D, DEPTHWISE, CONV3D, CAUSAL])
def test_amos_counts_agree_with_a_formula(kernel: str) -> None:
    assert len(exact(kernel, GEMM, "amos")) == amos_by_formula(kernel)


def random_convolution(seed: int) -> str:
    """A product of an image and weights with windows p*stride + r*dilation, some iterators alone, perhaps a batch."""
    choice = random.Random(seed)
    left = [f"i{each}" for each in range(choice.randint(1, 4))]
    right = [f"j{each}" for each in range(choice.randint(1, 3))]
    inner = [f"k{each}" for each in range(choice.randint(1, 4))]
    batch = ["b"] if choice.random() < 0.4 else []
    extents = {name: choice.choice((4, 5, 8)) for name in (*left, *right, *inner, *batch)}
    windows = list(zip(left, inner, strict=False))[: choice.randint(0, min(len(left), len(inner)))]
    paired = {name for pair in windows for name in pair}
    image = [f"{choice.randint(1, 3)}*{i} + {choice.randint(1, 2)}*{k}" for i, k in windows]
    image += [name for name in (*left, *inner) if name not in paired]
    first, second, third = image + batch, inner + right + batch, left + right + batch
    for indices in (first, second, third):
        choice.shuffle(indices)
    shapes = [", ".join(["64"] * len(indices)) for indices in (first, second, third)]
    loops = ", ".join(f"{name} < {extent}" for name, extent in extents.items())
    return f"""kernel k(x: f32[{shapes[0]}], w: f32[{shapes[1]}], y: inout f32[{shapes[2]}]) {{
      for {loops} {{ y[{", ".join(third)}] += x[{", ".join(first)}] * w[{", ".join(second)}] }} }}"""


@pytest.mark.parametrize("seed", range(40))
def test_amos_counts_of_random_convolutions_agree_with_a_formula(seed: int) -> None:
    kernel = random_convolution(seed)
    assert len(exact(kernel, GEMM, "amos")) == amos_by_formula(kernel)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(40, 540, 100))
def test_amos_counts_of_five_hundred_more_agree_with_a_formula(first: int) -> None:
    for seed in range(first, first + 100):
        kernel = random_convolution(seed)
        assert len(exact(kernel, GEMM, "amos")) == amos_by_formula(kernel), seed


@pytest.mark.parametrize("seed", range(12))
def test_full_counts_of_random_convolutions_are_products_of_choices(seed: int) -> None:
    """Every non-empty choice of rows, columns and sums is a mapping, and no other."""
    kernel = random_convolution(seed)
    (found,) = subjects(parse_kernel(kernel))
    target, first, second = (moves(access) for access in found.statement.accesses)
    sizes = (len(target & first - second), len(target & second - first), len(first & second - target))
    expected = 1
    for size in sizes:
        expected *= 2**size - 1
    assert len(exact(kernel, GEMM, "full")) == expected


@pytest.mark.parametrize(
    ("machine", "instruction", "dtypes"),
    [
        ("amx", "tdpbssd", "i8 i32"),
        ("amx", "tdpbf16ps", "bf16 f32"),
        ("neon", "smmla", "i8 i32"),
        ("neon", "sdot", "i8 i32"),
        ("sme", "fmopa", "f32 f32"),
        ("sme", "smopa", "i8 i32"),
        ("rvv", "vfmacc.vf", "f32 f32"),
        ("nvidia_mma", "mma.m16n8k16.f32.f16", "f16 f32"),
        ("ascend_cube", "mmad.f16", "f16 f32"),
        ("tpu_like", "matrix_multiply.accumulate.i8", "i8 i32"),
        ("gemmini16", "compute", "i8 i32"),
        ("vta", "gemm", "i8 i32"),
    ],
)
def test_matmul_has_one_exact_mapping_on_each_instruction_set(machine: str, instruction: str, dtypes: str) -> None:
    narrow, wide = dtypes.split()
    text = f"""kernel matmul(x: {narrow}[64, 64], w: {narrow}[64, 64]) -> (y: {wide}[64, 64])
      {{ y[m, n] += {wide}(x[m, k]) * {wide}(w[k, n]) }}"""
    found = find_mappings(parse_kernel(text), load_machine(machine), instruction=instruction, criterion="full")
    assert len([mapping for mapping in found if mapping.sigma[0].access == 1]) == 1


def test_criteria_are_nested() -> None:
    full, amos, strict = ({each.rho for each in exact(CONV2D, GEMM, name)} for name in ("full", "amos", "strict"))
    assert strict < amos < full


@pytest.mark.parametrize(
    ("instruction", "kernel", "count"),
    [
        ("kernel dot(a: f32[8], b: f32[8], c: inout f32[]) { c[] += a[k] * b[k] }", MATMUL, 1),
        ("kernel axpy(a: f32[], b: f32[8], c: inout f32[8]) { c[i] += a[] * b[i] }", MATMUL, 1),
        ("kernel gemv(a: f32[8], b: f32[8, 8], c: inout f32[8]) { c[j] += a[k] * b[k, j] }", MATMUL, 1),
        ("kernel outer(a: f32[8], b: f32[8], c: inout f32[8, 8]) { c[i, j] += a[i] * b[j] }", MATMUL, 1),
        ("kernel dot(a: f32[8], b: f32[8], c: inout f32[]) { c[] += a[k] * b[k] }", CONV2D, 7),
        ("kernel outer(a: f32[8], b: f32[8], c: inout f32[8, 8]) { c[i, j] += a[i] * b[j] }", CONV2D, 7),
        (SMALL_CONVOLUTION, MATMUL, 2),
        (SMALL_CONVOLUTION, CONV1D, 4),
        (VNNI.replace("i8", "f32").replace("i32(", "(").replace("i32", "f32").replace("f32f", "f"), CONV1D, 27),
    ],
    ids=[
        "dot",
        "axpy",
        "vector times matrix",
        "outer product",
        "dot of conv2d",
        "outer product of conv2d",
        "small convolution",
        "small convolution of conv1d",
        "packed dot",
    ],
)
def test_counts_on_other_instructions(instruction: str, kernel: str, count: int) -> None:
    assert len(exact(kernel, instruction, "full")) == count
