"""Codes SIM: simulating programs.

Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "SIM001": ("no such instruction", """The program invokes an instruction that the machine does not have."""),
    "SIM002": ("a tensor in no memory", """Every tensor of a program lies in a memory of the machine."""),
    "SIM003": (
        "a tensor that is not declared",
        """A window names a tensor that is declared neither by the program nor by a block around.""",
    ),
    "SIM004": (
        "an assignment in a program",
        """A program computes by invocations; only 'prepare' holds assignments.""",
    ),
    "SIM005": (
        "a program too large to be timed",
        """The engine keeps the last use of every piece of memory that the program writes; so many pieces do not fit.
        A smaller size of the same kernel takes proportionally long.""",
    ),
    "SIM010": (
        "a hazard that nothing waits for",
        """The machine has explicit interlocks, so the program must order invocations that touch the same elements;
        here one would run into another.""",
    ),
}
