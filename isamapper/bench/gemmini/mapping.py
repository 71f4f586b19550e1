"""Loop-factor mappings in text, as ``L3[WIO] K192 - L2[WI] N1 K16X - L1[O] C48 P8 C16X - L0[W] P16``.

Levels are memories, the highest number the main memory; a factor is a dimension with its iterations there, ``X`` those
spread over the array. All factors below the highest level make a tile. The order of factors is not used: Gemmini's
unrollers have an order of their own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from isamapper.bench.gemmini.layers import DIMENSIONS, Layer, Sizes
from isamapper.diagnostics.source import Diagnostic, SourceError, Span

_LEVEL = re.compile(r"L(\d)\[([A-Z]*)\]$")
_FACTOR = re.compile(r"([A-Z])(\d{1,9})(X?)$")
_WORD = re.compile(r"\S+")
MAIN_MEMORY = 3


@dataclass(frozen=True, slots=True)
class Factor:
    """``count`` iterations of a dimension at a level."""

    level: int
    dimension: str
    count: int


def read_mapping(span: Span) -> tuple[Factor, ...]:
    """The factors in the text at ``span``; VAL004 where a word is neither a level nor a factor."""
    text = span.source.text[span.start : span.end]
    found: list[Factor] = []
    level = None
    for word in _WORD.finditer(text):
        place = Span(span.source, span.start + word.start(), span.start + word.end())
        if word.group() == "-":
            level = None
            continue
        start = _LEVEL.match(word.group())
        if level is None and start:
            level = int(start[1])
            continue
        factor = _FACTOR.match(word.group())
        if level is None or factor is None or factor[1].lower() not in f"{DIMENSIONS}n" or int(factor[2]) < 1:
            wanted = "a level such as 'L1[O]'" if level is None else "a factor such as 'K16' or 'C16X'"
            raise SourceError(Diagnostic("VAL004", f"'{word.group()}' is not {wanted}", place))
        found.append(Factor(level, factor[1].lower(), int(factor[2])))
    return tuple(found)


def mapped_tile(span: Span, layer: Layer) -> Sizes:
    """The tile of the mapping at ``span``; VAL004 also where its factors do not make up the layer."""
    factors = read_mapping(span)
    for dimension in DIMENSIONS:
        whole = math.prod(each.count for each in factors if each.dimension == dimension)
        if whole < layer.sizes.along(dimension):
            message = f"factors of {dimension.upper()} make {whole}, the layer has {layer.sizes.along(dimension)}"
            raise SourceError(Diagnostic("VAL004", message, span))
    inner = [each for each in factors if each.level < MAIN_MEMORY]
    return Sizes(*(math.prod(each.count for each in inner if each.dimension == one) for one in DIMENSIONS))
