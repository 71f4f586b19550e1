"""Printing: canonical, readable, and read back as the same nodes at every level."""

from __future__ import annotations

from hypothesis import given, settings

from isamapper.diagnostics.source import Source
from isamapper.ir.nodes import Kernel
from isamapper.ir.printer import print_kernel
from isamapper.ir.template import bind, parse_template
from isamapper.testing.nodes import kernel_nodes, meaning_nodes, program_nodes


def read(text: str, program: bool = False) -> Kernel:
    return bind(parse_template(Source("printed", text)), program=program)


@given(kernel_nodes())
@settings(max_examples=100, deadline=None)
def test_a_printed_kernel_reads_back_as_the_same_nodes(kernel: Kernel) -> None:
    assert read(print_kernel(kernel)) == kernel


@given(meaning_nodes())
@settings(max_examples=60, deadline=None)
def test_a_printed_meaning_reads_back_as_the_same_nodes(kernel: Kernel) -> None:
    assert read(print_kernel(kernel)) == kernel


@given(program_nodes())
@settings(max_examples=100, deadline=None)
def test_a_printed_program_reads_back_as_the_same_nodes(kernel: Kernel) -> None:
    assert read(print_kernel(kernel), program=True) == kernel
