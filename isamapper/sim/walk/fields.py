"""Reading and writing words of records in the state: ``get(fn, slot, J_START)``."""

from __future__ import annotations

from collections import abc
from contextlib import contextmanager

from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.walk.words import (
    ALTERNATIVE_WORDS,
    ALTERNATIVES,
    J_USES,
    NEVER,
    SIDE_STREAMS,
    SLOT_HEADER,
    SLOT_MASK,
    SLOT_WORDS,
    SLOTS,
    STREAM_WORDS,
    STREAMS,
    TAIL,
    TICKET,
    USE_HEADER,
    USE_WORDS,
)


def get(fn: Function, base: Value, word: Value) -> str:
    return fn.load(fn.add(base, word))


def put(fn: Function, base: Value, word: Value, value: Value) -> None:
    fn.store(fn.add(base, word), value)


def bump(fn: Function, base: Value, word: Value, amount: Value) -> None:
    fn.increase(fn.add(base, word), amount)


def raise_to(fn: Function, base: Value, word: Value, value: Value) -> None:
    """The greater of the word and ``value``."""
    at = fn.add(base, word)
    fn.store(at, fn.maximum(fn.load(at), value))


def is_never(fn: Function, time: Value) -> str:
    return str(fn.equal(time, NEVER))


def slot_of(fn: Function, ticket: Value) -> Value:
    """The slot of a job; jobs take slots in turn."""
    place = fn.bits(ticket, fn.load(SLOT_MASK))
    return fn.add(fn.load(SLOTS), fn.mul(place, fn.load(SLOT_WORDS)))


@contextmanager
def uses(fn: Function, slot: Value) -> abc.Iterator[Value]:
    """Code executed for every use of a job."""
    with fn.counted(get(fn, slot, J_USES)) as index:
        yield fn.add(slot, SLOT_HEADER, fn.mul(index, fn.load(USE_WORDS)))


@contextmanager
def jobs(fn: Function) -> abc.Iterator[Value]:
    """Code executed for every slot that is taken, oldest first."""
    with fn.counted(fn.load(TICKET), fn.load(TAIL)) as ticket:
        yield slot_of(fn, ticket)


def alternatives(fn: Function, use: Value, side: Value) -> Value:
    """The first alternative of a use's reads (0) or writes (1)."""
    words = fn.mul(fn.load(ALTERNATIVES), fn.load(ALTERNATIVE_WORDS))
    return fn.add(use, USE_HEADER, fn.mul(words, side))


def streams(fn: Function, use: Value, side: Value) -> Value:
    """The first stream of a use's reads (0) or writes (1)."""
    words = fn.mul(fn.load(SIDE_STREAMS), STREAM_WORDS)
    return fn.add(use, fn.load(STREAMS), fn.mul(words, side))
