"""Einstein sums by numpy's rules, as kernels.

``mk,kn->mn`` becomes the text

    kernel einsum(x0: TA[M, K], x1: TB[K, N]) -> (y: TC[M, N])
      sizes M=…, K=…, N=…
      types TA=f32, TB=f32, TC=f32
    { for m < M, n < N, k < K { y[m, n] += TC(x0[m, k]) * TC(x1[k, n]) } }

An index that occurs twice in one operand takes the diagonal; without ``->`` the result has the indices that occur
once, sorted; ``...`` stands for leading axes and needs shapes, which then broadcast.
"""

from __future__ import annotations

import re
import string
from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.ir.literals import named_dtype
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DType

DEFAULT_SIZE = 64
"""Extent of an index that neither sizes nor shapes fix."""


@dataclass(frozen=True, slots=True)
class _Term:
    """One operand or the result: its letters (upper-case Greek ones for the axes of ``...``) and its place."""

    letters: str
    span: Span


def einsum(
    subscripts: str,
    sizes: abc.Mapping[str, int] | None = None,
    types: abc.Mapping[str, DType | str] | None = None,
    shapes: abc.Sequence[tuple[int, ...]] | None = None,
) -> Kernel:
    """The kernel of ``subscripts``; SourceError where they are wrong.

    ``sizes`` gives extents by index (``{"m": 64}``), or ``shapes`` one shape per operand; ``types`` maps ``TA`` (the
    first operand), ``TB`` (all others) and ``TC`` (the result) to data types.
    """
    text = einsum_text(subscripts, sizes or {}, shapes)
    named = {name: named_dtype(dtype) for name, dtype in (types or {}).items()}
    return parse_kernel(Source(f"einsum '{subscripts}'", text), None, named)


def einsum_text(
    subscripts: str, sizes: abc.Mapping[str, int], shapes: abc.Sequence[tuple[int, ...]] | None = None
) -> str:
    """The kernel text of ``subscripts``."""
    source = Source("subscripts", subscripts)
    operands, result = _terms(source, shapes)
    extents = _extents(operands, sizes, shapes, source)
    return _text(operands, result, extents, shapes)


def _error(message: str, span: Span, hint: str | None = None) -> SourceError:
    return SourceError(Diagnostic("IR072", message, span, hint))


def _terms(source: Source, shapes: abc.Sequence[tuple[int, ...]] | None) -> tuple[list[_Term], _Term]:
    """Operands and result, ``...`` written out as letters nobody uses."""
    whole = Span(source, 0, len(source.text))
    wrong = re.search(r"[^A-Za-z,\->\s]", source.text.replace("...", "   "))
    if wrong is not None:
        place = Span(source, wrong.start(), wrong.end())
        raise _error(f"'{wrong[0]}' is no subscript", place, "subscripts are letters, ',', '->' and '...'")
    inputs, arrow, output = source.text.partition("->")
    if re.search(r"[->]", inputs + output):
        raise _error("subscripts hold one '->' at most", whole)
    if "," in output:
        place = Span(source, source.text.rindex(","), len(source.text))
        raise _error("an einsum has one result", place, "operands stand before '->', the result after it")
    operands = [_Term("".join(match[0].split()), Span(source, *match.span())) for match in _pieces(inputs)]
    if shapes is not None and len(shapes) != len(operands):
        raise _error(f"{len(shapes)} shapes are given for {len(operands)} operands", whole)
    spare = [letter for letter in string.ascii_letters if letter not in source.text]
    ranks = [_ellipsis_rank(term, None if shapes is None else shapes[at]) for at, term in enumerate(operands)]
    if max(ranks, default=0) > len(spare):
        raise _error(f"no letters are left for the {max(ranks)} axes of '...'", whole)
    axes = "".join(spare[: max(ranks, default=0)])
    written = [
        _Term(term.letters.replace("...", axes[len(axes) - rank :]), term.span)
        for term, rank in zip(operands, ranks, strict=True)
    ]
    if arrow:
        place = Span(source, len(inputs) + 2, len(source.text))
        if axes and "..." not in output:
            raise _error("the result has no '...', but operands have axes there", place, "sums over '...' need letters")
        result = _Term("".join(output.split()).replace("...", axes), place)
    else:
        letters = "".join(term.letters for term in written)
        once = [each for each in sorted(set(letters) - set(axes)) if letters.count(each) == 1]
        result = _Term(axes + "".join(once), whole)
    _check_result(result, written)
    return written, result


