"""Which statements can go on with one part of another's results: elementwise ones behind a product.

Where a loop cuts a statement's target into blocks, a statement behind it follows if it reads, and writes, at every
point what lies in one block only. What does not belong here: how statements are divided (``parting.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.ir.affine import Affine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import IteratorKind, Kernel
from isamapper.plan.resident import around
from isamapper.plan.skeleton import shared_iterators


def followers(kernel: Kernel, first: int) -> abc.Iterator[tuple[str, dict[int, str]]]:
    """Iterators that cut the target of statement ``first``, the longest first, each with who follows along which.

    Only statements in the same loops that statements share; in the order of the program.
    """
    found = {each.index: each for each in statements(kernel)}
    members = [found[index] for index in around(kernel, first) if index != first]
    own = _own(kernel, found[first])
    for name in sorted(own, key=lambda each: (-own[each], each)):
        dims = {found[first].assign.target.tensor: _dim(found[first], 0, name)}
        if dims[found[first].assign.target.tensor] is not None:
            yield name, _behind(kernel, members, {k: v for k, v in dims.items() if v is not None}, own[name])


def _behind(kernel: Kernel, members: abc.Sequence[Statement], dims: dict[str, int], size: int) -> dict[int, str]:
    """Who follows along which iterator; ``dims`` holds the cut axis of each tensor, and is added to.

    What one writes others may read in the next iteration of the loops around them all, and who reads may say how what
    is read is written: all are asked again until nothing changes.
    """
    following: dict[int, str] = {}
    handed = {each.assign.target.tensor for each in members}
    found = -1
    while len(following) > found:
        found = len(following)
        for statement in (each for each in members if each.index not in following):
            name = _follows(statement, dims)
            dim = None if name is None else _dim(statement, 0, name)
            if name is not None and dim is not None and _own(kernel, statement).get(name) == size:
                following[statement.index] = name
                for access in range(len(statement.accesses)):
                    own = _dim(statement, access, name)
                    if own is not None and statement.accesses[access].tensor in handed:
                        dims.setdefault(statement.accesses[access].tensor, own)
    return dict(sorted(following.items()))


def _follows(statement: Statement, dims: abc.Mapping[str, int]) -> str | None:
    """The one iterator along which the statement moves through all that is cut; None where there is not just one."""
    names = {_lone(access.map.results[dims[access.tensor]]) for access in statement.accesses if access.tensor in dims}
    return names.pop() if len(names) == 1 else None


def _own(kernel: Kernel, statement: Statement) -> dict[str, int]:
    """Independent iterators of the statement's own loops, with their extents."""
    shared = shared_iterators(kernel, statement)
    parallel = (each for each in statement.iterators if each.kind is IteratorKind.PARALLEL)
    return {each.name: each.extent for each in parallel if each.extent > 1 and each.name not in shared}


def _dim(statement: Statement, access: int, name: str) -> int | None:
    """The axis of an access that an iterator alone walks, in steps of one from the start."""
    indices = enumerate(statement.accesses[access].map.results)
    return next((dim for dim, index in indices if _lone(index) == name), None)


def _lone(index: Affine) -> str | None:
    lone = len(index.terms) == 1 and index.terms[0][1] == 1 and index.constant == 0 and not index.rotations
    return index.terms[0][0] if lone else None
