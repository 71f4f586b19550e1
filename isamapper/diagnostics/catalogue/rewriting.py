"""Codes RW042 onwards: why a rewrite of a kernel is not legal, or changes nothing.

Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "RW042": (
        "no identity operand",
        """A neutral second operand exists for sums (one) and for least and greatest values (zero) only.""",
    ),
    "RW043": ("an identity operand that is not needed", """The value has two operands already."""),
    "RW044": (
        "nothing to mask",
        """A mask stands for conditions inside the statement's own loops; it takes neither an 'else' nor conditions on
        loops that other statements share.""",
    ),
    "RW045": (
        "a box that reads what nothing wrote",
        """The rewrite computes at more points than the kernel, and some of them would read elements that have no value
        yet.""",
    ),
    "RW046": (
        "a loop that others share",
        """The rewrite changes a loop, which must therefore stand around this statement alone and carry no order.
        Distribute the loops first.""",
    ),
    "RW047": (
        "axes that are not the operand's iterators",
        """A layout names every iterator of the operand that is a loop of the statement, once, in the order wanted.""",
    ),
    "RW050": (
        "no axis to gather along",
        """An iterator can be solved for where it runs forwards along exactly one axis of the target, and no other
        iterator that is solved for runs along that axis.""",
    ),
    "RW051": (
        "no factor that vanishes",
        """The rewrite adds points, which must add nothing: a factor of the value has to be indexed by the iterator
        alone, over a whole axis of its tensor, so that it is read outside (as zero) at the points that were added.""",
    ),
    "RW052": (
        "no index to skew",
        """Skewing needs an index that holds the iterator once and a multiple of the other one, such as `2*p + r`.""",
    ),
    "RW053": (
        "a value outside that is not zero",
        """The operand is declared to read as something else than zero outside its tensor, so the points that the
        rewrite adds would count.""",
    ),
    "RW055": (
        "no diagonal",
        """A diagonal needs an iterator that runs along the operand chosen and along another one.""",
    ),
    "RW056": (
        "an iterator that is not reduced over",
        """The rewrite splits a reduction: the iterator must be a loop of the statement, and not in its target.""",
    ),
    "RW057": (
        "an extent that does not serve",
        """The width must be 2 or more and divide the extent; an extent to pad to must exceed the present one.""",
    ),
    "RW058": (
        "statements that are no pair",
        """A complex product is made of two sums that follow each other and run over the same loops.""",
    ),
    "RW059": (
        "no complex product",
        """The real part must be a*c - b*d and the imaginary part a*d + b*c, for the same four factors.""",
    ),
    "RW060": (
        "a statement that cannot be inlined",
        """Only a statement that gives every element of a local tensor its value once can be computed where it is read,
        and only if what it reads does not change in between.""",
    ),
    "RW061": (
        "no loops to fuse",
        """Statements are fused loop by loop, from the outermost that they do not share.""",
    ),
    "RW062": ("nothing is summed", """The rewrite is for statements that sum (`+=`)."""),
    "RW063": (
        "nothing to expand or to collect",
        """Expansion is for products of sums, collection for sums of products that share a factor.""",
    ),
    "RW070": (
        "a rewrite that cannot be replayed",
        """A rewrite that the schedule names is not legal for the kernel at that point, so the covered kernel does not
        follow from the kernel.""",
    ),
    "RW071": (
        "a bound on the search",
        """A note: the rewrites of the statement lead to more equal kernels than the search looks at, so there may be
        mappings that are not listed. The kernels by the fewest rewrites were looked at.""",
    ),
    "RW090": (
        "a tensor's name that is taken",
        """The kernel has a tensor of that name already; one that is to hold a constant needs a name of its own.""",
    ),
    "RW095": (
        "a sum that does not start there",
        """What a sum starts from can be written before it where the statement is the first to touch its target and
        stands in no loop with others.""",
    ),
    "RW101": (
        "a statement that cannot go into a loop",
        """A statement goes into a loop that stands beside it in the same block, by a loop of its own, and past nothing
that depends on it.""",
    ),
    "RW102": (
        "statements that cannot be stacked",
        """Statements become one with an iterator that tells them apart where they are alike but for their tensors, and
none of them or of what stands between depends on another.""",
    ),
    "RW103": (
        "a sum of one thing",
        """Parting is for statements that sum several things, each of which reads some tensor.""",
    ),
    "RW100": (
        "values that cannot be told apart",
        """Every statement that writes the tensor must give each element its value, resting on that element's former
value alone, in the order of the text.""",
    ),
    "RW110": (
        "a loop that cannot be cut",
        """A loop is cut in two where it is the statement's own, its iterations write different elements and depend on
        none of each other, and both parts have some of them.""",
    ),
    "RW111": (
        "a tensor that cannot be brought once",
        """What several statements read is copied once, before the first statement in the loops that they share, where
        nothing there writes it and all of them look at the same one element of it in each of their iterations.""",
    ),
    "RW120": (
        "a number fed along a recurrence",
        """A number that an operand reads from memory lies in a tensor along iterators whose iterations are independent:
        the tensor is filled once, offline.""",
    ),
    "RW121": (
        "a number that is not there",
        """Feeding takes a number of the statement's value in its normal form, in which ``x - 1`` is ``x + -1``.""",
    ),
    "RW122": (
        "a number that a data type does not hold",
        """A number may be read from a narrower tensor where casting what lies there gives the number.""",
    ),
}
