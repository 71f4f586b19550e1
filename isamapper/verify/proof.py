"""A proof that a program computes its kernel: the same expressions on the same values, every instance exactly once.

The argument, for each kernel statement and the instructions' statements that read as it does (``matching.py``):

1. Each instance x of the program is paired with the kernel's instance i that reads the same values. Instances made
   neutral by padding (0 times anything, -inf in a maximum) pass on what they accumulate on, and are left out on both
   sides.
2. Plain statement: x gives the value of i.
3. Reduction: x accumulates on a start (the identity, or what the kernel's first instance accumulates on) or on a y
   paired with an instance of the same element. No two accumulate on the same y and each element has one start, so the
   instances form one chain per element; where the pairing is one to one with the kernel's instances, the last of a
   chain has them all, each once, and gives the element's value, in another order of terms at most.
4. Each result's element holds the value of the kernel's.

Reads go back in time, so the argument is an induction over time. All steps are inclusions of integer sets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from isamapper.ir import relations
from isamapper.ir.dataflow import Start
from isamapper.ir.nodes import Reduction
from isamapper.ir.relations import Map, Set
from isamapper.verify import naming
from isamapper.verify.matching import Form, accesses, agreements, constant_value, forms, neutral_with
from isamapper.verify.sides import Group, Side, constants, seen_through, starts, written


class Unproved(Exception):
    """A step does not hold, or is beyond this argument; the message says which."""


class Unmatched(Unproved):
    """No statement of an instruction does what one of the kernel does."""


@dataclass(slots=True)
class Pairing:
    """How the program does one kernel statement.

    ``pairs``: value of the program -> value ``S2W[i]`` of the kernel that it computes or takes part in.
    ``accumulates``: value of the program -> the value that it accumulates on (reductions).
    """

    group: Group
    form: Form
    domain: Set
    pairs: Map = field(default_factory=relations.no_map)
    accumulates: Map = field(default_factory=relations.no_map)
    complete: Map = field(default_factory=relations.no_map)


def prove(kernel: Side, program: Side) -> None:
    """Proves or raises :class:`Unproved`."""
    _Proof(kernel, program).run()


class _Proof:
    def __init__(self, kernel: Side, program: Side) -> None:
        self.kernel = _without_neutral(kernel)
        self.program = _without_neutral(program)
        self.given = _given(self.kernel, self.program).union(_constants(self.kernel, self.program))
        self.pairings: list[Pairing] = []

    def run(self) -> None:
        for group in self.kernel.groups:
            if constant_value(group.assign) is None:
                self.pairings.append(self.paired(group))
        for _ in range(len(self.pairings) + 1):
            before = [pairing.pairs for pairing in self.pairings]
            for pairing in self.pairings:
                self.completed(pairing)
            for pairing in self.pairings:
                self.restricted(pairing)
            if all(old.is_equal(new.pairs) for old, new in zip(before, self.pairings, strict=True)):
                break
        for pairing in self.pairings:
            self.checked(pairing)
        self.results()

    def values(self) -> Map:
        """Value of the program -> value of the kernel that it is."""
        result = self.given
        for pairing in self.pairings:
            result = result.union(pairing.complete)
        return result

    # Pairing

    def paired(self, group: Group) -> Pairing:
        """Program instances that read, where that is known already, what the kernel's instances read."""
        form = forms(group.assign)[0]
        domain = written(self.kernel, group).subtract(_neutral(self.kernel, group, form))
        pairing = Pairing(group, form, domain)
        for other in self.program.groups:
            for other_form in forms(other.assign):
                if other_form.reduction is form.reduction:
                    self.pair(pairing, other, other_form)
        if form.reduction is not None and not pairing.pairs.is_single_valued():
            self.pinned(pairing)
        if pairing.pairs.is_empty():
            raise Unmatched(f"no instruction computes {_named(group)} as the kernel does")
        self.completed(pairing)
        return pairing

    def pair(self, pairing: Pairing, other: Group, other_form: Form) -> None:
        kernel_form = pairing.form
        for reads in agreements(kernel_form.value, pairing.group.types, other_form.value, other.types):
            candidates = self.candidates(pairing, other, other_form, reads)
            if candidates is None or candidates.is_empty():
                continue
            pairing.pairs = relations.simpler(pairing.pairs.union(candidates))
            if other_form.accumulated is not None:
                chain = self.program.reads_of(other, other_form.accumulated)
                pairing.accumulates = pairing.accumulates.union(chain.intersect_domain(candidates.domain()))

    def candidates(self, pairing: Pairing, other: Group, other_form: Form, reads: tuple[int, ...]) -> Map | None:
        """Program instance -> kernel instance with the same values at every read that can be compared already."""
        result: Map | None = None
        values = self.values()
        for position, read in zip(other_form.reads, reads, strict=True):
            theirs = self.kernel.reads_of(pairing.group, read)
            if not theirs.range().is_subset(values.range()):
                continue
            ours = self.program.reads_of(other, position)
            agreeing = ours.apply_range(values).apply_range(theirs.reverse())
            result = agreeing if result is None else result.intersect(agreeing)
        return None if result is None else result.intersect_range(pairing.domain)

    def pinned(self, pairing: Pairing) -> None:
        """Where reads leave open which element an instance adds to, the result that its sum ends in says it."""
        numbers = self.tensor_spaces()
        members = pairing.pairs.domain()
        ends = relations.renamed(self.program.finals, numbers, None).reverse().intersect_domain(members)
        step = pairing.accumulates.intersect_domain(members).intersect_range(members).reverse()
        while not step.is_empty():  # chains of twice the length each time
            ends = relations.simpler(ends.union(step.apply_range(ends)))
            step = relations.simpler(step.apply_range(step))
        element = _element(self.kernel, pairing.group)
        pairing.pairs = relations.simpler(pairing.pairs.intersect(ends.apply_range(element.reverse())))

    def tensor_spaces(self) -> dict[str, str]:
        """Spaces of the elements of parameters and results in the program, each with the kernel's."""
        numbers = {d.tensor.name: d.number for d in self.kernel.flow.declared}
        return {
            f"T{d.number}": f"T{numbers[d.tensor.name]}"
            for d in self.program.flow.declared
            if d.place.path[0] < 0 and d.tensor.name in numbers
        }

    def restricted(self, pairing: Pairing) -> None:
        """Pairs whose reads, all of them, are known to agree."""
        values = self.values()
        kept = relations.no_map()
        for other in self.program.groups:
            own = relations.renamed(pairing.pairs, {other.values: other.values}, None)
            if own.is_empty():
                continue
            for other_form in forms(other.assign):
                for reads in agreements(pairing.form.value, pairing.group.types, other_form.value, other.types):
                    agreeing = own
                    for position, read in zip(other_form.reads, reads, strict=True):
                        theirs = self.kernel.reads_of(pairing.group, read)
                        ours = self.program.reads_of(other, position)
                        agreeing = agreeing.intersect(ours.apply_range(values).apply_range(theirs.reverse()))
                    kept = kept.union(agreeing)
        pairing.pairs = relations.simpler(kept)

    # Completing

    def completed(self, pairing: Pairing) -> None:
        """What the program's values are, by steps 2 and 3."""
        if pairing.form.reduction is None:
            pairing.complete = pairing.pairs
            return
        last = pairing.pairs.subtract_domain(pairing.accumulates.range())
        element = _element(self.kernel, pairing.group)
        pairing.complete = relations.simpler(last.apply_range(element).apply_range(_last_of(element, pairing.domain)))

    # Checking

    def checked(self, pairing: Pairing) -> None:
        """Step 3, and that no instance is missing."""
        name = _named(pairing.group)
        missing = pairing.domain.subtract(pairing.pairs.range())
        if not missing.is_empty():
            example = naming.first(self.kernel.flow, missing)
            raise Unproved(f"{example} of the kernel, which writes {name}, is done by no instruction")
        if pairing.form.reduction is None:
            return
        if not pairing.pairs.is_single_valued():
            raise Unproved(f"an instance that adds to {name} reads what several of the kernel's read")
        repeatable = pairing.form.reduction in (Reduction.MIN, Reduction.MAX)
        if not repeatable and not pairing.pairs.is_injective():
            raise Unproved(f"an instance of the kernel that adds to {name} is done more than once")
        self.checked_chains(pairing, name)

    def checked_chains(self, pairing: Pairing, name: str) -> None:
        element = pairing.pairs.apply_range(_element(self.kernel, pairing.group))
        members = pairing.pairs.domain()
        chain = pairing.accumulates.intersect_domain(members)
        inside = chain.intersect_range(members)
        if not chain.domain().is_equal(members):
            raise Unproved(f"an instance that adds to {name} adds to nothing known")
        if not inside.apply_range(element).is_subset(element):
            raise Unproved(f"a sum for one element of {name} goes on as the sum for another")
        if not inside.is_injective():
            raise Unproved(f"two instances add to the same partial value of {name}")
        self.checked_starts(pairing, chain.subtract_range(members), element, name)

    def checked_starts(self, pairing: Pairing, first: Map, element: Map, name: str) -> None:
        """Every chain starts as the kernel's does, and there is one per element."""
        begins = first.reverse().apply_range(element)  # what is accumulated on -> element of the kernel's tensor
        if not element.intersect_domain(first.domain()).is_injective():
            raise Unproved(f"an element of {name} is summed in several parts")
        wanted = self.kernel_starts(pairing)
        if not begins.is_subset(self.values().apply_range(wanted.reverse())):
            raise Unproved(f"a sum for an element of {name} does not start where the kernel's does")

    def kernel_starts(self, pairing: Pairing) -> Map:
        """Element -> the value that the kernel's first instance accumulates on."""
        group = pairing.group
        element = _element(self.kernel, group)
        chain = self.kernel.reads_of(group, 0).intersect_domain(pairing.domain)
        inside = chain.intersect_range(written(self.kernel, group))
        if not inside.apply_range(element).is_subset(element):
            raise Unproved(f"the kernel's own sums of {_named(group)} are entangled")
        first = element.intersect_domain(chain.domain().subtract(inside.domain()))
        if not first.is_injective():
            raise Unproved(f"the kernel interrupts its sums of {_named(group)}")
        starting: Map = first.reverse().apply_range(chain)
        return starting

    def results(self) -> None:
        """Step 4."""
        undefined = {name: name for name in starts(self.kernel, Start.UNDEFINED)}
        wanted = self.kernel.finals.subtract(relations.renamed(self.kernel.finals, None, undefined))
        got = relations.renamed(self.program.finals, self.tensor_spaces(), None).apply_range(self.values())
        wrong = wanted.domain().subtract(wanted.intersect(got).domain())
        if not wrong.is_empty():
            raise Unproved(f"{naming.first(self.kernel.flow, wrong)} does not hold the kernel's value")


