"""Mappings of other tools as loops per memory level: what Timeloop and ZigZag write, read into one form.

    mapping:                                        # Timeloop
      - {target: DRAM, type: temporal, factors: M=4 N=8 K=8, permutation: KMN}
      - {target: spad, type: temporal, factors: "M=8,N=4,K=4", permutation: [M, N, K]}
      - {target: spad, type: spatial, factors: K=16 N=16}

    {O: [[[C, 4], [K, 2]], [[B, 8]]], W: ...}       # ZigZag: per operand, per level, loops
    - temporal_ordering: [[C, 4], [K, 2], [B, 8]]   # ZigZag's input, without levels
      spatial_mapping: {D1: [K, 16], D2: [C, 16]}

Both tools write loops innermost first (Timeloop's input formats: "little-endian (i.e., inner-to-outer) order"; ZigZag
comments its orderings so). Bypass directives say where data lies, which is the machine's business here; they are
passed over. What does not belong here: what the loops mean on a machine (``replay.py``).
"""

from __future__ import annotations

import re
from collections import abc
from dataclasses import dataclass
from pathlib import Path

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar, read_yaml

OUTERMOST = re.compile(r"dram|main|off.?chip|ddr|hbm", re.IGNORECASE)
"""Names of memories outside everything: Timeloop's lists may begin at either end."""
PASSED_OVER = ("bypass", "datatype", "dataspace")
_FACTOR = re.compile(r"([A-Za-z_][A-Za-z_0-9]*?)\s*=?\s*([0-9]+)(?:\s*,\s*([0-9]+))?\Z")


@dataclass(frozen=True, slots=True)
class LoopLevel:
    """Loops of one level, outermost first, each with its trips; ``spatial`` ones run side by side."""

    name: str
    loops: tuple[tuple[str, int], ...]
    spatial: bool = False


@dataclass(frozen=True, slots=True)
class LoopLevels:
    """Levels from the outermost in; ``complete``: all loops are there, those of the array included.

    ``others`` have smaller tiles, for where these do not fit: some tools tile every operand by itself.
    """

    levels: tuple[LoopLevel, ...]
    complete: bool
    span: Span
    others: tuple[LoopLevels, ...] = ()


