"""``bench bad-input``: every malformed kernel, machine and command line gets exit code 2 and a located message.

What does not belong here: the malformed texts (``bad_kernels.py``, ``bad_machines.py``).
"""

from __future__ import annotations

import re
import tempfile
from collections import abc
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from isamapper.bench.bad_kernels import kernels
from isamapper.bench.bad_machines import machines

Outcome: TypeAlias = tuple[int, str, str]
"""Exit code, stdout, stderr."""

COMMAND_LINES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a command that does not exist", ("mapp", "gemm")),
    ("an option that does not exist", ("kernel", "list", "--frmat", "json")),
    ("an option without its value", ("kernel", "show", "gemm", "-s")),
    ("a value that does not exist", ("kernel", "list", "--format", "xml")),
    ("an action that does not exist", ("hw", "chek", "toy4")),
    ("an action left out", ("hw",)),
    ("an argument left out", ("kernel", "show")),
    ("an argument too many", ("hw", "show", "toy4", "toy5")),
    ("a size that is no number", ("kernel", "show", "gemm", "-s", "M=many")),
    ("a size below zero", ("kernel", "show", "gemm", "-s", "M=-4")),
    ("a size without a name", ("kernel", "show", "gemm", "-s", "4")),
    ("a size given twice", ("kernel", "show", "gemm", "-s", "M=4,M=5")),
    ("a size that the kernel does not have", ("kernel", "show", "gemm", "-s", "Q=4")),
    ("a type that does not exist", ("kernel", "show", "gemm", "-t", "TA=i9")),
    ("a type that the kernel does not have", ("kernel", "show", "gemm", "-t", "TQ=i8")),
    ("a kernel that does not exist", ("kernel", "show", "gem")),
    ("a kernel file that does not exist", ("kernel", "show", "no/such/file.isam")),
    ("a folder as a kernel", ("kernel", "show", "./")),
    ("a machine that does not exist", ("hw", "show", "toy5")),
    ("a machine file that does not exist", ("hw", "show", "no/such/file.yaml")),
)
"""(what is wrong, the words)."""

_PLACE = re.compile(r"^ *--> (?P<name>.+):(?P<line>\d+):(?P<column>\d+)$", re.MULTILINE)
_HEAD = re.compile(r"^error\[(?P<code>[A-Z]+\d+)\]: (?P<message>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """One wrong input: ``words`` of the command line; ``file`` is put where the last word says."""

    group: str
    what: str
    words: tuple[str, ...]
    file: bytes | None = None


def cases() -> tuple[Case, ...]:
    """Every case, in a stable order; files have relative names."""
    return (
        *(Case("kernel", what, ("kernel", "check", "bad.isam"), text) for what, text in kernels()),
        *(Case("machine", what, ("hw", "check", "bad.yaml"), text) for what, text in machines()),
        *(Case("command line", what, words) for what, words in COMMAND_LINES),
    )


def measure(run: abc.Callable[[abc.Sequence[str]], Outcome]) -> dict[str, Any]:
    """Runs every case with ``run`` (words to outcome) and says which were met as they should be."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [judge(case, run(_placed(case, Path(folder)))) for case in cases()]
    good = sum(bool(row["ok"]) for row in rows)
    return {"bench": "bad-input", "rows": rows, "summary": {"cases": len(rows), "ok": good, "not_ok": len(rows) - good}}


def _placed(case: Case, folder: Path) -> tuple[str, ...]:
    if case.file is None:
        return case.words
    path = folder / case.words[-1]
    path.write_bytes(case.file)
    return (*case.words[:-1], str(path))


def judge(case: Case, outcome: Outcome) -> dict[str, object]:
    """One row: ``ok`` where the exit code is 2, nothing is on stdout, and a code and a place are on stderr."""
    exit_code, out, err = outcome
    head, place = _HEAD.search(err), _PLACE.search(err)
    traceback = "Traceback" in err or "internal error" in err
    return {
        "group": case.group,
        "case": case.what,
        "ok": exit_code == 2 and out == "" and not traceback and head is not None and place is not None,
        "exit_code": exit_code,
        "code": head["code"] if head else None,
        "message": head["message"] if head else None,
        "place": f"{Path(place['name']).name}:{place['line']}:{place['column']}" if place else None,
        "traceback": traceback,
    }
