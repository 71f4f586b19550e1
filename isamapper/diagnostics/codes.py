"""The register of codes: what every message of the package means, for ``isamapper explain CODE``.

Each room describes its codes in its file under ``catalogue/``: the code, a title, and a paragraph that says when the
message is given and what to do. A test sees to it that every code used in the package is registered.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.diagnostics.catalogue import (
    arguments,
    hardware,
    language,
    legality,
    mapping,
    rewriting,
    scheduling,
    simulation,
    validation,
    verification,
)


@dataclass(frozen=True, slots=True)
class Code:
    """A stable code with its title and a paragraph for people."""

    code: str
    title: str
    explanation: str


_CATALOGUES = (
    language,
    legality,
    hardware,
    mapping,
    rewriting,
    scheduling,
    simulation,
    validation,
    verification,
    arguments,
)

CODES: dict[str, Code] = {
    code: Code(code, title, " ".join(explanation.split()))
    for catalogue in _CATALOGUES
    for code, (title, explanation) in catalogue.CODES.items()
}
"""Every registered code, in the order of the catalogues."""


def known_codes() -> tuple[str, ...]:
    """Every registered code."""
    return tuple(CODES)


def explanation(code: str) -> str | None:
    """``CODE: title``, an empty line and the paragraph; None for a code that nobody uses."""
    found = CODES.get(code)
    return None if found is None else f"{found.code}: {found.title}\n\n{found.explanation}"
