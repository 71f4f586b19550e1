"""``bench mapping``: what it measures; the figures themselves are recorded, not asserted, but for what memory shows."""

from __future__ import annotations

from typing import Any

import pytest

from isamapper.bench.mapping import INSTRUCTIONS, SETS, bench_mapping, collected


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    return bench_mapping(repetitions=1)


def test_the_cases_are_those_that_are_asked_about(answer: dict[str, Any]) -> None:
    cases = {row["case"]: row for row in answer["rows"]}
    assert cases["conv3d with labels"]["mappings"] == 2 * (2**4 - 1) * (2**4 - 1), "twice: either operand first"
    assert (cases["recurrent cell"]["statements"], cases["recurrent cell"]["instructions"]) == (6, INSTRUCTIONS)
    assert cases["recurrent cell"]["mappings"] > INSTRUCTIONS // 2


def test_memory_does_not_grow_with_the_number_of_mappings(answer: dict[str, Any]) -> None:
    few, many = answer["rows"][-2:]
    assert many["mappings"] == 25 * few["mappings"]
    assert answer["summary"]["peak_bytes_ratio"] < 3


def test_instructions_of_one_form_share_an_enumeration(answer: dict[str, Any]) -> None:
    assert 0 < answer["summary"]["enumerations"] < answer["summary"]["matches"] / 2


def test_the_collected_machine_is_drawn_from_every_set() -> None:
    owners = {instruction.name.split(".")[0] for instruction in collected(INSTRUCTIONS).instructions}
    assert owners == set(SETS)
