"""From LLVM IR text to a callable: the only file of the timing engine that imports llvmlite.

Code shared by all programs is compiled once per process; a program's own code calls it by name. So are steps that
several programs have: candidates of one search differ in their loops, hardly in their steps.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections import abc
from functools import lru_cache

import llvmlite.binding as llvm

from isamapper.sim.compiled.limits import limit_functions
from isamapper.sim.compiled.live import note_function
from isamapper.sim.compiled.ports import port_functions
from isamapper.sim.compiled.skip import skip_functions
from isamapper.sim.compiled.text import DECLARATIONS
from isamapper.sim.compiled.walker import walker_functions
from isamapper.sim.walk.code import walk_functions

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
    "zone": 7,
    "block_zone": 5,
}
"""Functions of the shared code that programs call, with their numbers of parameters beside the state."""

WALKING = {
    "open_job": 0,
    "conflict": 4,
    "link": 4,
    "offer": 1,
    "drain": 0,
    "remember": 3,
    "repeat": 6,
    "hold": 1,
    "run_cores": 0,
}
"""Functions of the event engine's shared code that programs call."""

_PREFIX = "isamapper_time_"

Entry = abc.Callable[[int], int]
_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)


STEPS_KEPT, PROGRAMS_KEPT = 512, 8
"""Compiled steps and programs that are kept, the latest used; steps of a program that is there stay in any case."""


class Code:
    """Compiled functions; they live as long as this object, as does the code that they call."""

    def __init__(self, text: str, level: int, calls: tuple[Code, ...] = ()) -> None:
        module = llvm.parse_assembly(text)
        machine = _target_machine(level)
        _optimise(module, machine, level)
        self.calls = calls
        self.engine = llvm.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()

    def address(self, name: str) -> int:
        return int(self.engine.get_function_address(name))


@lru_cache(maxsize=PROGRAMS_KEPT)
def compile_program(steps: tuple[str, ...], nest: str, level: int, walking: bool = False) -> tuple[Code, Entry]:
    """The code of one program, and its ``run``; the state's address goes in, 0 comes out.

    ``steps`` define ``step0`` and so on, which the ``nest`` calls.

    ``level`` 0 compiles four times as fast as 1, and its code runs at seven tenths of the speed.
    ``walking`` is code of the event engine.
    """
    _shared()
    known = SHARED
    if walking:
        _walking()
        known = {**SHARED, **WALKING}
    named = [_named(index, text, level) for index, text in enumerate(steps)]
    for index, (symbol, _) in enumerate(named):
        nest = nest.replace(f"@step{index}(", f"@{symbol}(")
    definitions = dict(named)
    codes = tuple(_step(symbol, definition, level, walking) for symbol, definition in definitions.items())
    declared = _declare(known) + "".join(_declaration(definition) for definition in definitions.values())
    code = Code(DECLARATIONS + _public(declared + nest, known), level, codes)
    return code, _PROTOTYPE(code.address("run"))


def compile_steps(steps: tuple[str, ...], walking: bool = False) -> tuple[tuple[Code, ...], tuple[int, ...]]:
    """The code of steps, which has to be kept while it is called, and their addresses."""
    _shared()
    if walking:
        _walking()
    named = [_named(index, text, 0) for index, text in enumerate(steps)]
    codes = tuple(_step(symbol, definition, 0, walking) for symbol, definition in named)
    return codes, tuple(code.address(symbol) for code, (symbol, _) in zip(codes, named, strict=True))


def compile_cores() -> tuple[Code, Entry]:
    """The code that walks several cores side by side."""
    _shared()
    code = _walking()
    return code, _PROTOTYPE(code.address(f"{_PREFIX}run_cores"))


@lru_cache(maxsize=1)
def compile_walker() -> tuple[Code, Entry]:
    """The code that walks tables."""
    _shared()
    text = _public(_declare(SHARED) + walker_functions(), SHARED)
    text = text.replace(" nounwind {", ' nounwind "no-jump-tables"="true" {')  # the loader may put tables far away
    code = Code(DECLARATIONS + text, 1)
    return code, _PROTOTYPE(code.address("walk"))


@lru_cache(maxsize=PROGRAMS_KEPT)
def compile_whole(text: str) -> tuple[Code, Entry]:
    """The code of one program with all that it calls in one piece: slow to compile, fast to run for long."""
    code = Code(DECLARATIONS + port_functions() + text, 2)
    return code, _PROTOTYPE(code.address("run"))


@lru_cache(maxsize=STEPS_KEPT)
def _named(index: int, text: str, level: int) -> tuple[str, str]:
    """A step's name among all programs' steps, and its definition under that name."""
    body = text.replace(f"define internal i64 @step{index}(", "define i64 @step(", 1)
    symbol = f"{_PREFIX}step_{level}_{hashlib.sha256(body.encode()).hexdigest()[:24]}"
    return symbol, body.replace("@step(", f"@{symbol}(", 1)


@lru_cache(maxsize=STEPS_KEPT)
def _step(symbol: str, definition: str, level: int, walking: bool) -> Code:
    """The code of a step, which other code may call by its name."""
    known = {**SHARED, **WALKING} if walking else SHARED
    code = Code(DECLARATIONS + _public(_declare(known) + definition, known), level)
    llvm.add_symbol(symbol, code.address(symbol))
    return code


def _declaration(definition: str) -> str:
    head = definition[: definition.index(" nounwind")]
    return head.replace("define ", "declare ", 1) + "\n"


@lru_cache(maxsize=1)
def _shared() -> tuple[Code, ...]:
    """What steps call is compiled well; looking for repetition is rare and compiled fast."""
    rare = _publish(
        skip_functions() + limit_functions(), "", 0, ("compact", "snapshot", "attempt", "zone", "block_zone")
    )
    often = port_functions() + note_function()
    names = ("take", "last", "spread", "take_banks", "last_banks", "note")
    return rare, _publish(often, _declare({"compact": 0}), 1, names)


@lru_cache(maxsize=1)
def _walking() -> Code:
    return _publish(walk_functions(), "", 1, tuple(WALKING))


def _publish(text: str, declarations: str, level: int, names: tuple[str, ...]) -> Code:
    """Compiles functions and lets other code call those in ``names``."""
    for name in names:
        text = text.replace(f"define internal i64 @{name}(", f"define i64 @{name}(")
    code = Code(DECLARATIONS + _public(declarations + text, (*names, *SHARED, *WALKING)), level)
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


def _target_machine(level: int) -> llvm.TargetMachine:
    """What code is written for; at level 2 for this very processor, which makes long runs some 3 % faster."""
    if level < 2:
        return _target().create_target_machine(opt=level, jit=True, codemodel=_code_model())
    features = llvm.get_host_cpu_features().flatten()
    return _target().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=level, jit=True, codemodel="jitdefault"
    )


def _code_model() -> str:
    """Near calls, which the fast instruction selector knows, where the loader makes stubs for what is far."""
    triple = llvm.get_default_triple()
    return "small" if triple.startswith("x86_64") and "linux" in triple else "jitdefault"


def _optimise(module: llvm.ModuleRef, machine: llvm.TargetMachine, level: int) -> None:
    """Puts variables, which the text keeps in memory, into registers, where this llvmlite can; level 2 does all."""
    if not hasattr(llvm.ModulePassManager, "add_sroa_pass"):
        return
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=max(1, level)))
    if level > 1:
        builder.getModulePassManager().run(module, builder)
        return
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.run(module, builder)
