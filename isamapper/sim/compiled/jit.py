"""From LLVM IR text to a callable: the only file of the timing engine that imports llvmlite.

Code shared by all programs is compiled once per process; a program's own code calls it by name.
"""

from __future__ import annotations

import ctypes
from collections import abc
from functools import lru_cache

import llvmlite.binding as llvm

from isamapper.sim.compiled.live import note_function
from isamapper.sim.compiled.ports import port_functions
from isamapper.sim.compiled.skip import skip_functions
from isamapper.sim.compiled.text import DECLARATIONS

SHARED = {
    "take": 3,
    "last": 3,
    "spread": 11,
    "take_banks": 6,
    "last_banks": 6,
    "compact": 0,
    "note": 3,
    "snapshot": 3,
    "attempt": 6,
}
"""Functions of the shared code that programs call, with their numbers of parameters beside the state."""

_PREFIX = "isamapper_time_"

Entry = abc.Callable[[int], int]


class Code:
    """Compiled functions; they live as long as this object."""

    def __init__(self, text: str, level: int) -> None:
        module = llvm.parse_assembly(text)
        machine = _target().create_target_machine(opt=level, jit=True)
        _optimise(module, machine)
        self.engine = llvm.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()

    def address(self, name: str) -> int:
        return int(self.engine.get_function_address(name))


def compile_program(text: str, level: int) -> tuple[Code, Entry]:
    """The code of one program, and its ``run``; the state's address goes in, 0 comes out.

    ``level`` 0 compiles four times as fast as 1, and its code runs at seven tenths of the speed.
    """
    _shared()
    code = Code(DECLARATIONS + _public(_declare(SHARED) + text, SHARED), level)
    prototype = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
    return code, prototype(code.address("run"))


@lru_cache(maxsize=1)
def _shared() -> tuple[Code, ...]:
    """What steps call is compiled well; looking for repetition is rare and compiled fast."""
    rare = _publish(skip_functions(), "", 0, ("compact", "snapshot", "attempt"))
    often = port_functions() + note_function()
    names = ("take", "last", "spread", "take_banks", "last_banks", "note")
    return rare, _publish(often, _declare({"compact": 0}), 1, names)


def _publish(text: str, declarations: str, level: int, names: tuple[str, ...]) -> Code:
    """Compiles functions and lets other code call those in ``names``."""
    for name in names:
        text = text.replace(f"define internal i64 @{name}(", f"define i64 @{name}(")
    code = Code(DECLARATIONS + _public(declarations + text, (*names, *SHARED)), level)
    for name in names:
        llvm.add_symbol(_PREFIX + name, code.address(_PREFIX + name))
    return code


def _public(text: str, names: abc.Iterable[str]) -> str:
    """``text`` with names that no other library in the process has; functions of its own keep theirs."""
    for name in dict.fromkeys(names):
        if f"define internal i64 @{name}(" not in text:
            text = text.replace(f"@{name}(", f"@{_PREFIX}{name}(")
    return text


def _declare(functions: abc.Mapping[str, int]) -> str:
    """Declarations of functions with so many parameters beside the state."""
    return "".join(f"declare i64 @{name}({', '.join(['ptr', *['i64'] * n])})\n" for name, n in functions.items())


@lru_cache(maxsize=1)
def _target() -> llvm.Target:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


def _optimise(module: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Puts variables, which the text keeps in memory, into registers, where this llvmlite can."""
    if not hasattr(llvm.ModulePassManager, "add_sroa_pass"):
        return
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1))
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.run(module, builder)
