"""The machines of the validation benches are machines like all others: a search finds programs for them."""

from __future__ import annotations

import pytest

import isamapper


@pytest.mark.parametrize(
    ("machine", "sizes", "unit"),
    [("tpuv1", {"M": 200, "N": 256, "K": 512}, "matrix"), ("gemmini16_rtl", {"M": 48, "N": 32, "K": 32}, "array")],
)
def test_they_run_a_matrix_product(machine: str, sizes: dict[str, int], unit: str) -> None:
    answer = isamapper.run("gemm", machine, sizes=sizes).to_dict()
    assert answer["verified"]["ok"]
    assert answer["utilization"][unit] > 0  # not on the host
