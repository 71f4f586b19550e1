"""What different people write for the same thing is met, what is something else is refused with a reason."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.mapper.certificate import certificate_of
from isamapper.mapper.compound.find import find_joint_mappings
from isamapper.verify.played import play
from tests.mapper.compound.fused_machines import fused_machine
from tests.mapper.compound.strangers import CASES

FOUND = [name for name, case in CASES.items() if case.members]
REFUSED = [name for name, case in CASES.items() if case.reason]


@pytest.mark.parametrize("name", FOUND)
def test_the_same_thing_is_found(name: str) -> None:
    case = CASES[name]
    machine = fused_machine(op=case.instruction)
    found = list(find_joint_mappings(isamapper.parse_kernel(case.kernel), machine))
    assert case.members in [frozenset(mapping.join.members) for mapping in found]
    for mapping in found[:8]:
        verdict = play(mapping.kernel, machine, certificate_of(mapping, machine))
        assert verdict.ok, (mapping.rho, verdict.detail)


@pytest.mark.parametrize("name", REFUSED)
def test_something_else_is_refused_with_a_reason(name: str) -> None:
    case = CASES[name]
    machine, kernel = fused_machine(op=case.instruction), isamapper.parse_kernel(case.kernel)
    assert not list(find_joint_mappings(kernel, machine))
    (refusal,) = isamapper.explain(kernel, machine, "op")
    assert refusal.reason.endswith(case.reason)


@pytest.mark.slow
@pytest.mark.parametrize("name", FOUND)
def test_what_is_found_is_scheduled_run_and_verified(name: str) -> None:
    case = CASES[name]
    result = isamapper.run(isamapper.parse_kernel(case.kernel), fused_machine(op=case.instruction))
    assert result.certificate.ok, result.certificate
