"""Kernels and instructions as different people would write the same thing down, and what must not be taken for it."""

from __future__ import annotations

from dataclasses import dataclass

_A = "a: f32[8, 16] @pad, w: f32[16, 8] @pad"
_SUM = "local t: f32[8, 8]\n for i < 8, j < 8, k < 16 { t[i, j] += a[i, k] * w[k, j] } "
_KA = "x: f32[M, K], const w: f32[K, N]"
_KSUM = "local t: f32[M, N]\n for m < M, n < N, k < K { t[m, n] += x[m, k] * w[k, n] } "
_QA = "a: i8[8, 16] @pad, w: i8[16, 8] @pad"
_QSUM = "local t: i32[8, 8]\n for i < 8, j < 8, k < 16 { t[i, j] += i32(a[i, k]) * i32(w[k, j]) } "
_QKA = "x: i8[M, K], const w: i8[K, N]"
_QKSUM = "local t: i32[M, N]\n for m < M, n < N, k < K { t[m, n] += i32(x[m, k]) * i32(w[k, n]) } "


@dataclass(frozen=True)
class Case:
    """``members`` must be done together, or ``reason`` must say why nothing is."""

    kernel: str
    instruction: str
    members: frozenset[int] = frozenset()
    reason: str = ""


def _case(
    outside: tuple[str, str],
    inside: tuple[str, str],
    found: set[int] | str,
    *,
    dtype: str = "f32",
    before: str = "",
    results: tuple[str, str] | None = None,
) -> Case:
    shown = results or (f"y: {dtype}[M, N]", f"y: {dtype}[8, 8] @pad")
    kernel = f"kernel k({outside[0]}) -> ({shown[0]}) sizes M=8, K=16, N=8 {{ {outside[1]} }}"
    instruction = f"{before}({inside[0]}) -> ({shown[1]}) {{ {inside[1]} }}"
    if isinstance(found, str):
        return Case(kernel, instruction, reason=found)
    return Case(kernel, instruction, frozenset(found))


def _gelu(v: str) -> str:
    return f"0.5*{v}*(1 + tanh(0.7978845608*({v} + 0.044715*{v}*{v}*{v})))"


_ON = "for m < M, n < N"
_IN = "for i < 8, j < 8"

