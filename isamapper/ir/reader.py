"""Characters to surface syntax: the lark grammar, and the walk that puts a span on every piece.

What does not belong here: what names mean (``bind.py``) and the wording of syntax errors (``syntax_errors.py``).
"""

from __future__ import annotations

from collections import abc
from functools import cache
from importlib import resources
from typing import TypeAlias

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.ir import syntax
from isamapper.ir.syntax_errors import syntax_error

_Tree: TypeAlias = Tree[Token]

_DEEPEST = 100
"""Nesting beyond this is refused: every pass over the nodes is recursive."""

_LONGEST = 40
"""Digits a number may have."""


def read(source: Source, start: int = 0, end: int | None = None) -> syntax.KernelText:
    """The kernel text between ``start`` and ``end`` of ``source``; SourceError where it is malformed."""
    end = len(source.text) if end is None else end
    return _Reader(source, start).kernel(_trees(_parse("start", source, start, end))[0])


def read_expression(source: Source, start: int = 0, end: int | None = None) -> syntax.Expression:
    """The expression between ``start`` and ``end`` of ``source``; SourceError where it is malformed."""
    end = len(source.text) if end is None else end
    return _Reader(source, start).expressions(_parse("formula", source, start, end))[0]


def _parse(rule: str, source: Source, start: int, end: int) -> _Tree:
    try:
        return _grammar().parse(source.text[start:end], start=rule)
    except UnexpectedInput as error:
        raise SourceError(syntax_error(error, source, start, end)) from None


@cache
def _grammar() -> Lark:
    """The parser; building it takes a tenth of a second, so it is built at first use and kept."""
    text = resources.files("isamapper.ir").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", start=["start", "formula"], propagate_positions=True)


def _trees(tree: _Tree, rule: str | None = None) -> list[_Tree]:
    """Children that are trees, of one rule where it is named."""
    return [child for child in tree.children if isinstance(child, Tree) and rule in (None, child.data)]


def _tree(tree: _Tree, rule: str) -> _Tree | None:
    """The first child of ``rule``."""
    return next(iter(_trees(tree, rule)), None)


def _tokens(tree: _Tree, kind: str) -> list[Token]:
    """Child tokens called ``kind``."""
    return [child for child in tree.children if isinstance(child, Token) and child.type == kind]


def _text(tree: _Tree, kind: str) -> str | None:
    """The text of the first child token called ``kind``."""
    return next((str(token) for token in _tokens(tree, kind)), None)


