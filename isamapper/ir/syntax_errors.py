"""What to say where the text stops being a kernel: what was found, what could stand there, and what to try.

Rules of this file:
- words, not token names; an expression is called an expression, not the six signs it may begin with;
- a hint is given for the habits people bring from other languages.
"""

from __future__ import annotations

import re
from collections import abc

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from isamapper.diagnostics.source import Diagnostic, Source, Span
from isamapper.ir.words import RESERVED

_EXPRESSION = frozenset(("NAME", "INT", "FLOAT", "LPAR", "MINUS", "AXIS"))
_OPERATORS = frozenset(("PLUS", "MINUS", "TIMES", "SHIFT"))
_STATEMENTS = frozenset(("FOR", "IF", "LOCAL", "ALLOCATE", "INVOKE", "PREPARE", "SEMICOLON"))

_WORDS = {
    "NAME": "a name",
    "INT": "a whole number",
    "FLOAT": "a number",
    "STRING": "a quoted name",
    "AXIS": "an axis such as '$0'",
    "ASSIGN": "'='",
    "COMPARE": "a comparison",
    "LPAR": "'('",
    "RPAR": "')'",
    "LSQB": "'['",
    "RSQB": "']'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "COMMA": "','",
    "COLON": "':'",
    "EQUAL": "'='",
    "_LESS": "'<'",
    "VBAR": "'|'",
    "AT": "'at'",
    "ACROSS": "'across'",
    "_DOTS": "'..'",
    "_ARROW": "'->'",
    "_IN_MEMORY": "'@'",
    "KIND": "a kind of loop",
    "$END": "the end of the text",
}
_OPENING = {"(": ")", "[": "]", "{": "}"}


def syntax_error(error: UnexpectedInput, source: Source, start: int, end: int) -> Diagnostic:
    """The diagnostic for ``error``, met while reading ``source`` from ``start`` to ``end``."""
    expected = _expected(error)
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    if at_end or error.pos_in_stream is None:
        last = start + len(source.text[start:end].rstrip())
        place = Span(source, last, last)
        unclosed = _unclosed(source.text[start:end])
        if unclosed is not None:
            opening = Span(source, start + unclosed, start + unclosed + 1)
            notes: tuple[tuple[str, Span | None], ...] = (("this is never closed", opening),)
            closing = _OPENING[source.text[start + unclosed]]
            return Diagnostic("IR001", f"the text ends where '{closing}' is missing", place, None, notes)
        return Diagnostic("IR001", f"the text ends where {_phrase(expected)} is expected", place)
    position = start + error.pos_in_stream
    found = _found(error, source.text, position, end)
    place = Span(source, position, min(end, position + len(found)))
    hint = _hint(found, expected, source.text[start:position])
    return Diagnostic("IR001", f"expected {_phrase(expected)}, found '{found}'", place, hint)


def _found(error: UnexpectedInput, text: str, position: int, end: int) -> str:
    """The word or sign at ``position``."""
    if isinstance(error, UnexpectedToken) and len(error.token) > 1 and not text.startswith("**", position):
        return str(error.token)
    match = re.compile(r"[A-Za-z_0-9.]+|\*\*|&&|\|\||/\*|\.\.|->|[-+*/%]=|==|.", re.DOTALL).match(text, position, end)
    return match[0] if match else text[position : position + 1]


