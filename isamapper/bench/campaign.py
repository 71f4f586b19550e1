"""Campaigns: many kernels, sizes, machines and ways to search, written as blocks whose lists multiply.

    runs:
      - kernel: gemm
        sizes: {M: [64, 128], N: 700, K: 2048}
        machine: gemmini16
        set: {memories.spad.capacity_bytes: [128KiB, 256KiB]}

What does not belong here: doing the tasks (``sweep.py``).
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass, replace
from pathlib import Path

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.diagnostics.yaml import YamlList, YamlNode, YamlScalar, read_yaml
from isamapper.hwdesc.fields import Fields
from isamapper.hwdesc.files import builtin_machines, find_machine
from isamapper.hwdesc.settings import SHOWN, reference, split_reference
from isamapper.hwdesc.shapes import Choice, Either, Field, Number, Record, Several, Shape, Table, Text, Whole, judge
from isamapper.ir.bind_tensor import GREATEST as GREATEST_SIZE
from isamapper.ir.printer import print_kernel
from isamapper.ir.types import DTYPES, DType
from isamapper.pipeline import COST_MODEL, EXECUTED, STRATEGY, resolve
from isamapper.registry import load
from isamapper.scheduler.campaign.store import key_of

TASK_LIMIT = 1_000_000


def _many(shape: Shape) -> Either:
    return Either((shape, Several(shape, 1)))


BLOCK = Record(
    "a run",
    (
        Field("kernel", _many(Text()), "library names or paths", required=True),
        Field("sizes", Table(_many(Whole(high=GREATEST_SIZE))), "sizes of the kernel", default="{}"),
        Field("types", Table(_many(Text())), "types of the kernel", default="{}"),
        Field("machine", _many(Text()), "built-in names or paths", required=True),
        Field("set", Table(_many(Text()), "path"), "values of the machine to change, as --set does", default="{}"),
        Field("search", _many(Text()), "strategies", default=STRATEGY),
        Field("cost", _many(Text()), "cost models", default=COST_MODEL),
        Field("seed", _many(Whole()), "seeds", default="0"),
        Field("budget_seconds", Number(0), "time for each search"),
        Field("executed_operations", Whole(1), "verify larger programs in their reduced form", default=str(EXECUTED)),
    ),
)

CAMPAIGN = Record(
    "the campaign",
    (
        Field("format", Choice(("1",)), "version of this file format", default="1"),
        Field("name", Text(), "what the campaign is called"),
        Field("runs", Several(BLOCK, 1), "blocks; the lists of one block multiply", required=True),
    ),
)

Values = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One block: each field holds every value it takes; ``span`` is where it stands, ``places`` where its words do."""

    kernels: tuple[str, ...]
    machines: tuple[str, ...]
    sizes: Values = ()
    types: Values = ()
    settings: Values = ()
    strategies: tuple[str, ...] = (STRATEGY,)
    cost_models: tuple[str, ...] = (COST_MODEL,)
    seeds: tuple[int, ...] = (0,)
    budget_seconds: float | None = None
    executed_operations: int = EXECUTED
    span: Span | None = None
    places: tuple[tuple[str, Span], ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One run with everything it needs as text, so that any process on any machine can do it.

    ``machine_text`` is None for a built-in machine. ``key`` names the task in a store.
    """

    key: str
    kernel: str
    kernel_text: str
    sizes: tuple[tuple[str, int], ...]
    machine: str
    machine_text: str | None
    settings: tuple[str, ...]
    strategy: str
    cost_model: str
    seed: int
    budget_seconds: float | None
    executed_operations: int


def read_campaign(path: str) -> tuple[Block, ...]:
    """The blocks of a campaign file; SourceError with every mistake of it."""
    try:
        source = Source(path, Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "not text in UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or "not readable")
        raise SourceError(Diagnostic("SWP001", f"cannot read '{path}': {reason.lower()}")) from None
    root = read_yaml(source)
    findings = judge(root, CAMPAIGN, "campaign")
    if findings:
        raise SourceError(*findings)
    return tuple(_block(Fields(node)) for node in Fields(root).items("runs"))


def _block(fields: Fields) -> Block:
    budget = fields.number("budget_seconds")
    return Block(
        kernels=_texts(fields.node_of("kernel")),
        machines=_texts(fields.node_of("machine")),
        sizes=_table(fields, "sizes"),
        types=_table(fields, "types"),
        settings=_table(fields, "set"),
        strategies=_texts(fields.node_of("search")) or (STRATEGY,),
        cost_models=_texts(fields.node_of("cost")) or (COST_MODEL,),
        seeds=tuple(int(text) for text in _texts(fields.node_of("seed"))) or (0,),
        budget_seconds=None if budget is None else float(budget),
        executed_operations=fields.whole("executed_operations", EXECUTED),
        span=fields.span("kernel"),
        places=tuple(_places(fields)),
    )


def _places(fields: Fields) -> abc.Iterator[tuple[str, Span]]:
    """Every word of a block that a message may be about: names, names of sizes and types, paths and their values."""
    for key in ("sizes", "types", "set"):
        for name, node in fields.entries(key):
            for value in _scalars(node):
                yield f"{name.text}={_text(value)}", value.content
            yield from ((_text(value), value.content) for value in _scalars(node))
            yield name.text, name.span
    for key in ("search", "cost", "machine", "kernel"):
        yield from ((_text(value), value.content) for value in _scalars(fields.node_of(key)))


def _table(fields: Fields, key: str) -> Values:
    return tuple((name.text, _texts(node)) for name, node in fields.entries(key))


def _texts(node: YamlNode | None) -> tuple[str, ...]:
    return tuple(_text(scalar) for scalar in _scalars(node))


def _text(scalar: YamlScalar) -> str:
    return str(scalar.value) if isinstance(scalar.value, int) else scalar.text


def _scalars(node: YamlNode | None) -> tuple[YamlScalar, ...]:
    match node:
        case YamlScalar():
            return (node,)
        case YamlList(items):
            return tuple(scalar for item in items for scalar in _scalars(item))
        case _:
            return ()


def tasks_of(blocks: abc.Iterable[Block]) -> tuple[Task, ...]:
    """Every task of the blocks, in order, each once; SourceError where a kernel, a machine or a size is wrong."""
    found: dict[str, Task] = {}
    for block in blocks:
        _check_plugins(block)
        count = _count(block)
        if count + len(found) > TASK_LIMIT:
            message = f"the lists of this run multiply to {count} tasks, more than {TASK_LIMIT}"
            raise SourceError(Diagnostic("SWP002", message, block.span))
        for task in _tasks(block):
            found.setdefault(task.key, task)
    return tuple(found.values())


def _check_plugins(block: Block) -> None:
    """SourceError, at its place, for a strategy or a cost model that there is not."""
    for kind, names in (("strategy", block.strategies), ("cost model", block.cost_models)):
        for name in names:
            try:
                load(kind, name)
            except SourceError as error:
                raise SourceError(*(_placed(each, block) for each in error.diagnostics)) from error


def _count(block: Block) -> int:
    count = len(block.kernels) * len(block.machines) * len(block.strategies) * len(block.cost_models) * len(block.seeds)
    for _, values in (*block.sizes, *block.types, *block.settings):
        count *= len(values)
    return count


def _tasks(block: Block) -> abc.Iterator[Task]:
    for machine, settings in itertools.product(block.machines, _choices(block.settings)):
        changed = reference(machine, (f"{path}={value}" for path, value in settings))
        for kernel, sizes, types in itertools.product(block.kernels, _choices(block.sizes), _choices(block.types)):
            yield from _searches(block, kernel, changed, sizes, types)


def _choices(values: Values) -> abc.Iterator[tuple[tuple[str, str], ...]]:
    return itertools.product(*([(name, value) for value in each] for name, each in values))


def _searches(
    block: Block, kernel: str, machine: str, sizes: tuple[tuple[str, str], ...], types: tuple[tuple[str, str], ...]
) -> abc.Iterator[Task]:
    try:
        bound, target = resolve(kernel, machine, {name: int(value) for name, value in sizes}, _types(types))
    except SourceError as error:
        raise SourceError(*(_placed(each, block) for each in error.diagnostics)) from error
    name, given = split_reference(machine)
    text = None if name in builtin_machines() else find_machine(name).text
    kernel_text = print_kernel(bound)
    for strategy, cost_model, seed in itertools.product(block.strategies, block.cost_models, block.seeds):
        asked = (strategy, cost_model, seed, block.budget_seconds, block.executed_operations)
        key = key_of(kernel_text, target.digest, *asked)
        yield Task(key, bound.name, kernel_text, bound.sizes, name, text, given, *asked)


def _types(types: tuple[tuple[str, str], ...]) -> dict[str, DType]:
    for name, value in types:
        if value not in DTYPES:
            help = did_you_mean(value, DTYPES)
            raise SourceError(Diagnostic("SWP004", f"unknown type '{value}' for '{name}'", help=help))
    return {name: DTYPES[value] for name, value in types}


def _placed(diagnostic: Diagnostic, block: Block) -> Diagnostic:
    """Mistakes that have no place of their own are shown at the word of the run they are about; others, too."""
    span = diagnostic.span
    if span is None:
        place = _word(block, diagnostic.message) or block.span
        return replace(diagnostic, span=place)
    text = span.source.text if span.source.name == SHOWN else f"{diagnostic.message} {diagnostic.help or ''}"
    place = _word(block, text) or (block.span if span.source.name == SHOWN else None)
    if place is None or span.source == place.source:
        return diagnostic
    return replace(diagnostic, notes=(*diagnostic.notes, ("set by this run", place)))


def _word(block: Block, text: str) -> Span | None:
    """Where the first word of a block stands that ``text`` has: as it is, in quotes, or as 'NAME = VALUE'."""
    for word, span in block.places:
        if word == text or f"'{word}'" in text or f"(here {word} = " in text:
            return span
    return None
