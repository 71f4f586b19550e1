"""Templates: parsed kernel text whose sizes, types and parameters are still names.

A template is what a ``.isam`` file or an instruction's ``semantics`` says; :func:`bind` gives the kernel for given
numbers. What does not belong here: reading characters (``reader.py``) and the rules of binding (``bind.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field

from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir import syntax
from isamapper.ir.bind import bind_text
from isamapper.ir.nodes import Kernel
from isamapper.ir.reader import read, read_expression
from isamapper.ir.sizes import SizeExpression
from isamapper.ir.symbolic import extent_of, size_expression
from isamapper.ir.types import DTYPES, DType


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


def parse_template(source: Source, start: int = 0, end: int | None = None) -> Template:
    """The template between ``start`` and ``end`` of ``source``; SourceError where it is malformed.

    The text is a kernel (``kernel NAME(…)``) or an instruction's meaning (``(m in 1..16) (…) -> (…) { … }``). Names
    are looked at by :func:`bind`; spans point into ``source``.
    """
    end = len(source.text) if end is None else end
    text = read(source, start, end)
    return Template(
        source,
        start,
        end,
        text.name.name if text.name else "",
        tuple((each.name.name, _size(each.value)) for each in text.sizes),
        tuple((each.name.name, _dtype(each.value)) for each in text.types),
        tuple((each.name.name, each.low, each.high, each.step) for each in text.ranges),
        text,
    )


def _size(value: syntax.Expression) -> int:
    """The default size; 1 where the text has none (binding reports it)."""
    return value.value if isinstance(value, syntax.Number) and isinstance(value.value, int) else 1


def _dtype(value: syntax.Expression) -> DType:
    """The default type; f32 where the text has none (binding reports it)."""
    return DTYPES.get(value.name, DTYPES["f32"]) if isinstance(value, syntax.Name) else DTYPES["f32"]


def bind(
    template: Template,
    sizes: abc.Mapping[str, int] | None = None,
    types: abc.Mapping[str, DType] | None = None,
    *,
    program: bool = False,
) -> Kernel:
    """The kernel ``template`` stands for: defaults, overridden by ``sizes`` and ``types``.

    An instruction's parameters are bound like sizes; those not given take their greatest value. ``program`` admits
    what only programs may hold. SourceError with every mistake found.
    """
    kernel, found = bind_text(template.text, sizes or {}, types or {}, program=program)
    if found:
        raise SourceError(*found)
    return kernel


def iterator_extent(template: Template, iterator: str) -> SizeExpression:
    """The extent of the first loop called ``iterator`` (written or implied); KeyError where there is none."""
    found = extent_of(template.text, iterator)
    if found is None:
        raise KeyError(iterator)
    return found


def parse_size_expression(source: Source, start: int = 0, end: int | None = None) -> SizeExpression:
    """A formula over named sizes, such as ``m + 7``, between ``start`` and ``end``; SourceError where malformed."""
    return size_expression(read_expression(source, start, end))
