"""Sphinx: the manual from the Markdown files of this folder (pip install '.[docs]', make docs)."""

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text
from sphinx.application import Sphinx

import isamapper

project = "isamapper"
author = "The isamapper developers"
version = release = isamapper.__version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
html_theme = "alabaster"
myst_heading_anchors = 3


class IsamLexer(RegexLexer):
    """Colours for kernels, programs and schedules."""

    name = "isam"
    tokens = {  # noqa: RUF012 - the form that pygments asks for
        "root": [
            (r"#.*$", Comment.Single),
            (
                words(
                    ("kernel", "sizes", "types", "for", "if", "else", "local", "const", "free", "inout"), r"\b", r"\b"
                ),
                Keyword,
            ),
            (words(("allocate", "invoke", "prepare", "over", "at", "in", "step"), r"\b", r"\b"), Keyword),
            (words(("machine", "program", "steps", "rewrite", "covered"), r"^", r"\b"), Keyword),
            (r"\b(f64|f32|tf32|f16|bf16|fp8_\w+|[iu]\d+)\b", Keyword.Type),
            (r'"[^"\n]*"', String),
            (r"[@$]\w+", Name.Attribute),
            (r"\b\d+(\.\d+)?([eE][-+]?\d+)?\b", Number),
            (r"[A-Za-z_][\w.]*", Name),
            (r"->|<<|>>|[-+*/%<>=!|&]+", Operator),
            (r"[\[\](){},:;]", Punctuation),
            (r"\s+|.", Text),
        ]
    }


def setup(app: Sphinx) -> None:
    app.add_lexer("isam", IsamLexer)
