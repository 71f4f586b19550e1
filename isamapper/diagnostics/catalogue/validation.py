"""Codes VAL: tables of measured cycles that simulations are compared with.

Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "VAL001": ("a table that cannot be read", """There is no such file, it may not be read, or it is not text."""),
    "VAL002": (
        "a table without what is needed",
        """The first line of the table names its columns; the message says which are missing or given twice, or that
        there are no rows.""",
    ),
    "VAL003": (
        "a value of the wrong form",
        """Sizes, bytes and cycles are whole numbers from 1 on; a tile is seven of them joined by underscores; every
        line has as many fields as the first.""",
    ),
    "VAL004": (
        "a mapping that cannot be read",
        """A loop-factor mapping names levels, as 'L1[O]', and behind each its factors, as 'K16' or 'C16X', with ' - '
        between levels. The factors of a dimension, multiplied, make at least the layer's size, and a tile of the inner
        ones fits the buffers.""",
    ),
}
