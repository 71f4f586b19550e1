"""Where every word of the compiled event engine's state lies: jobs in slots, streams, queues, calendars, nodes.

The state begins as that of the one-pass engine (``compiled/layout.py``), whose totals, snapshots and tables of records
it shares; a record here is one word, the first node of the list of operands on their way that touch the atom. Jobs live
in slots that are taken in turn; the oldest that is still on its way decides how many can be.

What does not belong here: what is done with the words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from isamapper.sim.compiled.atoms import Atoms
from isamapper.sim.compiled.layout import (
    CORE_COUNT,
    EVENT_SIZE,
    EVENT_WORDS,
    EVENTS,
    FIXED_WORDS,
    PER_CYCLE,
    SCRATCH,
    SCRATCH_WORDS,
    SNAPSHOT_HEADER,
    Layout,
    Needs,
    Record,
    Ring,
    UnitWords,
    reserve_statistics,
)
from isamapper.sim.compiled.specs import StepSpec
from isamapper.sim.counters import REASONS
from isamapper.sim.sites import Model

NEVER = 1 << 62
"""A time that is not known yet."""

# Fixed words, behind those of the one-pass engine
(
    NOW,
    HELD,  # cycles that the front end has stood still, by its three reasons
    _HELD_1,
    _HELD_2,
    TICKET,  # of the next job
    TAIL,  # of the oldest slot that is taken
    SLOTS,
    SLOT_WORDS,
    SLOT_MASK,
    USE_WORDS,
    ALTERNATIVE_WORDS,
    ALTERNATIVES,
    STREAMS,  # word of a use with its first stream
    SIDE_STREAMS,  # streams to a side, reads or writes
    DEPENDENCIES,  # word of a slot with its first dependency
    MOST_DEPENDENCIES,
    HEAP,
    HEAP_COUNT,
    HEAP_SIZE,
    UNITS,
    UNIT_COUNT,
    PORTS,  # rows of calendars
    PORT_COUNT,
    NODE_FREE,
    NODE_NEXT,
    NODE_END,
    WINDOW,
    WINDOW_COUNT,
    WINDOW_SIZE,
    WINDOW_ANY,  # 1: places are freed in any order
    EXPLICIT,  # 1: the machine does not wait for hazards
    STALLS,  # of the first unit
    BUSY,
    PORT_BYTES,
    WORKSPACE,  # where a state is written to be compared
    WORKSPACE_SIZE,
    WRITTEN,  # words and atoms of the state as it was written out last
    PAIRS,
    REST_WORDS,  # the most that the state has beside its jobs
    FULL,  # which table was full
    PENDING,  # of a core that is walked beside others: the job that is to be dispatched next
    FRAMES,  # its open loops
    DEPTH,
) = range(FIXED_WORDS, FIXED_WORDS + 43)
ENGINE_WORDS = 43

OVERFLOW = 1  # STATUS: the table that FULL names was full
FULL_JOBS, FULL_DEPENDENCIES, FULL_NODES, FULL_TIMES = range(4)
STUCK = 3  # STATUS: nothing will ever happen again

# A slot
(
    J_TICKET,
    J_UNIT,  # the row of its unit
    J_IMPLICIT,
    J_STEP,
    J_SITE,
    J_OCCUPIES,
    J_LATENCY,
    J_MEMORY_LATENCY,
    J_TRANSFER,
    J_ISSUE,
    J_USES,
    J_DISPATCHED,
    J_FRONT,
    _FRONT_1,
    _FRONT_2,
    _FRONT_3,
    J_START,
    J_FREE,
    J_FOLLOW,
    J_RELEASED,
    J_END,
    J_LATEST,  # the last of its times, once all are known
    J_BOUNDS,  # by RAW, WAR, WAW
    _BOUNDS_1,
    _BOUNDS_2,
    J_DEPENDENCIES,
    J_NODES,
    J_NEXT,  # in the queue
    J_SERVER,  # address of its server's time
    J_NEEDED,
    J_PENDING,  # streams that are not done
    J_PHASE,  # 1: arithmetic that writes
    J_DELAY,
    J_HELD,
    J_LAST,
    J_NUMBER,
    J_WAITS,
) = range(37)
SLOT_HEADER = J_WAITS + len(REASONS)

# A use, one of a slot's operands
(
    U_FLAGS,
    U_READ_AT,
    U_READ_UNTIL,
    U_READY_AT,
    U_LEAST_READY,
    U_READ,
    U_READY,
    U_READ_PORTS,
    U_WRITE_PORTS,
    U_BYTES,
    U_PENDING,  # of reads, of writes
    _PENDING_1,
    U_ASKED,  # streams of reads, of writes
    _ASKED_1,
    U_DONE,  # the last of them
    _DONE_1,
    U_STAMP,
    U_SLOT,
) = range(18)
USE_HEADER = 18
READS, WRITES, ACCUMULATES, RENAMED = 1, 2, 4, 8

# A stream
S_PORT, S_BEGINS, S_LEFT, S_DONE, S_NEXT, S_USE, S_SIDE = range(7)
STREAM_WORDS = 7

# A dependency
D_KIND, D_AT, D_SLOT, D_TICKET, D_LESS = range(5)
DEPENDENCY_WORDS = 5

# A unit
(
    Q_DEPTH,
    Q_HELD_TO_END,
    Q_IN_FLIGHT,
    Q_SERIAL,
    Q_SERVERS,  # how many
    Q_TIMES,  # their times, then the slots that they wait for
    Q_ENDS,
    Q_END_COUNT,
    Q_HEAD,
    Q_TAIL,
    Q_WAITING,  # explicit jobs in the queue
    Q_LAST,  # ticket of the last that started
    Q_STARTED,
    Q_ENDED,
    Q_TAKEN,  # tickets of jobs whose entries are held to their end
    Q_TAKEN_COUNT,
    Q_FLYING,  # started, end not known
    Q_PUSHED,
    Q_NUMBER,
    Q_TOUCH,  # counters of its steps
    Q_TOUCH_COUNT,
) = range(21)
UNIT_WORDS = 21

# A calendar: the streams of a bank's port
(
    C_HEAD,
    C_TAIL,
    C_BACKLOG,
    C_SERVED,
    C_RULE,
    C_CHOSEN,
    C_BEATS,
    C_CREDIT,  # what is done in a cycle at best: one beat, or a share of a port that cores share
    C_SHARED,  # 1: of such a port
) = range(9)
PORT_WORDS = 9
OLDEST, FIFO, ROUND_ROBIN = range(3)
RULES = {"oldest": OLDEST, "fifo": FIFO, "round_robin": ROUND_ROBIN}

# A node of an atom's list
N_NEXT, N_BEFORE, N_USE, N_ATOM, N_SIBLING, N_REGION = range(6)
NODE_WORDS = 6

LEAST_WRITTEN, JOBS_WRITTEN = 1 << 14, 64
"""Words of a state written out to be compared: at least, and for how many jobs of the largest size."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much may be under way: jobs (a power of two), dependencies of a job, nodes, times to come."""

    jobs: int = 1 << 10
    dependencies: int = 1 << 5
    nodes: int = 1 << 14
    times: int = 1 << 12

    def larger(self, full: int) -> Sizes:
        """With more room in the table that was full."""
        name = ("jobs", "dependencies", "nodes", "times")[full]
        return replace(self, **{name: getattr(self, name) * 8})


