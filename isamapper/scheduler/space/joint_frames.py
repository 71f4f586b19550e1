"""Frames of joint mappings: several statements done by one instruction, as one joint statement.

Everything after this, tiles, buffers and copies, is as for one statement.
"""

from __future__ import annotations

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.joint import Joint, joint_statement, seen_instruction
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.mapping import Mapping
from isamapper.plan.nest import Call, Digit
from isamapper.plan.skeleton import shared_iterators
from isamapper.plan.work import call_cycles
from isamapper.scheduler.space.candidates import Subject
from isamapper.scheduler.statements.frames import Frame, axes_of, bound_digits, filling_call


def joint_subject(machine: Machine, kernel: Kernel, mapping: JointMapping) -> Subject:
    """What the search must know of the statements of ``mapping``, which is one of ``kernel``."""
    statement = joint_statement(kernel, machine, mapping.join)
    shared = frozenset(shared_iterators(kernel, statement))
    return Subject(machine, kernel, statement, home_memory(machine), all_tensors(kernel), shared, mapping.fresh)


def joint_frames(subject: Subject, mapping: JointMapping) -> tuple[Frame, ...] | Rejection:
    """Every frame of the mapping, cheapest unit time first, or why there is none."""
    machine, statement = subject.machine, subject.statement
    assert isinstance(statement, Joint)
    instruction = seen_instruction(
        specialised(machine.instruction(mapping.instruction), mapping.join.values), statement
    )
    plain = Mapping(subject.kernel, statement.index, mapping.instruction, (), mapping.rho, mapping.kind)
    sigma = tuple((operand, number) for number, (operand, _) in enumerate(mapping.join.operands))
    found: dict[tuple[Digit, ...], Frame] = {}
    for bound in bound_digits(instruction, statement, plain, subject.shared):
        call = Call(instruction, sigma, axes_of(bound), mapping.join.values)
        init = None
        if mapping.fresh:
            init = filling_call(machine, call, statement)
            if init is None:
                reason = "nothing fills what it adds to with what a sum starts from"
                return Rejection("SCH040", f"'{mapping.instruction}'", reason)
        cycles = call_cycles(statement, call, bound, subject.shared)
        frame = Frame(statement, plain, call, None, init, bound, mapping.fresh, cycles)
        if all(frame.blocks(name) == 1 for name in (*mapping.whole, *(name for name, _ in mapping.join.made))):
            found.setdefault(bound, frame)
    if not found:
        return Rejection("SCH040", f"'{mapping.instruction}'", "its lanes do not hold what must lie in one call")
    return tuple(sorted(found.values(), key=lambda frame: frame.unit_cycles(machine)))
