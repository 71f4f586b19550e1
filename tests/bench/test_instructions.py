"""Known timings of instructions: the simulator shows them, by programs that one would time a real machine with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isamapper.bench.instructions.loops import Timed, carriers, chain, stream
from isamapper.bench.instructions.measure import bench_instructions
from isamapper.bench.instructions.rows import COLUMNS, described, known_timings
from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.sim.timing import simulate


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    return bench_instructions()


def test_every_exact_row_is_reproduced_exactly(answer: dict[str, Any]) -> None:
    assert [row["instruction"] for row in answer["rows"] if row["mark"] == "exact" and not row["reproduced"]] == []
    assert answer["summary"]["exact"] == {"rows": 21, "reproduced": 21}


def test_every_row_is_described_by_some_machine(answer: dict[str, Any]) -> None:
    assert [known.instruction for known in known_timings() if described(known) is None] == []
    assert answer["summary"]["not_described"] == 0


def test_what_is_known_only_roughly_is_reproduced_too(answer: dict[str, Any]) -> None:
    assert answer["summary"]["derived"] == {"rows": 3, "reproduced": 3}
    assert answer["summary"]["approximate"] == {"rows": 6, "reproduced": 6}


def test_products_of_an_instruction_are_counted_from_its_meaning(answer: dict[str, Any]) -> None:
    found = {row["instruction"]: row["simulated_products"] for row in answer["rows"]}
    assert (found["smmla v.4s"], found["tdpbssd"], found["tileloadd"]) == (32, 16384, 0)


def test_a_chain_through_a_source_takes_longer_than_one_through_the_accumulator() -> None:
    machine = load_machine("neon")
    timed = Timed(machine, machine.instruction("fmla"), ())
    assert carriers(timed) == ("a", "b")
    through_source, through_sum = (simulate(chain(timed, 100, each)).cycles for each in ("a", None))
    assert (through_source, through_sum) == (4 * 100 + 1, 2 * 100 + 2 + 1)


def test_too_few_accumulators_show_the_latency() -> None:
    """Two tiles: starts at 1, 2, 5, 6, ..., 397, 398. Four tiles: at 1, 2, 3, 4, ..., 400. Each takes 4 cycles."""
    machine = load_machine("sme")
    za = next(memory for memory in machine.memories if memory.name == "za")
    memories = tuple(replace(each, rows=32, capacity_bytes=2048) if each is za else each for each in machine.memories)
    half = replace(machine, memories=memories)
    cycles = {}
    for each in (machine, half):
        program, slots = stream(Timed(each, each.instruction("fmopa"), ()), 100)
        cycles[slots] = simulate(program).cycles
    assert cycles == {4: 400 + 4, 2: 398 + 4}


def test_a_row_that_no_machine_describes_is_not_reproduced(tmp_path: Path) -> None:
    file = tmp_path / "known.csv"
    line = "isa,My core,my instruction,16x1x4,u8*s8,s32,64,5,1.0,,exact,me"
    file.write_text(f"{','.join(COLUMNS)}\n{line}\n")
    found = bench_instructions(str(file))
    assert (found["rows"][0]["machine"], found["rows"][0]["reproduced"]) == (None, False)
    assert found["summary"]["not_described"] == 1


def test_another_number_is_not_reproduced(tmp_path: Path) -> None:
    file = tmp_path / "known.csv"
    line = "neon,Arm Neoverse N2,fmla v.4s,4x1x1,f32,f32,4,5,0.5,,exact,me"
    file.write_text(f"{','.join(COLUMNS)}\n{line}\n")
    (row,) = bench_instructions(str(file))["rows"]
    assert (row["latency_cycles"], row["simulated_latency_cycles"], row["reproduced"]) == (5, 4, False)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("core,instruction\na,b\n", "VAL002"),
        (f"{','.join(COLUMNS)}\nisa,core,i,1x1x1,f32,f32,1,many,1,,exact,me\n", "VAL003"),
    ],
)
def test_files_of_another_form_are_named(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "known.csv"
    file.write_text(text)
    with pytest.raises(SourceError) as caught:
        known_timings(str(file))
    assert caught.value.diagnostics[0].code == code


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(SourceError, match=r"cannot read 'nowhere.csv'"):
        known_timings("nowhere.csv")
