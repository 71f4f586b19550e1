"""Questions about a whole bound kernel that its text alone can answer: is everything written, read and used?

What does not belong here: exact dataflow (``verifier.py`` and ``relations.py``).
"""

from __future__ import annotations

from isamapper.ir.nodes import Kernel
from isamapper.ir.scope import Scope


def check_flow(kernel: Kernel, scope: Scope) -> None:
    """Reports reads before any write and results never written as errors, unused tensors as warnings."""
