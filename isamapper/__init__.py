"""Maps deep-learning kernels onto the instructions of an accelerator: verified, scheduled and simulated.

    parse_kernel -> load_machine -> find_mappings -> search -> lower -> simulate

Every name below is imported when it is first used, so that ``import isamapper`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isamapper.diagnostics.source import Diagnostic as Diagnostic
    from isamapper.diagnostics.source import Rejection as Rejection
    from isamapper.diagnostics.source import Source as Source
    from isamapper.diagnostics.source import SourceError as SourceError
    from isamapper.frontends.library import library_kernels as library_kernels
    from isamapper.frontends.library import load_kernel as load_kernel
    from isamapper.hwdesc.loader import builtin_machines as builtin_machines
    from isamapper.hwdesc.loader import load_machine as load_machine
    from isamapper.hwdesc.schema import machine_schema as machine_schema
    from isamapper.ir.builder import einsum as einsum
    from isamapper.ir.builder import kernel as kernel
    from isamapper.ir.interpreter import interpret as interpret
    from isamapper.ir.parser import parse_kernel as parse_kernel
    from isamapper.ir.parser import parse_program as parse_program
    from isamapper.ir.printer import print_kernel as print_kernel
    from isamapper.mapper import explain as explain
    from isamapper.mapper import find_mappings as find_mappings
    from isamapper.mapper.schedules import parse_schedule as parse_schedule
    from isamapper.pipeline import certify as certify
    from isamapper.pipeline import evaluate as evaluate
    from isamapper.pipeline import explain_kernel as explain_kernel
    from isamapper.pipeline import find_front as find_front
    from isamapper.pipeline import find_schedule as find_schedule
    from isamapper.pipeline import map_kernel as map_kernel
    from isamapper.pipeline import resolve as resolve
    from isamapper.pipeline import run as run
    from isamapper.pipeline import search as search
    from isamapper.plan.lower import lower as lower
    from isamapper.plan.text import parse_program_file as parse_program_file
    from isamapper.plan.text import print_program as print_program
    from isamapper.plan.text import print_schedule as print_schedule
    from isamapper.plan.text import written_certificate as written_certificate
    from isamapper.plan.text import written_machine as written_machine
    from isamapper.result import NoMapping as NoMapping
    from isamapper.result import Result as Result
    from isamapper.sim.functional import execute as execute
    from isamapper.sim.timing import simulate as simulate
    from isamapper.verify.verifier import verify as verify

__version__ = "0.1.0"

_HOMES = {
    "Diagnostic": "isamapper.diagnostics.source",
    "NoMapping": "isamapper.result",
    "Rejection": "isamapper.diagnostics.source",
    "Result": "isamapper.result",
    "Source": "isamapper.diagnostics.source",
    "SourceError": "isamapper.diagnostics.source",
    "builtin_machines": "isamapper.hwdesc.loader",
    "certify": "isamapper.pipeline",
    "einsum": "isamapper.ir.builder",
    "evaluate": "isamapper.pipeline",
    "execute": "isamapper.sim.functional",
    "explain": "isamapper.mapper",
    "explain_kernel": "isamapper.pipeline",
    "find_front": "isamapper.pipeline",
    "find_mappings": "isamapper.mapper",
    "find_schedule": "isamapper.pipeline",
    "interpret": "isamapper.ir.interpreter",
    "kernel": "isamapper.ir.builder",
    "library_kernels": "isamapper.frontends.library",
    "load_kernel": "isamapper.frontends.library",
    "load_machine": "isamapper.hwdesc.loader",
    "lower": "isamapper.plan.lower",
    "machine_schema": "isamapper.hwdesc.schema",
    "map_kernel": "isamapper.pipeline",
    "parse_kernel": "isamapper.ir.parser",
    "parse_program": "isamapper.ir.parser",
    "parse_program_file": "isamapper.plan.text",
    "parse_schedule": "isamapper.mapper.schedules",
    "print_kernel": "isamapper.ir.printer",
    "print_program": "isamapper.plan.text",
    "print_schedule": "isamapper.plan.text",
    "resolve": "isamapper.pipeline",
    "run": "isamapper.pipeline",
    "search": "isamapper.pipeline",
    "simulate": "isamapper.sim.timing",
    "verify": "isamapper.verify",
    "written_certificate": "isamapper.plan.text",
    "written_machine": "isamapper.plan.text",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'isamapper' has no attribute '{name}'")
    module = import_module(home)
    if home == f"{__name__}.{name}":
        return module  # a room that is callable, under its own name
    value: object = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
