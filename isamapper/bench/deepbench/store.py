"""Measured rows as JSON lines: appended as problems finish, found again by key.

Rules of this file:
- a row is one line, written by one call and flushed to the disk: whatever is killed, lines before it are whole;
- a last line that is not whole is what a killed run was writing; it is cut off before anything is appended;
- a row is the answer to its key; with several of one key the last counts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import abc
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeAlias

from isamapper.diagnostics.source import Diagnostic, SourceError

Row: TypeAlias = dict[str, Any]

SOURCES = (".py", ".isam", ".yaml", ".lark", ".csv")

HEAD: dict[str, tuple[type, ...]] = dict.fromkeys(("suite", "problem", "machine"), (str,))
"""What every row has."""
COMPARED = HEAD | {"cycles": (int,)}
"""What a row without a failure has."""
FAILED: dict[str, tuple[type, ...]] = {
    "family": (str,),
    "parameters": (dict,),
    "baselines": (dict,),
    "anchors": (list,),
}
REPORTED = (
    COMPARED
    | FAILED
    | {"binding_resource": (str,), "verified_size": (str,), "precision": (dict,)}
    | dict.fromkeys(("percent_of_bound", "seconds", "search_seconds", "simulate_seconds"), (int, float))
)
"""What reports are made of."""


def read_rows(path: Path) -> list[Row]:
    """The rows of a result file in the order of their keys' first lines; [] where there is no file yet.

    SourceError BEN003 where the file cannot be read or a line is no row.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(Diagnostic("BEN003", f"cannot read results '{path}': {_reason(error)}")) from None
    rows: dict[str, Row] = {}
    lines = text.split("\n")
    if not _whole(lines[-1]):
        del lines[-1]
    for number, line in enumerate(lines, 1):
        if line.strip():
            row = _row(line, path, number)
            rows[str(row.get("key", number))] = row
    return list(rows.values())


def read_existing(path: Path) -> list[Row]:
    """As :func:`read_rows`; BEN003 where there is no such file, or nothing in it."""
    rows = read_rows(path)
    if not rows:
        what = "holds no results" if path.exists() else "does not exist"
        raise SourceError(
            Diagnostic("BEN003", f"'{path}' {what}", help="'isamapper bench deepbench' writes such files")
        )
    return rows


def latest(rows: abc.Iterable[Row]) -> list[Row]:
    """The last row of each machine and problem, in the order of their first."""
    return list({(row["machine"], row["problem"]): row for row in rows}.values())


def _row(line: str, path: Path, number: int) -> Row:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict) or not {"suite", "problem", "machine"} <= row.keys():
        message = f"line {number} of '{path}' is no measured row"
        raise SourceError(Diagnostic("BEN003", message, help="result files hold one JSON object a line"))
    _check(row, COMPARED if row.get("failure") is None else HEAD, path, number)
    return row


def check_reportable(rows: abc.Iterable[Row], path: Path) -> None:
    """SourceError BEN003 where a row of ``path`` has not all that a report is made of."""
    for number, row in enumerate(rows, 1):
        _check(row, REPORTED if row.get("failure") is None else HEAD | FAILED, path, number)


def _check(row: Row, kinds: abc.Mapping[str, tuple[type, ...]], path: Path, number: int) -> None:
    for key, allowed in kinds.items():
        value = row.get(key)
        if not isinstance(value, allowed) or isinstance(value, bool) or (key == "cycles" and row[key] < 1):
            message = f"row {number} of '{path}' has no '{key}' that can be used"
            raise SourceError(Diagnostic("BEN003", message, help="'isamapper bench deepbench' writes such files"))


def _whole(line: str) -> bool:
    """Whether a last line without its end is a row all the same, as files that were edited by hand have it."""
    try:
        return not line.strip() or isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


class Appender:
    """Appends rows to a result file, whose folder is made if need be; BEN003 where that is not possible."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "ab+") as file:
                _cut_unfinished(file.fileno())
        except OSError as error:
            raise SourceError(Diagnostic("BEN003", f"cannot write results '{path}': {_reason(error)}")) from None

    def __call__(self, row: abc.Mapping[str, Any]) -> None:
        """Appends one row; it is on the disk when this returns."""
        line = json.dumps(row, separators=(",", ":"), allow_nan=False) + "\n"
        with open(self._path, "ab", buffering=0) as file:
            file.write(line.encode("utf-8"))
            os.fsync(file.fileno())


def _cut_unfinished(descriptor: int) -> None:
    """Ends the last line of a file, which is cut off where it is no whole row."""
    size = os.fstat(descriptor).st_size
    kept, block = size, 1 << 16
    while kept:
        start = max(0, kept - block)
        found = os.pread(descriptor, kept - start, start).rfind(b"\n")
        if found >= 0:
            kept = start + found + 1
            break
        kept = start
    if kept == size:
        return
    if _whole(os.pread(descriptor, size - kept, kept).decode("utf-8", "replace")):
        os.write(descriptor, b"\n")
    else:
        os.ftruncate(descriptor, kept)


def key_of(parts: abc.Mapping[str, object]) -> str:
    """A short digest of everything that an answer depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("utf-8")).hexdigest()[:16]


@cache
def code_digest() -> str:
    """A digest of the package's own files: results of other code are not taken for results of this one."""
    digest = hashlib.sha256()
    for name, content in _files(resources.files("isamapper"), ""):
        digest.update(name.encode("utf-8") + b"\0" + content)
    return digest.hexdigest()[:16]


def _files(folder: Traversable, prefix: str) -> abc.Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(SOURCES):
            yield prefix + entry.name, entry.read_bytes()
