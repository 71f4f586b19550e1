"""The page of a timeline: complete, self-contained, bounded, and its script is one that runs."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

import isamapper
from isamapper.pipeline import evaluate, find_schedule, schedule_program
from isamapper.report.roofline import roofline, roofline_svg
from isamapper.report.timeline_data import FIRST, packed, shown
from isamapper.report.timeline_page import timeline_page
from isamapper.result import Result
from isamapper.sim.cores import runs_across
from isamapper.sim.timing import simulate

SCRIPT = Path(isamapper.__file__).parent / "report" / "page" / "timeline.js"


@pytest.fixture(scope="module")
def result() -> Result:
    sizes = {"M": 16, "N": 16, "K": 16}
    return evaluate(schedule_program(find_schedule("gemm", "toy4", sizes=sizes, cost_model="analytic").schedule))


class Tags(HTMLParser):
    """Checks that tags nest, as far as HTML demands it."""

    OPEN = ("meta", "th", "td", "thead", "tbody", "tr", "rect", "circle", "path")

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.OPEN:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.OPEN:
            assert self.stack.pop() == tag


def data_of(page: str) -> dict[str, object]:
    found = re.search(r"<script type='application/json' id=data>(.*?)</script>", page, re.DOTALL)
    assert found
    loaded: dict[str, object] = json.loads(found[1])
    return loaded


def test_needs_nothing_else_and_is_well_formed(result: Result) -> None:
    page = timeline_page(result)
    tags = Tags()
    tags.feed(page)
    assert tags.stack == [] and tags.links == []
    assert not re.search(r"https?://(?!www\.w3\.org)", page) and "@import" not in page and "url(" not in page


def test_says_what_the_result_says(result: Result) -> None:
    page = timeline_page(result)
    timeline = result.timeline
    assert f"{timeline.cycles:,}" in page and f"{result.bounds.bound_cycles:,}" in page
    for unit in timeline.units:
        if unit.instructions:
            assert f"<th>{unit.name}" in page
            share = 100 * unit.busy_cycles / (unit.servers * timeline.cycles)
            assert f"{share:.1f} %" in page


def test_every_invocation_is_there_and_can_be_unpacked(result: Result) -> None:
    drawn = shown(result.program)
    assert [bar.number for bar in drawn.bars] == list(range(result.timeline.invocations))
    start, number = 0, -1
    for bar, numbers in zip(drawn.bars, packed(drawn.bars), strict=True):
        start, number = start + numbers[2], number + numbers[6]
        assert (numbers[0], numbers[1], start, number) == (bar.site, bar.row, bar.start, bar.number)
        assert (start - numbers[3], start + numbers[4], start + numbers[5]) == (bar.free, bar.released, bar.end)
    for row in range(len(drawn.rows)):
        own = [bar for bar in drawn.bars if bar.row == row]
        assert all(before.released <= after.start for before, after in itertools.pairwise(own))
    data = data_of(timeline_page(result))
    assert data["instructions"] == result.timeline.invocations
    memories = data["memories"]
    assert isinstance(memories, list)
    assert [memory["name"] for memory in memories] == ["spad", "acc", "weights"]
    assert all(memory["peak"] <= result.program.machine.memory(memory["name"]).capacity_bytes for memory in memories)


def test_a_program_of_millions_of_instructions_is_a_small_page_with_its_beginning_and_end() -> None:
    pytest.importorskip("llvmlite")
    sizes = {"M": 2048, "N": 2048, "K": 2048}
    program = schedule_program(find_schedule("gemm", "gemmini16", sizes=sizes, cost_model="analytic").schedule)
    drawn = shown(program)
    assert drawn.instructions > 2_000_000
    assert drawn.segments[0].first_number == 0 and drawn.segments[0].last_number >= FIRST - 1
    assert drawn.segments[-1].last_number == drawn.instructions - 1
    assert drawn.segments[-1].last_cycle == simulate(program).cycles
    borders = [cycle for each in drawn.segments for cycle in (each.first_cycle, each.last_cycle)]
    assert borders == sorted(borders)
    assert len(json.dumps(packed(drawn.bars))) < 1_500_000


def test_the_roofline_is_over_what_was_reached(result: Result) -> None:
    found = roofline(result)
    assert found is not None and found.peak is not None
    for each in found.standings:
        assert each.rate <= found.peak + 1e-9
        assert each.rate <= each.intensity * each.bytes_per_cycle + 1e-9
    drawn = roofline_svg(found)
    assert all(f">{each.memory}<" in drawn for each in found.standings)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the script's parser")
def test_the_script_is_one() -> None:
    subprocess.run(["node", "--check", str(SCRIPT)], check=True, capture_output=True)


@pytest.mark.slow
def test_of_a_program_across_a_grid_one_core_is_drawn() -> None:
    sizes = {"M": 128, "N": 128, "K": 64}
    program = schedule_program(find_schedule("gemm", "plasticine", sizes=sizes).schedule)
    assert runs_across(program)
    drawn = shown(program)
    assert drawn.across and [server for _, server in drawn.rows] == [0] * len(drawn.rows)
    assert drawn.instructions < simulate(program).invocations
    assert [bar.number for bar in drawn.bars] == list(range(drawn.instructions))
    assert drawn.segments[-1].last_cycle == simulate(program).cycles
    assert all(each.peak_bytes <= each.capacity_bytes for each in drawn.occupancy)
