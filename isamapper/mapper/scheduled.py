"""The mappings behind a schedule: what its steps lay over each statement, as the mapper lists it.

What does not belong here: finding mappings (``find.py``) and their certificates (``certificate.py``).
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import replace

from isamapper.ir.analysis import Statement
from isamapper.mapper.matching.find import find_mappings
from isamapper.plan.joint import join_of
from isamapper.plan.joint_mapping import JointMapping, joint_class
from isamapper.plan.mapping import Mapping
from isamapper.plan.nest import Nest
from isamapper.plan.steps import Schedule, replay


def scheduled_mappings(schedule: Schedule) -> tuple[Mapping | JointMapping, ...]:
    """The mappings that the steps of a schedule use, one for each statement; those that a drain does come last."""
    nests = replay(schedule)
    own = tuple(mapping for nest in nests for mapping in _mapping_of(schedule, nest))
    return own + tuple(mapping for nest in nests for mapping in _mapping_of_epilogue(schedule, nest))


def _mapping_of(schedule: Schedule, nest: Nest) -> tuple[Mapping | JointMapping, ...]:
    """The mapping behind a nest, as the mapper lists it."""
    inside = {digit.name: digit.iterator for digit in nest.digits}
    rho = tuple(sorted((inside[name], axis) for axis, names in nest.call.axes for name in names))
    join = join_of(nest.statement)
    if join is not None:
        kind = joint_class(join, rho, nest.call.instruction)
        return (
            JointMapping(schedule.covered, join, rho, kind, fresh=nest.init is not None, rewrites=schedule.rewrites),
        )
    found = find_mappings(
        schedule.covered, schedule.machine, statement=nest.statement.index, instruction=nest.call.instruction.name
    )
    wanted = dict(nest.call.sigma)
    for mapping in found:
        sigma = {pairing.operand: pairing.access for pairing in mapping.sigma if pairing.access is not None}
        if sigma == wanted and set(rho) <= set(mapping.rho):
            return (replace(mapping, rho=rho, rewrites=schedule.rewrites),)
    return ()


def _mapping_of_epilogue(schedule: Schedule, nest: Nest) -> tuple[Mapping, ...]:
    """The mapping of the statement that the nest's drain does on its way, with the pairs that the drain walks."""
    if nest.epilogue is None:
        return ()
    statement, instruction = nest.epilogue.statement, nest.epilogue.instruction.name
    found = find_mappings(schedule.covered, schedule.machine, statement=statement.index, instruction=instruction)
    rho = tuple(sorted(_drained(nest, statement)))
    return tuple(replace(each, rho=rho, rewrites=schedule.rewrites) for each in itertools.islice(found, 1))


def _drained(nest: Nest, consumer: Statement) -> abc.Iterator[tuple[str, str]]:
    """Per coordinate that the drain binds: the consumer's iterators there, and the instruction's iterator."""
    target = nest.statement.accesses[0]
    read = next(access for access in consumer.accesses[1:] if access.tensor == target.tensor)
    iterators = {digit.name: digit.iterator for digit in nest.digits}
    drain = nest.path(0)[0].drain
    for axis, coordinate, _ in drain.binds if drain else ():
        for dim, (written, index) in enumerate(zip(target.map.results, read.map.results, strict=True)):
            if coordinate == f"dim{dim}" or iterators.get(coordinate) in written.names:
                yield from ((name, axis) for name in index.names)
