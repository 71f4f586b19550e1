"""Codes MAP and RW up to RW041: which instructions can do a statement, and rewrites of kernels.

Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "MAP001": (
        "an instruction of several statements",
        """The instruction does several statements together, and one statement alone is not what it does. Ask for it by
        name to see what keeps it from doing several of the kernel's.""",
    ),
    "MAP041": (
        "a statement of an instruction that the kernel has not",
        """The instruction does several statements together. No statement of the kernel, with temporaries replaced by
        their values, computes what the named one does, and its operands have no neutral values there.""",
    ),
    "MAP042": (
        "statements that do not pass on their results alike",
        """For every statement of the instruction the kernel has one that computes the same, but no choice of them
        reads and writes tensors as the instruction does.""",
    ),
    "MAP043": (
        "statements that cannot be done together",
        """The kernel's statements are those of the instruction, but doing them in one call would turn a dependence
        round, or hide or overwrite what other statements need.""",
    ),
    "MAP044": (
        "statements that index a tensor in another way",
        """One tensor is indexed by the kernel's statements in ways that no single assignment of the instruction's axes
        to iterators explains.""",
    ),
    "MAP045": (
        "iterations that do not lie in one call",
        """Statements that are done together share their iterators' digits. An iterator that is summed over inside the
        instruction, or that indexes a tensor in two ways, must lie wholly in one call.""",
    ),
    "MAP002": (
        "an instruction with an order of its own",
        """The meaning of the instruction has guards or sequential loops, which a statement of the kernel cannot take
        over.""",
    ),
    "MAP003": (
        "the result is combined in another way",
        """The kernel accumulates where the instruction overwrites, or they reduce with different operators. An
        accumulating instruction of the machine, or a rewrite, is needed.""",
    ),
    "MAP004": (
        "another computation",
        """The expression of the kernel and that of the instruction differ in an operator: one computes what the other
        does not. What the instruction leaves out can be computed in a statement of its own.""",
    ),
    "MAP005": (
        "other data types",
        """An operand or the result of the instruction has another data type than the kernel's tensor. Nothing is
        converted silently: bind the kernel with other types (-t NAME=TYPE), or cast in a statement of its own.""",
    ),
    "MAP006": ("another constant", """The instruction has a constant where the kernel has another value."""),
    "MAP007": (
        "a value that the operand cannot hold",
        """The instruction takes a narrower data type than the kernel computes in. The message says how many bits the
        kernel's values need; requantise explicitly where the loss is wanted, or declare the narrower type where the
        values fit.""",
    ),
    "MAP008": (
        "one operand for different elements",
        """The instruction reads an operand more than once, and the kernel has different elements in those places.""",
    ),
    "MAP009": (
        "extents that must divide",
        """No padding value leaves the result as it is, so the kernel's extents must be multiples of the
        instruction's.""",
    ),
    "MAP010": (
        "iterators that cannot be laid over the instruction",
        """Whichever way the kernel's iterators are laid along those of the instruction, one element of an operand
        would have to be two elements of a tensor at once, or two would be one.""",
    ),
    "MAP020": (
        "a part of the value that nothing computes",
        """A cover cuts a value into parts, each done by an instruction; no instruction computes the part shown. A
        host unit with one-statement instructions makes every operator possible.""",
    ),
    "MAP021": (
        "a result that nothing stores or reduces",
        """No instruction assigns, or accumulates, results of this data type.""",
    ),
    "MAP101": (
        "padding",
        """A note: the extent does not divide, so part of the instruction's work is on padding, or part of its time is
        spent on nothing because it takes as long for less.""",
    ),
    "MAP102": (
        "a gather",
        """A note: with this mapping the instruction reads elements several times or scattered, so they must be
        gathered into a buffer first.""",
    ),
    "MAP103": (
        "a layout copy",
        """A note: the tensor lies in memory in another order than the instruction reads it. A const or free tensor is
        re-laid offline, any other is copied.""",
    ),
    "MAP104": (
        "an instruction's iterator that nothing fills",
        """A note: no iterator of the kernel may run along this one of the instruction (or all are too short), so that
        the instruction does a fraction of its work in the same time.""",
    ),
    "MAP105": (
        "done after rewriting",
        """A note: no instruction does the statement as it is written, but an equal kernel can be done. 'isamapper map'
        lists the mappings of that one.""",
    ),
    "RW001": (
        "a guard inside the loops",
        """The rewrite needs the loops of the statement for itself, without guards between them.""",
    ),
    "RW002": ("an extent that varies", """The rewrite needs loops whose trip count is a number."""),
    "RW003": (
        "a sequential loop",
        """An iteration reads what an earlier one wrote, so the loop cannot be moved or summed out early.""",
    ),
    "RW010": ("nothing to contract", """Contraction trees are for statements that reduce."""),
    "RW011": (
        "a statement that reads its target",
        """A statement that reads the tensor it writes cannot be cut in two.""",
    ),
    "RW012": ("a value that is no product", """Contraction trees are for products of several tensors."""),
    "RW013": (
        "operators that do not distribute",
        """Factors may leave a sum only where the product distributes over it, in the data type at hand.""",
    ),
    "RW020": ("parts that do not add up", """The parts given for a statement do not make its value again."""),
    "RW040": (
        "no window for a band",
        """Banding needs a sum of products in which a summed iterator meets another in window indices such as `2*w + s`
        and indexes one other factor alone, from its first element to its last.""",
    ),
    "RW041": ("blocks that do not divide", """Banding cuts an iterator into whole blocks of two or more."""),
    "RW130": (
        "no copy with a stride",
        """A sieve stands for a copy of one tensor as it is, read as zero outside or not read there, whose load moves by
        two or more elements along one axis where the iterator moves by one.""",
    ),
    "RW131": (
        "a sieve that does not hold the copy",
        """Blocks have two elements or more and divide the extent, unless the target is a local tensor that nothing else
        writes; sums are made in a data type that holds every value, with the shift.""",
    ),
    "RW133": (
        "nothing that is spread",
        """Spreading stands for zeros in a local tensor and a copy of one tensor, as it is, to all of its elements that
        lie a stride of two or more apart along one axis.""",
    ),
    "RW132": (
        "nothing between the elements",
        """Thinning is for operands whose index along some axis moves by multiples of two or more.""",
    ),
    "RW030": ("no loop to distribute", """No loop holds several statements that dependences would allow to part."""),
}
