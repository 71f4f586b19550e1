"""The bench against other mappers: its workloads, its bound, and one row of it."""

from __future__ import annotations

from isamapper.bench import peers
from isamapper.hwdesc.loader import load_machine
from isamapper.report.peers import peers_document
from isamapper.report.plain import render_plain

BOUNDS = (1_024, 524_288, 1_548_800, 1_638_400, 2_962_400, 28_858_368, 18_481_152, 451_584, 100_352)


def test_the_bounds_are_those_that_the_claims_refer_to() -> None:
    machine = load_machine("ws16")
    assert tuple(peers.tiled_bound(workload, machine) for workload in peers.workloads()) == BOUNDS


def test_a_small_product_is_bound_by_its_bytes_on_the_larger_array() -> None:
    assert peers.tiled_bound(peers.workloads()[0], load_machine("ws32")) == 3 * 64 * 64 // 16


def test_a_row_holds_a_verified_program_within_reach_of_the_bound() -> None:
    machine, workload = load_machine("ws16"), peers.workloads()[0]
    row = peers.measured_row(workload, machine) | {"fewest_dram_bytes": 12288, "bytes_over_fewest": 1.0}
    assert row["verified"] and row["failure"] is None
    assert 1 <= row["ratio"] <= 1.21
    assert row["dram_bytes"] >= row["compulsory_dram_bytes"] == 3 * 64 * 64
    assert row["claims"]["zigzag"] == {"ratio": 1.501, "seconds": 0.5}
    answer = {"bench": "peers", "machine": "ws16", "rows": [row], "summary": peers._summary("ws16", [row])}
    assert "zigzag" in render_plain(peers_document(answer))
