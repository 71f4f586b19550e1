"""Campaigns: reading them, doing them once, continuing them, exporting them."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from isamapper.bench.campaign import Block, read_campaign, tasks_of
from isamapper.bench.doubling import variants
from isamapper.bench.export import export, flat
from isamapper.bench.fronts import figure, front
from isamapper.bench.sweep import measured, sweep
from isamapper.cli.main import main
from isamapper.diagnostics.source import SourceError, Span
from isamapper.hwdesc.files import MACHINES
from isamapper.scheduler.campaign.store import Store

SMALL = (("M", ("4", "8")), ("N", ("8",)), ("K", ("8",)))
CAMPAIGN = """
format: 1
runs:
  - kernel: [gemm, gemm_tb]
    sizes: {M: [4, 8], N: 8, K: 8}
    machine: toy4
    set: {memories.dram.latency_cycles: [10, 40]}
  - {kernel: gemm, sizes: {M: 4, N: 8, K: 8}, machine: toy4, set: {memories.dram.latency_cycles: 10}, seed: [0, 1]}
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(CAMPAIGN, encoding="utf-8")
    return path


def test_lists_of_a_run_multiply_and_equal_tasks_are_one(campaign: Path) -> None:
    tasks = tasks_of(read_campaign(str(campaign)))
    assert len(tasks) == 2 * 2 * 2 + 1  # seed 0 of the second run is there already
    assert len({task.key for task in tasks}) == len(tasks)
    assert {task.settings for task in tasks} == {
        ("memories.dram.latency_cycles=10",),
        ("memories.dram.latency_cycles=40",),
    }


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("runs:\n  - kernel: gemm\n", "HW002", 2),
        ("runs:\n  - {kernel: gemm, machine: toy4, size: {M: 4}}\n", "HW001", 2),
        ("runs:\n  - {kernel: gemm, machine: toy4, sizes: {M: four}}\n", "HW003", 2),
        ("runs:\n  - {kernel: gemm, machine: toy5}\n", "HW040", 2),
        ("runs:\n  - {kernel: gem, machine: toy4}\n", "IR", 2),
        ("runs:\n  - kernel: gemm\n    machine: toy4\n    search: [heuristic, guess]\n", "PLG001", 4),
        ("runs:\n  - kernel: gemm\n    machine: toy4\n    cost: guess\n", "PLG001", 4),
        ("runs:\n  - kernel: gemm\n    machine: toy4\n    types: {TA: i9}\n", "SWP004", 4),
        ("runs:\n  - kernel: gemm\n    machine: toy4\n    seed: -1\n", "HW003 must be a whole number from 0", 4),
        ("runs:\n  - kernel: gemm\n    machine: toy4\n    sizes: {M: 3000000000}\n", "HW003 must be at most 2,147", 4),
        ("runs: []\n", "HW003", 1),
        ("runs:\n- {kernel: gemm, machine: toy4, seed: [0, 1\n", "YAML001", 3),
    ],
)
def test_a_wrong_campaign_is_shown_where_it_is_wrong(tmp_path: Path, text: str, code: str, line: int) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        tasks_of(read_campaign(str(path)))
    first = caught.value.diagnostics[0]
    number, _, words = code.partition(" ")
    assert first.code.startswith(number) and words in first.message
    assert first.span is not None and (first.span.source.name, first.span.line) == (str(path), line)


