"""All functions of the event engine that programs share, as one text."""

from __future__ import annotations

from isamapper.sim.walk.cores import core_functions
from isamapper.sim.walk.front import front_functions
from isamapper.sim.walk.heap import heap_functions
from isamapper.sim.walk.jobs import job_functions
from isamapper.sim.walk.repeat import repeat_functions
from isamapper.sim.walk.resume import resume_functions
from isamapper.sim.walk.settle import settle_functions
from isamapper.sim.walk.streams import stream_functions
from isamapper.sim.walk.units import unit_functions


def walk_functions() -> str:
    """Everything from a job that is offered to the state that repeats."""
    parts = (heap_functions(), job_functions(), stream_functions(), settle_functions(), unit_functions())
    return "".join((*parts, front_functions(), repeat_functions(), resume_functions(), core_functions()))
