"""The kernel library: ``kernels/*.isam`` beside this file, and ``.isam`` files of the user.

What does not belong here: parsing (``ir``) and kernels that are not text (``einsum.py``).
"""

from __future__ import annotations

from collections import abc
from functools import cache
from importlib import resources
from pathlib import Path

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Source, SourceError
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
    """The text of a library kernel, or of the file at a path; SourceError where there is neither.

    What ends in ``.isam`` or holds a path separator is a path, anything else a library name.
    """
    name = str(name_or_path)
    if not isinstance(name_or_path, Path) and not name.endswith(_SUFFIX) and Path(name).name == name:
        return _shipped(name)
    try:
        return Source(name, Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        message = f"cannot read kernel '{name}': {(reason or 'unreadable').lower()}"
        hint = did_you_mean(Path(name).stem, library_kernels()) if isinstance(error, FileNotFoundError) else None
        raise SourceError(Diagnostic("IR070", message, None, hint)) from None


def _shipped(name: str) -> Source:
    if name not in library_kernels():
        hint = did_you_mean(name, library_kernels())
        if Path(name).is_file():
            hint = f"a file is named with its folder: ./{name}"
        raise SourceError(Diagnostic("IR070", f"unknown kernel '{name}'", None, hint))
    file = resources.files("isamapper.frontends").joinpath("kernels", name + _SUFFIX)
    return Source(f"{name}{_SUFFIX}", file.read_text(encoding="utf-8"))


def kernel_template(name_or_path: str | Path) -> Template:
    """The template of a library kernel or of a file, sizes and types still open."""
    return parse_template(kernel_source(name_or_path))


def load_kernel(
    name_or_path: str | Path,
    sizes: abc.Mapping[str, int] | None = None,
    types: abc.Mapping[str, DType] | None = None,
) -> Kernel:
    """The kernel called ``name_or_path`` with its sizes and types overridden; SourceError with every mistake found."""
    return checked_kernel(kernel_template(name_or_path), sizes, types)
