"""Mappings that were written down by ``map --format json``, checked again from the files alone.

The kernel's text stands beside them; rewrites are done again from it, and every mapping's certificate is played
(``played.py``). What a mapping says of itself beside its certificate must be what the certificate says.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Any

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.print_expression import print_access
from isamapper.mapper.rewrites.replay import replayed
from isamapper.plan.placement import Placement, placement_of_dict
from isamapper.verify.played import Verdict, play


@dataclass(frozen=True, slots=True)
class Checked:
    """One stored mapping: which it is, and the verdict."""

    statements: tuple[int, ...]
    instruction: str
    verdict: Verdict

    def to_dict(self) -> dict[str, object]:
        """The check as JSON values."""
        return {
            "statements": list(self.statements),
            "instruction": self.instruction,
            "ok": self.verdict.ok,
            "detail": self.verdict.detail,
        }


def stored_kernel(data: abc.Mapping[str, Any]) -> Kernel:
    """The kernel whose mappings were stored; SourceError where the file does not have it."""
    text = data.get("kernel_text")
    if not isinstance(text, str):
        raise _broken("it has no 'kernel_text'")
    return parse_kernel(Source("kernel_text", text))


def check_stored(
    data: abc.Mapping[str, Any], machine: Machine, kernel: Kernel | None = None, seed: int = 0
) -> tuple[Checked, ...]:
    """Every mapping of the file with its verdict, in order. ``kernel`` takes the place of the file's."""
    if data.get("machine_digest", machine.digest) != machine.digest:
        message = f"the mappings are for another machine than this '{machine.name}': its digest is another"
        help = "map the kernel again, or give the machine that it was with '--hw'"
        raise SourceError(Diagnostic("VER012", message, help=help))
    own = kernel if kernel is not None else stored_kernel(data)
    mappings = data.get("mappings")
    if not isinstance(mappings, list) or not all(isinstance(each, dict) for each in mappings):
        raise _broken("it has no list of 'mappings'")
    return tuple(_checked(own, machine, each, seed) for each in mappings)


def _checked(kernel: Kernel, machine: Machine, mapping: abc.Mapping[str, Any], seed: int) -> Checked:
    claim = placement_of_dict(mapping.get("certificate"))
    wrong = _unlike(mapping, claim)
    if wrong is not None:
        return Checked(claim.statements, claim.instruction, Verdict(False, wrong))
    try:
        matched = replayed(kernel, mapping.get("rewrites", ()))
    except SourceError as error:
        return Checked(claim.statements, claim.instruction, Verdict(False, error.diagnostics[0].message))
    return Checked(claim.statements, claim.instruction, play(matched, machine, claim, seed))


def _unlike(mapping: abc.Mapping[str, Any], claim: Placement) -> str | None:
    """Where a mapping says something else than its certificate."""
    pairs = {(d.iterator, d.lane) for d in claim.digits}
    shown: dict[str, set[str]] = {}
    for access in claim.accesses:
        shown.setdefault(access.operand, set()).add(print_access(access.outside))
    try:
        said = {(str(each["kernel"]), str(each["instruction"])) for each in mapping["iterators"]}
        operands = {str(name): str(text) for name, text in mapping["operands"].items()}
        heads = (mapping["instruction"], mapping["class"], list(mapping["statements"]), dict(mapping["parameters"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise _broken(f"a mapping is not whole: {error}") from error
    labels = mapping.get("labels")
    if isinstance(labels, dict) and list(labels.get("criteria", claim.criteria)) != list(claim.criteria):
        return "its label 'criteria' is not that of the certificate"
    if heads != (claim.instruction, claim.kind, list(claim.statements), dict(claim.parameters)):
        return "instruction, class, statements or parameters are not those of the certificate"
    if said != pairs:
        return "its iterators are not those of the certificate"
    for operand, text in operands.items():
        if operand in shown and text not in shown[operand]:
            return f"operand '{operand}' is '{text}', in the certificate it is not"
        if operand not in shown and operand not in dict(claim.constants):
            return f"the certificate does not say what operand '{operand}' holds"
    return None


def _broken(reason: str) -> SourceError:
    return SourceError(Diagnostic("VER010", f"no stored mappings: {reason}", help="write them with 'isamapper map'"))
