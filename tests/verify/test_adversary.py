"""Wrong programs as somebody would write them who wants a certificate: none of them gets one."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.files import MACHINES
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.plan.text import parse_program_file
from isamapper.verify.certificate import Certificate, Status
from isamapper.verify.verifier import verify

GEMM = """machine toy4
kernel gemm(a: i8[6, 4], const b: i8[4, 4]) -> (c: i32[6, 4]) {
  for m < 6, n < 4, k < 4 { c[m, n] += i32(a[m, k]) * i32(b[k, n]) }
}
program
kernel gemm(a: i8[6, 4] @dram at 0, const b: i8[4, 4] @dram at 64) -> (c: i32[6, 4] @dram at 128) {
  allocate tile: i8[4, 4] @spad at 0
  allocate weights: i8[4, 4] @spad at 16
  allocate w: i8[1, 4, 4] @weights at 0
  allocate sums: i32[4, 4] @acc at 0
  invoke mvin(r = 4, c = 4) src: b[$0, $1] over [4, 4], dst: weights[$0, $1] over [4, 4]
  invoke preload b: weights[$0, $1] over [4, 4], w: w[0, $0, $1] over [4, 4]
  for mo < 2 {
    invoke mvin(r = min(4, 6 - 4*mo), c = 4)
      src: a[4*mo + $0, $1] over [min(4, 6 - 4*mo), 4], dst: tile[$0, $1] over [min(4, 6 - 4*mo), 4]
    invoke compute_first(m = min(4, 6 - 4*mo))
      a: tile[$0, $1] over [min(4, 6 - 4*mo), 4], w: w[0, $0, $1] over [4, 4],
      c: sums[$0, $1] over [min(4, 6 - 4*mo), 4]
    invoke mvout(r = min(4, 6 - 4*mo), c = 4)
      src: sums[$0, $1] over [min(4, 6 - 4*mo), 4], dst: c[4*mo + $0, $1] over [min(4, 6 - 4*mo), 4]
  }
}
"""

TILE = "  allocate tile: i8[4, 4] @spad at 0\n"
PACK = f"  prepare {{ allocate q: i8[6, 4] @dram at 1024 for i < 6, j < 4 {{ q[i, j] = a[i, j] }} }}\n{TILE}"

WRONG: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "two buffers in one place": ((("@spad at 16", "@spad at 0"),), "overlap in memory 'spad'"),
    "two buffers that touch": ((("@spad at 16", "@spad at 12"),), "overlap in memory 'spad'"),
    "the result over an operand": ((("(c: i32[6, 4] @dram at 128)", "(c: i32[6, 4] @dram at 72)"),), "overlap"),
    "a buffer beyond its memory": (((TILE, TILE.replace("at 0", "at 4095")),), "which has 4096"),
    "sums that nothing starts": ((("compute_first", "compute"),), "nothing has written"),
    "a ragged tile stored elsewhere": ((("dst: c[4*mo", "dst: c[2*mo"),), ""),
    "a ragged tile left out": ((("for mo < 2", "for mo < 1"),), ""),
    "a row stored four times": ((("dst: c[4*mo + $0", "dst: c[4*mo"),), "stands still"),
    "rows of another tile": ((("src: a[4*mo + $0", "src: a[2*mo + $0"),), ""),
    "a narrower result": ((("-> (c: i32[6, 4] @dram", "-> (c: i8[6, 4] @dram"),), "in the kernel"),
    "operands prepared that are not const": (((TILE, PACK), ("src: a[", "src: q[")), "which is not const"),
    "an operand said to be const": (
        (("(a: i8[6, 4] @dram", "(const a: i8[6, 4] @dram"), (TILE, PACK), ("src: a[", "src: q[")),
        "is const, in the kernel it is not",
    ),
    "a result that is prepared": (
        ((TILE, f"  prepare {{ for i < 6, j < 4 {{ c[i, j] = 0 }} }}\n{TILE}"),),
        "a parameter or result",
    ),
    "an assignment in place of an instruction": (
        (("  for mo < 2 {\n", "  for m < 6, n < 4 { c[m, n] = 0 }\n  for mo < 2 {\n"),),
        "an assignment stands in a program",
    ),
}


def judged(text: str, machine: Machine | None = None) -> Certificate:
    return verify(parse_program_file(Source("wrong", text), machine=machine))


def test_the_program_itself_is_right() -> None:
    assert judged(GEMM).ok


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_program_gets_no_certificate(name: str) -> None:
    changes, message = WRONG[name]
    text = GEMM
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    try:
        certificate = judged(text)
    except SourceError as error:
        assert message in str(error)
        return
    assert not certificate.ok
    assert any(message in part.detail for part in certificate.parts if part.status is Status.FAILED)


def narrowed(dtype: str) -> str:
    """A long product of floats whose first operand passes through a narrower type."""
    return f"""machine toy4
kernel dot(a: f32[4, 256], b: f32[4, 256]) -> (c: f32[4]) {{
  for m < 4, k < 256 {{ c[m] += a[m, k] * b[m, k] }}
}}
program
kernel dot(a: f32[4, 256] @dram at 0, b: f32[4, 256] @dram at 65536) -> (c: f32[4] @dram at 131072) {{
  allocate h: {dtype}[4, 256] @dram at 200000
  allocate w: f32[4, 256] @dram at 300000
  for i < 4 {{
    invoke host_cast_f32_{dtype}(n = 256) x: a[i, $0] over [256], y: h[i, $0] over [256]
    invoke host_cast_{dtype}_f32(n = 256) x: h[i, $0] over [256], y: w[i, $0] over [256]
  }}
  invoke host_zero.f32(m = 1, n = 4) y: c[$1] over [1, 4]
  invoke host_multiply_add.f32(m = 4, n = 256)
    a: w[$0, $1] over [4, 256], b: b[$0, $1] over [4, 256], y: c[$0] over [4]
}}
"""


@pytest.mark.parametrize("dtype", ["f16", "bf16", "i8"])
def test_operands_that_pass_through_a_narrower_type_are_found(dtype: str) -> None:
    certificate = judged(narrowed(dtype))
    assert not certificate.ok
    assert certificate.part("prime_fields").status is Status.FAILED


def test_on_a_machine_that_does_not_wait_a_race_is_found() -> None:
    text = (MACHINES / "toy4.yaml").read_text().replace("dispatch:", "interlocks: explicit\ndispatch:")
    certificate = judged(GEMM, load_machine(Source("explicit.yaml", text)))
    assert not certificate.ok
    assert certificate.part("hazards").detail == "'preload' starting in cycle 2 reads what is not ready"
