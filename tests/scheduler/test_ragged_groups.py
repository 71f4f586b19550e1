"""Packed dot products whose groups the reduction does not fill: the last group is padded, nothing goes to the host."""

from __future__ import annotations

import pytest

import isamapper

BYTES = {"TA": "i8", "TB": "i8", "TC": "i32"}


@pytest.mark.parametrize(
    ("machine", "sizes", "instruction"),
    [
        ("amx", {"M": 17, "N": 19, "K": 70}, "tdpbssd"),
        ("sme", {"M": 20, "N": 20, "K": 7}, "smopa"),
        ("neon", {"M": 4, "N": 8, "K": 7}, "sdot"),
    ],
)
def test_a_ragged_reduction_is_padded_to_whole_groups(machine: str, sizes: dict[str, int], instruction: str) -> None:
    result = isamapper.run("gemm", machine, sizes=sizes, types=BYTES)
    assert result.certificate.ok, result.certificate
    assert dict(result.timeline.instructions)[instruction] > 0


def test_a_second_slot_starts_where_tiles_may_start() -> None:
    """A slot of 128 bytes in a memory of tiles of 1,024: there is one slot."""
    result = isamapper.run("gemm", "sme", sizes={"M": 32, "N": 32, "K": 8}, types=BYTES)
    assert result.certificate.ok, result.certificate