def _named(group: Group) -> str:
    """What a statement writes, for messages."""
    name = group.assign.target.tensor
    return "an intermediate value" if name.startswith("%") else f"'{name}'"


def _given(kernel: Side, program: Side) -> Map:
    """What a tensor was given is the same on both sides."""
    theirs = {tensor: space for space, tensor in starts(kernel, Start.GIVEN).items()}
    names = {space: theirs[tensor] for space, tensor in starts(program, Start.GIVEN).items() if tensor in theirs}
    same = relations.renamed_set(program.flow.writes.domain(), {name: name for name in names})
    return relations.renamed(same.identity(), None, names)


def _constants(kernel: Side, program: Side) -> Map:
    """Known numbers are what they are."""
    result, theirs = relations.no_map(), constants(kernel)
    for value, points in constants(program).items():
        if value in theirs:
            result = result.union(relations.every_pair(points, theirs[value]))
    return result


def _without_neutral(side: Side) -> Side:
    """``side`` with neutral instances seen through."""
    passing = relations.no_map()
    for group in side.groups:
        for form in forms(group.assign):
            if form.accumulated is None:
                continue
            neutral = _neutral(side, group, form)
            read = group.read(form.accumulated)
            passing = passing.union(relations.renamed(neutral.identity(), None, {group.values: read}))
    return seen_through(side, passing) if not passing.is_empty() else side


def _neutral(side: Side, group: Group, form: Form) -> Set:
    """Values of ``group`` that are what they accumulate on, because a read is known to make the term neutral."""
    found = relations.no_set()
    if form.accumulated is None:
        return found
    result = group.types[group.assign.target.tensor]
    for value, points in constants(side).items():
        for read in form.reads:
            if neutral_with(form, group.types, read, value, result):
                found = found.union(side.reads_of(group, read).intersect_range(points).domain())
    for read in form.reads:
        outside = accesses(group.assign)[read].otherwise
        if outside is not None and neutral_with(form, group.types, read, float(outside), result):
            found = found.union(written(side, group).subtract(side.reads_of(group, read).domain()))
    return found


def _element(kernel: Side, group: Group) -> Map:
    """Value ``S2W[i]`` of the kernel -> the element that it is written to."""
    return relations.renamed(kernel.flow.writes, {group.values: group.values}, None)


def _last_of(element: Map, domain: Set) -> Map:
    """Element -> the last value in ``domain`` that the kernel writes to it."""
    return element.intersect_domain(domain).reverse().lexmax()
