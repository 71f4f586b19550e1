"""Codes IR: kernel text, instruction meanings and programs.

IR0xx come from reading and binding text, IR1xx from the verifier, IR2xx from analysis and relations, IR3xx from the
interpreter. Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "IR001": (
        "the text cannot be read",
        """The text stops being a kernel at the place shown: a word, a sign or the end of the text stands where
        something else is expected. The message lists what could stand there.""",
    ),
}
