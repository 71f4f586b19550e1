"""Where a kernel's tensors live before and after it runs, and which tensors there are."""

from __future__ import annotations

from collections import abc

from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir.affine import AccessMap, Affine, constant
from isamapper.ir.nodes import Access, Allocate, Direction, Guard, Kernel, Loop, Node, Tensor
from isamapper.plan.nest import Nest


def home_memory(machine: Machine) -> str:
    """Where a kernel's tensors live: the machine's first host memory (else its first memory)."""
    for memory in machine.memories:
        if memory.kind is MemoryKind.HOST:
            return memory.name
    return machine.memories[0].name


def local_tensors(kernel: Kernel) -> tuple[Tensor, ...]:
    """Tensors that do not cross the kernel's border, those declared in the body included, in textual order."""
    found = [tensor for tensor in kernel.tensors if tensor.direction is Direction.LOCAL]

    def walk(nodes: abc.Iterable[Node]) -> None:
        for node in nodes:
            if isinstance(node, Allocate):
                found.append(node.tensor)
            elif isinstance(node, Loop):
                walk(node.body)
            elif isinstance(node, Guard):
                walk(node.body + node.otherwise)

    walk(kernel.body)
    return tuple(found)


def all_tensors(kernel: Kernel) -> dict[str, Tensor]:
    """Every tensor of a kernel by name."""
    return {tensor.name: tensor for tensor in (*kernel.tensors, *local_tensors(kernel))}


def consumer_access(nest: Nest) -> Access:
    """The target of a fused consumer, written in the producer's iterators."""
    assert nest.epilogue is not None
    consumer = nest.epilogue.statement
    produced = nest.statement.assign.target
    read = next(access for access in consumer.accesses[1:] if access.tensor == produced.tensor)
    inverse: dict[str, Affine] = {}
    for own, theirs in zip(produced.map.results, read.map.results, strict=True):
        ((name, coefficient),) = theirs.terms
        if coefficient != 1 or theirs.constant:
            raise ValueError("a fused consumer reads its input at lone iterators")
        inverse[name] = own
    results = []
    for result in consumer.assign.target.map.results:
        total = constant(result.constant)
        for name, coefficient in result.terms:
            total = total + inverse[name] * coefficient
        results.append(total)
    return Access(consumer.assign.target.tensor, AccessMap(tuple(results)))
