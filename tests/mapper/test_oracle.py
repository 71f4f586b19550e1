"""Soundness and completeness: the mappings found are those that a brute-force oracle executes correctly."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.ir.parser import parse_kernel
from isamapper.mapper.find import subjects
from isamapper.mapper.match import enumerate_mappings
from isamapper.mapper.needle import needle_of_kernel
from isamapper.mapper.sigma import is_plain
from tests.mapper.oracle import case_of, saturated, sound_relations
from tests.mapper.random_cases import random_pair


def check(seed: int) -> bool:
    """Compares both sets for one random pair; False where the text is no kernel."""
    kernel, instruction = random_pair(seed)
    try:
        (subject,) = subjects(parse_kernel(kernel))
        needle = needle_of_kernel(parse_kernel(instruction))
    except SourceError:
        return False
    assert needle is not None
    if not is_plain(needle):
        assert not list(enumerate_mappings(subject, needle))
        return False
    case = case_of(subject, needle)
    wanted = {
        (sigma, relation, kind)
        for sigma, relations in sound_relations(case).items()
        for relation, kind in saturated(case, sigma, relations)
    }
    order = [access.tensor for access in needle.statement.accesses[1:]]
    found = set()
    for mapping in enumerate_mappings(subject, needle, twins=True):
        pairing = {each.operand: each.access for each in mapping.sigma}
        found.add((tuple(pairing[name] or 0 for name in order), mapping.rho, mapping.kind.value))
    assert found == wanted, f"seed {seed}\n{kernel}\n{instruction}"
    return True


@pytest.mark.parametrize("block", range(10))
def test_mappings_found_are_those_that_execute(block: int) -> None:
    assert sum(check(seed) for seed in range(10 * block, 10 * block + 10)) >= 3


@pytest.mark.parametrize("seed", [123, 171, 10041, 10155, 10259, 10277, 10696, 10970, 12162])
def test_mappings_that_were_once_missed_or_wrong(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(100))
def test_mappings_found_are_those_that_execute_on_thousands(block: int) -> None:
    for seed in range(10_000 + 50 * block, 10_050 + 50 * block):
        check(seed)
