"""The examples of the mapping reference print what it says."""

from __future__ import annotations

import doctest
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "mapping.md"


def test_examples_of_the_mapping_reference() -> None:
    text = REFERENCE.read_text(encoding="utf-8").replace("```", "")
    examples = doctest.DocTestParser().get_doctest(text, {}, REFERENCE.name, str(REFERENCE), 0)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(examples)
    assert runner.summarize(verbose=False).failed == 0
    assert len(examples.examples) > 20
