"""One statement to be scheduled, with what must be known of its surroundings."""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel, Tensor
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.nest import Epilogue
from isamapper.plan.skeleton import shared_iterators
from isamapper.scheduler.frames import target_is_fresh


@dataclass(frozen=True, slots=True)
class Subject:
    """``shared`` iterators are loops around the whole nest; a ``fresh`` target holds nothing that must be kept."""

    machine: Machine
    kernel: Kernel
    statement: Statement
    home: str
    tensors: dict[str, Tensor]
    shared: frozenset[str]
    fresh: bool
    epilogue: Epilogue | None = None


def subject_of(machine: Machine, kernel: Kernel, statement: Statement, epilogue: Epilogue | None = None) -> Subject:
    """What the search must know of a statement of ``kernel``."""
    tensors = all_tensors(kernel)
    target = statement.assign.target.tensor
    written = any(other.assign.target.tensor == target for other in statements(kernel) if other.index < statement.index)
    fresh = target_is_fresh(tensors[target].direction, written)
    shared = frozenset(shared_iterators(kernel, statement))
    return Subject(machine, kernel, statement, home_memory(machine), tensors, shared, fresh, epilogue)