def text_at(place: Span) -> str:
    """What stands at a place."""
    return place.source.text[place.start : place.end]


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("set: {memories.spad.capacity_byte: 1}", "HW001", "1"),
        ("set: {memories.spad.capacity_bytes: [4096, 12QiB]}", "HW003", "12QiB"),
        ("sizes: {M: 8, Q: 3}", "IR019", "Q"),
        ("types: {TX: i8}", "IR019", "TX"),
    ],
)
def test_a_mistake_in_another_text_is_shown_in_the_campaign_too(
    tmp_path: Path, line: str, code: str, word: str
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"runs:\n  - kernel: gemm\n    machine: toy4\n    {line}\n", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        tasks_of(read_campaign(str(path)))
    first = caught.value.diagnostics[0]
    assert first.code == code
    assert [(text, place.line, text_at(place)) for text, place in first.notes if place] == [
        ("set by this run", 4, word)
    ]


def test_too_many_tasks_are_refused_before_any_is_made(tmp_path: Path) -> None:
    values = tuple(str(number) for number in range(1, 1002))
    block = Block(("gemm",), ("toy4",), sizes=(("M", values), ("N", values)))
    with pytest.raises(SourceError, match="multiply to 1002001 tasks"):
        tasks_of([block])


def test_a_second_sweep_reads_what_the_first_stored(tmp_path: Path) -> None:
    tasks = tasks_of([Block(("gemm",), ("toy4",), sizes=SMALL)])
    first, second = sweep(tasks, tmp_path / "s"), sweep(tasks, tmp_path / "s")
    assert (first.read, second.read) == (0, 2)
    assert first.rows == second.rows
    assert all(row["verified"] and row["failure"] is None and row["cycles"] > 0 for row in first.rows)
    assert [row["sizes"]["M"] for row in first.rows] == [4, 8]


def test_a_change_of_the_machine_is_another_task(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = (MACHINES / "toy4.yaml").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    before = tasks_of([Block(("gemm",), (str(path),), sizes=SMALL)])
    path.write_text(text.replace("clock_hz: 1000000000", "clock_hz: 2000000000"), encoding="utf-8")
    after = tasks_of([Block(("gemm",), (str(path),), sizes=SMALL)])
    assert {task.key for task in before}.isdisjoint(task.key for task in after)


def test_what_a_machine_cannot_do_is_a_row_with_its_reason() -> None:
    (task,) = tasks_of([Block(("gemm",), ("toy4",), sizes=(("M", ("4",)),), types=(("TA", ("f64",)),))])
    row = measured(task)
    assert row["failure"] is not None and "'toy4' cannot do 'gemm'" in row["failure"]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_killed_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    store = tmp_path / "s"
    words = ["sweep", "gemm", "--hw", "toy4", "-s", "M=4,5,6,7,8", "-s", "N=8", "-s", "K=8"]
    command = [sys.executable, "-m", "isamapper", *words, "--store", str(store), "--format", "json"]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    done = 0
    while done < 2 and killed.poll() is None:
        time.sleep(0.05)
        if store.exists():
            with Store(store) as kept:
                done = len(kept)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(again.stdout)
    assert answer["summary"]["read_from_store"] >= 2
    assert [row["sizes"]["M"] for row in answer["rows"]] == [4, 5, 6, 7, 8]


def _answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--format", "json"]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_command_marks_the_front_draws_it_and_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, drawn = tmp_path / "rows.csv", tmp_path / "front.svg"
    words = ["sweep", "gemm", "--hw", "toy4", "-s", "M=8", "-s", "N=8", "-s", "K=8", "--store", str(tmp_path / "s")]
    words += ["--set", "memories.dram.ports.bus.bytes_per_cycle=4,8,16", "--export", str(table), "--plot", str(drawn)]
    answer = _answer(capsys, *words, "--front", "memories.dram.ports.bus.bytes_per_cycle,cycles")
    cycles = [row["cycles"] for row in answer["rows"]]
    assert cycles == sorted(cycles, reverse=True)
    best = [number for number in range(3) if all(cycles[number] < cycles[other] for other in range(number))]
    assert answer["front"] == best
    with table.open(encoding="utf-8") as file:
        assert [int(row["cycles"]) for row in csv.DictReader(file)] == cycles
    assert drawn.read_text(encoding="utf-8").count("<circle") == 3


@pytest.mark.slow
def test_doubling_names_the_resource_that_holds_a_program_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = ["-s", "M=4", "-s", "N=4", "-s", "K=4"]
    answer = _answer(capsys, "sweep", "gemm", *sizes, "--hw", "toy4", "--double", "--store", str(tmp_path / "s"))
    gains = [row["speedup"] for row in answer["rows"]]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 1
    assert answer["summary"]["cycles"] == round(answer["rows"][0]["cycles"] * gains[0])


def test_every_variant_of_a_built_in_machine_is_a_machine() -> None:
    assert {"bandwidth of dram.bus", "servers of mac", "capacity of spad", "dispatch window"} <= {
        variant.resource for variant in variants("toy4")
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sweep", "gemm"], "CLI012"),
        (["sweep", "gemm", "--hw", "toy4", "-s", "M"], "CLI006"),
        (["sweep", "gemm", "--hw", "toy4", "-s", "M=4,x"], "CLI006"),
        (["sweep", "gemm", "--hw", "toy4", "--front", "cycles"], "CLI012"),
        (["sweep", "gemm", "--hw", "toy4", "-t", "TA=q8"], "SWP004"),
        (["run", "gemm", "--hw", "toy4", "--set", "dispatch.window"], "CLI006"),
        (["kernel", "show", "mk[2,0],kn[0,5]->mn"], "IR073"),
        (["sweep", "gemm", "--hw", "toy4", "--plot", "f.svg"], "CLI012"),
        (["sweep", "gemm", "--hw", "toy4", "--export", "f.xls"], "SWP003"),
        (["sweep", "gemm", "--hw", "toy4", "--executor", "cloud"], "PLG001"),
        (["sweep", "gemm", "--hw", "toy4", "--executor", "cloud://9"], "PLG001"),
        (["sweep", "gemm", "--hw", "toy4", "--executor", ""], "PLG001"),
        (["sweep", "gemm", "--hw", "toy4", "--executor", "local://9"], "SCH051"),
        (["sweep", "gemm", "--hw", "toy4", "--search", "heuristics"], "PLG001"),
        (["sweep", "gemm", "--hw", "toy4", "--set", "memories.spd.banks=1,2"], "HW042"),
        (["sweep", "none.yaml"], "SWP001"),
        (["sweep", "none.yaml", "--hw", "toy4"], "CLI012"),
    ],
)
def test_wrong_words_are_the_users_mistake(
    words: list[str], code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path / "s")] if words[0] == "sweep" else []
    assert main([*words, *store]) == 2
    said = capsys.readouterr().err
    assert f"error[{code}]" in said
    assert " --> " in said


