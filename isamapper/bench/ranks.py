"""Rank correlation (Spearman, 1904) of two lists of figures."""

from __future__ import annotations

import math
from collections import abc


def spearman(one: abc.Sequence[float], other: abc.Sequence[float]) -> float | None:
    """Correlation of ranks, equal values sharing the mean of theirs; None where a side does not vary."""
    ranks, others = _ranks(one), _ranks(other)
    middle = (len(ranks) + 1) / 2
    product = sum((a - middle) * (b - middle) for a, b in zip(ranks, others, strict=True))
    squares = math.prod(sum((each - middle) ** 2 for each in side) for side in (ranks, others))
    return product / math.sqrt(squares) if squares else None


def _ranks(values: abc.Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: index for index, value in reversed(list(enumerate(ordered, start=1)))}
    last = {value: index for index, value in enumerate(ordered, start=1)}
    return [(first[value] + last[value]) / 2 for value in values]
