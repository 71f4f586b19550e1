"""Strategies and cost models by name: entry points to objects, loaded when asked for.

Rules of this file:
- the built-in ones are entry points of this package, registered in ``pyproject.toml`` like anybody's;
- a name registered twice, or an entry that does not load, is an error that names who registered it; nothing is
  skipped silently;
- nothing here knows what a strategy or a cost model does.
"""

from __future__ import annotations

import difflib
import sys
from collections import abc
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata

from isamapper.diagnostics.source import Diagnostic, SourceError

GROUPS = {
    "strategy": "isamapper.strategies",
    "cost model": "isamapper.cost_models",
    "baseline": "isamapper.baselines",
    "executor": "isamapper.executors",
}
"""Entry-point group of each kind of plugin."""


class MissingExtra(ModuleNotFoundError):
    """A plugin needs a module that is not installed; ``install`` is the command that brings it."""

    def __init__(self, message: str, *, name: str | None, install: str) -> None:
        super().__init__(message, name=name)
        self.install = install


@dataclass(frozen=True, slots=True)
class Plugin:
    """One registration: what is called ``name``, where it is and which distribution brought it."""

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    entry: metadata.EntryPoint = field(repr=False, compare=False)


def plugins(kind: str) -> tuple[Plugin, ...]:
    """Every registration of ``kind``, sorted by name; names registered twice are all there."""
    return _plugins(kind, metadata.entry_points, tuple(sys.path))


@lru_cache(maxsize=64)
def _plugins(
    kind: str, entry_points: abc.Callable[..., metadata.EntryPoints], path: tuple[str, ...]
) -> tuple[Plugin, ...]:
    """What is registered where the interpreter looks now: reading that takes longer than many a search."""
    del path
    found = {
        (entry.name, entry.value, *_owner(entry)): entry for entry in entry_points(group=GROUPS[kind])
    }  # one distribution may be found twice on sys.path
    return tuple(
        Plugin(kind, name, target, distribution, version, entry)
        for (name, target, distribution, version), entry in sorted(found.items(), key=lambda item: item[0])
    )


def _owner(entry: metadata.EntryPoint) -> tuple[str, str]:
    owner = entry.dist
    return (owner.name, owner.version) if owner is not None else ("unknown", "")


def load(kind: str, name: str) -> object:
    """The object registered as ``name``.

    SourceError PLG001 for an unknown name, PLG002 for one registered twice, PLG003 where it does not load;
    :class:`MissingExtra` where the entry's extra is not installed.
    """
    known = plugins(kind)
    candidates = [plugin for plugin in known if plugin.name == name]
    if not candidates:
        raise SourceError(Diagnostic("PLG001", f"unknown {kind} '{name}'", help=_hint(name, known)))
    if len(candidates) > 1:
        owners = " and ".join(f"'{plugin.distribution}' ({plugin.target})" for plugin in candidates)
        raise SourceError(
            Diagnostic("PLG002", f"{kind} '{name}' is registered by {owners}", help="uninstall one of them")
        )
    return load_plugin(candidates[0])


def load_plugin(plugin: Plugin) -> object:
    """The object of one registration; raises as :func:`load` does."""
    extras = plugin.entry.extras
    try:
        loaded: object = plugin.entry.load()
    except ModuleNotFoundError as error:
        if extras:
            install = f"pip install '{plugin.distribution}[{','.join(extras)}]'"
            message = f"{plugin.kind} '{plugin.name}' needs the module '{error.name}'"
            raise MissingExtra(message, name=error.name, install=install) from error
        raise _broken(plugin, error) from error
    except Exception as error:
        if plugin.distribution == "isamapper":
            raise
        # a stranger's module runs here and may raise anything; it is reported, not skipped
        raise _broken(plugin, error) from error
    return loaded


def _broken(plugin: Plugin, error: Exception) -> SourceError:
    return SourceError(
        Diagnostic(
            "PLG003",
            f"{plugin.kind} '{plugin.name}' of '{plugin.distribution}' does not load: {type(error).__name__}: {error}",
            help=f"its entry point is {plugin.target}",
        )
    )


def _hint(name: str, known: abc.Iterable[Plugin]) -> str:
    names = sorted({plugin.name for plugin in known})
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{near[0]}'?" if near else "known: " + (", ".join(names) or "none; is the package installed?")
