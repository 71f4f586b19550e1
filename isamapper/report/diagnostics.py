"""Several diagnostics as one text; how one looks is said in ``diagnostics/render.py``."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.render import render
from isamapper.diagnostics.source import Diagnostic


def render_diagnostics(diagnostics: abc.Iterable[Diagnostic], *, colour: bool = False) -> str:
    """Every finding, separated by blank lines, with a final line feed."""
    return "\n".join(render(diagnostic, colour) + "\n" for diagnostic in diagnostics)
