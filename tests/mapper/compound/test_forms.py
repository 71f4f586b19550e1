"""One computation written in many ways is met by one instruction written in many ways, in all combinations."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.diagnostics.source import Rejection
from isamapper.mapper.certificate import certificate_of
from isamapper.mapper.compound.find import find_joint_mappings
from isamapper.mapper.rewrites.separate import separation
from isamapper.verify.played import play
from tests.mapper.compound.fused_machines import fused_machine

SUM = "for I < 8, J < 8, K < 16 { T[I, J] += i32(A[I, K]) * i32(W[K, J]) }"
STORE = "for I < 8, J < 8 { Y[I, J] = i8(clamp(shr_round(T[I, J], S), -128, 127)) }"
WAYS = {
    "in the store": SUM + " for I < 8, J < 8 { Y[I, J] = i8(clamp(shr_round(B[J] + T[I, J], S), -128, 127)) }",
    "a statement of its own": SUM + " for I < 8, J < 8 { T[I, J] = T[I, J] + B[J] } " + STORE,
    "added in place": SUM + " for I < 8, J < 8 { T[I, J] += B[J] } " + STORE,
    "what the sum starts from": "for I < 8, J < 8 { T[I, J] = B[J] } " + SUM + STORE,
    "in one nest": "for I < 8, J < 8 { T[I, J] = B[J] for K < 16 { T[I, J] += i32(A[I, K]) * i32(W[K, J]) } }" + STORE,
    "zeros, then the bias, then the sum": "for I < 8, J < 8 { T[I, J] = 0 T[I, J] += B[J] } " + SUM + STORE,
    "everything in place": SUM
    + """ for I < 8, J < 8 { T[I, J] += B[J] } for I < 8, J < 8 { T[I, J] = shr_round(T[I, J], S) }
        for I < 8, J < 8 { T[I, J] max= -128 } for I < 8, J < 8 { T[I, J] min= 127 }
        for I < 8, J < 8 { Y[I, J] = i8(T[I, J]) }""",
}
SIDES = {
    "instruction": ({"I": "i", "J": "j", "K": "k", "T": "acc", "A": "a", "W": "w", "B": "b", "Y": "y", "S": "s"}),
    "kernel": ({"I": "m", "J": "n", "K": "q", "T": "t", "A": "x", "W": "v", "B": "c", "Y": "z", "S": "7"}),
}


def written(way: str, side: str) -> str:
    text = WAYS[way]
    for letter, name in SIDES[side].items():
        text = "".join(name if each == letter else each for each in text)
    return text


def instruction(way: str) -> str:
    head = "(s in 0..31) (a: i8[8, 16] @pad, w: i8[16, 8] @pad, b: i32[8] @pad) -> (y: i8[8, 8] @pad)"
    return f"{head} {{ local acc: i32[8, 8]\n{written(way, 'instruction')} }}"


def kernel(way: str) -> str:
    head = "kernel k(x: i8[8, 16], const v: i8[16, 8], const c: i32[8]) -> (z: i8[8, 8])"
    return f"{head} {{ local t: i32[8, 8]\n{written(way, 'kernel')} }}"


@pytest.mark.parametrize("inside", WAYS)
def test_every_way_to_add_a_bias_is_met_by_every_other(inside: str) -> None:
    machine = fused_machine(op=instruction(inside))
    for outside in WAYS:
        found = list(find_joint_mappings(isamapper.parse_kernel(kernel(outside)), machine))
        played = [play(each.kernel, machine, certificate_of(each, machine)) for each in found[:2]]
        assert found, outside
        assert all(verdict.ok for verdict in played), [verdict.detail for verdict in played]


def test_what_is_found_in_another_form_is_run_and_verified() -> None:
    result = isamapper.run(
        isamapper.parse_kernel(kernel("everything in place")), fused_machine(op=instruction("what the sum starts from"))
    )
    assert result.certificate.ok
    assert result.search is not None
    assert result.search.schedule.rewrites == ("separate t",)


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        ("for m < 4 { t[m] = x[m] } for m < 3 { t[m] = t[m] + 1 }", "statement 1 does not write every element of 't'"),
        ("for m < 4 { t[m] = x[m] } for m < 4 { t[m] += t[3-m] }", "statement 1 reads other elements of 't'"),
        ("for m < 4 { t[m] = x[m] }", "only one statement writes 't'"),
        (
            "for m < 4 { t[m] = x[m] } for k < 3 sequential { for m < 4 { t[m] = t[m] + 1 }"
            " for m < 4 { t[m] = t[m] * x[m] } }",
            "statement 1 writes 't' several times",
        ),
    ],
)
def test_values_that_are_not_told_apart_say_why(kernel: str, reason: str) -> None:
    text = f"kernel k(x: f32[4]) -> (y: f32[4]) {{ local t: f32[4]\n {kernel} for m < 4 {{ y[m] = t[m] }} }}"
    made = separation(isamapper.parse_kernel(text), "t")
    assert isinstance(made, Rejection)
    assert made.reason == reason
