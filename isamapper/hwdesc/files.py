"""Finding machine files and snippets: built-in names, paths, and how they are read.

What does not belong here: what stands in them.
"""

from __future__ import annotations

from pathlib import Path

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span

MACHINES = Path(__file__).parent / "machines"
SNIPPETS = MACHINES / "snippets"


def builtin_machines() -> tuple[str, ...]:
    """Names of the machines that come with the package, sorted."""
    return tuple(sorted(path.stem for path in MACHINES.glob("*.yaml")))


def builtin_snippets() -> tuple[str, ...]:
    """Names of the snippets that come with the package, sorted."""
    return tuple(sorted(path.stem for path in SNIPPETS.glob("*.yaml")))


def find_machine(name_or_path: str) -> Source:
    """The text of a built-in machine or of a file; what has a slash or a suffix is a path."""
    if name_or_path in builtin_machines():
        return read_text(MACHINES / f"{name_or_path}.yaml", f"{name_or_path}.yaml")
    path = Path(name_or_path)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return read_text(path, name_or_path)
    help = did_you_mean(name_or_path, builtin_machines())
    raise SourceError(Diagnostic("HW040", f"no machine is called '{name_or_path}'", None, help))


def find_snippet(name: str, place: Span) -> Source:
    """The text of the built-in snippet called ``name``, asked for at ``place``."""
    if name in builtin_snippets():
        return read_text(SNIPPETS / f"{name}.yaml", f"{name}.yaml")
    help = did_you_mean(name, builtin_snippets())
    raise SourceError(Diagnostic("HW041", f"no snippet is called '{name}'", place, help))


def read_text(path: Path, shown: str) -> Source:
    """The file at ``path``, called ``shown`` in messages."""
    try:
        return Source(shown, path.read_bytes().decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        message = f"'{shown}' is not text in UTF-8: byte {error.start} cannot be read"
        raise SourceError(Diagnostic("HW040", message)) from None
    except OSError as error:
        reason = (error.strerror or "not readable").lower()
        raise SourceError(Diagnostic("HW040", f"cannot read '{shown}': {reason}")) from None
