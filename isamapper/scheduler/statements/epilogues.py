"""Elementwise consumers that a drain can do: requantise, activate, cast on the way out.

t[i, j] += ...              one nest: accumulate t in the accumulator,
y[i, j] = f(t[i, j])        drain it through an instruction that does f
"""

from __future__ import annotations

import itertools

from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Direction, Kernel
from isamapper.mapper.matching.find import find_mappings
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.needle import copy_shape, operand_spec
from isamapper.plan.nest import Epilogue
from isamapper.plan.skeleton import shared_iterators


def epilogues(machine: Machine, kernel: Kernel) -> dict[int, Epilogue]:
    """Per producing statement the consumer that its drain may do; empty where there is none."""
    found: dict[int, Epilogue] = {}
    every = statements(kernel)
    for producer, consumer in itertools.pairwise(every):
        if producer.index in {e.statement.index for e in found.values()}:
            continue
        if _hands_over(kernel, every, producer, consumer):
            epilogue = _moving(machine, kernel, consumer)
            if epilogue is not None:
                found[producer.index] = epilogue
    return found


def _hands_over(kernel: Kernel, every: tuple[Statement, ...], producer: Statement, consumer: Statement) -> bool:
    """Whether the consumer is all that ever sees the producer's target, element for element."""
    name = producer.assign.target.tensor
    tensor = all_tensors(kernel)[name]
    users = [s for s in every for access in s.accesses if access.tensor == name]
    if tensor.direction is not Direction.LOCAL or users != [producer, consumer]:
        return False
    if consumer.assign.reduction is not None or len(consumer.accesses) != 2 or consumer.conditions:
        return False
    if shared_iterators(kernel, producer) or shared_iterators(kernel, consumer):
        return False
    read = consumer.accesses[1].map.results
    names = [result.terms[0][0] for result in read if len(result.terms) == 1 and result.terms[0][1] == 1]
    lone = len(names) == len(read) == len(set(names)) and not any(result.constant for result in read)
    whole = {iterator.name: iterator.extent for iterator in consumer.iterators}
    covers = lone and tuple(whole[name] for name in names) == tensor.shape and len(whole) == len(names)
    return covers and _fills(producer, tensor.shape)


def _fills(producer: Statement, shape: tuple[int, ...]) -> bool:
    """Whether the producer writes every element: each index is a number whose digits are iterators of its own."""
    extents = {iterator.name: iterator.extent for iterator in producer.iterators}
    used: set[str] = set()
    for result, size in zip(producer.assign.target.map.results, shape, strict=True):
        reached = 1
        for name, coefficient in sorted(result.terms, key=lambda term: term[1]):
            if coefficient != reached or name in used:
                return False
            reached *= extents[name]
            used.add(name)
        if reached != size or result.constant or result.rotations:
            return False
    return not producer.conditions and not producer.exclusions


def _moving(machine: Machine, kernel: Kernel, consumer: Statement) -> Epilogue | None:
    home = home_memory(machine)
    for mapping in find_mappings(kernel, machine, statement=consumer.index):
        instruction = specialised(machine.instruction(mapping.instruction), mapping.parameters)
        shape = copy_shape(instruction)
        if shape is None:
            continue
        source, target = operand_spec(instruction, shape.source), operand_spec(instruction, shape.target)
        if home in target.memories and home not in source.memories:
            return Epilogue(consumer, instruction, mapping.parameters)
    return None
