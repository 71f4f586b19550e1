"""All mappings of statements of a kernel on instructions of several statements."""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.affine import AccessMap, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Direction, Kernel, Tensor
from isamapper.mapper.compound.beyond import beyond
from isamapper.mapper.compound.conditions import Stand, stand
from isamapper.mapper.compound.forms import Form, forms, plain, separated
from isamapper.mapper.compound.match import Injection, Kind, Parts, injections, kinds
from isamapper.mapper.compound.relate import Setting, lanes_of, may_go_on, space_of
from isamapper.mapper.compound.unite import unite
from isamapper.mapper.compound.value_graph import value_graphs
from isamapper.mapper.compound.variants import Variant, variants
from isamapper.mapper.matching.relation import Relation, relations
from isamapper.mapper.rewrites.hold import Hold
from isamapper.plan.facade import Facade, facade
from isamapper.plan.homes import all_tensors
from isamapper.plan.joint import Join
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.mapping import MappingClass
from isamapper.plan.needle import lone_axes, operand_tensor

Number: TypeAlias = int | float


def find_joint_mappings(
    kernel: Kernel,
    machine: Machine,
    *,
    instruction: str | None = None,
    every: bool = False,
    relations_each: int | None = None,
    statement: int | None = None,
) -> abc.Iterator[JointMapping]:
    """Every mapping of statements of ``kernel``, ``statement`` among them, on an instruction of several statements.

    Lazy, in a stable order: instructions in file order, those with fewer neutral operands first.
    ``every`` adds the unsaturated. ``relations_each`` bounds how many relations are given for one way to pair
    statements and tensors.
    """
    for candidate in machine.instructions:
        if instruction in (None, candidate.name) and is_compound(candidate):
            yield from joint_mappings(
                kernel, candidate, every=every, relations_each=relations_each, statement=statement
            )


def joint_members(kernel: Kernel, machine: Machine) -> frozenset[int]:
    """The statements of ``kernel`` that some instruction can do together with others, in whatever form."""
    return frozenset(
        form.origins[member]
        for instruction in machine.instructions
        if is_compound(instruction)
        for form in forms(kernel)
        for mapping in form_mappings(form, instruction, relations_each=1)
        for member in mapping.join.members
    )


@lru_cache(maxsize=4096)
def is_compound(instruction: Instruction) -> bool:
    """Whether the instruction's meaning has several statements."""
    return len(statements(instruction.semantics)) > 1


def joint_mappings(
    kernel: Kernel,
    instruction: Instruction,
    *,
    every: bool = False,
    relations_each: int | None = None,
    statement: int | None = None,
) -> abc.Iterator[JointMapping]:
    """Every mapping of statements of ``kernel``, in the first of its forms in which they have one, none twice.

    ``statement``: this one of the kernel's among them, or what it became.
    """
    known: set[frozenset[int]] = set()
    for form in forms(kernel):
        here: set[frozenset[int]] = set()
        for mapping in form_mappings(form, instruction, every=every, relations_each=relations_each):
            done = frozenset(form.origins[member] for member in mapping.join.members)
            here.add(done)
            if done not in known and (statement is None or statement in done):
                yield replace(mapping, rewrites=(*form.texts(kernel), *mapping.rewrites))
        known |= here


def form_mappings(
    form: Form, instruction: Instruction, *, every: bool = False, relations_each: int | None = None
) -> abc.Iterator[JointMapping]:
    """Every mapping of statements of one form of a kernel on ``instruction``, none twice.

    Those that have nothing to do with what the form changed are left out.
    """
    if isinstance(facade(instruction), str):
        return
    seen: set[tuple[object, ...]] = set()
    inside = tensors_inside(instruction)
    for graph in value_graphs(form.kernel):
        parts = Parts(graph)
        known = frozenset(parts.kinds.values())
        for variant in (each for each, needed in sought(instruction) if needed <= known):
            for injection in injections(variant, inside, parts):
                standing = stand(injection, graph, inside)
                if isinstance(standing, str) or any(those.isdisjoint(standing.members) for those in form.changed):
                    continue
                found = _related(form.kernel, instruction, injection, standing, every)
                for mapping in islice(found, relations_each):
                    key = (mapping.join, mapping.rho)
                    if key not in seen:
                        seen.add(key)
                        yield mapping


def tensors_inside(instruction: Instruction) -> dict[str, Tensor]:
    """The tensors of an instruction's meaning, in all of its forms."""
    return all_tensors(separated(instruction.semantics).kernel) | all_tensors(instruction.semantics)


