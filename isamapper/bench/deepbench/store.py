"""Measured rows as JSON lines: appended as problems finish, found again by key.

Rules of this file:
- a row is one line, written by one call and flushed to the disk: whatever is killed, lines before it are whole;
- a last line without its end is what a killed run was writing; it is cut off before anything is appended;
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
    whole = text if text.endswith("\n") else text[: text.rfind("\n") + 1]
    for number, line in enumerate(whole.splitlines(), 1):
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
    return row


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
    size = os.fstat(descriptor).st_size
    kept, block = size, 1 << 16
    while kept:
        start = max(0, kept - block)
        found = os.pread(descriptor, kept - start, start).rfind(b"\n")
        if found >= 0:
            kept = start + found + 1
            break
        kept = start
    if kept != size:
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
