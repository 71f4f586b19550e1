"""Einsums as names of kernels: subscripts by numpy's rules, each operand perhaps with its shape.

    mk,kn->mn                       sizes M, K, N, given by -s like those of any kernel
    einsum:ij,jk                    without an arrow the prefix says that this is no library name
    bmk[8,64,32],kn[32,16]->bmn     shapes, which then say what '...' stands for and what broadcasts
    ...ij[8,2,4],jk[4,5]->...ik

What does not belong here: what an einsum means and its kernel (``ir/einsum.py``).
"""

from __future__ import annotations

import re
from collections import abc

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.ir.einsum import einsum_text, size_names

PREFIX = "einsum:"

_SHAPE = re.compile(r"\[([^\]]*)\]")


def is_einsum(name: str) -> bool:
    """Whether a kernel's name is an einsum."""
    return "->" in name or name.startswith(PREFIX)


def resembles_einsum(name: str) -> bool:
    """Whether an unknown name holds what subscripts have and names have not: the prefix was forgotten."""
    return any(mark in name for mark in (",", "...", "["))


def einsum_source(name: str) -> Source:
    """The kernel text of the einsum called ``name``; SourceError where it is malformed."""
    subscripts, shapes = _parted(name)
    return Source(f"einsum '{subscripts}'", einsum_text(subscripts, {}, shapes))


def named_sizes(name: str, sizes: abc.Mapping[str, int]) -> dict[str, int]:
    """``sizes`` by the names that the kernel's text has: an index may be given for the size along it."""
    known = size_names(_parted(name)[0])
    return {known.get(size, size): value for size, value in sizes.items()}


def _parted(name: str) -> tuple[str, tuple[tuple[int, ...], ...] | None]:
    """Subscripts without shapes, and the shapes, one per operand, or None where none is given."""
    source = Source("einsum", name)
    start = len(PREFIX) if name.startswith(PREFIX) else 0
    inputs = name[start:].partition("->")[0]
    pieces = re.split(r",(?![^\[]*\])", inputs)
    shapes: list[tuple[int, ...]] = []
    place = start
    for piece in pieces:
        found = _SHAPE.search(piece)
        if found is not None:
            shapes.append(_shape(found[1], Span(source, place + found.start(), place + found.end())))
            if piece[found.end() :].strip():
                where = Span(source, place + found.end(), place + len(piece))
                raise SourceError(Diagnostic("IR073", "a shape stands after the subscripts of its operand", where))
        place += len(piece) + 1
    if shapes and len(shapes) < len(pieces):
        message = f"{len(shapes)} of {len(pieces)} operands have a shape"
        raise SourceError(Diagnostic("IR073", message, Span(source, 0, len(name)), "give every operand one, or none"))
    return _SHAPE.sub("", name[start:]), tuple(shapes) or None


def _shape(text: str, span: Span) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    if not all(word.isascii() and word.isdecimal() for word in words):
        raise SourceError(Diagnostic("IR073", f"'[{text}]' is no shape", span, "whole numbers, as in [64,32]"))
    if any(len(word) > 10 or int(word) == 0 for word in words):
        raise SourceError(Diagnostic("IR073", f"'[{text}]' has an axis that is empty or too long", span))
    return tuple(map(int, words))
