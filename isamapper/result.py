"""What a run found, as one value: the program, its cycles, its certificate, and how far it is from the bounds.

What does not belong here: finding anything out (``pipeline.py``) and text for terminals (``report/``).
"""

from __future__ import annotations

import html
import platform
from collections import abc
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata

from isamapper.costmodels.bounds import Bounds, bounds
from isamapper.diagnostics.source import Rejection, Span
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.ir.print_expression import print_access
from isamapper.ir.printer import print_kernel, print_node
from isamapper.mapper import Labeller, Labels
from isamapper.mapper.certificate import certificate_of
from isamapper.mapper.compound.labels import joint_labels
from isamapper.mapper.scheduled import scheduled_mappings
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.mapping import Mapping, Pairing
from isamapper.plan.placement import dict_of_placement
from isamapper.plan.program import Program
from isamapper.plan.program_certificate import ProgramCertificate
from isamapper.plan.steps import Schedule
from isamapper.plan.text import print_schedule
from isamapper.sim.timeline import Timeline
from isamapper.verify.certificate import Certificate
from isamapper.verify.certified import certified

LIBRARIES = ("numpy", "llvmlite", "ml_dtypes", "islpy", "ortools")
"""Whose versions can change an answer or its time."""


class NoMapping(Exception):
    """The honest no: a kernel that the machine cannot do, with the reasons, the nearest miss first."""

    def __init__(self, kernel: Kernel, machine: Machine, rejections: abc.Sequence[Rejection]) -> None:
        super().__init__(f"'{machine.name}' cannot do '{kernel.name}'")
        self.kernel = kernel
        self.machine = machine
        self.rejections = tuple(rejections)

    def to_dict(self) -> dict[str, object]:
        """The JSON object of ``run`` and ``schedule`` in this case (docs/json.md), ``format`` apart."""
        return {
            "kernel": self.kernel.name,
            "machine": self.machine.name,
            "settings": list(self.machine.settings),
            "sizes": dict(self.kernel.sizes),
            "types": {name: dtype.name for name, dtype in self.kernel.types},
            "mapping": None,
            "rejections": [rejection_dict(rejection) for rejection in self.rejections],
        }


