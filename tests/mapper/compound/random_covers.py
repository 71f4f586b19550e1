"""Random chains of statements and machines that do some of them together: what there is to choose from for a cover."""

from __future__ import annotations

import random

VALUES = {
    "scale": "{s} * {s}",
    "shift": "{s} + a[{i}, {j}]",
    "weigh": "{s} * a[{i}, {j}]",
    "cut": "max({s}, 0)",
    "least": "min({s}, a[{i}, {j}])",
}
"""What a statement computes from the value before it, ``{s}``, and a second operand."""


def chain(choice: random.Random) -> tuple[str, ...]:
    """Names of what two to five statements compute, one after the other."""
    return tuple(choice.choice(tuple(VALUES)) for _ in range(choice.randint(2, 5)))


def kernel(names: tuple[str, ...]) -> str:
    """A kernel that computes them, every value in a tensor of its own."""
    lines, before = list[str](), "x"
    for place, name in enumerate(names):
        target = "y" if place == len(names) - 1 else f"t{place}"
        value = VALUES[name].format(s=f"{before}[m, n]", i="m", j="n")
        lines.append(f"for m < 8, n < 8 {{ {target}[m, n] = {value} }}")
        before = target
    local = "\n".join(f"local t{place}: f32[8, 8]" for place in range(len(names) - 1))
    return f"kernel k(x: f32[8, 8], a: f32[8, 8]) -> (y: f32[8, 8]) {{ {local}\n {' '.join(lines)} }}"


def instructions(choice: random.Random, names: tuple[str, ...]) -> dict[str, str]:
    """One instruction for every kind of statement, and some for runs of two or three."""
    found = {name: _meaning((name,)) for name in sorted(set(names))}
    for number in range(choice.randint(1, 5)):
        start = choice.randrange(len(names) - 1)
        found[f"run{number}"] = _meaning(names[start : start + choice.randint(2, 3)])
    return found


def _meaning(names: tuple[str, ...]) -> str:
    operands = (
        "x: f32[8, 8] @pad, a: f32[8, 8] @pad" if any("{i}" in VALUES[name] for name in names) else "x: f32[8, 8] @pad"
    )
    body = kernel(names).partition("{")[2].replace("m, n", "i, j").replace("m < 8, n < 8", "i < 8, j < 8")
    return f"({operands}) -> (y: f32[8, 8] @pad) {{{body}"