def _pieces(inputs: str) -> list[re.Match[str]]:
    """The texts between commas."""
    return list(re.finditer(r"(?:^|(?<=,))[^,]*", inputs))


def _ellipsis_rank(term: _Term, shape: tuple[int, ...] | None) -> int:
    """How many axes ``...`` of an operand stands for."""
    count = term.letters.count("...")
    letters = len(term.letters) - 3 * count
    if count > 1:
        raise _error("an operand holds one '...' at most", term.span)
    if shape is None:
        if count:
            raise _error("'...' needs shapes", term.span, "write '...ij[2,3,4],jk[4,5]', or a letter for each axis")
        return 0
    if len(shape) < letters or (len(shape) > letters and not count):
        raise _error(f"'{term.letters}' has {letters} subscripts for a shape of {len(shape)} axes", term.span)
    return len(shape) - letters


def _check_result(result: _Term, operands: list[_Term]) -> None:
    known = "".join(term.letters for term in operands)
    for letter in result.letters:
        if result.letters.count(letter) > 1:
            raise _error(f"'{letter}' occurs twice in the result", result.span)
        if letter not in known:
            raise _error(f"'{letter}' of the result is in no operand", result.span)


def _extents(
    operands: list[_Term],
    sizes: abc.Mapping[str, int],
    shapes: abc.Sequence[tuple[int, ...]] | None,
    source: Source,
) -> dict[str, int]:
    """The extent of each letter, in the order of first occurrence; axes of one element broadcast."""
    extents: dict[str, int] = {}
    for position, term in enumerate(operands):
        shape = [None] * len(term.letters) if shapes is None else shapes[position]
        seen: dict[str, int | None] = {}
        for letter, length in zip(term.letters, shape, strict=True):
            if seen.setdefault(letter, length) != length:
                raise _error(f"'{letter}' is {seen[letter]} and {length} in one operand", term.span)
            given = sizes.get(letter, DEFAULT_SIZE) if length is None else length
            known = extents.get(letter, 1)
            if known not in (1, given) and given != 1:
                raise _error(f"'{letter}' is {known} in one operand and {given} in another", term.span)
            extents[letter] = max(known, given)
    for letter in sizes:
        if letter not in extents:
            raise _error(f"no operand has the subscript '{letter}'", Span(source, 0, len(source.text)))
    return extents


def _text(
    operands: list[_Term],
    result: _Term,
    extents: abc.Mapping[str, int],
    shapes: abc.Sequence[tuple[int, ...]] | None,
) -> str:
    size = {letter: _size_name(letter, extents) for letter in extents}
    types = ["TA", *("TB" for _ in operands[1:]), "TC"]
    parameters, factors = [], []
    for position, term in enumerate(operands):
        single = [
            shapes is not None and shapes[position][axis] == 1 < extents[letter]
            for axis, letter in enumerate(term.letters)
        ]
        shape = ", ".join("1" if one else size[letter] for letter, one in zip(term.letters, single, strict=True))
        indices = ", ".join("0" if one else letter for letter, one in zip(term.letters, single, strict=True))
        parameters.append(f"x{position}: {types[position]}[{shape}]")
        factors.append(f"{types[-1]}(x{position}[{indices}])")
    loops = dict.fromkeys(result.letters + "".join(extents))
    update = "+=" if len(loops) > len(result.letters) else "="
    body = f"y[{', '.join(result.letters)}] {update} {' * '.join(factors)}"
    if loops:
        body = f"for {', '.join(f'{letter} < {size[letter]}' for letter in loops)} {{ {body} }}"
    results = f"(y: {types[-1]}[{', '.join(size[each] for each in result.letters)}])"
    values = ", ".join(f"{size[letter]}={extent}" for letter, extent in extents.items())
    defaults = ", ".join(f"{name}=f32" for name in dict.fromkeys(types))
    header = f"kernel einsum({', '.join(parameters)}) -> {results}"
    return f"{header}\n{f'  sizes {values}' if values else ''}\n  types {defaults}\n{{ {body} }}\n"


def size_names(subscripts: str) -> dict[str, str]:
    """The name of the size of every index that the text mentions."""
    letters = {letter for letter in subscripts if letter in string.ascii_letters}
    return {letter: _size_name(letter, letters) for letter in sorted(letters)}


def _size_name(letter: str, letters: abc.Container[str]) -> str:
    """The size of an index: its capital, where that is no index itself."""
    return letter.upper() if letter.islower() and letter.upper() not in letters else f"size_{letter}"
