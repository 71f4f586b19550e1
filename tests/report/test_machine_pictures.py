"""Machines drawn: well-formed, complete, and nothing over anything else."""

from __future__ import annotations

import re
from random import Random
from xml.etree import ElementTree

import pytest

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import builtin_machines, load_machine
from isamapper.hwdesc.model import Machine
from isamapper.report.machine_lanes import lanes
from isamapper.report.machine_svg import machine_svg
from isamapper.report.machine_text import machine_text
from isamapper.report.svg import CHARACTER
from isamapper.testing.machines import random_machine

SVG = "{http://www.w3.org/2000/svg}"

NESTED = """
name: nested
source: made up
clock_hz: 1000
memories:
  - {name: home, kind: host}
  - {name: shared, kind: addressed, capacity_bytes: 4KiB}
  - {name: own, kind: registers, rows: 4, row_bytes: 16}
units: [{name: load}, {name: work}]
grid:
  - {name: die, count: 2, holds: [shared, load, core]}
  - {name: core, count: 4, holds: [own, work]}
instructions:
  - name: fetch
    unit: load
    semantics: "(src: i8[16] @home) -> (dst: i8[16] @shared) { for i < 16 { dst[i] = src[i] } }"
    timing: {latency_cycles: 1}
  - name: back
    unit: load
    semantics: "(src: i8[16] @shared) -> (dst: i8[16] @home) { for i < 16 { dst[i] = src[i] } }"
    timing: {latency_cycles: 1}
  - name: add
    unit: work
    semantics: "(a: i8[16] @shared, y: inout i8[16] @own) { for i < 16 { y[i] += a[i] } }"
    timing: {latency_cycles: 1}
  - name: out
    unit: work
    semantics: "(src: i8[16] @own) -> (dst: i8[16] @shared) { for i < 16 { dst[i] = src[i] } }"
    timing: {latency_cycles: 1}
"""


PLAIN = ("toy4", "gemmini16", "avx512", "eyeriss", "a100", "nested", "0", "1", "2")
NAMES = [
    each if each in PLAIN else pytest.param(each, marks=pytest.mark.slow)
    for each in (*PLAIN, *sorted({*builtin_machines()} - {*PLAIN}))
]
"""A number is a random machine of that seed."""


def machine_of(name: str) -> Machine:
    if name == "nested":
        return load_machine(Source("nested.yaml", NESTED))
    return load_machine(random_machine(Random(int(name))) if name.isdecimal() else name)


def boxes(root: ElementTree.Element) -> list[tuple[str, float, float, float, float]]:
    """Every text with its left, top, right and bottom as wide as a monospaced font makes it."""
    found = []
    for node in root.iter(f"{SVG}text"):
        size = 20.0 if node.get("class") == "title" else 11.0
        x, y, words = float(node.get("x", 0)), float(node.get("y", 0)), node.text or ""
        found.append((words, x, y - 0.75 * size, x + 0.98 * CHARACTER * size * len(words), y + 0.2 * size))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_text_lies_over_another_or_outside_the_paper(name: str) -> None:
    machine = machine_of(name)
    root = ElementTree.fromstring(machine_svg(machine))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    drawn = boxes(root)
    for number, (words, left, top, right, bottom) in enumerate(drawn):
        assert left >= 0 and top >= 0 and right <= width and bottom <= height, words
        for other, left2, top2, right2, bottom2 in drawn[:number]:
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            assert apart, f"'{words}' over '{other}'"


@pytest.mark.parametrize("name", NAMES)
def test_every_part_is_in_the_picture(name: str) -> None:
    machine = machine_of(name)
    drawn = machine_svg(machine)
    text = machine_text(machine)
    places = [*(each.name for each in machine.memories), *(each.name for each in machine.units)]
    places += [grid.name for grid in machine.grids]
    for part in (*places, *(each.name for each in machine.instructions)):
        assert re.search(rf"[>,; ]{re.escape(part)}[<,; ]", drawn), part
    assert all(part in text for part in places)


def test_what_a_grid_holds_stands_together_and_inner_grids_inside_outer_ones() -> None:
    shown = lanes(load_machine(Source("nested.yaml", NESTED)))
    assert [memory.name for memory in shown.memories] == ["home", "shared", "own"]
    spans = {copies.grid.name: (copies.first, copies.last, copies.depth) for copies in shown.grids}
    assert spans == {"die": (1, 2, 0), "core": (2, 2, 1)}


def test_a_link_is_drawn_from_what_is_read_to_what_is_written() -> None:
    assert machine_text(load_machine(Source("nested.yaml", NESTED))).splitlines() == [
        "             home   shared   own",
        "load  fetch    ●───────▶      │",
        "      back     ◀───────●      │",
        "work  add      │       ●──────◆",
        "      out      │       ◀──────●",
        "",
        "● reads   ▶ ◀ writes   ◆ reads and writes",
        "2 times, as 'die': shared, own, load, work",
        "4 times, as 'core': own, work",
    ]