def walk_layout(model: Model, specs: tuple[StepSpec, ...], found: Atoms, needs: Needs, sizes: Sizes) -> Layout:
    """Lays out the state of a program whose steps are ``specs``, grouped by unit."""
    plan = Layout(model, specs, 0)
    first = plan.reserve(ENGINE_WORDS)
    assert first == FIXED_WORDS
    reserve_statistics(plan)
    plan.executed = {site: plan.reserve(1) for site in needs.contested}
    _units(plan)
    _window(plan)
    _calendars(plan)
    plan.initial.append((CORE_COUNT, plan.words))
    _slots(plan, sizes)
    plan.initial += [(HEAP, plan.reserve(sizes.times)), (HEAP_SIZE, sizes.times)]
    nodes = plan.reserve(sizes.nodes * NODE_WORDS)
    plan.initial += [(NODE_NEXT, nodes), (NODE_END, plan.words)]
    plan.initial += [(SCRATCH, plan.reserve(SCRATCH_WORDS)), (EVENT_SIZE, needs.events)]
    plan.initial += [(EVENTS, plan.reserve(needs.events * EVENT_WORDS))]
    written = _written(plan)
    plan.initial += [(WORKSPACE, plan.reserve(2 * written)), (WORKSPACE_SIZE, written)]
    plan.initial += [(STALLS, plan.stalls), (BUSY, plan.busy), (PORT_BYTES, plan.port_bytes)]
    plan.initial += [(EXPLICIT, int(model.machine.interlocks == "explicit"))]
    for region, atoms in sorted(found.sizes.items()):
        plan.records[region] = Record(plan.reserve(atoms), 1, {}, {}, {}, 0)
    core = next(value for address, value in plan.initial if address == CORE_COUNT)
    plan.snapshots = [plan.reserve(SNAPSHOT_HEADER + core + 2 * written) for _ in range(needs.loops)]
    return plan