class _Reader:
    """Walks a lark tree; each method is named after its rule in ``grammar.lark``."""

    def __init__(self, source: Source, offset: int) -> None:
        self._source = source
        self._offset = offset
        self._depth = 0

    def _span(self, tree: _Tree) -> Span:
        if tree.meta.empty:
            return Span(self._source, self._offset, self._offset)
        return Span(self._source, self._offset + tree.meta.start_pos, self._offset + tree.meta.end_pos)

    def _name(self, token: Token) -> syntax.Name:
        start = token.start_pos or 0
        return syntax.Name(str(token), Span(self._source, self._offset + start, self._offset + start + len(token)))

    def _first_name(self, tree: _Tree) -> syntax.Name:
        return self._name(_tokens(tree, "NAME")[0])

    # Kernels and declarations

    def kernel(self, tree: _Tree) -> syntax.KernelText:
        names = _tokens(tree, "NAME")
        ranges = _tree(tree, "ranges")
        results = _tree(tree, "results")
        return syntax.KernelText(
            self._name(names[0]) if names else None,
            tuple(self.range(each) for each in _trees(ranges, "range")) if ranges else (),
            tuple(self.declaration(each) for each in _trees(_trees(tree, "parameters")[0])),
            tuple(self.declaration(each) for each in _trees(results)) if results else (),
            tuple(self.default(each) for header in _trees(tree, "sizes") for each in _trees(header)),
            tuple(self.default(each) for header in _trees(tree, "types") for each in _trees(header)),
            tuple(
                each
                for header in _trees(tree, "requires")
                for chain in _trees(header)
                for each in self.comparisons(chain)
            ),
            self.block(_trees(tree, "block")[0]),
            self._span(tree),
        )

    def range(self, tree: _Tree) -> syntax.Range:
        low, high = (int(self.number(token)) for token in _tokens(tree, "INT"))
        step = _tree(tree, "step")
        by = int(self.number(_tokens(step, "INT")[0])) if step else 1
        return syntax.Range(self._first_name(tree), low, high, by, self._span(tree))

    def default(self, tree: _Tree) -> syntax.Default:
        return syntax.Default(self._first_name(tree), self.literal(_trees(tree)[0]), self._span(tree))

    def declaration(self, tree: _Tree) -> syntax.Declaration:
        dtype, shape = _trees(tree, "dtype")[0], _tree(tree, "shape")
        shared, memory, address = _tree(dtype, "shared"), _tree(tree, "memory"), _tree(tree, "address")
        return syntax.Declaration(
            self._first_name(tree),
            self._first_name(shared or dtype),
            self.expressions(shape) if shape else (),
            _text(tree, "ROLE"),
            bool(_tokens(tree, "INOUT")),
            self.shared(shared) if shared else None,
            "|".join(_tokens(memory, "NAME")) if memory else None,
            self.expressions(address)[0] if address else None,
            self._span(tree),
        )

    def shared(self, tree: _Tree) -> syntax.Block:
        elements, exponent_bits = self.expressions(tree)
        return syntax.Block(elements, exponent_bits, self._span(tree))

    # Statements

    def block(self, tree: _Tree) -> tuple[syntax.Statement, ...]:
        if self._depth > _DEEPEST:
            raise SourceError(Diagnostic("IR003", f"blocks are nested deeper than {_DEEPEST} levels", self._span(tree)))
        self._depth += 1
        statements = tuple(self.statement(child) for child in _trees(tree))
        self._depth -= 1
        return statements

    def statement(self, tree: _Tree) -> syntax.Statement:
        readers: dict[str, abc.Callable[[_Tree], syntax.Statement]] = {
            "assign": self.assign,
            "for": self.loops,
            "if": self.guard,
            "local": lambda tree: syntax.Local(self.declaration(_trees(tree)[0]), self._span(tree)),
            "allocate": lambda tree: syntax.Allocate(self.declaration(_trees(tree)[0]), self._span(tree)),
            "prepare": lambda tree: syntax.Prepare(self.block(_trees(tree)[0]), self._span(tree)),
            "invoke": self.invoke,
        }
        return readers[str(tree.data)](tree)

    def assign(self, tree: _Tree) -> syntax.Assign:
        target, value = _trees(tree)
        operator = _tokens(tree, "ASSIGN")[0]
        return syntax.Assign(self.target(target), self._name(operator), self.expression(value), self._span(tree))

    def target(self, tree: _Tree) -> syntax.Element:
        indices = _tree(tree, "indices")
        return syntax.Element(
            self._first_name(tree), self.expressions(indices) if indices else (), None, self._span(tree)
        )

    def loops(self, tree: _Tree) -> syntax.For:
        heads = tuple(self.head(each) for each in _trees(tree, "head"))
        return syntax.For(heads, self.block(_trees(tree, "block")[0]), self._span(tree))

    def head(self, tree: _Tree) -> syntax.Head:
        across = _tree(tree, "across")
        return syntax.Head(
            self._first_name(tree),
            self.expression(_trees(tree)[0]),
            _text(tree, "KIND"),
            self._span(tree),
            None if across is None else self._first_name(across),
        )

    def guard(self, tree: _Tree) -> syntax.If:
        conditions = tuple(each for chain in _trees(tree, "comparison") for each in self.comparisons(chain))
        alternative = _tree(tree, "alternative")
        otherwise: tuple[syntax.Statement, ...] = ()
        if alternative is not None:
            inner = _trees(alternative)[0]
            otherwise = self.block(inner if inner.data == "block" else alternative)
        return syntax.If(conditions, self.block(_trees(tree, "block")[0]), otherwise, self._span(tree))

    def invoke(self, tree: _Tree) -> syntax.Invoke:
        quoted = _text(tree, "STRING")
        arguments = _tree(tree, "arguments")
        return syntax.Invoke(
            quoted[1:-1] if quoted is not None else str(_tokens(tree, "NAME")[0]),
            tuple(self.argument(each) for each in _trees(arguments)) if arguments else (),
            tuple(self.operand(each) for each in _trees(tree, "operand")),
            self._span(tree),
        )

    def argument(self, tree: _Tree) -> syntax.Argument:
        return syntax.Argument(self._first_name(tree), self.expressions(tree)[0], self._span(tree))

    def operand(self, tree: _Tree) -> syntax.Operand:
        over, otherwise = _tree(tree, "over"), _tree(tree, "otherwise")
        return syntax.Operand(
            self._first_name(tree),
            self.target(_trees(tree, "target")[0]),
            self.expressions(over) if over else (),
            self.literal(_trees(otherwise)[0]) if otherwise else None,
            self._span(tree),
        )

    # Expressions

    def expressions(self, tree: _Tree) -> tuple[syntax.Expression, ...]:
        return tuple(self.expression(child) for child in _trees(tree))

    def expression(self, tree: _Tree, depth: int = 0) -> syntax.Expression:
        if depth > _DEEPEST:
            message = f"an expression is nested deeper than {_DEEPEST} levels"
            raise SourceError(Diagnostic("IR003", message, self._span(tree), "split it with a local tensor"))
        span = self._span(tree)
        inner = depth + 1
        match str(tree.data):
            case "number" | "negation":
                return self.literal(tree)
            case "name":
                return self._first_name(tree)
            case "axis":
                return syntax.AxisStep(int(_tokens(tree, "AXIS")[0][1:]), span)
            case "group":
                return self.expression(_trees(tree)[0], inner)
            case "negative":
                return syntax.Negation(self.expression(_trees(tree)[0], inner), span)
            case "sum" | "product" | "shift":
                left, operator, right = tree.children
                assert isinstance(left, Tree) and isinstance(right, Tree)
                operands = self.expression(left, inner), self.expression(right, inner)
                return syntax.Operation(str(operator), *operands, span)
            case "call":
                arguments = tuple(self.argument_of_call(each, inner) for each in _trees(tree))
                return syntax.Call(self._first_name(tree), arguments, span)
            case "element":
                indices = tuple(self.expression(each, inner) for each in _trees(_trees(tree, "indices")[0]))
                otherwise = _tree(tree, "otherwise")
                value = self.literal(_trees(otherwise)[0]) if otherwise else None
                return syntax.Element(self._first_name(tree), indices, value, span)
        raise ValueError(f"no expression: {tree.data}")

    def argument_of_call(self, tree: _Tree, depth: int) -> syntax.Expression:
        if tree.data != "comparison":
            return self.expression(tree, depth)
        return self.comparisons(tree)[0] if len(_trees(tree)) == 2 else self.chain(tree)

    def comparisons(self, tree: _Tree) -> tuple[syntax.Comparison, ...]:
        """``a < b <= c`` as two comparisons."""
        operands = self.expressions(tree)
        operators = _tokens(tree, "COMPARE")
        return tuple(
            syntax.Comparison(str(operator), left, right, Span(self._source, left.span.start, right.span.end))
            for operator, left, right in zip(operators, operands[:-1], operands[1:], strict=True)
        )

    def chain(self, tree: _Tree) -> syntax.Expression:
        message = "a chain of comparisons is not a condition of 'select'"
        raise SourceError(Diagnostic("IR023", message, self._span(tree), "nest two selects"))

    def literal(self, tree: _Tree) -> syntax.Number | syntax.Name | syntax.Negation:
        """A default or the value after ``else``: a number or a name, perhaps with a sign."""
        if tree.data == "name":
            return self._first_name(tree)
        if tree.data == "negation":
            inner = self.literal(_trees(tree)[0])
            if isinstance(inner, syntax.Number):
                return syntax.Number(-inner.value, self._span(tree))
            return syntax.Negation(inner, self._span(tree))
        token = tree.children[0]
        assert isinstance(token, Token)
        return syntax.Number(self.number(token), self._span(tree))

    def number(self, token: Token) -> int | float:
        """The value of an ``INT`` or ``FLOAT``."""
        if len(token) > _LONGEST:
            message = f"a number of {len(token)} characters"
            raise SourceError(Diagnostic("IR003", message, self._name(token).span, "numbers fit in 64 bits"))
        value = int(token) if token.type == "INT" else float(token)
        if value == float("inf"):
            message = f"the number {token} is beyond every data type"
            raise SourceError(Diagnostic("IR003", message, self._name(token).span, "infinity is written 'inf'"))
        return value
