"""Random small statements and instructions of one expression shape, as text."""

from __future__ import annotations

import random

SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("{0} * {1}", ("+=", "=")),
    ("{0}", ("+=", "=", "max=")),
    ("{0} + {1}", ("+=", "=", "max=", "min=")),
    ("{0} - {1}", ("+=", "=")),
    ("{0} * {1} * {2}", ("+=",)),
    ("{0} * {1} + {2}", ("+=", "=")),
    ("{0} * {1}", ("max=",)),
)


def random_pair(seed: int) -> tuple[str, str]:
    """A kernel's text and an instruction's text with one expression, often with different accesses."""
    choice = random.Random(seed)
    shape, operators = choice.choice(SHAPES)
    operator = choice.choice(operators)
    loads = shape.count("{")
    kernel = _statement(
        choice, "y", "xuv"[:loads], "pqrs"[: choice.randint(2, 4 if loads < 3 else 3)], shape, operator, 0.25
    )
    inner = operator if operator != "=" or choice.random() < 0.7 or loads > 2 else "+="
    lanes = "ijk"[: choice.randint(1, 3)]
    needle = _statement(choice, "c", "abd"[:loads], lanes, shape, inner, 0.15)
    return kernel, needle


def _statement(
    choice: random.Random, target: str, loads: str, names: str, shape: str, operator: str, compound: float
) -> str:
    extents = {name: choice.choice((2, 2, 3, 3, 4) if len(names) < 4 else (2, 2, 3)) for name in names}
    accesses = [_access(choice, load, names, compound) for load in loads]
    goal = _access(choice, target, names, compound / 2)
    loops = ", ".join(f"{name} < {extent}" for name, extent in extents.items())
    shapes = [
        f"{text.split('[')[0]}: f64[{', '.join(['40'] * (text.count(',') + 1))}]" for text in dict.fromkeys(accesses)
    ]
    inputs = ", ".join([*shapes, f"{target}: inout f64[{', '.join(['40'] * (goal.count(',') + 1))}]"])
    return f"kernel k({inputs}) {{ for {loops} {{ {goal} {operator} {shape.format(*accesses)} }} }}"


def _access(choice: random.Random, tensor: str, names: str, compound: float) -> str:
    chosen = [name for name in names if choice.random() < 0.6] or [choice.choice(names)]
    choice.shuffle(chosen)
    indices: list[str] = []
    for name in chosen:
        if indices and choice.random() < compound:
            factor = choice.choice(("", "", "2*", "3*"))
            indices[-1] += f" + {factor}{name}"
        else:
            indices.append(name)
    return f"{tensor}[{', '.join(indices)}]"