@dataclass(frozen=True, slots=True)
class Mappings:
    """What ``map`` and ``explain`` found: the mappings, and why others do not fit; ``complete``: there are no more.

    ``joint`` are mappings of several statements on one instruction.
    """

    kernel: Kernel
    machine: Machine
    mappings: tuple[Mapping, ...]
    rejections: tuple[Rejection, ...]
    complete: bool
    joint: tuple[JointMapping, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The JSON object of ``map`` (docs/json.md), ``format`` apart."""
        kernel, labeller = self.kernel, Labeller(self.machine)
        return {
            "kernel": kernel.name,
            "machine": self.machine.name,
            "machine_digest": self.machine.digest,
            "settings": list(self.machine.settings),
            "sizes": dict(kernel.sizes),
            "types": {name: dtype.name for name, dtype in kernel.types},
            "statements": [print_node(statement.assign).strip() for statement in statements(kernel)],
            "kernel_text": print_kernel(kernel),
            "complete": self.complete,
            "mappings": [
                *(self._with_certificate(each, labeller.labels(each)) for each in self.mappings),
                *(self._with_certificate(each, joint_labels(each, self.machine)) for each in self.joint),
            ],
            "rejections": [rejection_dict(rejection) for rejection in self.rejections],
        }

    def _with_certificate(self, mapping: Mapping | JointMapping, labels: Labels) -> dict[str, object]:
        certificate = dict_of_placement(certificate_of(mapping, self.machine))
        return {**mapping_dict(mapping), "labels": asdict(labels), "certificate": certificate}


@dataclass(frozen=True, slots=True)
class Search:
    """How a schedule was found. ``optimal``: no schedule of the strategy's space costs less under the model.

    ``runner_up`` is the cheapest other one, where the strategy saw one. ``bound_cycles``: what no schedule of the
    space undercuts under the model, as far as the strategy has proved it.
    """

    schedule: Schedule
    strategy: str
    cost_model: str
    seed: int
    seconds: float
    cost_cycles: float
    optimal: bool = False
    interrupted: bool = False
    runner_up: Schedule | None = None
    bound_cycles: float | None = None

    @property
    def gap_percent(self) -> float | None:
        """How far the cost is at most above the least of the strategy's space; None where nothing is proved."""
        if self.bound_cycles is None or self.bound_cycles <= 0:
            return None
        return 100 * (self.cost_cycles / self.bound_cycles - 1)

    def to_dict(self) -> dict[str, object]:
        """The JSON object of ``schedule`` (docs/json.md), ``format`` apart."""
        kernel, machine = self.schedule.kernel, self.schedule.machine
        limits = bounds(self.schedule)
        return {
            "kernel": kernel.name,
            "machine": machine.name,
            "settings": list(machine.settings),
            "sizes": dict(kernel.sizes),
            "types": {name: dtype.name for name, dtype in kernel.types},
            "mapping": [mapping_dict(mapping) for mapping in scheduled_mappings(self.schedule)],
            "strategy": self.strategy,
            "cost_model": self.cost_model,
            "seed": self.seed,
            "cost_cycles": self.cost_cycles,
            "optimal": self.optimal,
            "cost_bound_cycles": self.bound_cycles,
            "gap_percent": self.gap_percent,
            "bound_cycles": limits.bound_cycles,
            "mapped_bound_cycles": limits.mapped_bound_cycles,
            "search_seconds": self.seconds,
            "schedule": print_schedule(self.schedule),
            "versions": dict(versions()),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """Everything about one program; ``search`` is None for a program that was read from a file."""

    program: Program
    timeline: Timeline
    certificate: Certificate
    bounds: Bounds
    seed: int
    simulate_seconds: float
    search: Search | None = None

    @property
    def percent_of_bound(self) -> float:
        return percent(self.bounds.bound_cycles, self.timeline.cycles)

    @property
    def mapped_bound_cycles(self) -> int | None:
        """None for a program that was read from a file: its mappings are not known."""
        return self.bounds.mapped_bound_cycles if self.search is not None else None

    @property
    def percent_of_mapped_bound(self) -> float | None:
        mapped = self.mapped_bound_cycles
        return None if mapped is None else percent(mapped, self.timeline.cycles)

    def written_certificate(self) -> ProgramCertificate:
        """The certificate that the program's file carries."""
        schedule = self.search.schedule if self.search is not None else None
        return certified(self.program, schedule, self.certificate, self.seed, versions())

    def to_dict(self) -> dict[str, object]:
        """The JSON object of ``run`` and ``simulate`` (docs/json.md), ``format`` apart."""
        kernel, timeline, search = self.program.kernel, self.timeline, self.search
        facts = timeline.to_dict()
        return {
            "kernel": kernel.name,
            "machine": self.program.machine.name,
            "settings": list(self.program.machine.settings),
            "sizes": dict(kernel.sizes),
            "types": {name: dtype.name for name, dtype in kernel.types},
            "mapping": [mapping_dict(m) for m in scheduled_mappings(search.schedule)] if search else None,
            "strategy": search.strategy if search else None,
            "cost_model": search.cost_model if search else None,
            "seed": self.seed,
            "optimal": search.optimal if search else None,
            "cycles": timeline.cycles,
            "seconds": facts["seconds"],
            "bound_cycles": self.bounds.bound_cycles,
            "mapped_bound_cycles": self.mapped_bound_cycles,
            "percent_of_bound": self.percent_of_bound,
            "percent_of_mapped_bound": self.percent_of_mapped_bound,
            "binding_resource": self.bounds.binding_resource,
            "utilization": facts["utilization"],
            "bytes": facts["bytes"],
            "instructions": facts["instructions"],
            "units": facts["units"],
            "dispatch": facts["dispatch"],
            "ports": facts["ports"],
            "energy_pj": timeline.energy_pj,
            "search_seconds": search.seconds if search else None,
            "simulate_seconds": self.simulate_seconds,
            "verified": self.certificate.to_dict(),
            "versions": dict(versions()),
        }

    def _repr_markdown_(self) -> str:
        """A notebook's view: the figures that matter, as a table."""
        rows = "\n".join(f"| {label} | {value} |" for label, value in self._figures())
        return f"| | |\n|---|---|\n{rows}\n"

    def _repr_html_(self) -> str:
        """The same for notebooks that prefer HTML."""
        cells = (f"<tr><th>{html.escape(a)}</th><td>{html.escape(b)}</td></tr>" for a, b in self._figures())
        return f"<table>{''.join(cells)}</table>"

    def _figures(self) -> tuple[tuple[str, str], ...]:
        kernel = self.program.kernel
        mapped = self.percent_of_mapped_bound
        return (
            ("kernel", " ".join([kernel.name, *(f"{name}={value}" for name, value in kernel.sizes)])),
            ("machine", self.program.machine.name),
            ("cycles", f"{self.timeline.cycles:,}"),
            ("bound", f"{self.bounds.bound_cycles:,} cycles, {self.percent_of_bound:.1f} % reached"),
            ("mapped bound", "-" if mapped is None else f"{mapped:.1f} % reached"),
            ("verified", f"{'yes' if self.certificate.ok else 'NO'} ({self.certificate.size.value} size)"),
        )


def percent(bound: int, cycles: int) -> float:
    """100 where nothing takes any time."""
    return 100.0 if cycles == 0 else round(100 * bound / cycles, 4)


def mapping_dict(mapping: Mapping | JointMapping) -> dict[str, object]:
    """One mapping as JSON values: sigma as operand to access, rho as pairs."""
    if isinstance(mapping, JointMapping):
        return joint_dict(mapping)
    return {
        "statement": mapping.statement,
        "statements": [mapping.statement],
        "instruction": mapping.instruction,
        "class": mapping.kind.value,
        "parameters": dict(mapping.parameters),
        "operands": {pairing.operand: pairing_text(mapping, pairing) for pairing in mapping.sigma},
        "iterators": [{"kernel": outer, "instruction": inner} for outer, inner in mapping.rho],
        "rewrites": list(mapping.rewrites),
    }


def joint_dict(mapping: JointMapping) -> dict[str, object]:
    """As :func:`mapping_dict` for several statements; iterators are those of the statements together."""
    return {
        "statement": mapping.join.statement,
        "statements": list(mapping.join.members),
        "instruction": mapping.instruction,
        "class": mapping.kind.value,
        "parameters": dict(mapping.join.values),
        "operands": dict(joint_operands(mapping)),
        "iterators": [{"kernel": outer, "instruction": inner} for outer, inner in mapping.rho],
        "rewrites": list(mapping.rewrites),
    }


def joint_operands(mapping: JointMapping) -> tuple[tuple[str, str], ...]:
    """Every operand with the kernel's access as text, or the constant that it takes."""
    held = dict(mapping.join.constants)
    return tuple(
        (operand, str(held[access.tensor]) if access.tensor in held else print_access(access))
        for operand, access in mapping.join.operands
    )


def pairing_text(mapping: Mapping, pairing: Pairing) -> str:
    """The kernel's access as text, or the constant that the operand takes."""
    if pairing.access is None:
        return str(pairing.neutral)
    accesses = statements(mapping.kernel)[mapping.statement].accesses
    return print_access(accesses[pairing.access])


def rejection_dict(rejection: Rejection) -> dict[str, object]:
    """One rejection as JSON values; ``places`` are ``file:line:column``."""
    return {
        "code": rejection.code,
        "subject": rejection.subject,
        "reason": rejection.reason,
        "edit": rejection.edit,
        "places": [place(span) for span in rejection.spans],
    }


def place(span: Span) -> str:
    """``file:line:column``."""
    return f"{span.source.name}:{span.line}:{span.column}"


@cache
def versions() -> tuple[tuple[str, str | None], ...]:
    """Versions of isamapper, Python and the libraries an answer may depend on; None where one is not installed."""
    libraries = ((library, _version(library)) for library in LIBRARIES)
    return (("isamapper", _version("isamapper")), ("python", platform.python_version()), *libraries)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
