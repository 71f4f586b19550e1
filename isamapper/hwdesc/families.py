"""One entry of a machine file that stands for several instructions, one for each choice of data types.

    name: add                                          add.f32, add.i32
    types: {T: [f32, i32]}

    name: "cast_{U}_{T}"                               cast_i8_i32, cast_u8_i32
    types: [{U: i8, T: i32}, {U: u8, T: i32}]

A map of lists means every combination; a list of maps means exactly those. A name without ``{T}`` gets the types as a
suffix.
"""

from __future__ import annotations

import itertools
from collections import abc

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar
from isamapper.hwdesc.draft import Draft
from isamapper.ir.types import DTYPES, DType


def type_choices(node: YamlNode | None, draft: Draft) -> tuple[dict[str, DType], ...]:
    """Each choice of types as name -> type; one empty choice where the entry has no ``types``."""
    if isinstance(node, YamlMap):
        columns = [
            [(key.text, dtype) for item in _items(value) if (dtype := read_dtype(item, draft)) is not None]
            for key, value in node.entries
        ]
        return tuple(dict(choice) for choice in itertools.product(*columns))
    if isinstance(node, YamlList):
        return _listed(node, draft)
    return ({},)


def _listed(node: YamlList, draft: Draft) -> tuple[dict[str, DType], ...]:
    """The choices of a list of maps, each of which gives every type."""
    choices = tuple(read_types(item, draft) for item in node.items)
    wanted = {name for choice in choices for name in choice}
    for item, choice in zip(node.items, choices, strict=True):
        for name in sorted(wanted - set(choice)):
            draft.error("HW002", f"this choice of types does not say what '{name}' is", item.span)
    return tuple(choice for choice in choices if set(choice) == wanted)


def read_types(node: YamlNode | None, draft: Draft) -> dict[str, DType]:
    """A map such as ``{TA: i8, TC: i32}``; unknown types become findings."""
    if not isinstance(node, YamlMap):
        return {}
    pairs = ((key.text, read_dtype(value, draft)) for key, value in node.entries)
    return {name: dtype for name, dtype in pairs if dtype is not None}


def read_dtype(node: YamlNode, draft: Draft) -> DType | None:
    """The data type called by a scalar, or None with a finding."""
    if not isinstance(node, YamlScalar):
        return None
    dtype = DTYPES.get(node.text)
    if dtype is None:
        help = did_you_mean(node.text, DTYPES)
        draft.error("HW005", f"unknown data type '{node.text}'", node.span, help)
    return dtype


def family_name(name: str, choice: abc.Mapping[str, DType]) -> str:
    """The name of the instruction that ``choice`` makes of the entry ``name``."""
    filled = name
    for key, dtype in choice.items():
        filled = filled.replace(f"{{{key}}}", dtype.name)
    if filled == name and choice:
        return f"{name}.{'_'.join(dtype.name for dtype in choice.values())}"
    return filled


def _items(node: YamlNode) -> tuple[YamlNode, ...]:
    return node.items if isinstance(node, YamlList) else ()
