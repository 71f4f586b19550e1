"""Words of the text form that cannot be names; ``grammar.lark`` lists the same."""

from __future__ import annotations

RESERVED = frozenset(
    (
        "kernel",
        "for",
        "if",
        "else",
        "local",
        "allocate",
        "invoke",
        "prepare",
        "over",
        "at",
        "const",
        "free",
        "inout",
        "sequential",
        "parallel",
        "reduction",
    )
)
