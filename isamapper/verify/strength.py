"""What a certificate claims of a proof, held against a proof made anew: it may claim less, never more.

    claimed  integer_sets proved; prime_fields passed, trials 9        here  integer_sets not_run; prime_fields trials 2
             -> "it claims integer_sets proved, here it is not_run: no proof within the budget of 4 s"

What does not belong here: what the program is and how it was made (``certified.py``).
"""

from __future__ import annotations

import math
from collections import abc

from isamapper.plan.program_certificate import ClaimedPart, Fact, ProgramCertificate
from isamapper.verify.certificate import Certificate, Part, Size, Status

Shapes = tuple[tuple[str, tuple[int, ...]], ...]

_ORDER = (Status.FAILED, Status.NOT_RUN, Status.PASSED, Status.PROVED)
_MORE = ("trials", "runs", "exact", "interpreted_instances")
"""Figures that claim more the greater they are."""
_LESS = ("degree_bound", "error_probability")
"""Figures that claim more the smaller they are."""
_MEASURED = "greatest_relative_difference"
_SLACK = 2.0
"""What is measured on floats may differ so much between processors, whose `exp` differ in the last bit."""


def overstated(claims: ProgramCertificate, proof: Certificate, executed: Shapes, same_seed: bool) -> abc.Iterator[str]:
    """What ``claims`` say beyond ``proof``, which was ``executed`` at these shapes."""
    if claims.ok and not proof.ok:
        yield "it claims that the program is right"
    known = {part.name: part for part in proof.parts}
    for part in claims.parts:
        found = known.pop(part.name, None)
        if found is None:
            yield f"it claims a part '{part.name}', which is none or is named twice"
        else:
            yield from _part(part, found, same_seed)
    yield from _sizes(claims, proof, executed)
    if claims.error_probability is not None:
        least = proof.error_probability
        if least is None or not claims.error_probability >= least:
            yield f"it claims an error probability of {claims.error_probability:g}, here it is {_shown(least)}"
    for sentence in proof.not_covered:
        if sentence not in claims.not_covered:
            yield f"it does not say what is not covered: {sentence}"


def _part(claim: ClaimedPart, found: Part, same_seed: bool) -> abc.Iterator[str]:
    words = {status.value: place for place, status in enumerate(_ORDER)}
    if claim.status not in words:
        yield f"it claims {claim.name} '{claim.status}', which is no verdict"
        return
    if words[claim.status] > words[found.status.value]:
        yield f"it claims {claim.name} {claim.status}, here it is {found.status.value}: {found.detail}"
        return
    facts = dict(found.facts)
    for name, said in claim.facts:
        if name not in facts:
            yield f"it claims {name} {_shown(said)} of {claim.name}, which gives no such figure here"
        elif (name != _MEASURED or same_seed) and not _within(name, said, facts[name]):
            yield f"it claims {name} {_shown(said)} of {claim.name}, here it is {_shown(facts[name])}"


def _within(name: str, said: Fact, found: Fact) -> bool:
    """Whether a figure claims no more than what was found."""
    if isinstance(said, str) or isinstance(found, str) or said is None or found is None:
        return said == found
    if not math.isfinite(said):
        return False
    if name in _MORE:
        return 0 <= said <= found
    if name in _LESS:
        return said >= found
    return said * _SLACK >= found if name == _MEASURED else said == found


def _sizes(claims: ProgramCertificate, proof: Certificate, executed: Shapes) -> abc.Iterator[str]:
    words = (Size.REDUCED.value, Size.REAL.value)
    if claims.size not in words or words.index(claims.size) > words.index(proof.size.value):
        yield f"it claims size '{claims.size}', here it is '{proof.size.value}'"
    found = dict(executed)
    for name, shape in claims.executed:
        here = found.get(name)
        if here is None or len(here) != len(shape) or any(a > b for a, b in zip(shape, here, strict=False)):
            shown = "none" if here is None else str(list(here))
            yield f"it claims to have executed '{name}' of shape {list(shape)}, here it is {shown}"


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)
