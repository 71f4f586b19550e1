"""Files of schedules: sections in order, kernels by text or by name, a covered kernel where it was rewritten."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir.parser import parse_kernel
from isamapper.plan.step_kinds import Reorder
from isamapper.plan.steps import Schedule
from isamapper.plan.text import parse_schedule, print_schedule
from tests.plan.lab import lab

KERNEL = "kernel double(x: i32[N]) -> (y: i32[N]) sizes N=4 { y[i] = x[i] + x[i] }"
REWRITTEN = "kernel double(x: i32[N]) -> (y: i32[N]) sizes N=4 { local t: i32[N]; t[i] = x[i]; y[i] = t[i] + x[i] }"


def read(text: str) -> Schedule:
    return parse_schedule(Source("s", text), lambda _: lab())


def test_a_rewritten_kernel_is_printed_beside_the_users() -> None:
    kernel, covered = parse_kernel(KERNEL), parse_kernel(REWRITTEN)
    schedule = Schedule(kernel, covered, lab(), (Reorder(0, ("i",)),), ("copy operand 1", "nothing else"))
    text = print_schedule(schedule)
    assert read(text) == schedule
    assert [line for line in text.splitlines() if not line.startswith((" ", "{", "}", "kernel"))] == [
        "machine lab",
        "rewrite copy operand 1",
        "rewrite nothing else",
        "covered",
        "steps",
    ]


def test_the_machine_is_written_as_it_was_named() -> None:
    kernel = parse_kernel(KERNEL)
    text = print_schedule(Schedule(kernel, kernel, lab(), ()), "designs/lab v2.yaml")
    named: list[str] = []

    def load(name: str):  # type: ignore[no-untyped-def]
        named.append(name)
        return lab()

    parse_schedule(Source("s", text), load)
    assert named == ["designs/lab v2.yaml"]


@pytest.mark.parametrize(
    ("text", "code", "line", "message"),
    [
        ("steps\n", "SCH042", 2, "there is no section 'machine'"),
        (f"machine lab\n{KERNEL}\n", "SCH042", 3, "there is no section 'steps'"),
        ("machine lab\nsteps\n", "SCH042", 2, "expected 1 kernels, found 0"),
        (f"machine lab\n{KERNEL}\nprogram\n", "SCH042", 3, "'program' does not belong here"),
        (f"machine lab\n{KERNEL}\nsteps\n  reorder 0 i\n  unroll 0 i 4\n", "SCH041", 5, "'unroll' is no step"),
        (f"machine lab\n{KERNEL.replace('x[i] }', 'z[i] }')}\nsteps\n", "IR012", 2, "unknown tensor 'z'"),
    ],
)
def test_a_file_that_cannot_be_read(text: str, code: str, line: int, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(text)
    diagnostic = caught.value.diagnostics[0]
    assert (diagnostic.code, diagnostic.message) == (code, message)
    assert diagnostic.span is not None and diagnostic.span.line == line
