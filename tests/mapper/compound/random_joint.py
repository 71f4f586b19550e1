"""Random instructions of several statements, and kernels that are such an instruction in disguise.

The kernel has other names, other extents, its tensors' axes in another order, statements that do not depend on each
other exchanged, values written into one statement, kept in temporaries or in place of the sum, sums that start from
what the other side adds afterwards, and perhaps a batch around everything.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Form:
    """How one side is written: names of iterators, extents, orders of axes, and what is cut where."""

    choice: random.Random
    names: dict[str, str]
    extents: dict[str, int]
    batch: str | None = None
    axes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def access(self, tensor: str, axes: str) -> str:
        if tensor not in self.axes:
            order = [self.names[each] for each in axes]
            if self.batch is not None:
                self.choice.shuffle(order)
                order.insert(self.choice.randint(0, len(order)), self.batch)
            self.axes[tensor] = tuple(order)
        return f"{tensor}[{', '.join(self.axes[tensor])}]"

    def loops(self, used: str) -> str:
        own = [self.names[each] for each in used]
        self.choice.shuffle(own)
        if self.batch is not None:
            own.insert(0, self.batch)
        return ", ".join(f"{name} < {self.extents[name]}" for name in own)

    def shape(self, tensor: str) -> str:
        return ", ".join(str(self.extents[name]) for name in self.axes[tensor])


SUMS = ("{a} * {b}", "{a} * {b} * {d}", "max({a}, {b})", "{a} + {b}")
FIRST = ("{t} + {c}", "{t} * {c}", "{t} - {c}", "{c} - {t}")
SECOND = ("max({u}, 0)", "{u} * {e}", "min(max({u}, -3), 5)", "{u} * {u}")
TENSORS = {"a": "ik", "b": "kj", "d": "ijk", "c": "j", "e": "i", "t": "ij", "u": "ij", "y": "ij", "z": "ik"}


@dataclass(frozen=True)
class Shape:
    """What is computed: a sum, then one or two elementwise values, and perhaps a second result."""

    total: str
    operator: str
    first: str
    second: str | None
    other: bool


def shape_of(choice: random.Random) -> Shape:
    operator = choice.choice(("+=", "+=", "max="))
    return Shape(
        choice.choice(SUMS),
        operator,
        choice.choice(FIRST),
        choice.choice((None, *SECOND)),
        choice.random() < 0.3,
    )


def instruction(seed: int) -> str:
    """The instruction's meaning as text, operands in ``pad``."""
    choice = random.Random(seed)
    shape = shape_of(choice)
    names = {"i": "i", "j": "j", "k": "k"}
    form = Form(random.Random(seed + 1), names, {"i": choice.choice((2, 3, 4)), "j": choice.choice((2, 3, 4)), "k": 4})
    head, body = _written(form, shape, split=choice.random() < 0.5, at=" @pad")
    return f"{head} {{ {body} }}"


def kernel(seed: int, instruction_seed: int) -> str:
    """A kernel that computes what the instruction does, on extents of its own."""
    shape = shape_of(random.Random(instruction_seed))
    choice = random.Random(seed)
    names = dict(zip("ijk", choice.sample("pqrs", 3), strict=True))
    extents = {names["i"]: choice.randint(2, 6), names["j"]: choice.randint(2, 6), names["k"]: choice.randint(2, 4)}
    batch = "n" if choice.random() < 0.4 else None
    if batch:
        extents[batch] = 2
    head, body = _written(Form(choice, names, extents, batch), shape, split=choice.random() < 0.5, at="")
    return f"kernel k{head} {{ {body} }}"


def _written(form: Form, shape: Shape, *, split: bool, at: str) -> tuple[str, str]:
    """Parameters and results, and the body; ``split`` keeps the value between in a temporary."""
    get = {name: form.access(name, axes) for name, axes in TENSORS.items()}
    total = f"for {form.loops('ijk')} {{ {get['t']} {shape.operator} {shape.total.format(**get)} }}"
    local = [f"local t: f32[{form.shape('t')}]"]
    used = [name for name in "abd" if "{" + name + "}" in shape.total]
    used.append("c")
    first = f"({shape.first.format(**get)})"
    statements = [total]
    way = form.choice.choice(("apart", "start", "in place", "add"))
    adds = shape.operator == "+=" and shape.first == "{t} + {c}"
    if way == "start" and adds:
        statements = [f"for {form.loops('ij')} {{ {get['t']} = {get['c']} }}", total]
        first = get["t"]
    elif way == "in place" or (way == "add" and adds):
        own = f"+= {get['c']}" if way == "add" else f"= {first}"
        statements.append(f"for {form.loops('ij')} {{ {get['t']} {own} }}")
        first = get["t"]
    if shape.second is None:
        statements.append(f"for {form.loops('ij')} {{ {get['y']} = {first} }}")
    elif split:
        local.append(f"local u: f32[{form.shape('u')}]")
        statements.append(f"for {form.loops('ij')} {{ {get['u']} = {first} }}")
        statements.append(f"for {form.loops('ij')} {{ {get['y']} = {shape.second.format(**get)} }}")
    else:
        value = shape.second.format(**{**get, "u": first})
        statements.append(f"for {form.loops('ij')} {{ {get['y']} = {value} }}")
    if shape.second is not None and "{e}" in shape.second:
        used.append("e")
    results = ["y"]
    if shape.other:
        other = f"for {form.loops('ik')} {{ {get['z']} = {get['a']} + {get['a']} }}"
        statements.insert(form.choice.choice((0, len(statements))) if not at else 0, other)
        results.append("z")
    declared = ", ".join(f"{name}: f32[{form.shape(name)}]{at}" for name in used)
    given = ", ".join(f"{name}: f32[{form.shape(name)}]{at}" for name in results)
    return f"({declared}) -> ({given})", " ".join([*local, *statements])
