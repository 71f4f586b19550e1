"""Numbers that operands read from memory: the step, its text, and where the mapper takes it."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Rejection, Source, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.ir.verifier import check_kernel
from isamapper.mapper.rewrites.replay import replayed
from isamapper.pipeline import run
from isamapper.result import NoMapping

GATE = """
kernel gate(z: f16[B, J]) -> (y: f16[B, J])
  sizes B=4, J=24
{
  for b < B, j < J { y[b, j] = 1 - z[b, j] }
}
"""

MACHINE = """
format: 1
name: lanes
source: made up
clock_hz: 1000000000
memories:
  - {name: dram, kind: host, latency_cycles: 4, ports: [{name: bus, direction: both, bytes_per_cycle: 16}], source: s}
  - {name: regs, kind: registers, rows: 16, row_bytes: 32, source: s}
units: [{name: load, queue_depth: 4, source: s}, {name: alu, queue_depth: 4, source: s}]
instructions:
  - name: get
    unit: load
    semantics: "(n in 1..16) (src: f16[n] @dram) -> (dst: f16[n] @regs) { for i < n { dst[i] = src[i] } }"
    timing: {latency_cycles: 2}
    source: s
  - name: put
    unit: load
    semantics: "(n in 1..16) (src: f16[n] @regs) -> (dst: f16[n] @dram) { for i < n { dst[i] = src[i] } }"
    timing: {latency_cycles: 2}
    source: s
"""

OPERATIONS = {
    "sub": "y[i] = a[i] - b[i]",
    "add": "y[i] = a[i] + b[i]",
    "mul": "y[i] = a[i] * b[i]",
    "max": "y[i] = max(a[i], b[i])",
    "div": "y[i] = a[i] / b[i]",
    "exp": "y[i] = exp(a[i])",
    "tanh": "y[i] = tanh(a[i])",
    "sigmoid": "y[i] = sigmoid(a[i])",
}


def machine_with(*names: str) -> Machine:
    """A vector unit between registers that has these operations of two operands and no other."""
    return load_machine(Source("lanes.yaml", MACHINE + "".join(_operation(name) for name in names)))


def _operation(name: str) -> str:
    operands = ", ".join(f"{each}: f16[n] @regs" for each in "ab" if f"{each}[i]" in OPERATIONS[name])
    return f"""
  - name: {name}
    unit: alu
    semantics: "(n in 1..16) ({operands}) -> (y: f16[n] @regs) {{ for i < n {{ {OPERATIONS[name]} }} }}"
    timing: {{occupies_cycles: 1, latency_cycles: 2}}
    source: s
"""


def test_a_number_becomes_a_const_tensor_that_is_filled_offline() -> None:
    kernel = parse_kernel(GATE)
    made = replayed(kernel, ["feed statement 0 along j: f16(1)"])
    check_kernel(made)
    text = print_kernel(made)
    assert "local const k: f16[24]" in text
    assert "y[b, j] = k[j] - z[b, j]" in text
    assert parse_kernel(text) == made


def test_a_narrow_number_is_cast_where_it_is_read() -> None:
    kernel = parse_kernel(
        "kernel s(x: i8[M, N]) -> (y: i32[M]) sizes M=2, N=3 { for m < M, n < N { y[m] += i32(x[m, n]) * 1 } }"
    )
    made = replayed(kernel, ["feed statement 0 as i8 along n: i32(1)"])
    assert "local const k: i8[3]" in print_kernel(made)
    assert "i32(x[m, n]) * i32(k[n])" in print_kernel(made)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("feed statement 0 along j: f16(2)", "RW070"),
        ("feed statement 0 along q: f16(1)", "SCH041"),
        ("feed statement 1 along j: f16(1)", "SCH041"),
        ("feed statement 0 as i7 along j: f16(1)", "SCH041"),
        ("feed statement 0 along j: z", "TYPE"),
    ],
)
def test_what_cannot_be_fed_says_so(text: str, code: str) -> None:
    with pytest.raises(SourceError) as raised:
        replayed(parse_kernel(GATE), [text])
    assert code in ("TYPE", raised.value.diagnostics[0].code)


def test_a_recurrence_gets_no_axis_for_its_steps() -> None:
    kernel = parse_kernel(
        "kernel r(x: f16[T]) -> (h: f16[T+1]) sizes T=3 { h[0] = 0  for t < T sequential { h[t+1] = 1 - h[t] } }"
    )
    from isamapper.ir.types import DTYPES
    from isamapper.mapper.algebra.terms import Literal
    from isamapper.mapper.rewrites.feed import Feed

    f16 = DTYPES["f16"]
    refused = Feed(1, ("t",), Literal(1, f16), f16).apply(kernel)
    assert isinstance(refused, Rejection)
    assert refused.code == "RW120"


@pytest.mark.parametrize(
    ("value", "operations"),
    [
        ("1 - z[b, j]", ("sub",)),
        ("-z[b, j]", ("mul",)),
        ("1 - z[b, j]", ("add", "mul")),
        ("-(z[b, j] - 1)", ("sub",)),
        ("min(z[b, j], 0.5)", ("max", "sub")),
        ("(1 - z[b, j]) * z[b, j] + z[b, j] * z[b, j]", ("add", "mul", "sub")),
        ("sigmoid(z[b, j])", ("tanh", "mul", "add")),
        ("tanh(z[b, j])", ("sigmoid", "mul", "sub")),
        ("1 / (1 + exp(0 - z[b, j]))", ("tanh", "mul", "add")),
        ("sigmoid(z[b, j])", ("exp", "div", "add", "sub")),
        ("z[b, j] / (exp(0 - z[b, j]) + 1)", ("sigmoid", "mul")),
    ],
)
def test_a_gate_is_found_however_it_is_spelled(value: str, operations: tuple[str, ...]) -> None:
    kernel = parse_kernel(GATE.replace("1 - z[b, j]", value))
    try:
        result = run(kernel, machine_with(*operations))
    except NoMapping as no:
        raise AssertionError([(each.subject, each.reason) for each in no.rejections]) from no
    assert result.certificate.ok