def read_loop_levels(path: str) -> LoopLevels:
    """The loops of a file; SourceError PEER001 where it is neither form."""
    try:
        source = Source(path, Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "not text in UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or "not readable")
        raise SourceError(Diagnostic("PEER001", f"cannot read '{path}': {reason.lower()}")) from None
    root = read_yaml(source)
    inside = root.get("mapping") if isinstance(root, YamlMap) else None
    body = root if inside is None else inside
    if isinstance(body, YamlList) and any(_entry(item, "target") for item in body.items):
        return _timeloop(body)
    if isinstance(body, YamlList) and any(_entry(item, "temporal_ordering") for item in body.items):
        return _zigzag_ordering(body)
    if isinstance(body, YamlMap):
        inner = body.get("temporal_mapping") or body
        if isinstance(inner, YamlMap) and inner.entries and all(isinstance(v, YamlList) for _, v in inner.entries):
            return _zigzag_levels(inner)
    raise _wrong(
        "no loops per level are found",
        root.span,
        "Timeloop: 'mapping', a list of 'target', 'type', 'factors'; ZigZag: per operand a list of levels",
    )


def _wrong(message: str, span: Span, help: str | None = None) -> SourceError:
    return SourceError(Diagnostic("PEER001", message, span, help))


def _entry(item: YamlNode, key: str) -> YamlNode | None:
    return item.get(key) if isinstance(item, YamlMap) else None


def _text(node: YamlNode | None) -> str:
    return node.text.strip() if isinstance(node, YamlScalar) else ""


# Timeloop


def _timeloop(body: YamlList) -> LoopLevels:
    levels = []
    known = {name for item in body.items for name in _factors(_entry(item, "factors"), item.span)}
    for item in body.items:
        target, kind = _text(_entry(item, "target")), _text(_entry(item, "type")) or "temporal"
        if kind in PASSED_OVER:
            continue
        if not target or kind not in ("temporal", "spatial"):
            message = f"a directive of type '{kind}'" if target else "a directive without a target"
            raise _wrong(message, item.span, "each has 'target', and 'type': temporal, spatial or bypass")
        factors = _factors(_entry(item, "factors"), item.span)
        levels.append(LoopLevel(target, _ordered(factors, item, known), kind == "spatial"))
    temporal = [level.name for level in levels if not level.spatial]
    if not temporal:
        raise _wrong("no temporal directive", body.span, "one per memory, with 'factors' and 'permutation'")
    if OUTERMOST.search(temporal[-1]) and not OUTERMOST.search(temporal[0]):
        levels.reverse()
    return LoopLevels(tuple(levels), True, body.span)


def _factors(node: YamlNode | None, span: Span) -> dict[str, int]:
    """Trips per dimension: ``M=4 N=8``, ``M4 N8``, a list of such, or a map; ``4,3`` is a last round of three."""
    if isinstance(node, YamlMap):
        words = [(f"{key.text}={_text(value)}", value.span) for key, value in node.entries]
    elif isinstance(node, YamlList):
        words = [(_text(item), item.span) for item in node.items]
    else:
        text = re.sub(r"\s*=\s*", "=", _text(node))
        words = [(word, span if node is None else node.span) for word in re.split(r"[\s;]+|,(?=\s*[A-Za-z])", text)]
    found: dict[str, int] = {}
    for word, place in words:
        match = _FACTOR.match(word)
        if word and match is None:
            raise _wrong(f"'{word}' is no factor", place, "for example M=4")
        if match is not None:
            if match[1] in found:
                raise _wrong(f"two factors for '{match[1]}'", place)
            found[match[1]] = int(match[2])
    return found


def _ordered(factors: abc.Mapping[str, int], item: YamlNode, known: abc.Set[str]) -> tuple[tuple[str, int], ...]:
    """The loops outermost first; dimensions that the permutation leaves out stand outside the others.

    ``known`` are the dimensions of the file: a level need not give factors of 1.
    """
    node = _entry(item, "permutation")
    if isinstance(node, YamlList):
        names = [_text(each) for each in node.items]
    else:
        text = _text(node)
        split = re.split(r"[\s,]+", text)
        names = split if set(split) <= known or len(split) > 1 else list(text)
    names = [name for name in names if name]
    strange = [name for name in names if name not in known]
    if strange:
        raise _wrong(f"'{strange[0]}' is in the permutation and has no factor", item.span, ", ".join(sorted(known)))
    inner_first = [*dict.fromkeys(names), *(name for name in factors if name not in names)]
    return tuple((name, factors[name]) for name in reversed(inner_first) if name in factors)


# ZigZag


def _zigzag_levels(body: YamlMap) -> LoopLevels:
    """One place for all tiles: where the operand has its own that keeps most loops inside, or else the next."""
    operands = [[_loops(level) for level in _items(value)] for _, value in body.entries]
    whole = max((tuple(loop for level in levels for loop in level) for levels in operands), key=len, default=())
    if not whole:
        raise _wrong("no loops", body.span, "per operand a list of levels, each a list of [dimension, trips]")
    found = []
    for count in sorted({len(levels[-1]) for levels in operands if levels}):
        inside, outside = whole[: len(whole) - count], whole[len(whole) - count :]
        pair = LoopLevel("outside", tuple(reversed(outside))), LoopLevel("inside", tuple(reversed(inside)))
        found.append(LoopLevels(pair, False, body.span))
    return LoopLevels(found[0].levels, False, body.span, tuple(found[1:]))


def _zigzag_ordering(body: YamlList) -> LoopLevels:
    """Without levels: the outermost loop of a dimension is outside, its others are the tile."""
    item = next(each for each in body.items if _entry(each, "temporal_ordering"))
    loops = tuple(reversed(_loops(_entry(item, "temporal_ordering"))))
    first = {name: place for place, (name, _) in reversed(list(enumerate(loops)))}
    again = {name for place, (name, _) in enumerate(loops) if first[name] != place}
    outside = tuple(loop for place, loop in enumerate(loops) if first[loop[0]] == place and loop[0] in again)
    inside = tuple(loop for place, loop in enumerate(loops) if first[loop[0]] != place or loop[0] not in again)
    return LoopLevels((LoopLevel("outside", outside), LoopLevel("inside", inside)), False, item.span)


def _items(node: YamlNode | None) -> tuple[YamlNode, ...]:
    return tuple(node.items) if isinstance(node, YamlList) else ()


def _loops(node: YamlNode | None) -> tuple[tuple[str, int], ...]:
    """Pairs of dimension and trips, as they stand."""
    found = []
    for pair in _items(node):
        parts = _items(pair)
        trips = parts[1].value if len(parts) == 2 and isinstance(parts[1], YamlScalar) else None
        if isinstance(trips, bool) or not isinstance(trips, int) or trips < 1:
            raise _wrong("a loop is a dimension with its trips", pair.span, "for example [K, 4]")
        found.append((_text(parts[0]), trips))
    return tuple(found)
