"""Machines with a base: what is replaced, what is added, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.diagnostics.render import render
from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.loader import load_machine, load_with_warnings

CHIP = """
base: toy4
name: chip
source: a test
grid: {name: core, count: 4, holds: [spad, mac]}
memories:
  - {name: spad, capacity_bytes: 8KiB, ports: [{name: r, bytes_per_cycle: 32}, {name: x, bytes_per_cycle: 1}]}
units: [{name: extra, source: a test}]
dispatch: {window: 99}
instructions:
  - {name: compute, timing: {latency_cycles: m + 3}}
  - name: double
    unit: extra
    semantics: "(x: i32[4] @acc) -> (y: i32[4] @acc) { for i < 4 { y[i] = x[i] + x[i] } }"
    timing: {latency_cycles: 1}
"""


def test_what_is_given_replaces_field_by_field_and_the_rest_is_the_base() -> None:
    toy, chip = load_machine("toy4"), load_machine(Source("chip.yaml", CHIP))
    assert (chip.name, chip.clock_hz, chip.default_types) == ("chip", toy.clock_hz, toy.default_types)
    spad = chip.memory("spad")
    assert (spad.capacity_bytes, spad.banks) == (8192, toy.memory("spad").banks)
    assert [(port.name, port.bytes_per_cycle) for port in spad.ports] == [("r", 32), ("w", 8), ("x", 1)]
    assert (chip.dispatch.window, chip.dispatch.per_cycle) == (99, toy.dispatch.per_cycle)
    assert [unit.name for unit in chip.units] == [*(unit.name for unit in toy.units[:4]), "extra", "host"]
    old, new = toy.instruction("compute"), chip.instruction("compute")
    assert new.occupies_cycles == old.occupies_cycles and new.latency_cycles != old.latency_cycles
    assert chip.instruction("double").unit == "extra"
    assert chip.digest != toy.digest


def test_a_variant_of_nothing_is_the_base_under_another_name() -> None:
    same = load_machine(Source("same.yaml", "base: vta\nname: vta\n"))
    vta = load_machine("vta")
    assert (same.memories, same.units, same.instructions) == (vta.memories, vta.units, vta.instructions)


def test_a_path_is_seen_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "core.yaml").write_text(CHIP, encoding="utf-8")
    (tmp_path / "parts" / "two.yaml").write_text("base: core.yaml\nname: two\nclock_hz: 5\n", encoding="utf-8")
    machine = load_machine(str(tmp_path / "parts" / "two.yaml"))
    assert (machine.clock_hz, machine.dispatch.window) == (5, 99)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: toy5\nname: x\n", "error[HW043]: the base 'toy5' cannot be read\n --> x.yaml:1:7"),
        ("base: [toy4]\nname: x\n", "error[HW043]: 'base' must be the name or the path of a machine"),
        ("base: toy4\nname: x\nclok_hz: 3\n", "error[HW001]: unknown field 'clok_hz' in the machine\n --> x.yaml:3:1"),
        ("base: toy4\nname: x\nmemories: [{name: l9}]\n", "error[HW002]: a memory needs 'kind'\n --> x.yaml:3:13"),
        ("base: toy4\nname: x\nmemories: 3\n", "error[HW003]: 'memories' must be a list"),
        ("base: toy4\nname: x\nunits: [{name: a}, {name: a}]\n", "'a' is given twice"),
        ("base: toy4\nname: x\nunits: [mac]\n", "error[HW003]: a unit must be a map"),
    ],
)
def test_mistakes_are_shown_in_the_variant(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        load_with_warnings(Source("x.yaml", text))
    assert any(message in render(finding, False) for finding in caught.value.diagnostics), [
        render(finding, False) for finding in caught.value.diagnostics
    ]


def test_no_machine_is_its_own_base(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("base: two.yaml\nname: one\n", encoding="utf-8")
    two.write_text("base: one.yaml\nname: two\n", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        load_machine(str(one))
    assert "itself as its base" in str(caught.value)
