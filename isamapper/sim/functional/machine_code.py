"""From the text of a module to a function that can be called on this processor. Nothing here knows the IR."""

from __future__ import annotations

from collections import abc
from ctypes import CFUNCTYPE, c_int32, c_void_p
from functools import cache
from typing import Any

from llvmlite import binding


@cache
def _host() -> tuple[str, str]:
    """The processor's name and features."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()


def _target(level: int) -> Any:
    """A target machine of its own for each module: the engine that compiles a module owns and frees it."""
    cpu, features = _host()
    return binding.Target.from_default_triple().create_target_machine(cpu=cpu, features=features, opt=level)


class MachineCode:
    """A compiled module; its functions live as long as this object.

    ``level`` goes from 0, compiled soonest, to 2, runs fastest.
    """

    def __init__(self, text: str, entry: str, symbols: abc.Mapping[str, int], level: int) -> None:
        target = _target(level)
        for name, address in symbols.items():
            binding.add_symbol(name, address)
        module = binding.parse_assembly(text)
        module.verify()
        options = binding.create_pipeline_tuning_options(speed_level=level)
        options.loop_vectorization = level > 0
        builder = binding.create_pass_builder(target, options)
        builder.getModulePassManager().run(module, builder)
        self._engine = binding.create_mcjit_compiler(module, target)
        self._engine.finalize_object()
        address = self._engine.get_function_address(entry)
        self.call = CFUNCTYPE(c_int32, c_void_p, c_void_p)(address)
