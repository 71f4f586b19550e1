"""Certificates: is a program exactly what its kernel says? ``verify(program) -> Certificate``, in ``verifier.py``.

The package is itself callable: ``isamapper.verify`` is one of the public functions and the name of this room, and
whichever way it is reached, calling it verifies.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return import_module("isamapper.verify.verifier").verify(*arguments, **options)


sys.modules[__name__].__class__ = _Room
