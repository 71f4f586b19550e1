"""Kernels by name: the library ``kernels/*.isam`` beside this file, ``.isam`` files of the user, and einsums.

What does not belong here: parsing and binding (``ir``).
"""

from __future__ import annotations

from collections import abc
from functools import cache
from importlib import resources
from pathlib import Path

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.frontends.einsums import PREFIX, einsum_source, is_einsum, named_sizes, resembles_einsum
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import checked_kernel
from isamapper.ir.template import Template, parse_template
from isamapper.ir.types import DType

_SUFFIX = ".isam"


@cache
def library_kernels() -> tuple[str, ...]:
    """Names of the shipped kernels, sorted."""
    files = resources.files("isamapper.frontends").joinpath("kernels").iterdir()
    return tuple(sorted(file.name.removesuffix(_SUFFIX) for file in files if file.name.endswith(_SUFFIX)))


def kernel_source(name_or_path: str | Path) -> Source:
    """The text of a library kernel, of the file at a path, or of an einsum; SourceError where there is none.

    What holds ``->`` or opens with ``einsum:`` is an einsum (``einsums.py``); what ends in ``.isam``, holds a path
    separator or is a file is a path; anything else is a library name.
    """
    name = str(name_or_path)
    if is_einsum(name):
        return einsum_source(name)
    is_name = isinstance(name_or_path, str) and Path(name).name == name and not name.endswith(_SUFFIX)
    if is_name and (name in library_kernels() or not Path(name).is_file()):
        return _shipped(name)
    return _file(name)


def _shipped(name: str) -> Source:
    if name not in library_kernels():
        hint = (
            f"for an einsum write '{PREFIX}{name}'" if resembles_einsum(name) else did_you_mean(name, library_kernels())
        )
        raise SourceError(Diagnostic("IR070", f"unknown kernel '{name}'", None, hint))
    file = resources.files("isamapper.frontends").joinpath("kernels", name + _SUFFIX)
    return Source(name + _SUFFIX, file.read_text(encoding="utf-8"))


def _file(name: str) -> Source:
    try:
        return Source(name, Path(name).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SourceError(Diagnostic("IR071", f"'{name}' is not UTF-8 text (byte {error.start})")) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        hint = did_you_mean(Path(name).stem, library_kernels()) if isinstance(error, FileNotFoundError) else None
        raise SourceError(Diagnostic("IR071", f"cannot read kernel '{name}': {reason}", None, hint)) from None


def kernel_template(name_or_path: str | Path) -> Template:
    """The template of a library kernel or of a file, sizes and types still open."""
    return parse_template(kernel_source(name_or_path))


def load_kernel(
    name_or_path: str | Path,
    sizes: abc.Mapping[str, int] | None = None,
    types: abc.Mapping[str, DType] | None = None,
) -> Kernel:
    """The kernel called ``name_or_path`` with its sizes and types overridden; SourceError with every mistake found."""
    template = kernel_template(name_or_path)
    if sizes and is_einsum(str(name_or_path)):
        sizes = named_sizes(str(name_or_path), sizes)
    return checked_kernel(template, sizes, types)
