"""The examples of docs/reference/ir.md are legal and mean what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel, parse_program

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "ir.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```isam\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def example(name: str) -> Kernel:
    (text,) = (text for text in EXAMPLES if f"kernel {name}(" in text)
    return parse_program(text) if "invoke" in text else parse_kernel(text)


def test_every_example_is_legal() -> None:
    assert [example(re.search(r"kernel (\w+)\(", text)[1]).name for text in EXAMPLES] == [  # type: ignore[index]
        "first_write",
        "copy_in_two_slots",
        "recurrence",
    ]


def test_the_first_write_in_the_text_decides_for_the_whole_tensor() -> None:
    result = interpret(example("first_write"), {"x": np.array([1, 2, 3, 4])})
    assert result["y"].tolist() == [2, 4, 3, 0]
