"""Products of many factors: symmetries are looked for among factors that could be exchanged at all."""

from __future__ import annotations

from itertools import pairwise

import pytest

from isamapper.ir.parser import parse_kernel
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.twins import subject_symmetries
from isamapper.mapper.matching.unify import unify
from isamapper.mapper.matching.views import natural_view


def elementwise(count: int) -> str:
    names = [f"x{number}" for number in range(count)]
    reads = ", ".join(f"{name}: f32[8]" for name in names)
    return (
        f"kernel all({reads}) -> (y: f32[8]) {{ for i < 8 {{ y[i] = {' * '.join(f'{name}[i]' for name in names)} }} }}"
    )


def test_a_chain_of_eight_matrices_has_the_identity_alone() -> None:
    letters = "abcdefghi"
    reads = ", ".join(f"x{a}: f32[8, 8]" for a in letters[:-1])
    loops = ", ".join(f"{a} < 8" for a in letters)
    value = " * ".join(f"x{a}[{a}, {b}]" for a, b in pairwise(letters))
    (subject,) = subjects(
        parse_kernel(f"kernel chain({reads}) -> (y: f32[8, 8]) {{ for {loops} {{ y[a, i] += {value} }} }}")
    )
    assert len(subject_symmetries(subject)) == 1


@pytest.mark.parametrize(("count", "symmetries"), [(3, 6), (5, 120), (8, 720)])
def test_factors_that_are_alike_are_exchanged(count: int, symmetries: int) -> None:
    (subject,) = subjects(parse_kernel(elementwise(count)))
    assert len(subject_symmetries(subject)) == symmetries


def test_unification_may_be_told_what_may_stand_for_what() -> None:
    (subject,) = subjects(parse_kernel(elementwise(3)))
    term = natural_view(subject.statement, subject.tensors).term
    assert len(list(unify(term, term))) == 6
    assert len(list(unify(term, term, lambda one, other: one == other))) == 1
