"""A kernel of the library at a machine's own types. What does not belong here: kernels that are written out."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import SourceError
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.types import DType


def kernel_for(
    machine: Machine, name: str, sizes: abc.Mapping[str, int] | None, types: abc.Mapping[str, DType]
) -> Kernel:
    """The kernel ``name``, a library name, a path or an einsum.

    Types come from ``types``, then from the machine's ``default_types`` where the kernel can have them, then from the
    kernel's own defaults.
    """
    bound = load_kernel(name, sizes, types)
    own = dict(bound.types)
    preferred = {n: d for n, d in machine.default_types if n in own and n not in types and own[n] != d}
    return (_with_types(name, sizes, {**preferred, **types}) if preferred else None) or bound


def _with_types(name: str, sizes: abc.Mapping[str, int] | None, types: abc.Mapping[str, DType]) -> Kernel | None:
    """The kernel at a machine's types, or None where it cannot have them (a shift of floats, say)."""
    try:
        return load_kernel(name, sizes, types)
    except SourceError:
        return None  # the kernel is sound at its own types: it was bound to them before
