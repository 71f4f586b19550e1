"""Pictures as SVG text: elements, escaping, and one palette for light and dark that colour-blind people can tell apart.

What does not belong here: what a picture shows (``machine_svg.py``, ``timeline_html.py``).
"""

from __future__ import annotations

from collections import abc
from html import escape

SERIES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
"""Colours that differ for every kind of colour blindness (Okabe and Ito, 'Color Universal Design', 2008)."""

CHARACTER = 0.61
"""Width of a character of a monospaced font, as a part of its size; a little more than any common font has."""

LIGHT = {"paper": "#ffffff", "ink": "#1b1f24", "quiet": "#57606a", "line": "#c8ced5", "fill": "#f3f5f7"}
DARK = {"paper": "#14171b", "ink": "#e8eaed", "quiet": "#a3acb6", "line": "#454c55", "fill": "#20252b"}


def element(name: str, /, *children: str, **attributes: object) -> str:
    """``<name …>children</name>``; children are markup already, ``font_size=9`` becomes ``font-size="9"``."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def text(x: float, y: float, words: str, /, **attributes: object) -> str:
    """Words at a place; quotes and angle brackets in them are safe."""
    return element("text", escape(words), x=x, y=y, **attributes)


def titled(hint: str, *children: str, **attributes: object) -> str:
    """A group that says ``hint`` where the pointer rests."""
    return element("g", element("title", escape(hint)), *children, **attributes)


def path(points: abc.Iterable[tuple[float, float]], **attributes: object) -> str:
    """A line through points."""
    steps = "L".join(f"{_plain(x)} {_plain(y)}" for x, y in points)
    return element("path", d=f"M{steps}", **attributes)


def width_of(words: str, size: float) -> float:
    """At most so wide are ``words`` in a monospaced font of ``size``."""
    return len(words) * size * CHARACTER


def clipped(words: str, size: float, room: float) -> str:
    """``words``, or their beginning and an ellipsis where they are wider than ``room``."""
    fitting = max(1, int(room / (size * CHARACTER)))
    return words if len(words) <= fitting else words[: fitting - 1] + "…"


def themed(style: abc.Callable[[abc.Mapping[str, str]], str]) -> str:
    """A style sheet for both themes, the reader's setting chooses; readers that know no settings get the light one."""
    return f"{style(LIGHT)}@media(prefers-color-scheme:dark){{{style(DARK)}}}"


def picture(width: float, height: float, sheet: str, *children: str) -> str:
    """A file of its own: an SVG document on paper of class ``paper``."""
    paper = element("rect", width=width, height=height, class_="paper")
    view = f"0 0 {_plain(width)} {_plain(height)}"
    style = element("style", sheet)
    body = element(
        "svg", style, paper, *children, xmlns="http://www.w3.org/2000/svg", viewBox=view, width=width, height=height
    )
    return f"{body}\n"


def _plain(value: object) -> str:
    """Numbers with two digits at most; everything else as it prints."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
