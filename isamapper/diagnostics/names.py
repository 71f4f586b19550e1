"""Hints about a name nobody declared."""

from __future__ import annotations

import difflib
from collections import abc


def did_you_mean(word: str, known: abc.Iterable[str]) -> str | None:
    """A hint that names the nearest of ``known``, or lists a few where none is near; None where nothing is known."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=9, cutoff=0.6)
    if near:
        best = min(near, key=lambda choice: (-_likeness(word, choice), choice))
        return f"did you mean '{best}'?"
    same = [choice for choice in choices if choice.lower() == word.lower()]
    if same:
        return f"did you mean '{same[0]}'?"
    if len(choices) > 12:
        return "known: " + ", ".join(choices[:12]) + ", …"
    return "known: " + ", ".join(choices) if choices else None


def _likeness(word: str, choice: str) -> float:
    return difflib.SequenceMatcher(None, choice, word).ratio()
