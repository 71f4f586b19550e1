"""Printing: canonical, readable, and read back as the same nodes at every level."""

from __future__ import annotations

import sys
import textwrap

import pytest
from hypothesis import given, settings

from isamapper.diagnostics.source import Source
from isamapper.ir.nodes import Assign, Kernel, Loop
from isamapper.ir.printer import digest, print_expression, print_kernel, print_node
from isamapper.ir.template import bind, parse_template
from isamapper.ir.types import DTYPES
from isamapper.testing.nodes import kernel_nodes, meaning_nodes, program_nodes


def read(text: str, program: bool = False) -> Kernel:
    return bind(parse_template(Source("printed", text)), program=program)


def calls(program: Kernel) -> int:
    """How many functions run while ``program`` is printed."""
    count = 0

    def seen(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(seen)
    try:
        print_kernel(program)
    finally:
        sys.setprofile(None)
    return count


@given(kernel_nodes())
@settings(max_examples=70, deadline=None)
def test_a_printed_kernel_reads_back_as_the_same_nodes(kernel: Kernel) -> None:
    assert read(print_kernel(kernel)) == kernel


@given(meaning_nodes())
@settings(max_examples=40, deadline=None)
def test_a_printed_meaning_reads_back_as_the_same_nodes(kernel: Kernel) -> None:
    assert read(print_kernel(kernel)) == kernel


@given(program_nodes())
@settings(max_examples=70, deadline=None)
def test_a_printed_program_reads_back_as_the_same_nodes(kernel: Kernel) -> None:
    assert read(print_kernel(kernel), program=True) == kernel


# What the text looks like


def canonical(body: str, header: str = "x: f32[9], q: i8[9]) -> (y: f32[9]") -> str:
    """The printed statement of a kernel with the loop ``for i < 4, j < 4`` around ``body``."""
    text = f"kernel k({header}) {{ for i < 4, j < 4 {{ {body} }} }}"
    return textwrap.dedent("\n".join(print_kernel(read(text)).splitlines()[3:-2]))


def test_a_kernel_prints_with_its_header_and_every_loop() -> None:
    text = (
        "kernel gemm(a: TA[M, K], const b: TB[K, N]) -> (c: TC[M, N]) sizes M=8, N=4, K=2"
        " types TA=i8, TB=i8, TC=i32 { c[m,n] += TC(a[m,k])*TC(b[k,n]) }"
    )
    assert print_kernel(read(text)) == (
        "kernel gemm(a: i8[8, 2], const b: i8[2, 4]) -> (c: i32[8, 4])\n"
        "  sizes M=8, N=4, K=2\n"
        "  types TA=i8, TB=i8, TC=i32\n"
        "{\n"
        "  for m < 8, n < 4, k < 2 {\n"
        "    c[m, n] += i32(a[m, k]) * i32(b[k, n])\n"
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("y[j+i*2-1]=x[i]", "y[2*i + j - 1] = x[i]"),
        ("y[7-2*i]=x[-i+3]", "y[7 - 2*i] = x[3 - i]"),
        ("y[i-i]=x[3*(i-1)+3]", "y[0] = x[3*i]"),
        ("y[i]=((x[i]+x[j]))*2.0", "y[i] = (x[i] + x[j]) * 2"),
        ("y[i]=x[i]-(x[j]-1)", "y[i] = x[i] - (x[j] - 1)"),
        ("y[i]=x[i]/(x[j]/2)", "y[i] = x[i] / (x[j] / 2)"),
        ("y[i]=-(x[i]*x[j])", "y[i] = -(x[i] * x[j])"),
        ("y[i]=-x[i]+-3", "y[i] = -x[i] + -3"),
        ("y[i]=0.1+x[i]", "y[i] = 0.1 + x[i]"),
        ("y[i]=inf", "y[i] = inf"),
        ("y[i]=1/2", "y[i] = f32(1) / 2"),
        ("y[i]=neg(3)", "y[i] = neg(3)"),
        ("y[i]=relu(x[i])", "y[i] = max(x[i], 0)"),
        ("y[i]=x[i-1]else 0.0*x[j]", "y[i] = (x[i - 1] else 0) * x[j]"),
        ("y[i]=x[i-1]else -inf", "y[i] = x[i - 1] else -inf"),
        ("y[i]=f32(i32(q[i])+1<<2)", "y[i] = f32((i32(q[i]) + 1) << 2)"),
        ("y[i]=f32(shr_round(i32(q[i]),3))", "y[i] = f32(shr_round(i32(q[i]), 3))"),
        ("y[i]=clamp(x[i],-1,1.0)", "y[i] = clamp(x[i], -1, 1)"),
        ("y[i]=select(q[i]<3,x[i],1)", "y[i] = select(q[i] < 3, x[i], 1)"),
        ("if i<=j{y[i]=0}", "if i <= j {\n  y[i] = 0\n}"),
        ("if i<j,i>0,i==2*j,j<3{y[i]=0}", "if i < j, i >= 1, i == 2*j, j <= 2 {\n  y[i] = 0\n}"),
        ("if i+j>=3{y[i]=0}else{y[i]=1}", "if i + j >= 3 {\n  y[i] = 0\n} else {\n  y[i] = 1\n}"),
    ],
)
def test_text_is_canonical(written: str, printed: str) -> None:
    assert canonical(written) == printed
    assert canonical(printed) == printed


