"""Programs by hand against a machine's demands: what is wrong is found, and only that."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source
from isamapper.plan.check import check_program
from isamapper.plan.text import parse_program_file
from tests.plan.lab import lab

KERNEL = """\
kernel gemm(a: i8[M, K], b: i8[K, N]) -> (c: i32[M, N]) sizes M=10, N=4, K=8
{
  c[m, n] += i32(a[m, k]) * i32(b[k, n])
}
"""
BODY = """\
kernel gemm(a: i8[10, 8] @dram at 0, b: i8[8, 4] @dram at 128) -> (c: i32[10, 4] @dram at 192)
{
  allocate ta: i8[2, 4, 4] @spad at 0
  allocate tb: i8[4, 4] @spad at 32
  allocate tw: i8[2, 4, 4] @weights at 0
  allocate tc: i32[4, 4] @acc at 0
  for i < 3 {
    for k < 2 {
      invoke mvin(r = min(4, 10 - 4*i), c = 4)
          src: a[4*i + $0, 4*k + $1] over [min(4, 10 - 4*i), 4],
          dst: ta[rotate(k, 2), $0, $1] over [min(4, 10 - 4*i), 4]
      invoke mvin(r = 4, c = 4) src: b[4*k + $0, $1] over [4, 4] else 0, dst: tb[$0, $1] over [4, 4]
      invoke preload b: tb[$0, $1] over [4, 4], w: tw[rotate(k, 2), $0, $1] over [4, 4]
      if k == 0 {
        invoke compute_first(m = min(4, 10 - 4*i))
            a: ta[rotate(k, 2), $0, $1] over [min(4, 10 - 4*i), 4],
            w: tw[rotate(k, 2), $0, $1] over [4, 4], c: tc[$0, $1] over [min(4, 10 - 4*i), 4]
      } else {
        invoke compute(m = min(10 - 4*i, 4))
            a: ta[rotate(k, 2), $0, $1] over [min(4, 10 - 4*i), 4],
            w: tw[rotate(k, 2), $0, $1] over [4, 4], c: tc[$0, $1] over [min(4, 10 - 4*i), 4]
      }
    }
    invoke mvout(r = min(4, 10 - 4*i), c = 4)
        src: tc[$0, $1] over [min(4, 10 - 4*i), 4], dst: c[4*i + $0, $1] over [min(4, 10 - 4*i), 4]
  }
}
"""


def findings(body: str) -> list[tuple[str, str]]:
    text = f"machine lab\n{KERNEL}program\n{body}"
    program = parse_program_file(Source("p", text), lambda _: lab())
    found = check_program(program)
    assert all(diagnostic.span is not None for diagnostic in found)
    return [(diagnostic.code, diagnostic.message) for diagnostic in found]


def test_a_program_that_fits() -> None:
    assert findings(BODY) == []


def test_a_condition_keeps_a_window_inside() -> None:
    widened = BODY.replace("for i < 3 {", "for i < 4 { if i <= 2 {").replace("\n  }\n}\n", "\n  } }\n}\n")
    assert findings(widened) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("invoke preload", "invoke preloads", "SCH101", "machine 'lab' has no instruction 'preloads'"),
        ("b: tb[$0", "q: tb[$0", "SCH102", "'preload' has operands 'b', 'w', found 'q', 'w'"),
        ("mvin(r = 4, c = 4)", "mvin(r = 5, c = 4)", "SCH103", "'r = 5' of 'mvin' leaves 1..4"),
        ("mvin(r = 4, c = 4)", "mvin(r = 4 - 2*k, q = 4)", "SCH103", "'mvin' has no parameter 'q'"),
        (
            "mvin(r = min(4, 10 - 4*i)",
            "mvin(r = min(4, 9 - 4*i - k)",
            "SCH103",
            "'r = min(4, 9 - 4*i - k)' of 'mvin' leaves 1..4",
        ),
        (
            "compute(m = min(10 - 4*i, 4))",
            "compute(m = 4)",
            "SCH104",
            "operand 'a' of 'compute' has 4 elements along axis 0; its window has min(4, 10 - 4*i)",
        ),
        (
            "w: tw[rotate(k, 2), $0, $1] over [4, 4]\n",
            "w: tw[rotate(k, 2), $0, 0] over [4]\n",
            "SCH104",
            "operand 'w' of 'preload' has 2 axes; the window has 1",
        ),
        (
            "preload b: tb[$0, $1]",
            "preload b: b[$0, $1]",
            "SCH105",
            "operand 'b' of 'preload' must lie in spad; 'b' lies in 'dram'",
        ),
        ("tc: i32[4, 4]", "tc: i64[4, 4]", "SCH106", "operand 'c' of 'compute_first' is i32; 'tc' is i64"),
        (
            "a[4*i + $0, 4*k + $1] over",
            "a[4*i + $1, 4*k + $0] over",
            "SCH107",
            "operand 'src' of 'mvin' must have stride 1 along axis 1; 'a' has stride 8 there",
        ),
        (
            "dst: c[4*i + $0, $1]",
            "dst: c[4*i, $1]",
            "SCH107",
            "operand 'dst' of 'mvout' is written, but its window stands still along axis 0",
        ),
        (
            "w: tw[rotate(k, 2), $0, $1] over [4, 4]\n",
            "w: tw[rotate(k, 2), $0 + k, $1] over [4, 4]\n",
            "SCH108",
            "operand 'w' of 'preload' must start at a whole register; its window of 'tw' does not",
        ),
        (
            "a[4*i + $0, 4*k + $1] over",
            "a[4*i + $0, 5*k + $1] over",
            "SCH109",
            "operand 'src' of 'mvin' leaves 'a' along axis 1 of 8 elements",
        ),
        (
            "a[4*i + $0, 4*k + $1] over",
            "a[4*i + $0 - k, 4*k + $1] over",
            "SCH109",
            "operand 'src' of 'mvin' leaves 'a' along axis 0 of 10 elements",
        ),
        (
            "b: tb[$0, $1] over [4, 4]",
            "b: tb[$0, $1] over [4, 4] else 0",
            "SCH110",
            "operand 'b' of 'preload' does not pad, but its window has an 'else'",
        ),
        (
            "tb: i8[4, 4] @spad at 32",
            "tb: i8[4, 4] @spad at 1048570",
            "SCH111",
            "tensor 'tb' ends at byte 1048586 of memory 'spad', which has 1048576",
        ),
        (
            "tb: i8[4, 4] @spad at 32",
            "tb: i8[4, 4] @spad at 31",
            "SCH112",
            "tensors 'tb' and 'ta' overlap in memory 'spad'",
        ),
        ("a: i8[10, 8]", "a: i8[10, 9]", "SCH114", "'a' is in i8[10, 9], in the kernel in i8[10, 8]"),
        ("tb: i8[4, 4] @spad at 32", "tb: i8[4, 4] @spad", "SCH113", "tensor 'tb' has no address"),
        (
            "tb: i8[4, 4] @spad at 32",
            "tb: i8[4, 4] @pad at 32",
            "SCH113",
            "tensor 'tb' lies in 'pad', which is no memory",
        ),
    ],
)
def test_what_does_not_fit(old: str, new: str, code: str, message: str) -> None:
    changed = BODY.replace(old, new, 1)
    assert changed != BODY
    assert (code, message) in findings(changed)


def test_tensors_may_share_bytes_one_after_the_other() -> None:
    body = """\
kernel gemm(a: i8[10, 8] @dram at 0, b: i8[8, 4] @dram at 128) -> (c: i32[10, 4] @dram at 192)
{
  allocate one: i8[4, 4] @spad at 0
  invoke mvin(r = 4, c = 4) src: a[$0, $1] over [4, 4], dst: one[$0, $1] over [4, 4]
  allocate other: i8[4, 4] @spad at 8
  invoke mvin(r = 4, c = 4) src: a[$0, $1] over [4, 4], dst: other[$0, $1] over [4, 4]
}
"""
    assert findings(body) == []
    again = body.replace("dst: other", "dst: one", 1)
    late = again.replace(
        "}\n", "  invoke mvin(r = 1, c = 4) src: a[$0, $1] over [1, 4], dst: one[$0, $1] over [1, 4]\n}\n"
    )
    assert findings(late) == [("SCH112", "tensors 'other' and 'one' overlap in memory 'spad'")]
