"""Random programs whose tensors have several values one after the other, in loops of their own or shared, over time."""

from __future__ import annotations

import random

_SIZES = "M=2, N=3, K=2, T=3"
_LOCAL = "tuv"


def program(seed: int) -> str:
    """A kernel's text; not every one is well formed (some read what nothing wrote)."""
    choice = random.Random(seed)
    over_time = choice.random() < 0.4
    before = [_nest(choice, timed=over_time, inside=False) for _ in range(choice.randint(1, 4))]
    body = " ".join(before)
    if over_time:
        inside = " ".join(_nest(choice, timed=True, inside=True) for _ in range(choice.randint(1, 4)))
        after = " ".join(_nest(choice, timed=True, inside=False) for _ in range(choice.randint(0, 2)))
        body += f" for t0 < T {{ {inside} }} {after}"
    shape = "T, M, N" if over_time else "M, N"
    shapes = {name: choice.choice((shape, shape, "M, N")) if over_time else "M, N" for name in _LOCAL}
    for name, axes in shapes.items():
        body = body.replace(f"{name}@", f"{name}[t0, m, n]" if axes == "T, M, N" else f"{name}[m, n]")
    last = "for t0 < T, m < M, n < N { y[t0, m, n] = VALUES }" if over_time else "for m < M, n < N { y[m, n] = VALUES }"
    values = " + ".join(f"{name}[t0, m, n]" if axes == "T, M, N" else f"{name}[m, n]" for name, axes in shapes.items())
    body += " " + last.replace("VALUES", values)
    local = "\n".join(f"local {name}: i32[{axes}]" for name, axes in shapes.items())
    head = f"kernel k(x: i32[T, M, K], a: i32[K, N], b: i32[K, N], c: i32[N], z: inout i32[M, N]) -> (y: i32[{shape}])"
    return f"{head} sizes {_SIZES} {{ {local}\n {body} }}"


def _nest(choice: random.Random, *, timed: bool, inside: bool) -> str:
    """One to three statements in common loops, of T as well where there is time and they do not stand in it."""
    sums = choice.random() < 0.5
    loops = ["m < M", "n < N"] + ["k < K"] * sums
    choice.shuffle(loops)
    if timed and not inside:
        loops.insert(0, "t0 < T")
    lines = [_statement(choice, timed, sums) for _ in range(choice.choice((1, 1, 2, 3)))]
    return f"for {', '.join(loops)} {{ {' '.join(lines)} }}"


def _statement(choice: random.Random, timed: bool, sums: bool) -> str:
    target = choice.choice([f"{name}@" for name in _LOCAL] + ["z[m, n]"])
    if sums:
        step = "t0" if timed else "0"
        first = f"x[{step}, m, k] * {choice.choice('ab')}[k, n]"
        more = choice.choice(("", "", f" - x[{step}, m, k] * b[k, n]", " + a[k, n]"))
        return f"{target} {choice.choice(('+=', '+=', '+=', 'max='))} {first}{more}"
    other = choice.choice([f"{name}@" for name in _LOCAL] + ["c[n]", "z[m, n]"])
    form = choice.choice(
        ("= 0", "= OTHER", "= TARGET + OTHER", "+= OTHER", "= max(TARGET, OTHER)", "max= OTHER", "= OTHER * 2")
    )
    return f"{target} {form}".replace("OTHER", other).replace("TARGET", target)
