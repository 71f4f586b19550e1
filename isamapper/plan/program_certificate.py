"""What a program's file claims of itself, written down so that anybody can check it: the program's certificate.

    certificate {
      "format": 1,
      "kernel": "sha256 ...", ...
    }

It names what it speaks of by digests, tells how the program was made (rewrites, steps, and a placement for every
mapping) and what was proved of it, on which sizes and with which figures. Claims that nobody checks have no place in
it: what :func:`text_of_certificate` would not write is refused; what it writes reads back equal.
What does not belong here: making it and checking it again (``verify/certified.py``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import abc
from dataclasses import dataclass
from typing import Any, TypeAlias

from isamapper.diagnostics.source import Diagnostic, SourceError, Span
from isamapper.plan.placement import Placement, dict_of_placement, placement_of_dict

FORMAT = 1
MOST_SEED = 10**18
Fact: TypeAlias = int | float | str | None
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_HELP = "take the section out and let 'isamapper verify FILE -o FILE' write another"


@dataclass(frozen=True, slots=True)
class ClaimedPart:
    """One part of the verification: its verdict, ``proved``, ``passed``, ``failed`` or ``not_run``, and its figures."""

    name: str
    status: str
    facts: tuple[tuple[str, Fact], ...] = ()


@dataclass(frozen=True, slots=True)
class ProgramCertificate:
    """The claims. ``kernel``, ``machine`` and ``program`` are digests.

    ``rewrites`` and ``steps`` are the schedule that was lowered, None for a program that came from none; ``covered``
    is the text of the kernel that the rewrites lead to, None where that is the program's. ``mappings`` are of that
    kernel. ``executed`` gives the shapes of the parameters at which the program was executed.
    """

    kernel: str
    machine: str
    program: str
    rewrites: tuple[str, ...] | None
    covered: str | None
    steps: tuple[str, ...] | None
    mappings: tuple[Placement, ...]
    parts: tuple[ClaimedPart, ...]
    ok: bool
    size: str
    executed: tuple[tuple[str, tuple[int, ...]], ...]
    error_probability: float | None
    not_covered: tuple[str, ...]
    seed: int
    versions: tuple[tuple[str, str | None], ...]


def digest_of_text(text: str) -> str:
    """How a certificate names a printed kernel or program."""
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def dict_of_certificate(certificate: ProgramCertificate) -> dict[str, object]:
    """The certificate as JSON values, with the digest of all of them."""
    each = certificate
    found: dict[str, object] = {
        "format": FORMAT,
        "kernel": each.kernel,
        "machine": each.machine,
        "program": each.program,
        "rewrites": None if each.rewrites is None else list(each.rewrites),
        "covered": each.covered,
        "steps": None if each.steps is None else list(each.steps),
        "mappings": [dict_of_placement(mapping) for mapping in each.mappings],
        "parts": [{"name": part.name, "status": part.status, "facts": dict(part.facts)} for part in each.parts],
        "ok": each.ok,
        "size": each.size,
        "executed": {name: list(shape) for name, shape in each.executed},
        "error_probability": each.error_probability,
        "not_covered": list(each.not_covered),
        "seed": each.seed,
        "versions": dict(each.versions),
    }
    return {**found, "digest": digest_of_text(json.dumps(found, sort_keys=True))}


def text_of_certificate(certificate: ProgramCertificate) -> str:
    """The JSON object, a line for every key and for every entry of a list."""
    lines = []
    for key, value in dict_of_certificate(certificate).items():
        if isinstance(value, list) and value:
            entries = ",\n".join(f"    {json.dumps(entry)}" for entry in value)
            lines.append(f"  {json.dumps(key)}: [\n{entries}\n  ]")
        else:
            lines.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def certificate_of_text(place: Span) -> tuple[ProgramCertificate, bool]:
    """The certificate at ``place``, and whether its digest is its own; SourceError VER011 where there is none."""
    try:
        text = _COMMENT.sub(lambda line: " " * len(line.group()), place.source.text[place.start : place.end])
        given = json.loads(text, object_pairs_hook=_once, parse_constant=_none)
        json.dumps(given, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        start = place.start + error.pos
        at = Span(place.source, min(start, place.end), min(start + 1, place.end))
        raise _broken(at, f"it is no JSON: {error.msg.lower()}") from error
    except UnicodeEncodeError as error:
        raise _broken(place, "it holds half a character") from error
    except (ValueError, RecursionError) as error:
        raise _broken(place, str(error).partition("\n")[0].lower()) from error
    found = certificate_of_dict(given, place)
    return found, dict_of_certificate(found)["digest"] == given["digest"]


def certificate_of_dict(given: object, place: Span) -> ProgramCertificate:
    """The certificate that JSON values are; its own digest is not looked at."""
    if isinstance(given, dict) and given.get("format") != FORMAT:
        raise _broken(place, f"its format is {given.get('format')!r}, {FORMAT} is known")
    try:
        found = _certificate(given)
    except KeyError as error:
        raise _broken(place, f"{error} is missing") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _broken(place, "a value is of another kind") from error
    except SourceError as error:
        raise _broken(place, error.diagnostics[0].message) from error
    if not 0 <= found.seed < MOST_SEED:
        raise _broken(place, f"no seed is {found.seed}")
    strange = _strange(given, dict_of_certificate(found), "")
    if strange is not None:
        raise _broken(place, strange)
    return found


def _certificate(given: Any) -> ProgramCertificate:
    rewrites, steps = given["rewrites"], given["steps"]
    return ProgramCertificate(
        str(given["kernel"]),
        str(given["machine"]),
        str(given["program"]),
        None if rewrites is None else tuple(str(each) for each in rewrites),
        None if given["covered"] is None else str(given["covered"]),
        None if steps is None else tuple(str(each) for each in steps),
        tuple(placement_of_dict(each) for each in given["mappings"]),
        tuple(ClaimedPart(str(p["name"]), str(p["status"]), _facts(p["facts"])) for p in given["parts"]),
        bool(given["ok"]),
        str(given["size"]),
        tuple((name, tuple(int(size) for size in shape)) for name, shape in given["executed"].items()),
        None if given["error_probability"] is None else float(given["error_probability"]),
        tuple(str(each) for each in given["not_covered"]),
        int(given["seed"]),
        tuple((name, None if version is None else str(version)) for name, version in given["versions"].items()),
    )


def _facts(given: abc.Mapping[str, Any]) -> tuple[tuple[str, Fact], ...]:
    if not all(value is None or type(value) in (int, float, str) for value in given.values()):
        raise TypeError("a fact is a number or a text")
    return tuple(given.items())


def _strange(given: Any, known: Any, where: str) -> str | None:
    """The first value of ``given`` that is not what was understood of it; the digest apart."""
    if isinstance(known, dict) and isinstance(given, dict):
        extra = [key for key in given if key not in known]
        missing = [key for key in known if key not in given]
        if extra or missing:
            return f"'{where}{(extra or missing)[0]}' is {'not known' if extra else 'missing'}"
        nested = ((key, _strange(given[key], known[key], f"{where}{key}.")) for key in known)
        return next((found for key, found in nested if found and (where or key != "digest")), None)
    if isinstance(known, list) and isinstance(given, list) and len(known) == len(given):
        pairs = enumerate(zip(given, known, strict=True))
        entries = (_strange(one, other, f"{where}{number}.") for number, (one, other) in pairs)
        return next((found for found in entries if found), None)
    same = type(given) is type(known) and given == known
    return None if same else f"'{where.rstrip('.')}' is {json.dumps(given)}, which is no value of it"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"'{next(name for name in names if names.count(name) > 1)}' is there twice")
    return found


def _none(word: str) -> abc.Hashable:
    raise ValueError(f"{word} is no number of JSON")


def _broken(place: Span, reason: str) -> SourceError:
    return SourceError(Diagnostic("VER011", f"the certificate of the program is not whole: {reason}", place, _HELP))
