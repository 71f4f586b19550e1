"""Codes HW: machine files.

Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {}
