"""Kernels as JSON objects and as documents."""

from __future__ import annotations

import re
from collections import abc

from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel, Tensor
from isamapper.ir.printer import digest, print_kernel
from isamapper.report.document import Document, Text, document, table


def kernel_json(kernel: Kernel) -> dict[str, object]:
    """Everything about a bound kernel."""
    return {
        "kernel": kernel.name,
        "summary": summary(kernel),
        "sizes": dict(kernel.sizes),
        "types": {name: dtype.name for name, dtype in kernel.types},
        "tensors": [_tensor_json(tensor) for tensor in kernel.tensors],
        "statements": [
            {
                "statement": statement.index,
                "iterators": [
                    {"name": iterator.name, "extent": iterator.extent, "kind": iterator.kind.value}
                    for iterator in statement.iterators
                ],
            }
            for statement in statements(kernel)
        ],
        "digest": digest(kernel),
        "text": print_kernel(kernel),
    }


def _tensor_json(tensor: Tensor) -> dict[str, object]:
    return {
        "name": tensor.name,
        "dtype": tensor.dtype.name,
        "shape": list(tensor.shape),
        "direction": tensor.direction.value,
        "role": tensor.role.value,
    }


def summary(kernel: Kernel) -> str:
    """The first sentence of the comment that opens the file the kernel was read from; nothing where it has none."""
    text = kernel.span.source.text if kernel.span else ""
    opening = re.match(r"\s*((?:#[^\n]*\n\s*)*)", text)
    comment = " ".join(line.strip().lstrip("#").strip() for line in opening[1].splitlines()) if opening else ""
    return re.split(r"(?<=\w)\.(?:\s|$)", comment, maxsplit=1)[0].strip()


def kernel_document(kernel: Kernel) -> Document:
    """The canonical text, then what dependence analysis says of the loops."""
    rows = [
        (statement.index, iterator.name, iterator.extent, iterator.kind.value)
        for statement in statements(kernel)
        for iterator in statement.iterators
    ]
    return document(
        Text(print_kernel(kernel).rstrip("\n")),
        table(("statement", "iterator", "extent", "kind"), rows) if rows else None,
    )


def kernels_document(kernels: abc.Iterable[Kernel]) -> Document:
    """One line for each kernel of the library."""
    rows = [
        (kernel.name, " ".join(f"{name}={value}" for name, value in kernel.sizes), summary(kernel))
        for kernel in kernels
    ]
    return document(table(("kernel", "sizes", "what it computes"), rows))
