"""Codes VER: certificates.

Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "VER010": (
        "stored mappings that cannot be checked",
        """`verify` checks mappings as `map --format json` writes them: the kernel's text, and a certificate for each
        mapping. The file is something else, or parts of it are missing.""",
    ),
    "VER011": (
        "a program's certificate that cannot be read",
        """What stands after `certificate` in a program's file is not what `lower` or `verify -o` writes there: no JSON,
        a key that is missing, not known or given twice, or a value of another kind. Claims that nobody checks are not
        let pass. Take the section out and let `verify FILE -o FILE` write another.""",
    ),
    "VER012": (
        "mappings of another machine",
        """The JSON of `map` names its machine and has the digest of what its file said. The machine that was found, or
        that `--hw` gives, says something else.""",
    ),
}
