"""Statements that are done before run time: what they make of const tensors is const itself.

    local const w: f32[2, K, J]
    for k < K, j < J { w[0, k, j] = wi[k, j] }
    for k < K, j < J { w[1, k, j] = wf[k, j] }

No instruction does them and nothing is charged; ``lower`` writes them into what the program prepares.
"""

from __future__ import annotations

from functools import lru_cache

from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Direction, Kernel, Node, Role, Tensor
from isamapper.ir.walk import sites


def is_offline(tensor: Tensor) -> bool:
    """Whether a tensor is made before run time."""
    return tensor.direction is Direction.LOCAL and tensor.role is Role.CONST


@lru_cache(maxsize=256)
def offline(kernel: Kernel) -> frozenset[int]:
    """The statements that fill local const tensors from const ones, in nests that hold nothing else."""
    known = {tensor.name: tensor for tensor in kernel.tensors}
    const = {name for name, tensor in known.items() if tensor.role is Role.CONST}
    found = frozenset(
        each.index
        for each in statements(kernel)
        if (own := known.get(each.assign.target.tensor)) is not None and is_offline(own) and _is_known(each, const)
    )
    tops = {site.index: site.place.path[0] for site in sites(kernel)}
    mixed = {tops[number] for number in tops if number not in found}
    return frozenset(number for number in found if tops[number] not in mixed)


def _is_known(statement: Statement, const: set[str]) -> bool:
    return all(access.tensor in const for access in statement.accesses) and not statement.exclusions


def offline_nodes(kernel: Kernel) -> tuple[Node, ...]:
    """The nests of :func:`offline`, in order."""
    done = offline(kernel)
    tops = dict.fromkeys(site.place.path[0] for site in sites(kernel) if site.index in done)
    return tuple(kernel.body[top] for top in tops)
