"""Mappings of other tools: both forms are read alike, fix what they say, and mistakes are shown where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.bench.loop_levels import read_loop_levels
from isamapper.bench.peers import workloads
from isamapper.bench.replay import fixed_by, replay
from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.pipeline import resolve

TIMELOOP = """
mapping:
  - {target: DRAM, type: temporal, factors: M=4 N=8 K=8, permutation: KMN}
  - {target: spad, type: temporal, factors: "M=8,N=4,K=4", permutation: [M, N, K]}
  - {target: spad, type: spatial, factors: [K=16, N=16]}
  - {target: reg, type: temporal, factors: {M: 16}, permutation: MKN}
  - {target: spad, type: bypass, keep: [A, B], bypass: [C]}
"""
ZIGZAG = """
O: [[[B, 128], [C, 4]], [[K, 4], [C, 8], [B, 4], [K, 8]]]
W: [[[B, 128]], [[C, 4], [K, 4], [C, 8], [B, 4], [K, 8]]]
I: [[[B, 128], [C, 4], [K, 4]], [[C, 8], [B, 4], [K, 8]]]
"""
ORDERING = """
- spatial_mapping: {D1: [K, 16], D2: [C, 16]}
  temporal_ordering: [[B, 128], [C, 4], [K, 4], [C, 8], [B, 4], [K, 8]]
"""
CONVOLUTION = """
mapping:
  - {target: PE, type: temporal, factors: Q14 P1}
  - {target: GlobalBuffer, type: spatial, factors: C=16 M=16}
  - {target: GlobalBuffer, type: temporal, factors: C=4 R=3 S=3 P=8 Q=4, permutation: CRSPQ}
  - {target: DRAM, type: temporal, factors: M=4 P=7, permutation: MP}
"""


def _fixed(tmp_path: Path, text: str, number: int = 1) -> list[str]:
    (tmp_path / "mapping.yaml").write_text(text)
    machine, workload = load_machine("ws16"), workloads()[number]
    kernel, _ = resolve(workload.kernel, machine, dict(workload.sizes))
    return [str(pin) for pin in fixed_by(read_loop_levels(str(tmp_path / "mapping.yaml")), kernel, machine, {}).pins]


@pytest.mark.parametrize(
    ("text", "inside"),
    [(TIMELOOP, "k n m"), (ZIGZAG, "n k m"), (ORDERING, "n k m")],
    ids=["timeloop", "levels", "order"],
)
def test_both_forms_fix_tiles_and_orders(tmp_path: Path, text: str, inside: str) -> None:
    tiles = ["tiles.m: 8", "tiles.n: 4", "tiles.k: 4"]
    assert _fixed(tmp_path, text) == [*tiles, "outside: n m k", f"inside: {inside}"]


def test_dimensions_of_a_convolution_are_known_and_lists_may_begin_inside(tmp_path: Path) -> None:
    found = _fixed(tmp_path, CONVOLUTION, 7)
    assert "outside: h k" in found and "tiles.h: 8" in found


def test_a_mapping_of_another_tool_runs_and_verifies(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(TIMELOOP.replace("M=4 N=8 K=8", "N=1").replace("M=8,N=4,K=4", "M=4,N=4,K=4"))
    loops = read_loop_levels(str(tmp_path / "mapping.yaml"))
    row = replay(loops, workloads()[0], load_machine("ws16"))["row"]
    assert row["verified"] and row["cycles"] >= row["tiled_bound_cycles"]


@pytest.mark.parametrize(
    ("text", "code", "message", "line"),
    [
        (TIMELOOP.replace("KMN", "KMX"), "PEER001", "'X' is in the permutation and has no factor", 3),
        (TIMELOOP.replace("M=4 N=8", "M=4 N=x"), "PEER001", "'N=x' is no factor", 3),
        (TIMELOOP.replace("type: spatial", "type: sideways"), "PEER001", "a directive of type 'sideways'", 5),
        (ZIGZAG.replace("[K, 8]", "[K]"), "PEER001", "a loop is a dimension with its trips", 2),
        ("tiles: {m: 4}", "PEER001", "no loops per level are found", 1),
        (TIMELOOP.replace("M=4 ", "M=2 "), "PEER002", "the factors of 'm' multiply to 256, the workload has 512", 3),
        (TIMELOOP.replace("M", "P"), "PEER002", "the kernel has no dimension 'P'", 3),
    ],
)
def test_mistakes_are_shown_where_they_stand(tmp_path: Path, text: str, code: str, message: str, line: int) -> None:
    with pytest.raises(SourceError) as caught:
        _fixed(tmp_path, text)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)
    assert found.span is not None and found.span.source.text.count("\n", 0, found.span.start) + 1 == line