CASES = {
    "relu6": _case(
        (_KA, _KSUM + _ON + " { t[m, n] = relu(t[m, n]) } " + _ON + " { y[m, n] = min(t[m, n], 6) }"),
        (_A, _SUM + _IN + " { y[i, j] = clamp(t[i, j], 0, 6) }"),
        {0, 1, 2},
    ),
    "relu7 is no relu6": _case(
        (_KA, _KSUM + _ON + " { y[m, n] = clamp(t[m, n], 0, 7) }"),
        (_A, _SUM + _IN + " { y[i, j] = clamp(t[i, j], 0, 6) }"),
        "statement 1 has 7 where the instruction has 6",
    ),
    "relu6 the other way round": _case(
        (_KA, _KSUM + _ON + " { y[m, n] = max(min(t[m, n], 6), 0) }"),
        (_A, _SUM + _IN + " { y[i, j] = clamp(t[i, j], 0, 6) }"),
        {0, 1},
    ),
    "relu6 in two statements, the other way round": _case(
        (_KA, _KSUM + _ON + " { t[m, n] = min(6, t[m, n]) } " + _ON + " { y[m, n] = relu(t[m, n]) }"),
        (_A, _SUM + _IN + " { y[i, j] = min(max(t[i, j], 0), 6) }"),
        {0, 1, 2},
    ),
    "the instruction limits in two steps": _case(
        (_KA, _KSUM + _ON + " { y[m, n] = clamp(t[m, n], 0, 6) }"),
        (_A, _SUM + "local u: f32[8, 8]\n" + _IN + " { u[i, j] = min(t[i, j], 6) } "
         + _IN + " { y[i, j] = max(u[i, j], 0) }"),
        {0, 1},
    ),
    "bounds the wrong way round": _case(
        (_KA, _KSUM + _ON + " { y[m, n] = max(min(t[m, n], 0), 6) }"),
        (_A, _SUM + _IN + " { y[i, j] = min(max(t[i, j], 6), 0) }"),
        "statement 1 has 'max' where the instruction has 'min'",
    ),
    "relu of integers by select": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = select(t[m, n] > 0, t[m, n], 0) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = relu(t[i, j]) }"),
        {0, 1},
        dtype="i32",
    ),
    "relu of floats by select gives 0 for NaN": _case(
        (_KA, _KSUM + _ON + " { y[m, n] = select(t[m, n] > 0, t[m, n], 0) }"),
        (_A, _SUM + _IN + " { y[i, j] = relu(t[i, j]) }"),
        "statement 1 has 'select <' where the instruction has 'max'",
    ),
    "select that keeps what is negative": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = select(t[m, n] > 0, 0, t[m, n]) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = relu(t[i, j]) }"),
        "statement 1 has 'select <' where the instruction has 'max'",
        dtype="i32",
    ),
    "relu after a cast that saturates": _case(
        (_QKA, _QKSUM + "local q: i8[M, N]\n" + _ON + " { q[m, n] = i8(clamp(t[m, n], -128, 127)) } "
         + _ON + " { y[m, n] = relu(q[m, n]) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(clamp(relu(t[i, j]), -128, 127)) }"),
        {0, 1, 2},
        dtype="i8",
    ),
    "relu before a cast that saturates": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = i8(clamp(t[m, n], 0, 127)) }"),
        (_QA, _QSUM + "local q: i8[8, 8]\n" + _IN + " { q[i, j] = i8(clamp(t[i, j], -128, 127)) } "
         + _IN + " { y[i, j] = relu(q[i, j]) }"),
        {0, 1},
        dtype="i8",
    ),
    "relu after a cast from floats": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = relu(i8(f32(t[m, n]) * 0.125)) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(clamp(f32(t[i, j]) * 0.125, 0, 127)) }"),
        {0, 1},
        dtype="i8",
    ),
    "relu after a shift that is set": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = i8(clamp(shr_round(t[m, n], 4), 0, 127)) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = relu(i8(clamp(shr_round(t[i, j], s), -128, 127))) }"),
        {0, 1},
        dtype="i8",
        before="(s in 1..31) ",
    ),
    "a limit that is set": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = i8(clamp(relu(shr_round(t[m, n], 4)), -128, 100)) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(clamp(shr_round(t[i, j], s), 0, h)) }"),
        {0, 1},
        dtype="i8",
        before="(s in 1..31, h in 0..127) ",
    ),
    "relu after a cast that wraps": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = relu(i8(t[m, n])) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(relu(t[i, j])) }"),
        "statement 1 has no conversion to i8",
        dtype="i8",
    ),
    "a residual that the sum starts from": _case(
        (_KA + ", r: f32[M, N]", "local t: f32[M, N]\n" + _ON + " { t[m, n] = r[m, n] } "
         + _KSUM.split("\n")[1] + _ON + " { y[m, n] = max(t[m, n], 0) }"),
        (_A + ", r: f32[8, 8] @pad", _SUM + _IN + " { y[i, j] = max(r[i, j] + t[i, j], 0) }"),
        {0, 1, 2, 3},
    ),
    "no residual in the kernel": _case(
        (_KA, _KSUM + _ON + " { y[m, n] = max(t[m, n], 0) }"),
        (_A + ", r: f32[8, 8] @pad", _SUM + _IN + " { y[i, j] = max(r[i, j] + t[i, j], 0) }"),
        {0, 1},
    ),
    "accumulated, then rectified in place": Case(
        "kernel k(x: f32[8, 16], const w: f32[16, 8], y: inout f32[8, 8]) -> () "
        "{ for m < 8, n < 8, k < 16 { y[m, n] += x[m, k] * w[k, n] } for m < 8, n < 8 { y[m, n] = max(y[m, n], 0) } }",
        f"({_A}, c: inout f32[8, 8] @pad) "
        "{ for i < 8, j < 8, k < 16 { c[i, j] += a[i, k] * w[k, j] } for i < 8, j < 8 { c[i, j] = max(c[i, j], 0) } }",
        frozenset((0, 1)),
    ),
    "what overwrites does not accumulate": Case(
        "kernel k(x: f32[8, 16], const w: f32[16, 8], y: inout f32[8, 8]) -> () "
        "{ for m < 8, n < 8, k < 16 { y[m, n] += x[m, k] * w[k, n] } }",
        f"({_A}) -> (y: f32[8, 8] @pad) "
        "{ for i < 8, j < 8 { y[i, j] = 0 } for i < 8, j < 8, k < 16 { y[i, j] += a[i, k] * w[k, j] } }",
        reason="it overwrites 'y', where 'y' has an earlier value",
    ),
    "normalised per channel": _case(
        (_KA + ", const s: f32[N], const u: f32[N], const b: f32[N]",
         _KSUM + _ON + " { y[m, n] = (t[m, n] - u[n]) * s[n] + b[n] }"),
        (_A + ", s: f32[8] @pad, u: f32[8] @pad, b: f32[8] @pad",
         _SUM + _IN + " { y[i, j] = s[j] * t[i, j] + (b[j] - u[j] * s[j]) }"),
        {0, 1},
    ),
    "between two states": Case(
        "kernel k(z: f32[8], c: f32[8], h: f32[8]) -> (y: f32[8], u: f32[8]) "
        "{ for m < 8 { y[m] = c[m] + z[m] * (h[m] - c[m]) } for m < 8 { u[m] = z[m] * z[m] } }",
        "(z: f32[8] @pad, c: f32[8] @pad, h: f32[8] @pad) -> (y: f32[8] @pad, u: f32[8] @pad) "
        "{ for i < 8 { y[i] = (1 - z[i]) * c[i] + z[i] * h[i] } for i < 8 { u[i] = z[i] * z[i] } }",
        frozenset((0, 1)),
    ),
    "quantised with a zero point": _case(
        (_QKA + ", const q: f32[N], const z: i32[N]",
         _QKSUM + _ON + " { y[m, n] = i8(clamp(i32(round(f32(t[m, n]) * q[n])) + z[n], -128, 127)) }"),
        (_QA + ", s: f32[8] @pad, z: i32[8] @pad",
         _QSUM + _IN + " { y[i, j] = i8(clamp(z[j] + i32(round(s[j] * f32(t[i, j]))), -128, 127)) }"),
        {0, 1},
        dtype="i8",
    ),
    "half added, then shifted": _case(
        (_QKA, _QKSUM + _ON + " { t[m, n] += 8 } " + _ON + " { y[m, n] = i8(clamp(t[m, n] >> 4, -128, 127)) }"),
        (_QA + ", r: i32[8] @pad", _QSUM + _IN + " { y[i, j] = i8(clamp((t[i, j] + r[j]) >> s, -128, 127)) }"),
        {0, 1, 2},
        dtype="i8",
        before="(s in 0..31) ",
    ),
    "no shift where none is offered": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = i8(clamp(t[m, n], -128, 127)) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(clamp(shr_round(t[i, j], s), -128, 127)) }"),
        "statement 1 has no 'shr_round', and 's' sets 1 to 31",
        dtype="i8",
        before="(s in 1..31) ",
    ),
    "no shift where it may be 0": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = i8(clamp(t[m, n], -128, 127)) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(clamp(shr_round(t[i, j], s), -128, 127)) }"),
        {0, 1},
        dtype="i8",
        before="(s in 0..31) ",
    ),
    "a shift that is too far": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = i8(clamp(shr_round(t[m, n], 20), -128, 127)) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(clamp(shr_round(t[i, j], s), -128, 127)) }"),
        "statement 1 has 20 where 's' sets 1 to 15",
        dtype="i8",
        before="(s in 1..15) ",
    ),
    "rounded up is not rounded to even": _case(
        (_QKA, _QKSUM + _ON + " { y[m, n] = i8(clamp((t[m, n] + 8) >> 4, -128, 127)) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(clamp(shr_round(t[i, j], s), -128, 127)) }"),
        "statement 1 has '>>' where the instruction has 'shr_round'",
        dtype="i8",
        before="(s in 0..31) ",
    ),
    "unsigned where signed is wanted": _case(
        (_QKA.replace("x: i8", "x: u8"), _QKSUM + _ON + " { y[m, n] = i8(clamp(shr_round(t[m, n], 4), -128, 127)) }"),
        (_QA, _QSUM + _IN + " { y[i, j] = i8(clamp(shr_round(t[i, j], s), -128, 127)) }"),
        "statement 0 has u8 where i8 is wanted",
        dtype="i8",
        before="(s in 1..31) ",
    ),
    "mean and variance": Case(
        "kernel k(x: f32[8, 16]) -> (a: f32[8], v: f32[8]) { local s: f32[8]\n local q: f32[8]\n "
        "for i < 8, j < 16 { s[i] += x[i, j] q[i] += x[i, j] * x[i, j] } "
        "for i < 8 { a[i] = s[i] * 0.0625 v[i] = q[i] * 0.0625 - (s[i] * 0.0625) * (s[i] * 0.0625) } }",
        "(r in 1..8) (x: f32[r, 16] @pad) -> (mean: f32[r] @pad, var: f32[r] @pad) { local s: f32[r]\n"
        " local q: f32[r]\n for i < r, j < 16 { s[i] += x[i, j] } for i < r, j < 16 { q[i] += x[i, j] * x[i, j] } "
        "for i < r { mean[i] = s[i] * 0.0625 } for i < r { var[i] = q[i] * 0.0625 - mean[i] * mean[i] } }",
        frozenset((0, 1, 2, 3)),
    ),
    "a maximum, rectified": Case(
        "kernel k(x: f32[8, 13]) -> (y: f32[8]) { local p: f32[8]\n "
        "for i < 8, j < 13 { p[i] max= x[i, j] } for i < 8 { y[i] = max(p[i], 0) } }",
        "(x: f32[8, 16] @pad) -> (y: f32[8] @pad) { local m: f32[8]\n "
        "for i < 8, k < 16 { m[i] max= x[i, k] } for i < 8 { y[i] = max(m[i], 0) } }",
        frozenset((0, 1)),
    ),
    "one number at a time": Case(
        "kernel k(x: f32[6, 16], const w: f32[16], const b: f32[1]) -> (y: f32[6]) { local d: f32[6]\n "
        "for m < 6, k < 16 { d[m] += x[m, k] * w[k] } for m < 6 { y[m] = sigmoid(d[m] + b[0]) } }",
        "(x: f32[16] @pad, w: f32[16] @pad, b: f32[1] @pad) -> (y: f32[1] @pad) { local d: f32[1]\n "
        "for k < 16 { d[0] += x[k] * w[k] } for i < 1 { y[i] = sigmoid(d[i] + b[i]) } }",
        frozenset((0, 1)),
    ),
    "a transposed store": _case(
        (_KA, _KSUM + "for n < N, m < M { y[n, m] = max(t[m, n], 0) }"),
        (_A, _SUM + _IN + " { y[j, i] = max(t[i, j], 0) }"),
        {0, 1},
        results=("y: f32[N, M]", "y: f32[8, 8] @pad"),
    ),
    "gelu by tanh": _case(
        (_QKA + ", const s: f32[N], const b: f32[N]",
         _QKSUM + "local u: f32[M, N]\n" + _ON + " { u[m, n] = f32(t[m, n]) * s[n] } " + _ON
         + " { u[m, n] += b[n] } " + _ON + " { y[m, n] = " + _gelu("u[m, n]") + " }"),
        (_QA + ", s: f32[8] @pad, b: f32[8] @pad",
         _QSUM + "local v: f32[8, 8]\n" + _IN + " { v[i, j] = f32(t[i, j]) * s[j] + b[j] } " + _IN
         + " { y[i, j] = " + _gelu("v[i, j]") + " }"),
        {0, 1, 2, 3},
    ),
    "gelu by tanh is not gelu by erf": _case(
        (_KA, _KSUM + _ON + " { y[m, n] = 0.5*t[m, n]*(1 + tanh(t[m, n]*0.75)) }"),
        (_A, _SUM + _IN + " { y[i, j] = t[i, j]*0.5*(erf(0.75*t[i, j]) + 1) }"),
        "statement 1 has 'tanh' where the instruction has 'erf'",
    ),
    "a gate of itself": _case(
        (_KA, _KSUM + _ON + " { y[m, n] = t[m, n] * sigmoid(t[m, n]) }"),
        (_A, _SUM + "local u: f32[8, 8]\n" + _IN + " { u[i, j] = sigmoid(t[i, j]) } "
         + _IN + " { y[i, j] = u[i, j] * t[i, j] }"),
        {0, 1},
    ),
    "two products in one sum": _case(
        (_KA + ", z: f32[M, K], const v: f32[K, N]",
         "for m < M, n < N, k < K { y[m, n] += x[m, k] * w[k, n] + z[m, k] * v[k, n] }"),
        (_A + ", z: f32[8, 16] @pad, v: f32[16, 8] @pad",
         "for i < 8, j < 8, k < 16 { y[i, j] += a[i, k] * w[k, j] } "
         "for i < 8, j < 8, k < 16 { y[i, j] += z[i, k] * v[k, j] }"),
        {0, 1, 2},
    ),
}  # fmt: skip
