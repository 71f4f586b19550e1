"""The front door of the text form: text in, verified kernel or program out.

What does not belong here: grammar (``grammar.lark``, ``reader.py``), binding (``bind.py``) and rules (``verifier.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic, Source
from isamapper.ir.nodes import Direction, Kernel
from isamapper.ir.template import Template, bind, parse_template
from isamapper.ir.types import DType
from isamapper.ir.verifier import check_kernel, check_program
from isamapper.ir.walk import sites


def parse_kernel(
    text: str | Source, sizes: abc.Mapping[str, int] | None = None, types: abc.Mapping[str, DType] | None = None
) -> Kernel:
    """The kernel in ``text``, with its default sizes and types overridden; SourceError with every mistake found."""
    return checked_kernel(parse_template(_source(text)), sizes, types)


def checked_kernel(
    template: Template, sizes: abc.Mapping[str, int] | None = None, types: abc.Mapping[str, DType] | None = None
) -> Kernel:
    """``template`` bound and verified at the KERNEL level; SourceError with every mistake found."""
    kernel = bind(template, sizes, types)
    check_kernel(kernel)
    return kernel


def parse_program(text: str | Source) -> Kernel:
    """The program in ``text``: allocations, invocations, offline preparation; SourceError with every mistake found.

    Whether it fits a machine is the business of ``plan``.
    """
    program = bind(parse_template(_source(text)), program=True)
    check_program(program)
    return program


def warnings(kernel: Kernel) -> tuple[Diagnostic, ...]:
    """What is legal but looks like a slip: tensors that nothing reads or writes."""
    used = {access.tensor for site in sites(kernel) for access in site.accesses}
    return tuple(
        Diagnostic("IR048", f"'{tensor.name}' is never used", tensor.span, "remove it", severity="warning")
        for tensor in kernel.tensors
        if tensor.name not in used and tensor.direction is not Direction.OUT
    )


def _source(text: str | Source) -> Source:
    return text if isinstance(text, Source) else Source("<text>", text)
