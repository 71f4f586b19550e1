"""What each code of a message means, from ``codes.md`` beside this file."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_SECTION = re.compile(r"^## (?P<code>[A-Z]+\d+): (?P<text>.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)


@cache
def _sections() -> dict[str, str]:
    text = resources.files("isamapper.report").joinpath("codes.md").read_text(encoding="utf-8")
    return {match["code"]: match["text"].strip() for match in _SECTION.finditer(text)}


def known_codes() -> tuple[str, ...]:
    """Every code that has an explanation, in the order of the file."""
    return tuple(_sections())


def explanation(code: str) -> str | None:
    """``CODE: what it means`` and what to do about it; None for a code that nobody uses."""
    text = _sections().get(code)
    return None if text is None else f"{code}: {text}"
