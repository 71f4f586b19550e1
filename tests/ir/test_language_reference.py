"""Every example of the language reference is parsed, run or refused as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isamapper.diagnostics.render import render
from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir.interpreter import interpret
from isamapper.ir.parser import parse_kernel, parse_program
from isamapper.ir.printer import print_kernel
from isamapper.ir.template import bind, parse_template
from isamapper.ir.verifier import check_semantics
from isamapper.testing.kernels import inputs_for

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def blocks(info: str) -> list[str]:
    return [body for found, body in BLOCKS if found == info]


@pytest.mark.parametrize("text", blocks("isam"), ids=lambda text: re.search(r"kernel (\w+)", text)[1])
def test_kernels_of_the_page_run_and_print(text: str) -> None:
    kernel = parse_kernel(text)
    interpret(kernel, inputs_for(kernel))
    assert parse_kernel(print_kernel(kernel)) == kernel


@pytest.mark.parametrize("text", blocks("isam meaning"))
def test_meanings_of_the_page_are_legal(text: str) -> None:
    check_semantics(bind(parse_template(Source("page", text))))


@pytest.mark.parametrize("text", blocks("isam program"))
def test_programs_of_the_page_are_legal(text: str) -> None:
    assert parse_program(print_kernel(parse_program(text))) == parse_program(text)


@pytest.mark.parametrize(("text", "message"), list(zip(blocks("isam wrong"), blocks("text"), strict=True)))
def test_mistakes_of_the_page_are_reported_as_it_says(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_kernel(Source("wrong.isam", text))
    assert "\n\n".join(render(each) for each in caught.value.diagnostics) + "\n" == message


@pytest.mark.parametrize("text", blocks("python"))
def test_python_of_the_page_runs(text: str) -> None:
    exec(compile(text, "language.md", "exec"), {"isamapper": __import__("isamapper")})


def test_the_page_has_examples_of_every_kind() -> None:
    assert {info for info, _ in BLOCKS} == {"isam", "isam meaning", "isam program", "isam wrong", "text", "python"}