def _expected(error: UnexpectedInput) -> frozenset[str]:
    """Names of the tokens that could stand at the error."""
    parser = getattr(error, "interactive_parser", None)
    if parser is not None:
        return frozenset(parser.accepts())
    if isinstance(error, UnexpectedToken):
        return frozenset(error.expected)
    return frozenset(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else frozenset()


def _phrase(expected: abc.Set[str]) -> str:
    """The tokens in words: ``an operator, ',' or ']'``."""
    rest = set(expected) - {"COMMENT", "WHITESPACE"}
    words = []
    if rest == {"KERNEL", "LPAR"}:
        return "a kernel"
    if rest >= _EXPRESSION - {"AXIS"}:
        words.append("an expression")
        rest -= _EXPRESSION
    if "SHIFT" in rest:
        words.append("an operator")
        rest -= _OPERATORS | {"LPAR", "LSQB"}
        rest -= {"COMPARE"} if "RPAR" in rest else set()
    if "ROLE" in rest:
        words.append("a declaration")
        rest -= {"ROLE", "INOUT", "NAME"}
    if rest >= _STATEMENTS - {"SEMICOLON"}:
        words.append("a statement")
        rest -= _STATEMENTS | {"NAME"}
    words += sorted(_word(token) for token in rest)
    if len(words) > 6:
        words = [*words[:6], "…"]
    if not words:
        return "something else"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _word(token: str) -> str:
    return _WORDS.get(token, f"'{token.lower()}'")


def _unclosed(text: str) -> int | None:
    """Place of the innermost bracket that is never closed."""
    open_at: list[int] = []
    blank = re.sub(r"#[^\n]*", lambda match: " " * len(match[0]), text)
    for position, character in enumerate(blank):
        if character in _OPENING:
            open_at.append(position)
        elif open_at and character == _OPENING[blank[open_at[-1]]]:
            open_at.pop()
    return open_at[-1] if open_at else None


def _hint(found: str, expected: abc.Set[str], before: str) -> str | None:
    """What to try, for common slips."""
    last = re.sub(r"#[^\n]*", "", before).rstrip()
    if found in RESERVED and "NAME" in expected:
        return f"'{found}' is a word of the language and cannot be a name"
    if found in ("//", "/*") and re.search(r"([{};)\]]|^)$", last):
        return "comments start with '#'"
    if "ASSIGN" in expected and (missing := re.search(r"[\w\])][ \t]+([A-Za-z_]\w*)(\[[^]]*\])?$", last)):
        return f"an operator is missing before '{missing[1]}'"
    if found in ("const", "free", "inout") and "COMMA" in expected:
        return "declarations are separated by commas"
    if re.search(r"\bfor(\s+\w+)?$", last) and (found in ("in", "=", "<=", ":", "(") or found[0].isdigit()):
        return "a loop counts from 0: for i < N { … }"
    if re.search(r"\bsizes\b[^{]*=\s*\w+$", last) and found in ("+", "-", "*", "/", "//", "%", "("):
        return "a default is a whole number; formulas stand where sizes are used"
    if found.isidentifier() and "ASSIGN" in expected:
        return "an intermediate tensor is declared as local name: dtype[shape]"
    for signs, needed, hint in _HABITS:
        if found in signs and (needed is None or needed in expected):
            return hint
    if found.isidentifier() and "COLON" in expected:
        return "a tensor is declared as name: dtype[shape]"
    if found.isidentifier() and re.search(r"[0-9]$", last) and "TIMES" in expected:
        return "a product is written with '*'"
    if expected == {"EQUAL"} and re.search(r"(sizes|types)\b[^{]*$", last):
        return "every size and type has a default: sizes M=64"
    if last.endswith("->"):
        return "results are declared in parentheses: -> (c: f32[M, N])"
    if not last and "KERNEL" in expected:
        return "a kernel starts with: kernel NAME(inputs) -> (results)"
    return None


_CHOICE = "a choice is written select(a < b, x, y)"
_HABITS: tuple[tuple[tuple[str, ...], str | None, str], ...] = (
    (("(",), "_IN_MEMORY", "a shape is written in brackets: f32[M, N]"),
    ((":",), "LBRACE", "a block is written in braces: { … }"),
    (("[",), "ASSIGN", "all indices go into one bracket: a[i, j]"),
    (("[",), "TIMES", "all indices go into one bracket: a[i, j]"),
    (("**", "^"), None, "a power is written as a product"),
    (("&&", "||", "and", "or", "&", "|"), None, "conditions are separated by commas, and all must hold"),
    (("=",), "COMPARE", "'==' compares"),
    (("==",), "ASSIGN", "'=' assigns"),
    (("?",), None, _CHOICE),
    (("<", "<=", ">", ">=", "==", "!="), "RBRACE", _CHOICE),
    (("kernel",), "$END", "a file holds one kernel"),
    (("(",), "_ARROW", "a kernel has one list of parameters; results follow '->'"),
)
