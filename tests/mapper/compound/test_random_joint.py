"""Random instructions of several statements are found in kernels that are them in disguise, and every claim holds."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.mapper.certificate import certificate_of
from isamapper.mapper.compound.find import find_joint_mappings
from isamapper.mapper.compound.refusal import joint_refusal
from isamapper.verify.played import play
from tests.mapper.compound.fused_machines import fused_machine
from tests.mapper.compound.random_joint import instruction, kernel


def check(seed: int) -> int:
    """Plays the mappings of one disguise; without any, only extents may be in the way. How many there were."""
    machine = fused_machine(op=instruction(seed))
    target = isamapper.parse_kernel(kernel(seed + 7, seed))
    found = list(find_joint_mappings(target, machine))
    if not found:
        miss = joint_refusal(target, machine.instruction("op"))
        assert miss is not None
        assert miss.code == "MAP045", f"seed {seed}: {miss.reason}"
    for mapping in found[:20]:
        verdict = play(mapping.kernel, machine, certificate_of(mapping, machine))
        assert verdict.ok, f"seed {seed} {mapping.rho}: {verdict.detail}"
    return len(found)


def test_disguises_are_seen_through() -> None:
    assert sum(check(seed) > 0 for seed in range(8)) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many_disguises_are_seen_through(block: int) -> None:
    assert sum(check(seed) > 0 for seed in range(1000 + 20 * block, 1020 + 20 * block)) >= 5
