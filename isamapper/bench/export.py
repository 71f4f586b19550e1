"""Rows of nested values as tables: CSV, JSON lines, Parquet (which needs ``isamapper[parquet]``)."""

from __future__ import annotations

import csv
import io
import json
from collections import abc
from pathlib import Path
from typing import Any

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.registry import MissingExtra

FORMATS = (".csv", ".jsonl", ".parquet")


def export(rows: abc.Sequence[abc.Mapping[str, Any]], path: Path) -> None:
    """Writes ``rows`` to ``path`` in the format its suffix names; SourceError SWP003 for another suffix.

    Nested maps become columns ``map.key`` in CSV and Parquet; lists become JSON texts there.
    """
    check(path)
    try:
        if path.suffix == ".jsonl":
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        elif path.suffix == ".csv":
            path.write_text(_csv([flat(row) for row in rows]), encoding="utf-8", newline="")
        else:
            _parquet([flat(row) for row in rows], path)
    except OSError as error:
        raise SourceError(Diagnostic("SWP003", f"cannot write '{path}': {(error.strerror or '').lower()}")) from None


def check(path: Path) -> None:
    """SourceError SWP003 for a suffix that names no format, before anything is measured."""
    if path.suffix not in FORMATS:
        raise SourceError(Diagnostic("SWP003", f"cannot export to '{path}'", help=f"known: {', '.join(FORMATS)}"))
    if path.suffix == ".parquet":
        _pyarrow()


def flat(row: abc.Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """One level of columns."""
    columns: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, abc.Mapping):
            columns.update(flat(value, f"{prefix}{key}."))
        elif isinstance(value, list | tuple):
            columns[prefix + key] = json.dumps(value)
        else:
            columns[prefix + key] = value
    return columns


def _columns(rows: abc.Iterable[abc.Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _csv(rows: abc.Sequence[abc.Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(rows), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _parquet(rows: abc.Sequence[abc.Mapping[str, Any]], path: Path) -> None:
    arrow, parquet = _pyarrow()
    parquet.write_table(arrow.table({name: _column(rows, name) for name in _columns(rows)}), str(path))


def _column(rows: abc.Sequence[abc.Mapping[str, Any]], name: str) -> list[Any]:
    """One type a column: texts where the values differ in kind."""
    values = [row.get(name) for row in rows]
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return values
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        message = "Parquet files need the module 'pyarrow'"
        raise MissingExtra(message, name=error.name, install="pip install 'isamapper[parquet]'") from error
    return pyarrow, pyarrow.parquet
