"""Which loops statements share, and which are each statement's own."""

from __future__ import annotations

import pytest

from isamapper.ir.parser import parse_kernel
from isamapper.plan.skeleton import Leaf, Part, Shared, skeleton


def shape(parts: tuple[Part, ...]) -> list[object]:
    return [part.statement if isinstance(part, Leaf) else (part.loop, *shape(part.members)) for part in parts]


CASES = [
    (
        "independent statements in one loop are distributed",
        "kernel k(x: f32[N]) -> (y: f32[N], z: f32[N]) sizes N=4 { for i < N { y[i] = x[i] z[i] = x[i] + x[i] } }",
        [0, 1],
    ),
    (
        "a value that flows forwards does not hold statements together",
        "kernel k(x: f32[N+1]) -> (y: f32[N+1]) sizes N=4 { local t: f32[N+1]\n t[0] = x[0]\n"
        "for i < N { t[i+1] = x[i+1] y[i] = t[i] } for j < 1 { y[N] = t[N] } }",
        [0, 1, 2, 3],
    ),
    (
        "a recurrence keeps its loop",
        "kernel k(x: f32[N, M]) -> (h: f32[N+1, M]) sizes N=4, M=3 "
        "{ h[0, j] = x[0, j]\n for t < N, j < M { h[t+1, j] = h[t, j] + x[t, j] } }",
        [0, ("t", 1)],
    ),
    (
        "a cell's statements share the time loop and nothing else",
        "kernel k(x: f32[T, B, H], u: f32[H, H]) -> (h: f32[T+1, B, H]) sizes T=3, B=2, H=4 "
        "{ local g: f32[T, B, H]\n h[0, b, j] = x[0, b, j]\n"
        "for t < T { for b < B, j < H, i < H { g[t, b, j] += h[t, b, i] * u[i, j] }\n"
        "for b < B, j < H { h[t+1, b, j] = g[t, b, j] + x[t, b, j] } } }",
        [0, ("t", 1, 2)],
    ),
    (
        "a reduction alone is no reason to share",
        "kernel k(x: f32[N, M]) -> (s: f32[M]) sizes N=4, M=3 { for i < N, j < M { s[j] += x[i, j] } }",
        [0],
    ),
    (
        "a running sum that is read in between is shared",
        "kernel k(x: f32[N]) -> (y: f32[N]) sizes N=4 { local s: f32[1]\n for i < N { s[0] += x[i] y[i] = s[0] } }",
        [("i", 0, 1)],
    ),
    (
        "a loop that carries something around a shared loop stays outside it",
        "kernel k(x: f32[N, T]) -> (h: f32[N+1, T+1], y: f32[N+1, T+1]) sizes N=3, T=4 "
        "{ h[0, u] = 0  h[v, 0] = 0\n y[0, u] = 0  y[v, 0] = 0\n"
        "for n < N, t < T { h[n+1, t+1] = h[n+1, t] + x[n, t]  y[n+1, t+1] = h[n, t+1] + h[n, t] } }",
        [0, 1, 2, 3, ("n", ("t", 4, 5))],
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_shared_loops(text: str, expected: list[object]) -> None:
    assert shape(skeleton(parse_kernel(text))) == expected


def test_a_shared_loop_keeps_its_extent() -> None:
    (part,) = skeleton(parse_kernel("kernel k(x: f32[4], h: inout f32[5]) { for t < 4 { h[t+1] = h[t] + x[t] } }"))
    assert isinstance(part, Shared)
    assert part.extent.bounds[0].constant == 4
