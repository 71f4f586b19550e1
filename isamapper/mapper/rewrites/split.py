"""Statement splitting: parts of a compound expression get statements and temporaries of their own.

Before:
    e[m, n] = exp(x[m, n] - top[m])
After ``t = x - top``:
    t[m, n] = x[m, n] - top[m]
    e[m, n] = exp(t[m, n])

A temporary has one axis per iterator that its value depends on. Legal where the statement has a nest of its own, no
iteration reads what another writes, and the parts put together again are the expression (modulo regrouping, reordering,
identities such as ``x * 1``, which also makes ``y += x`` into ``y += x * 1`` for multiply-accumulate instructions, and
the other spellings of functions in ``algebra/spellings.py``).

What does not belong here: choosing the parts (``munch.py``).
"""

from __future__ import annotations

import re
from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError, Span
from isamapper.ir import syntax
from isamapper.ir.analysis import statements
from isamapper.ir.bind_value import bound_value
from isamapper.ir.expressions import dtype_of, loads
from isamapper.ir.nodes import Expression, Kernel, Load, Tensor
from isamapper.ir.printer import print_expression
from isamapper.ir.reader import read_expression
from isamapper.ir.rewrite import map_loads
from isamapper.ir.scope import Scope
from isamapper.ir.walk import sites
from isamapper.mapper.algebra.fingerprint import fingerprint
from isamapper.mapper.algebra.terms import term_of
from isamapper.mapper.rewrites.edit import (
    Names,
    element,
    loops_around,
    nest_of,
    replaced,
    spans,
    temporary,
    tensors_at,
    why_not_own,
)
from isamapper.mapper.rewrites.reader import statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Split:
    """The step: ``parts`` are computed first, each into the temporary of its name; then the statement takes ``value``.

    Parts and value load temporaries as 0-d tensors of their names; each part uses earlier ones only.
    """

    statement: int
    parts: tuple[tuple[str, Expression], ...]
    value: Expression

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel with one statement per part, or why there is none."""
        subject = f"split of statement {self.statement}"
        nest = nest_of(kernel, self.statement)
        obstacle = why_not_own(kernel, nest, subject)
        if obstacle is not None:
            return obstacle
        tensors = {each.tensor.name: each.tensor for each in sites(kernel)[self.statement].place.scope}
        assign = nest.statement.assign
        whole = _expanded(self.value, dict(self.parts))
        if _fingerprint(whole, tensors) != _fingerprint(assign.value, tensors):
            return Rejection("RW020", subject, "its parts put together are not the statement's value", spans(assign))
        return self._applied(kernel, tensors)

    def _applied(self, kernel: Kernel, tensors: dict[str, Tensor]) -> Kernel:
        nest = nest_of(kernel, self.statement)
        names, made = Names(kernel), []
        held: dict[str, Load] = {}
        dtypes = {name: tensor.dtype for name, tensor in tensors.items()}
        for name, part in self.parts:
            value = map_loads(part, lambda load: held.get(load.access.tensor, load))
            used = {each for access in loads(value) for index in access.map.results for each in index.names}
            extents = {each: size for each, size in nest.extents.items() if each in used}
            one = temporary((names.fresh(name), dtype_of(value, dtypes)), value, extents)
            dtypes[one.tensor.name] = one.tensor.dtype
            held[name] = one.load
            made.append(one)
        value = map_loads(self.value, lambda load: held.get(load.access.tensor, load))
        last = loops_around(nest.extents, replace(nest.statement.assign, value=value))
        return replaced(kernel, nest.path, (*(one.nest for one in made), last), [one.tensor for one in made])

    def text(self, kernel: Kernel) -> str:
        """``split statement 2: t = x[m, n] - top[m]; exp(t)``."""
        parts = [f"{name} = {print_expression(part)}" for name, part in self.parts]
        return f"split statement {self.statement}: " + "; ".join([*parts, print_expression(self.value)])


def _fingerprint(value: Expression, tensors: abc.Mapping[str, Tensor]) -> int:
    return fingerprint(term_of(value, tensors), loads(value))


def part_load(name: str) -> Load:
    """How a part or the value loads the temporary ``name``."""
    return Load(element(name, ()))


def _expanded(value: Expression, parts: abc.Mapping[str, Expression]) -> Expression:
    def expand(load: Load) -> Expression:
        part = parts.get(load.access.tensor) if not load.access.map.results else None
        return load if part is None else _expanded(part, parts)

    return map_loads(value, expand)


def read(words: StepReader, kernel: Kernel) -> Split:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    found = statements(kernel)[statement]
    tensors = tensors_at(kernel, statement)
    expected = tensors[found.assign.target.tensor].dtype
    scope = Scope(False, tensors=dict(tensors), iterators={each.name: words.span for each in found.iterators})
    start, end = words.rest()
    *named, last = re.finditer(r"[^;]+", words.source.text[start:end] or " ")
    parts: list[tuple[str, Expression]] = []
    for part in named:
        name = re.match(r"\s*([A-Za-z_]\w*)\s*=(?!=)", part.group())
        if name is None:
            text = part.group()
            place = Span(words.source, start + part.end() - len(text.lstrip()), start + part.end())
            raise SourceError(Diagnostic("SCH041", "every part but the last is 'NAME = VALUE'", place))
        value = bound_value(_expression(words, start + part.start() + name.end(), start + part.end()), expected, scope)
        if value is None:
            raise SourceError(*scope.found)
        parts.append((name[1], value.node))
        scope.tensors[name[1]] = Tensor(name[1], value.dtype, ())
    result = bound_value(_expression(words, start + last.start(), start + last.end()), expected, scope)
    if result is None:
        raise SourceError(*scope.found)
    return Split(statement, tuple(parts), result.node)


def _expression(words: StepReader, start: int, end: int) -> syntax.Expression:
    return read_expression(words.source, start, end)