@lru_cache(maxsize=1024)
def sought(instruction: Instruction) -> tuple[tuple[Variant, frozenset[Kind]], ...]:
    """What is looked for, with the kinds of its pieces: the instruction seen through its results or not, its values
    told apart or not.
    """
    several = separated(instruction.semantics) != plain(instruction.semantics)
    found: dict[Variant, None] = {}
    for apart in (False, True) if several else (False,):
        for through_results in (True, False):
            for respelled in (False, True):
                made = variants(instruction, through_results=through_results, apart=apart, respelled=respelled)
                found.update(dict.fromkeys(made))
    return tuple((variant, kinds(variant)) for variant in found)


def _related(
    kernel: Kernel, instruction: Instruction, injection: Injection, standing: Stand, every: bool
) -> abc.Iterator[JointMapping]:
    """The mappings of one injection."""
    fixed = specialised(instruction, injection.parameters)
    front = facade(fixed)
    assert isinstance(front, Facade)
    inside, known = tensors_inside(fixed), all_tensors(kernel)
    united = unite(kernel, injection, front, inside, known)
    if united is None:
        return
    pieces = tuple(link.piece for link in injection.links)
    harmless = beyond(pieces, front, injection.constants)
    setting = Setting(united, inside, lanes_of(front.instruction), harmless)
    for relation, kind in relations(space_of(setting), every=every):
        yield _Making(kernel, fixed, injection, standing, setting, front).mapping(relation, kind)


class _Making:
    def __init__(
        self,
        kernel: Kernel,
        instruction: Instruction,
        injection: Injection,
        standing: Stand,
        setting: Setting,
        front: Facade,
    ) -> None:
        self.kernel, self.instruction, self.injection, self.standing = kernel, instruction, injection, standing
        self.setting, self.front, self.united = setting, front, setting.united

    def mapping(self, relation: Relation, kind: MappingClass) -> JointMapping:
        united = self.united
        rho = tuple(sorted((*relation, *((name, lane) for name, lane, _ in united.made))))
        constants = [self._constant(name, value, rho) for name, value in self.injection.constants]
        operands = dict(united.operands) | {name: access for name, _, access in constants}
        pads = tuple(
            (lane, name, value) for lane, name, value in self.setting.beyond.pads if name in dict(united.operands)
        )
        join = Join(
            self.standing.place,
            self.standing.members,
            self.instruction.name,
            tuple((name, operands[name]) for name in self._order(operands)),
            united.members,
            tuple((name, extent) for name, _, extent in united.made),
            self.injection.parameters,
            self.standing.reduction,
            pads,
            tuple(sorted(self.setting.beyond.loose)),
            tuple((tensor.name, value) for (_, tensor, _), (_, value) in self._held(constants)),
        )
        kernel, texts = self.kernel, list[str]()
        for _, tensor, _ in constants:
            step = Hold(tensor.name, tensor.dtype, tensor.shape)
            texts.append(step.text(kernel))
            made = step.apply(kernel)
            assert not isinstance(made, Rejection)
            kernel = made
        fixed = {whole.iterator for whole in united.wholes}
        whole = tuple(
            each.name
            for each in united.iterators
            if each.extent > 1 and (each.name in fixed or not may_go_on(self.setting, each.name))
        )
        return JointMapping(kernel, join, rho, kind, whole, self.standing.fresh, tuple(texts))

    def _held(
        self, constants: list[tuple[str, Tensor, Access]]
    ) -> abc.Iterable[tuple[tuple[str, Tensor, Access], tuple[str, Number]]]:
        return zip(constants, self.injection.constants, strict=True)

    def _order(self, operands: abc.Mapping[str, Access]) -> tuple[str, ...]:
        """Operands with the accumulator or else the first result in front."""
        written = [
            tensor.name
            for tensor in self.instruction.semantics.tensors
            if tensor.name in operands and tensor.direction in (Direction.OUT, Direction.INOUT)
        ]
        first = self.standing.accumulator or written[0]
        names = [tensor.name for tensor in self.instruction.semantics.tensors if tensor.name in operands]
        return (first, *(name for name in names if name != first))

    def _constant(self, operand: str, value: Number, rho: Relation) -> tuple[str, Tensor, Access]:
        """A local tensor that holds the constant wherever the operand looks."""
        semantics = self.front.instruction.semantics
        extents = self.united.extents | {name: extent for name, _, extent in self.united.made}
        iterators = [
            name for lane in lone_axes(semantics, operand) for name, other in rho if lane is not None and other == lane
        ]
        names = set(all_tensors(self.kernel)) | set(extents)
        label = f"held_{operand}_{self.standing.place}"
        while label in names:
            label += "_"
        dtype = operand_tensor(semantics, operand).dtype
        tensor = Tensor(label, dtype, tuple(extents[name] for name in iterators), direction=Direction.LOCAL)
        return operand, tensor, Access(label, AccessMap(tuple(variable(name) for name in iterators)))