def test_nested_loops_share_one_head_with_their_claims() -> None:
    text = "kernel k(x: f32[9]) -> (y: f32[9]) { for i<4 { for k<min(i+1,3)sequential,l<2{y[i]max=x[k]} } }"
    lines = print_kernel(read(text)).splitlines()[2:4]
    assert lines == ["  for i < 4, k < min(3, i + 1) sequential, l < 2 {", "    y[i] max= x[k]"]


def test_a_node_and_an_expression_print_alone() -> None:
    loop = read("kernel k(x: f32[4]) -> (y: f32[4]) { for i < 4 { y[i] = x[i] * 2 } }").body[0]
    assert isinstance(loop, Loop) and isinstance(loop.body[0], Assign)
    f32 = DTYPES["f32"]
    assert print_node(loop, {"x": f32, "y": f32}) == "for i < 4 {\n  y[i] = x[i] * 2\n}"
    assert print_node(loop) == "for i < 4 {\n  y[i] = x[i] * f32(2)\n}"
    assert print_expression(loop.body[0].value, {"x": f32}) == "x[i] * 2"


def test_equal_kernels_have_one_digest_and_others_another() -> None:
    one = read("kernel k(x: f32[4]) -> (y: f32[4]) { y[i] = x[i] * 2.0 }")
    same = read("kernel k(x: f32[4])->(y: f32[4]) { for i < 4 { y[i] = x[i]*2 } }")
    other = read("kernel k(x: f32[4]) -> (y: f32[4]) { y[i] = x[i] * 3 }")
    assert digest(one) == digest(same) != digest(other)
    assert len(digest(one)) == 64


def test_instructions_whose_names_are_no_words_are_quoted() -> None:
    body = 'invoke "for" a: x[0]; invoke "v p" a: y[0]; invoke m b: x[1]'
    text = f"kernel p(x: i8[4] @d at 0) -> (y: i8[4] @d at 4) {{ {body} }}"
    printed = print_kernel(read(text, program=True))
    assert [line.strip() for line in printed.splitlines()[2:5]] == [
        'invoke "for" a: x[0]',
        'invoke "v p" a: y[0]',
        "invoke m b: x[1]",
    ]


def test_long_invocations_take_one_line_per_operand() -> None:
    window = "buffer[16*outer + $0, $1] over [16, min(16, 700 - 16*outer)]"
    text = (
        "kernel p(buffer: i8[700, 64] @dram at 0) -> (y: i8[4] @d at 4)"
        f" {{ for outer < 44 {{ invoke compute a: {window}, b: {window} }} }}"
    )
    assert print_kernel(read(text, program=True)).splitlines()[3:6] == [
        "    invoke compute",
        f"        a: {window},",
        f"        b: {window}",
    ]


def test_the_effort_of_printing_grows_with_the_program() -> None:
    line = "invoke compute(m = 16) a: x[$0, $1] over [16, 16], b: x[$0, $1] over [16, 16]\n"
    few, many = (
        calls(read(f"kernel p(x: i8[16, 16] @d at 0) -> (y: i8[4] @d at 4) {{ {line * count} }}", program=True))
        for count in (100, 300)
    )
    assert many < 3.3 * few
