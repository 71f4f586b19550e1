"""Values: what a program or a kernel computes, bit for bit as the interpreter defines it, at compiled speed.

    execute(program, inputs)  -> results by name
    evaluate(kernel, inputs)  -> results by name

What does not belong here: cycles (``sim/`` otherwise) and judging results (``verify/``).
"""

from isamapper.sim.functional.errors import ExecutionError
from isamapper.sim.functional.run import evaluate, execute

__all__ = ["ExecutionError", "evaluate", "execute"]
