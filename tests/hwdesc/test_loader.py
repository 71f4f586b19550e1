"""Reading machine files: names, paths, families, snippets, warnings."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.loader import builtin_machines, load_machine, load_with_warnings
from isamapper.hwdesc.model import Dispatch, Machine, MemoryKind, Port, PortDirection
from isamapper.ir.sizes import evaluate_size
from isamapper.ir.types import DTYPES
from tests.hwdesc.small_machine import SMALL, complaints, edited


def same(one: Machine, other: Machine) -> bool:
    """Equal but for the texts that the meanings stand in."""
    meanings = [[instruction.semantics for instruction in machine.instructions] for machine in (one, other)]
    return replace(one, instructions=()) == replace(other, instructions=()) and meanings[0] == meanings[1]


def test_the_toy_machine_is_what_its_file_says() -> None:
    machine = load_machine("toy4")
    assert machine.clock_hz == 1_000_000_000
    assert machine.dispatch == Dispatch(1, 8)
    assert machine.memory("spad").capacity_bytes == 4096
    assert machine.memory("spad").ports[1] == Port("w", PortDirection.WRITE, 8)
    assert machine.memory("weights").kind is MemoryKind.REGISTERS
    assert machine.memory("weights").capacity_bytes == 32
    mvin = machine.instruction("mvin")
    assert [(p.name, p.low, p.high, p.step) for p in mvin.parameters] == [("r", 1, 4, 1), ("c", 1, 16, 1)]
    assert [operand.contiguous for operand in mvin.operands] == [("j",), ("j",)]
    assert evaluate_size(machine.instruction("compute").latency_cycles, {"m": 3}) == 10


def test_a_path_and_a_source_load_alike(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    assert same(load_machine(str(path)), load_machine(Source("elsewhere.yaml", SMALL)))


def test_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_bytes(SMALL.replace("\n", "\r\n").encode())
    assert same(load_machine(str(path)), load_machine(Source("x", SMALL)))


@pytest.mark.parametrize(
    ("name", "message", "help"),
    [
        ("gemini16", "no machine is called 'gemini16'", "did you mean 'gemmini16'?"),
        ("missing.yaml", "cannot read 'missing.yaml': no such file or directory", None),
        ("/", "cannot read '/': is a directory", None),
    ],
)
def test_a_machine_that_cannot_be_found(name: str, message: str, help: str | None) -> None:
    with pytest.raises(SourceError) as caught:
        load_machine(name)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.help) == ("HW040", message, help)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"name: \xff")
    with pytest.raises(SourceError, match="is not text in UTF-8: byte 6 cannot be read"):
        load_machine(str(path))


def test_the_digest_ignores_comments_layout_and_order() -> None:
    other = "# a note\n" + SMALL.replace("name: small\nsource: made up\n", "source:   made up\nname: small\n")
    assert load_machine(Source("a", SMALL)).digest == load_machine(Source("b", other)).digest
    assert load_machine(Source("a", SMALL)).digest != load_machine(edited(("r + 4", "r + 5"))).digest


def test_a_family_makes_one_instruction_for_each_type() -> None:
    source = edited(
        ("name: add", "name: add\n    types: {T: [i8, i32]}"),
        ("(a: i8[16] @spad) -> (b: i8[16] @dram)", "(a: T[16] @spad) -> (b: T[16] @dram)"),
    )
    machine = load_machine(source)
    assert [each.name for each in machine.instructions] == ["mvin", "add.i8", "add.i32"]
    assert machine.instruction("add.i32").semantics.tensors[0].dtype is DTYPES["i32"]
    assert machine.instruction("add.i32").semantics.name == "add.i32"


def test_a_family_may_list_its_choices_and_name_them() -> None:
    source = edited(
        ("name: add", 'name: "{U}_from_{T}"\n    types: [{T: i8, U: i32}, {T: i32, U: f32}]'),
        ("(a: i8[16] @spad) -> (b: i8[16] @dram)", "(a: T[16] @spad) -> (b: U[16] @dram)"),
        ("a[i] + a[i]", "U(a[i])"),
    )
    assert [each.name for each in load_machine(source).instructions] == ["mvin", "i32_from_i8", "f32_from_i32"]


def test_two_types_make_every_combination() -> None:
    source = edited(
        ("name: add", "name: add\n    types: {T: [i8, i32], U: [f32, f64]}"),
        ("(a: i8[16] @spad) -> (b: i8[16] @dram)", "(a: T[16] @spad) -> (b: U[16] @dram)"),
        ("a[i] + a[i]", "U(a[i])"),
    )
    names = [each.name for each in load_machine(source).instructions]
    assert names == ["mvin", "add.i8_f32", "add.i8_f64", "add.i32_f32", "add.i32_f64"]


def test_a_snippet_adds_its_unit_and_instructions_in_the_memory_given() -> None:
    machine = load_machine(edited(("instructions:", "include: [{snippet: host_scalar, memory: dram}]\ninstructions:")))
    copy = machine.instruction("host_copy.f32")
    assert machine.unit(copy.unit).name == "host"
    assert {operand.memories for operand in copy.operands} == {("dram",)}
    assert copy.source and "estimate" in copy.source


def test_memories_may_be_listed_in_the_text_or_beside_it() -> None:
    listed = load_machine(edited(("a: i8[16] @spad", "a: i8[16] @spad|dram")))
    beside = load_machine(edited(("    timing: {occ", "    operands: {a: {memories: [spad, dram]}}\n    timing: {occ")))
    for machine in (listed, beside):
        assert machine.instruction("add").operands[0].memories == ("spad", "dram")


def test_quoted_folded_and_literal_semantics_mean_the_same() -> None:
    text = "(a: i8[16] @spad) -> (b: i8[16] @dram) { b[i] = a[i] }"
    start = SMALL.index("semantics: |")
    end = SMALL.index("    timing: {occ")
    forms = (f'"{text}"', f"'{text}'", f"|\n      {text}", f">-\n      {text}", f"|2-\n      {text}")
    kernels = [
        load_machine(Source("x", SMALL[:start] + f"semantics: {form}\n" + SMALL[end:])).instruction("add").semantics
        for form in forms
    ]
    assert kernels == [kernels[0]] * len(forms)


def test_a_grid_may_stand_alone_or_in_a_list() -> None:
    alone = "grid: {name: tiles, count: 4, holds: [spad, mac]}"
    nested = "grid: [{name: tiles, count: 4, holds: [spad, mac]}, {name: chip, count: 2, holds: [tiles]}]"
    assert [grid.count for grid in load_machine(edited(("units:", f"{alone}\nunits:"))).grids] == [4]
    assert [grid.count for grid in load_machine(edited(("units:", f"{nested}\nunits:"))).grids] == [4, 2]


def test_parts_nothing_can_use_are_warnings() -> None:
    source = edited(
        ("  - {name: mac}", "  - {name: mac}\n  - {name: idle}"),
        ("source: made up\n", ""),
        ("a: i8[16] @spad", "a: i8[16] @dram"),
        ("  - {name: spad", "  - {name: spare, kind: addressed, capacity_bytes: 1KiB}\n  - {name: spad"),
    )
    said = {warning.message for warning in load_with_warnings(source).warnings}
    assert said == {
        "no instruction uses memory 'spare'",
        "no instruction uses unit 'idle'",
        "the machine has no 'source'",
        "nothing brings data from 'spad' back to a host memory",
    }
    assert complaints(source) == []


def test_a_memory_that_nothing_fills_is_a_warning() -> None:
    source = edited(("@dram) -> (dst: i8[r, c] @spad)", "@spad) -> (dst: i8[r, c] @dram)"))
    assert [warning.message for warning in load_with_warnings(source).warnings] == [
        "nothing brings data from a host memory to 'spad'"
    ]


@pytest.mark.parametrize("name", builtin_machines())
def test_loading_imports_nothing_heavy(name: str) -> None:
    heavy = ("networkx", "pydantic", "sympy", "ortools", "llvmlite", "rich")
    code = f"import sys; from isamapper.hwdesc.loader import load_machine; load_machine({name!r}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [module for module in heavy if module in loaded] == []
