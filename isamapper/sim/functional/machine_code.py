"""From the text of a module to a function that can be called on this processor. Nothing here knows the IR.

The code comes with its vectors, its unrolling and its values in registers already chosen, so two cheap passes do what
the standard pipelines do at four times the cost (measured on a matrix product of 7e9 operations: no slower).
"""

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

    Not ``optimised`` it is compiled three times as fast and runs several times as slow.
    """

    def __init__(self, text: str, entry: str, symbols: abc.Mapping[str, int], optimised: bool) -> None:
        target = _target(1 if optimised else 0)
        for name, address in symbols.items():
            binding.add_symbol(name, address)
        module = binding.parse_assembly(text)
        if optimised:
            _optimise(module, target)
        self._engine = binding.create_mcjit_compiler(module, target)
        self._engine.finalize_object()
        address = self._engine.get_function_address(entry)
        self.call = CFUNCTYPE(c_int32, c_void_p, c_void_p)(address)


def _optimise(module: Any, target: Any) -> None:
    builder = binding.create_pass_builder(target, binding.create_pipeline_tuning_options())
    passes = binding.create_new_module_pass_manager()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, builder)
