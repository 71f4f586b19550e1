"""Schedule files as the package reads them: the rewrites they name are done again.

What does not belong here: the form of the file (``plan/text.py``) and the rewrites (``rewrites/``).
"""

from __future__ import annotations

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.rewrites.replay import replay
from isamapper.plan import text
from isamapper.plan.steps import Schedule


def parse_schedule(
    source: Source,
    load: text.LoadMachine = load_machine,
    *,
    machine: Machine | None = None,
    kernel: Kernel | None = None,
) -> Schedule:
    """The schedule in ``source``, its covered kernel derived by its rewrites; SourceError with the mistakes found.

    ``load`` finds the machine by what is written; ``machine`` and ``kernel`` take the place of what is written.
    """
    return text.parse_schedule(source, load, machine=machine, kernel=kernel, replay=replay)
