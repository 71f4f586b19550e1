"""Known timings of instructions, and which machine and instruction describe each.

What does not belong here: how they are simulated (``measure.py``).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine

COLUMNS = (
    "isa",
    "core",
    "instruction",
    "shape_m_n_k",
    "src_dtype",
    "acc_dtype",
    "macs",
    "latency_cycles",
    "initiation_interval_cycles",
    "note",
    "mark",
    "source",
)
"""The columns of a file of known timings."""

SIZES = {"B": 96}
"""What letters in known timings stand for when they are simulated: a batch of rows."""

_CHAINED = re.compile(r"chained latency (\d+)")
_AMOUNT = re.compile(r"(?:(\d+)\*)?([A-Z])")


@dataclass(frozen=True, slots=True)
class Known:
    """One row: cycles that are known (None where they are not) and how sure they are.

    ``chained_cycles`` is the latency of an accumulator that is forwarded to the next accumulation.
    """

    isa: str
    core: str
    instruction: str
    products: float
    latency_cycles: float | None
    chained_cycles: float | None
    interval_cycles: float | None
    mark: str
    source: str


@dataclass(frozen=True, slots=True)
class Described:
    """Where a row is described: the instruction at these parameters.

    ``per`` is the parameter of which the row speaks of one step; ``servers`` is how many like servers the machine has
    where the row speaks of one.
    """

    machine: str
    instruction: str
    parameters: tuple[tuple[str, int], ...]
    per: str | None
    servers: int


def known_timings(path: str | None = None) -> tuple[Known, ...]:
    """The rows of the file that comes with the package, or of ``path``; SourceError where it has other columns."""
    if path is None:
        text = _folder().joinpath("isa_instruction_timing.csv").read_text(encoding="utf-8")
        return _read(text, "isa_instruction_timing.csv")
    try:
        return _read(Path(path).read_text(encoding="utf-8-sig"), path)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text in UTF-8"
        raise SourceError(Diagnostic("VAL001", f"cannot read '{path}': {reason}")) from None


def described(row: Known) -> Described | None:
    """Where ``row`` is described; None where no machine has that core's instruction."""
    return _descriptions().get((row.core, row.instruction))


@cache
def machine_of(name: str) -> Machine:
    """A core of which only the timed instructions are described, else a built-in machine."""
    file = _folder().joinpath("cores", f"{name}.yaml")
    if not file.is_file():
        return load_machine(name)
    return load_machine(Source(f"{name}.yaml", file.read_text(encoding="utf-8")))


def _folder() -> resources.abc.Traversable:
    return resources.files("isamapper.bench").joinpath("data", "instructions")


def _read(text: str, name: str) -> tuple[Known, ...]:
    reader = csv.DictReader(text.splitlines())
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        help = f"the columns are {', '.join(COLUMNS)}"
        raise SourceError(Diagnostic("VAL002", f"'{name}' has no column '{missing[0]}'", None, help))
    return tuple(_known(line, f"{name}:{number}") for number, line in enumerate(reader, start=2))


def _known(line: dict[str, str], place: str) -> Known:
    chained = _CHAINED.search(line["note"] or "")
    return Known(
        line["isa"],
        line["core"],
        line["instruction"],
        _amount(line["macs"], place) or 0,
        _amount(line["latency_cycles"], place),
        None if chained is None else float(chained[1]),
        _amount(line["initiation_interval_cycles"], place),
        line["mark"],
        line["source"],
    )


def _amount(text: str | None, place: str) -> float | None:
    """A number, a letter of ``SIZES``, or a multiple of one; None where nothing is known."""
    text = (text or "").strip()
    if not text:
        return None
    symbol = _AMOUNT.fullmatch(text)
    if symbol is not None and symbol[2] in SIZES:
        return float(symbol[1] or 1) * SIZES[symbol[2]]
    try:
        return float(text)
    except ValueError:
        help = f"a number, or a size such as {', '.join(SIZES)}"
        raise SourceError(Diagnostic("VAL003", f"{place}: '{text}' is no number of cycles", None, help)) from None


@cache
def _descriptions() -> dict[tuple[str, str], Described]:
    text = _folder().joinpath("machines.csv").read_text(encoding="utf-8")
    return {
        (line["core"], line["instruction"]): Described(
            line["machine"],
            line["machine_instruction"],
            tuple(_setting(each) for each in line["parameters"].split()),
            line["per"] or None,
            int(line["servers"] or 1),
        )
        for line in csv.DictReader(text.splitlines())
    }


def _setting(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    return name, SIZES[value] if value in SIZES else int(value)