def _units(plan: Layout) -> None:
    machine = plan.model.machine
    rows = plan.reserve(UNIT_WORDS * len(machine.units))
    plan.initial += [(UNITS, rows), (UNIT_COUNT, len(machine.units))]
    for index, unit in enumerate(machine.units):
        row = rows + index * UNIT_WORDS
        times = plan.reserve(2 * unit.count)
        own = [step for step, spec in enumerate(plan.specs) if spec.unit == index]
        known = {
            Q_DEPTH: -1 if unit.queue_depth is None else unit.queue_depth,
            Q_HELD_TO_END: int(unit.held == "end"),
            Q_IN_FLIGHT: -1 if unit.in_flight is None else unit.in_flight,
            Q_SERIAL: int(unit.serial),
            Q_SERVERS: unit.count,
            Q_TIMES: times,
            Q_ENDS: plan.reserve(unit.in_flight or 0),
            Q_TAKEN: plan.reserve(unit.queue_depth or 0 if unit.held == "end" else 0),
            Q_LAST: -1,
            Q_PUSHED: -1,
            Q_NUMBER: index,
            Q_TOUCH: plan.counts + own[0] if own else 0,
            Q_TOUCH_COUNT: len(own),
        }
        plan.initial += [(row + word, value) for word, value in known.items()]
        plan.units.append(UnitWords(None, Ring(times, unit.count, 0), None, row + Q_STARTED, row + Q_ENDED))


def _window(plan: Layout) -> None:
    dispatch = plan.model.machine.dispatch
    plan.initial += [(WINDOW, plan.reserve(dispatch.window or 0)), (WINDOW_ANY, int(dispatch.window_order == "any"))]
    plan.initial += [(WINDOW_SIZE, -1 if dispatch.window is None else dispatch.window), (PER_CYCLE, dispatch.per_cycle)]


def _calendars(plan: Layout) -> None:
    calendars = [use for use in plan.model.ports for _ in range(use.banks)]
    rows = plan.reserve(PORT_WORDS * len(calendars))
    plan.initial += [(PORTS, rows), (PORT_COUNT, len(calendars))]
    for index, use in enumerate(calendars):
        row = rows + index * PORT_WORDS
        plan.initial += [(row + C_SERVED, -1), (row + C_RULE, RULES[use.port.arbitration])]
        plan.initial += [(row + C_BEATS, plan.beats + index), (row + C_CREDIT, 1)]


def _slots(plan: Layout, sizes: Sizes) -> None:
    """Slots are as large as the program's largest job."""
    operands = [operand for spec in plan.specs for _, operand in spec.operands]
    sides = [side for operand in operands for side in (operand.read_ports, operand.write_ports)]
    alternatives = max((len(side) for side in sides), default=0)
    banks = max((plan.model.ports[port].banks for side in sides for port in side), default=1)
    alternative = 2 + 2 * banks
    streams = USE_HEADER + 2 * alternatives * alternative
    use = streams + 2 * banks * STREAM_WORDS
    dependencies = SLOT_HEADER + use * max(len(spec.operands) for spec in plan.specs)
    slot = dependencies + sizes.dependencies * DEPENDENCY_WORDS
    plan.initial += [
        (SLOTS, plan.reserve(slot * (sizes.jobs + 1))),
        (SLOT_WORDS, slot),
        (SLOT_MASK, sizes.jobs - 1),
        (USE_WORDS, use),
        (ALTERNATIVE_WORDS, alternative),
        (ALTERNATIVES, alternatives),
        (STREAMS, streams),
        (SIDE_STREAMS, banks),
        (DEPENDENCIES, dependencies),
        (MOST_DEPENDENCIES, sizes.dependencies),
    ]


def _written(plan: Layout) -> int:
    """Words of a state that is written out; as many again are for its atoms."""
    fixed = dict(plan.initial)
    machine = plan.model.machine
    entries = sum(1 + (unit.queue_depth or 0) for unit in machine.units) + (machine.dispatch.window or 0)
    # Every stream in a calendar is one of a job that is written out with more words than its place takes here.
    rest = 16 + entries + 3 * fixed[PORT_COUNT]
    plan.initial.append((REST_WORDS, rest))
    return max(LEAST_WRITTEN, JOBS_WRITTEN * fixed[SLOT_WORDS]) + rest
