"""Files of programs: they read back as what was written, name or hold their kernel, and say where they are wrong."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.types import DTYPES
from isamapper.plan.text import parse_program_file, print_program, written_machine

TYPES = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
BODY = """\
program
kernel gemm(a: i8[4, 4] @dram at 0, const b: i8[4, 4] @dram at 16) -> (c: i32[4, 4] @dram at 32)
{
  allocate sa: i8[4, 4] @spad at 0
  invoke mvin(r = 4, c = 4) src: a[$0, $1] over [4, 4], dst: sa[$0, $1] over [4, 4]
}
"""
FILE = f"# one tile\nmachine toy4\nkernel gemm M=4 N=4 K=4 TA=i8 TB=i8 TC=i32\n\n{BODY}"


def wrong(text: str) -> Diagnostic:
    with pytest.raises(SourceError) as caught:
        parse_program_file(Source("p.isam", text))
    return caught.value.diagnostics[0]


def place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    assert diagnostic.span is not None
    return diagnostic.code, diagnostic.span.line, diagnostic.span.column


def test_a_file_names_its_machine_and_its_kernel() -> None:
    program = parse_program_file(Source("p.isam", FILE))
    assert program.machine == load_machine("toy4")
    assert program.kernel == load_kernel("gemm", {"M": 4, "N": 4, "K": 4}, TYPES)
    assert [tensor.memory for tensor in program.body.tensors] == ["dram", "dram", "dram"]


def test_what_is_written_reads_back_the_same() -> None:
    program = parse_program_file(Source("p.isam", FILE))
    again = parse_program_file(Source("q.isam", print_program(program)))
    assert again == program
    assert print_program(again) == print_program(program)


def test_machine_and_kernel_may_be_given_instead() -> None:
    kernel = load_kernel("gemm", {"M": 4, "N": 4, "K": 4}, TYPES)
    program = parse_program_file(Source("p.isam", BODY), machine=load_machine("toy4"), kernel=kernel)
    assert program.kernel == kernel


def test_places_in_the_program_are_places_in_the_file() -> None:
    assert place(wrong(FILE.replace("dst: sa", "dst: sz"))) == ("IR012", 9, 62)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("machine toy4\n", "", ("SCH042", 10, 1)),
        ("kernel gemm M=4 N=4 K=4 TA=i8 TB=i8 TC=i32\n", "", ("SCH042", 4, 1)),
        (BODY, "", ("SCH042", 5, 1)),
        ("machine toy4", "machine toy4\nmachine toy4", ("SCH042", 3, 1)),
        ("# one tile", "one tile", ("SCH042", 1, 1)),
        ("machine toy4", "machine", ("SCH042", 2, 1)),
        ("machine toy4", "machine toy5", ("HW040", 2, 9)),
        ("M=4", "M=four", ("SCH042", 3, 13)),
        ("program", "steps\nprogram", ("SCH042", 5, 1)),
        (FILE, "", ("SCH042", 1, 1)),
    ],
)
def test_a_wrong_section_is_shown_where_it_stands(old: str, new: str, expected: tuple[str, int, int]) -> None:
    assert place(wrong(FILE.replace(old, new))) == expected


def test_the_machine_is_called_as_it_was_written() -> None:
    program = parse_program_file(Source("p.isam", FILE))
    text = print_program(program, "some/where.yaml")
    assert written_machine(Source("q.isam", text)) == "some/where.yaml"
    assert written_machine(Source("r.isam", BODY)) is None


def test_types_that_a_named_kernel_leaves_out_are_the_machines() -> None:
    short = FILE.replace(" TA=i8 TB=i8 TC=i32", "")
    assert short != FILE
    assert parse_program_file(Source("s", short)).kernel == parse_program_file(Source("s", FILE)).kernel
    given = FILE.replace(" TA=i8 TB=i8 TC=i32", " TA=f32 TB=f32 TC=f32")
    assert {dtype.name for _, dtype in parse_program_file(Source("s", given)).kernel.types} == {"f32"}
