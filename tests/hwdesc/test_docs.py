"""docs/reference/hardware.md says what the loader does: its tables are the schema's, its machines load."""

from __future__ import annotations

import re

import pytest

from isamapper.diagnostics.source import Source
from isamapper.hwdesc import schema
from isamapper.hwdesc.loader import load_machine, load_with_warnings
from isamapper.hwdesc.shapes import Either, Record, Several, Shape, Table, describe

RECORDS = (
    schema.MACHINE,
    schema.MEMORY,
    schema.PORT,
    schema.UNIT,
    schema.GRID,
    schema.DISPATCH,
    schema.INSTRUCTION,
    schema.OPERAND,
    schema.TIMING,
)


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> str:
    path = request.config.rootpath / "docs" / "reference" / "hardware.md"
    return str(path.read_text(encoding="utf-8"))


def in_words(shape: Shape) -> str:
    match shape:
        case Several(Record(what)):
            return f"list, see {what}"
        case Several():
            return "list of names"
        case Table(Record(what)):
            return f"map from operand to {what}"
        case Table():
            return "map"
        case Record(what):
            return f"map, see {what}"
        case Either(shapes):
            return " or ".join(in_words(each) for each in shapes)
        case _:
            return describe(shape).replace("'", "`")


def table(record: Record) -> str:
    """The fields of ``record`` as the page must have them."""
    rows = ["| field | value | default | meaning |", "|---|---|---|---|"]
    for field in record.fields:
        default = "required" if field.required else f"`{field.default}`" if field.default else "–"
        rows.append(f"| `{field.name}` | {in_words(field.shape)} | {default} | {field.help} |")
    return "\n".join(rows)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.what)
def test_every_field_is_in_its_table(record: Record, page: str) -> None:
    assert table(record) in page


def test_the_complete_machine_loads_without_a_warning(page: str) -> None:
    (text,) = re.findall(r"^```yaml file tile8.yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    loaded = load_with_warnings(Source("tile8.yaml", text))
    assert loaded.warnings == ()
    assert [instruction.name for instruction in loaded.machine.instructions] == ["load", "multiply", "clear", "store"]


def test_every_other_piece_fits_into_the_complete_machine(page: str) -> None:
    (text,) = re.findall(r"^```yaml file tile8.yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    pieces = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(pieces) == 4
    for piece in pieces:
        load_machine(Source("piece.yaml", completed(text, piece)))


def completed(text: str, piece: str) -> str:
    """The complete machine with ``piece`` where it belongs."""
    if piece.startswith("include:"):
        return text.replace("memories:\n", piece + "\nmemories:\n", 1)
    if "kind:" in piece:
        return text.replace("memories:\n", "memories:\n" + piece, 1)
    if "semantics:" not in piece:
        meaning = "(x: T[8] @buffer) -> (y: U[8] @sums) { y[i] = U(x[i]) }"
        piece += f'        unit: load\n        semantics: "{meaning}"\n        timing: {{latency_cycles: 1}}\n'
    return text + re.sub(r"^    ", "", piece, flags=re.MULTILINE)
