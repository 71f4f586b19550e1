"""Which statements to do together: the cheapest choice that does every statement once.

Rules of this file:
- a choice does a set of statements at a cost; some pairs of choices exclude each other;
- costs are whole numbers, so that two ways of solving a problem cannot differ by rounding;
- the solver of this file looks at everything and is for small problems (``cpsat.py`` has the other one).
"""

from __future__ import annotations

import heapq
from collections import abc
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """Do ``members`` together, at ``cost``."""

    members: frozenset[int]
    cost: int


@dataclass(frozen=True, slots=True)
class CoverProblem:
    """Every statement of ``statements`` is to be in exactly one of the chosen ``choices``.

    ``conflicts`` are pairs of numbers of choices that cannot both be chosen.
    """

    statements: tuple[int, ...]
    choices: tuple[Choice, ...]
    conflicts: frozenset[tuple[int, int]] = frozenset()

    def cost(self, chosen: abc.Iterable[int]) -> int:
        """The cost of some choices together."""
        return sum(self.choices[number].cost for number in chosen)


Solution = tuple[int, ...]
"""Numbers of the chosen choices, in order."""


def wrong_with(problem: CoverProblem, chosen: Solution) -> str | None:
    """Why ``chosen`` is no solution; None where it is one."""
    counts = dict.fromkeys(problem.statements, 0)
    for number in chosen:
        for member in problem.choices[number].members:
            counts[member] = counts.get(member, 0) + 1
    for statement, count in counts.items():
        if count != 1:
            return f"statement {statement} is done {count} times"
    for one, other in problem.conflicts:
        if one in chosen and other in chosen:
            return f"choices {one} and {other} exclude each other"
    return None


def exhaustive(problem: CoverProblem) -> abc.Iterator[Solution]:
    """Every solution, the cheapest first; of equal ones that with the smaller numbers."""
    excluded: dict[int, set[int]] = {}
    for one, other in problem.conflicts:
        excluded.setdefault(one, set()).add(other)
        excluded.setdefault(other, set()).add(one)
    heap: list[tuple[int, Solution]] = [(0, ())]
    while heap:
        cost, chosen = heapq.heappop(heap)
        done = frozenset().union(*(problem.choices[number].members for number in chosen))
        left = next((statement for statement in problem.statements if statement not in done), None)
        if left is None:
            yield tuple(sorted(chosen))
            continue
        barred = set().union(*(excluded.get(number, set()) for number in chosen)) if chosen else set()
        for number, choice in enumerate(problem.choices):
            if left in choice.members and not choice.members & done and number not in barred:
                heapq.heappush(heap, (cost + choice.cost, (*chosen, number)))
