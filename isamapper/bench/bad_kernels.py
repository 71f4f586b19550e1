"""Malformed kernels: each is a right one with one mistake put in.

What does not belong here: running them (``bad_input.py``).
"""

from __future__ import annotations

GOOD = """\
kernel gemm(a: i8[M, K], const b: i8[K, N]) -> (c: i32[M, N])
  sizes M=8, N=8, K=8
{
  for m < M, n < N, k < K {
    c[m, n] += i32(a[m, k]) * i32(b[k, n])
  }
}
"""

EDITS: tuple[tuple[str, str, str], ...] = (
    ("a word that opens no kernel", "kernel gemm", "kernl gemm"),
    ("no name", "kernel gemm(", "kernel ("),
    ("a reserved word as the name", "kernel gemm(", "kernel for("),
    ("a colon left out", "a: i8[M, K]", "a i8[M, K]"),
    ("an unknown data type", "i32[M, N]", "i33[M, N]"),
    ("a size without a value", "K=8", "K"),
    ("a size never named", "sizes M=8, N=8, K=8", "sizes M=8, N=8"),
    ("a size named twice", "K=8", "K=8, M=4"),
    ("a size of zero", "M=8", "M=0"),
    ("a size below zero", "M=8", "M=-8"),
    ("a fractional size", "M=8", "M=8.5"),
    ("a shape below zero", "a: i8[M, K]", "a: i8[M-9, K]"),
    ("a shape divided by zero", "a: i8[M, K]", "a: i8[M, K // (N - 8)]"),
    ("a tensor declared twice", "const b: i8[K, N]", "const a: i8[K, N]"),
    ("no results", " -> (c: i32[M, N])", ""),
    ("a dangling arrow", "-> (c: i32[M, N])", "->"),
    ("a brace never closed", "  }\n}", "  }"),
    ("a brace too many", "  }\n}", "  }\n}}"),
    ("a bracket never closed", "c[m, n] +=", "c[m, n +="),
    ("a parenthesis never closed", "i32(b[k, n])", "i32(b[k, n]"),
    ("a character of no word", "* i32(b", "? i32(b"),
    ("an operator without a right side", "* i32(b[k, n])", "*"),
    ("an assignment operator that is none", "+=", "-="),
    ("a tensor never declared", "i32(a[m, k])", "i32(z[m, k])"),
    ("an iterator never declared", "a[m, k]", "a[m, q]"),
    ("an index too many", "a[m, k]", "a[m, k, n]"),
    ("an index too few", "b[k, n]", "b[k]"),
    ("an iterator of two loops", "for m < M, n < N, k < K", "for m < M, n < N, m < K"),
    ("an iterator with a tensor's name", "for m < M", "for a < M"),
    ("an index that is a product of iterators", "a[m, k]", "a[m*k, k]"),
    ("an index outside the tensor", "a[m, k]", "a[m+1, k]"),
    ("an index below zero", "a[m, k]", "a[m-1, k]"),
    ("an extent never declared", "k < K", "k < KK"),
    ("two types in one product", "i32(a[m, k]) * i32(b[k, n])", "a[m, k] * i32(b[k, n])"),
    ("a value of another type than its target", "i32(a[m, k]) * i32(b[k, n])", "a[m, k] * b[k, n]"),
    ("a function that does not exist", "i32(a[m, k])", "twice(a[m, k])"),
    ("a function of one argument given two", "i32(a[m, k])", "abs(i32(a[m, k]), 1)"),
    ("a function of two arguments given one", "i32(a[m, k])", "max(i32(a[m, k]))"),
    ("a fractional literal beside integers", "i32(b[k, n])", "1.5"),
    ("a literal the type cannot hold", "i32(b[k, n])", "99999999999"),
    ("a padding value the type cannot hold", "a[m, k]", "a[m+1, k] else 300"),
    ("a padding value that is a name", "a[m, k]", "a[m+1, k] else a"),
    ("a write to an input", "c[m, n] +=", "a[m, k] +="),
    ("a tensor read that nothing writes", "c[m, n] += i32(a[m, k]) *", "local t: i32[K]\n    c[m, n] += t[k] *"),
    ("a condition that is not affine", "c[m, n] +=", "if m*n <= 3 { } c[m, n] +="),
    ("a claim of a loop that does not hold", "k < K", "k < K parallel"),
    ("an instruction inside a kernel", "c[m, n] += i32(a[m, k]) * i32(b[k, n])", "invoke compute a: a[m, k]"),
    ("an exponential of integers", "i32(b[k, n])", "exp(i32(b[k, n]))"),
    ("a clamp with its limits swapped", "i32(b[k, n])", "clamp(i32(b[k, n]), 7, -7)"),
    ("a shift by a tensor", "* i32(b[k, n])", ">> i32(b[k, n])"),
    ("a select without a comparison", "i32(b[k, n])", "select(i32(b[k, n]), 1, 2)"),
    ("text after the kernel", "  }\n}\n", "  }\n}\nfor x < 3\n"),
    ("a number of six thousand digits", "M=8", "M=" + "9" * 6000),
    ("five thousand parentheses", "i32(b[k, n])", "(" * 5000 + "i32(b[k, n])" + ")" * 5000),
)
"""(what is wrong, what to replace in :data:`GOOD`, by what)."""

WHOLE: tuple[tuple[str, bytes], ...] = (
    ("an empty file", b""),
    ("a file of comments", b"# nothing but this\n"),
    ("a file that is no text", b"kernel gemm(\xff\xfe) -> ()\n"),
    ("a machine given as a kernel", b"name: toy\nclock_hz: 1\n"),
    ("two kernels in one file", 2 * GOOD.encode()),
)
"""(what is wrong, the whole file)."""


def kernels() -> tuple[tuple[str, bytes], ...]:
    """(what is wrong, the file) of every malformed kernel."""
    edited = tuple((what, GOOD.replace(old, new, 1).encode()) for what, old, new in EDITS)
    return edited + WHOLE
