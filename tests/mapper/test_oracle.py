"""Soundness and completeness: the mappings found are those that a brute-force oracle executes correctly."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.ir.parser import parse_kernel
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.match import enumerate_mappings
from isamapper.mapper.matching.needle import Needle, needle_of_kernel
from isamapper.mapper.matching.sigma import Subject
from isamapper.plan.mapping import Mapping
from tests.mapper.oracle import case_of, is_sound, saturated, sound_relations
from tests.mapper.random_cases import random_pair


def check(seed: int) -> bool:
    """Compares both sets for one random pair; False where the text is no kernel, or nothing can map."""
    texts = random_pair(seed)
    try:
        kernel, instruction = (parse_kernel(text) for text in texts)
    except SourceError:
        return False
    (subject,) = subjects(kernel)
    needle = needle_of_kernel(instruction)
    assert needle is not None
    case = case_of(kernel, instruction)
    if case is None:
        assert not list(enumerate_mappings(subject, needle))
        return False
    wanted = {
        (sigma, relation, kind)
        for sigma, relations in sound_relations(case).items()
        for relation, kind in saturated(case, sigma, relations)
    }
    found = {(sigma_of(mapping, needle), mapping.rho, mapping.kind.value) for mapping in found_by(subject, needle)}
    assert found == wanted, f"seed {seed}\n{texts[0]}\n{texts[1]}"
    return True


def found_by(subject: Subject, needle: Needle) -> list[Mapping]:
    """What the mapper finds, twins included."""
    return list(enumerate_mappings(subject, needle, twins=True))


def sigma_of(mapping: Mapping, needle: Needle) -> tuple[int, ...]:
    """The kernel access of each load of the instruction."""
    pairing = {each.operand: each.access for each in mapping.sigma}
    return tuple(pairing[access.tensor] or 0 for access in needle.statement.accesses[1:])


def check_soundness(seed: int) -> int:
    """Executes what the mapper finds for one random pair, the unsaturated included; how many mappings there were."""
    texts = random_pair(seed)
    try:
        kernel, instruction = (parse_kernel(text) for text in texts)
    except SourceError:
        return 0
    case = case_of(kernel, instruction)
    if case is None:
        return 0
    (subject,) = subjects(kernel)
    needle = needle_of_kernel(instruction)
    assert needle is not None
    found = list(enumerate_mappings(subject, needle, twins=True, every=True))
    for mapping in found:
        right = is_sound(case, sigma_of(mapping, needle), mapping.rho)
        assert right, f"seed {seed} {mapping.rho}\n{texts[0]}\n{texts[1]}"
    return len(found)


@pytest.mark.parametrize("block", range(10))
def test_mappings_found_are_those_that_execute(block: int) -> None:
    assert sum(check(seed) for seed in range(10 * block, 10 * block + 10)) >= 3


@pytest.mark.parametrize("seed", [123, 171, 10041, 10155, 10259, 10277, 10696, 10970, 12162, 60713, 60766, 70089])
def test_mappings_that_were_once_missed_or_wrong(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(100))
def test_mappings_found_are_those_that_execute_on_thousands(block: int) -> None:
    for seed in range(10_000 + 50 * block, 10_050 + 50 * block):
        check(seed)


@pytest.mark.parametrize("seed", [102218])
def test_mappings_that_were_once_wrong(seed: int) -> None:
    check_soundness(seed)


def test_every_mapping_found_executes() -> None:
    assert sum(check_soundness(seed) for seed in range(30_000, 30_040)) >= 100


@pytest.mark.slow
@pytest.mark.parametrize("block", range(250))
def test_every_mapping_found_executes_on_a_hundred_thousand(block: int) -> None:
    assert sum(check_soundness(seed) for seed in range(100_000 + 80 * block, 100_080 + 80 * block)) >= 250
