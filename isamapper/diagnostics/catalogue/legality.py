"""What keeps loops from being moved (``ir/legality.py``)."""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "LEG001": (
        "a tensor of one iteration",
        """A tensor declared inside the loop is another one in every iteration. When the loop is distributed, what the
        first part leaves in it is gone. Give the tensor the loop's axis and declare it outside.""",
    ),
    "LEG002": (
        "loops that are no neighbours",
        """Two loops are fused when one directly follows the other in the same block and both have one extent.""",
    ),
    "LEG003": (
        "loops that are not nested perfectly",
        """Loops are reordered when each holds nothing but the next, and no extent among them depends on another's
        iterator.""",
    ),
    "LEG004": (
        "a dependence would be reversed",
        """Two statements touch one element in different iterations, at least one of them writes it, and after the move
        the later one would come first. Accumulations with one operator may change places; nothing else may.""",
    ),
}
