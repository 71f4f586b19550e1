"""Templates: parsed kernel text whose sizes, types and parameters are still names.

A template is what a ``.isam`` file or an instruction's ``semantics`` says; :func:`bind` gives the kernel for given
numbers. What does not belong here: reading characters (``reader.py``) and the rules of binding (``bind.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from isamapper.diagnostics.source import Source
from isamapper.ir import syntax
from isamapper.ir.types import DType


@dataclass(frozen=True, slots=True)
class Template:
    """Kernel text with symbolic sizes.

    ``start`` and ``end`` delimit the text in ``source``. ``name`` is empty for an instruction's meaning. ``sizes`` and
    ``types`` hold the defaults, ``parameters`` an instruction's ``(name, low, high, step)``, in the order written.
    """

    source: Source
    start: int
    end: int
    name: str
    sizes: tuple[tuple[str, int], ...]
    types: tuple[tuple[str, DType], ...]
    parameters: tuple[tuple[str, int, int, int], ...]
    text: syntax.KernelText = field(repr=False)
