"""What a mapping claims, written down so that anybody can check it: the data of its certificate.

Every operand with its index in lanes and what the kernel has there, the digits of one placement, what operands hold
beyond the kernel's iterations, and the labels. ``placement_of_dict(dict_of_placement(p)) == p``. What does not belong
here: making it (the mapper) and checking it (``verify/played.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Any, TypeAlias

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.ir.nodes import Access, Reduction
from isamapper.plan.join_text import print_join_access, read_join_access
from isamapper.plan.step_reader import StepReader

Number: TypeAlias = int | float
Member: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True)
class PlacedAccess:
    """Operand ``operand`` holds at ``inside``, an index in lanes, what the kernel has at ``outside``."""

    operand: str
    inside: Access
    outside: Access


@dataclass(frozen=True, slots=True)
class PlacedDigit:
    """One digit of ``iterator`` inside ``lane``: how far it runs, and how far both move when it moves by one."""

    iterator: str
    lane: str
    extent: int
    weight: int
    lane_weight: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The claim: these statements of the kernel are what calls of ``instruction`` do.

    ``iterators`` gives for each iterator of the call the kernel iterators that it stands for, ``made`` the extents of
    those that walk positions which only constants index. ``starts`` are written operands that must hold something else
    than their target first: another access, or a number. ``constants`` are operands that hold a number throughout.
    ``pads`` is what operands hold where no iteration puts anything; along the lanes in ``repeats`` they hold there what
    they hold for the last iteration. ``combines``: the instruction starts every call afresh, so what calls give for one
    element is combined by this reduction.
    """

    statements: tuple[int, ...]
    instruction: str
    parameters: tuple[tuple[str, int], ...]
    iterators: tuple[tuple[str, tuple[Member, ...]], ...]
    made: tuple[tuple[str, int], ...]
    accesses: tuple[PlacedAccess, ...]
    starts: tuple[tuple[str, Access | Number], ...]
    constants: tuple[tuple[str, Number], ...]
    digits: tuple[PlacedDigit, ...]
    pads: tuple[tuple[str, Number], ...]
    repeats: tuple[str, ...]
    combines: Reduction | None
    kind: str
    criteria: tuple[str, ...]


def dict_of_placement(placement: Placement) -> dict[str, object]:
    """The placement as JSON values; infinities and numbers are texts."""
    return {
        "kind": "placement",
        "statements": list(placement.statements),
        "instruction": placement.instruction,
        "parameters": dict(placement.parameters),
        "iterators": {name: [list(member) for member in members] for name, members in placement.iterators},
        "made": dict(placement.made),
        "accesses": [
            {"operand": a.operand, "inside": print_join_access(a.inside), "outside": print_join_access(a.outside)}
            for a in placement.accesses
        ],
        "starts": {
            operand: print_join_access(start) if isinstance(start, Access) else repr(start)
            for operand, start in placement.starts
        },
        "constants": {operand: repr(value) for operand, value in placement.constants},
        "digits": [
            {
                "iterator": d.iterator,
                "lane": d.lane,
                "extent": d.extent,
                "weight": d.weight,
                "lane_weight": d.lane_weight,
            }
            for d in placement.digits
        ],
        "pads": {operand: repr(value) for operand, value in placement.pads},
        "repeats": list(placement.repeats),
        "combines": None if placement.combines is None else placement.combines.value,
        "class": placement.kind,
        "criteria": list(placement.criteria),
    }


def placement_of_dict(given: object) -> Placement:
    """The placement that JSON values are; SourceError VER010 where they are none."""
    try:
        return _placement(given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else "a value is of another kind"
        message = f"the certificate of a mapping is not whole: {what}"
        raise SourceError(Diagnostic("VER010", message, help="write it with 'isamapper map --format json'")) from error


def _placement(given: Any) -> Placement:
    return Placement(
        tuple(int(each) for each in given["statements"]),
        str(given["instruction"]),
        tuple(sorted((str(name), int(value)) for name, value in given["parameters"].items())),
        tuple((name, tuple((int(s), str(i)) for s, i in members)) for name, members in given["iterators"].items()),
        tuple((str(name), int(extent)) for name, extent in given["made"].items()),
        tuple(PlacedAccess(str(a["operand"]), _access(a["inside"]), _access(a["outside"])) for a in given["accesses"]),
        tuple((operand, _start(text)) for operand, text in given["starts"].items()),
        _numbers(given["constants"]),
        tuple(
            PlacedDigit(str(d["iterator"]), str(d["lane"]), int(d["extent"]), int(d["weight"]), int(d["lane_weight"]))
            for d in given["digits"]
        ),
        _numbers(given["pads"]),
        tuple(str(lane) for lane in given["repeats"]),
        None if given["combines"] is None else Reduction(given["combines"]),
        str(given["class"]),
        tuple(str(each) for each in given["criteria"]),
    )


def _numbers(given: abc.Mapping[str, str]) -> tuple[tuple[str, Number], ...]:
    return tuple((str(operand), _number(text)) for operand, text in given.items())


def _number(text: str) -> Number:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _start(text: str) -> Access | Number:
    return _access(text) if "[" in text else _number(text)


def _access(text: str) -> Access:
    line = StepReader(Source("certificate", text), 0, len(text))
    access = read_join_access(line)
    line.end()
    return access