def test_exports_keep_every_row_and_column(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"a": {"b": 1}, "c": [1, 2], "d": None}, {"a": {"b": 2.5}, "e": "x, y"}]
    export(rows, tmp_path / "r.jsonl")
    assert [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()] == rows
    export(rows, tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        assert [row["a.b"] for row in csv.DictReader(file)] == ["1", "2.5"]
    assert flat(rows[0]) == {"a.b": 1, "c": "[1, 2]", "d": None}


def test_parquet_reads_back(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export([{"a": {"b": 1}, "c": "x"}, {"a": {"b": 2.5}}], tmp_path / "r.parquet")
    read = parquet.read_table(str(tmp_path / "r.parquet")).to_pydict()
    assert read == {"a.b": [1.0, 2.5], "c": ["x", None]}


def test_a_front_holds_what_nothing_else_beats() -> None:
    points = [(1.0, 9.0), (2.0, 5.0), (2.0, 6.0), (3.0, 5.0), (4.0, 1.0), (4.0, 1.0)]
    assert front(points) == (0, 1, 4)
    assert front([]) == ()


def test_figures_are_keys_sizes_and_settings() -> None:
    row = {"cycles": 7, "sizes": {"M": 4}, "settings": {"memories.a.capacity_bytes": "2KiB"}, "energy_pj": None}
    names = ("cycles", "M", "memories.a.capacity_bytes", "energy_pj", "edp", "nothing")
    assert [figure(row, name) for name in names] == [7.0, 4.0, 2048.0, None, None, None]
