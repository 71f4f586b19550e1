"""Certificates of what the mapper finds are played by a checker that does not call it, and hold."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.ir.parser import parse_kernel
from isamapper.mapper import find_mappings
from isamapper.mapper.certificate import certificate_of
from isamapper.plan.placement import dict_of_placement, placement_of_dict
from isamapper.verify.played import play
from tests.mapper.machines import machine
from tests.mapper.random_cases import random_pair


def _meaning(instruction: str) -> str:
    """The random instruction with its operands in a memory, and of a size that fits."""
    head, body = instruction.removeprefix("kernel k").replace("40", "12").split("{", 1)
    return f"{head.replace(']', '] @pad')}{{{body}"


def play_all(seed: int) -> int:
    """Plays the certificate of every mapping of a random pair; how many there were."""
    text, instruction = random_pair(seed)
    try:
        kernel, target = parse_kernel(text), machine(op=_meaning(instruction))
    except SourceError:
        return 0
    count = 0
    for mapping in find_mappings(kernel, target):
        claim = certificate_of(mapping, target)
        assert placement_of_dict(dict_of_placement(claim)) == claim
        verdict = play(kernel, target, claim)
        assert verdict.ok, f"seed {seed} {mapping.rho}: {verdict.detail}\n{text}\n{instruction}"
        count += 1
    return count


def test_certificates_of_random_pairs_hold() -> None:
    assert sum(play_all(seed) for seed in range(30_000, 30_012)) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_certificates_of_many_random_pairs_hold(block: int) -> None:
    assert sum(play_all(seed) for seed in range(40_000 + 50 * block, 40_050 + 50 * block)) >= 50
