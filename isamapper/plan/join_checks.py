"""Does a join name what is there: statements, iterators, tensors, operands.

What does not belong here: whether doing the statements together is right (the mapper finds it, verification proves it).
"""

from __future__ import annotations

from collections import abc

from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement
from isamapper.plan.facade import facade
from isamapper.plan.joint import Join, is_joint
from isamapper.plan.needle import writes


def join_mistakes(join: Join, found: abc.Sequence[Statement], machine: Machine) -> abc.Iterator[str]:
    """What is wrong with ``join``; nothing where it can be followed."""
    for member in join.members:
        if not 0 <= member < len(found) or is_joint(found[member]):
            yield f"there is no statement {member} that is not joined already"
            return
    if join.statement not in join.members or len(set(join.members)) < len(join.members):
        yield f"statement {join.statement} is none of the joined ones, or one of them is there twice"
    known = next((each for each in machine.instructions if each.name == join.instruction), None)
    if known is None:
        yield f"machine '{machine.name}' has no instruction '{join.instruction}'"
        return
    seen = facade(known)
    if isinstance(seen, str):
        yield f"'{known.name}' cannot do several statements: {seen}"
        return
    shapes = {tensor.name: tensor.shape for tensor in known.semantics.tensors}
    if not join.operands or join.operands[0][0] not in writes(known):
        yield f"the first operand of a join is one that '{known.name}' writes"
    for operand, _ in join.operands:
        if operand not in shapes:
            yield f"'{known.name}' has no operand '{operand}'"
    yield from _iterators(join, found)
    for name, value in join.values:
        parameter = next((each for each in known.parameters if each.name == name), None)
        if parameter is None or not parameter.low <= value <= parameter.high:
            yield f"'{known.name}' has no parameter '{name}' that can be {value}"


def _iterators(join: Join, found: abc.Sequence[Statement]) -> abc.Iterator[str]:
    """Joint iterators stand for iterators of members, and operands use no others."""
    names = {name for name, _ in join.made}
    for name, members in join.iterators:
        names.add(name)
        if not members:
            yield f"iterator '{name}' stands for none"
        for statement, iterator in members:
            own = {each.name for each in found[statement].iterators} if statement in join.members else set()
            if iterator not in own:
                yield f"statement {statement} is not joined, or has no iterator '{iterator}'"
    ranks = {each.tensor: len(each.map.results) for statement in found for each in statement.accesses}
    held = {name for name, _ in join.constants}
    for operand, access in join.operands:
        if access.tensor not in ranks and access.tensor not in held:
            yield f"operand '{operand}' is '{access.tensor}', which no statement reads or writes"
        elif ranks.get(access.tensor, len(access.map.results)) != len(access.map.results):
            yield f"'{access.tensor}' has {ranks[access.tensor]} indices"
        for index in access.map.results:
            for name in sorted(index.names - names):
                yield f"'{access.tensor}' is indexed by '{name}', which is no joint iterator"
