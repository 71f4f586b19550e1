"""Codes IR: kernel text, instruction meanings and programs.

IR0xx come from reading and binding text, IR1xx from the verifier, IR3xx from the interpreter. Each entry: the code, a
title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "IR001": (
        "the text cannot be read",
        """The text stops being a kernel at the place shown: a word, a sign or the end of the text stands where
        something else is expected. The message says what could stand there. docs/reference/language.md shows every
        form.""",
    ),
    "IR003": (
        "the text is too deep or a number too long",
        """Brackets or blocks are nested deeper than the package's passes go, or a number has more digits than any
        data type holds. Compute a part into a local tensor first.""",
    ),
    "IR010": (
        "unknown size or iterator",
        """A name in a shape, an extent, a condition or an index is neither a size of the header nor an iterator of a
        loop around. Sizes are declared in the header: sizes M=64. In a statement without any loop around it, names
        that no size has become iterators; inside a loop they must all be declared.""",
    ),
    "IR011": (
        "a size, address or count is out of range",
        """Sizes are whole numbers from 0 (a padding may be 0; an extent that becomes 0 is reported where it is used),
        addresses are from 0, slots and blocks hold at least one.""",
    ),
    "IR012": (
        "unknown tensor",
        """A name in an expression or on the left of an assignment was never declared. Inputs stand in the first
        parentheses of the kernel, results behind '->', intermediates in the body: local t: f32[M].""",
    ),
    "IR013": (
        "wrong number of indices",
        """A tensor is indexed with as many indices as it has axes; only a tensor without axes is written as a bare
        name.""",
    ),
    "IR014": (
        "an axis or a loop is empty",
        """After the sizes are known, every axis has at least one element and every loop at least one iteration. The
        hint shows the sizes that made it otherwise.""",
    ),
    "IR015": (
        "an iterator's name is in use",
        """Nested loops need different iterators, and an iterator is called neither like a size nor like a tensor.
        Loops that follow one another may share a name.""",
    ),
    "IR016": (
        "a local tensor inside a block",
        """Local tensors are declared at the top level of the body and live as long as the kernel. A tensor that every
        iteration needs for itself has the loop's axis.""",
    ),
    "IR017": (
        "not an update",
        """Assignments are '=', and the reductions '+=', '*=', 'min=' and 'max='. A difference is summed up by adding
        the negated value.""",
    ),
    "IR018": (
        "assignment to an input",
        """Parameters are read only, unless they are declared 'inout'. Results are declared behind '->'.""",
    ),
    "IR019": (
        "no such size or type",
        """An override (-s NAME=INT, -t NAME=TYPE, or sizes= and types= in Python) names nothing that the kernel's
        header declares.""",
    ),
    "IR020": (
        "not an integer formula",
        """Sizes, indices and cycle counts are computed from whole numbers and names with + - * // %, ceildiv, min and
        max.""",
    ),
    "IR021": (
        "an index reads a tensor",
        """Which element is read must follow from the loops alone: indices are affine in iterators. Gathers by the
        content of another tensor are not part of the language.""",
    ),
    "IR022": (
        "an operand axis outside an invocation",
        """'$0', '$1', … name the axes of an instruction's operand and stand only in the windows of 'invoke'.""",
    ),
    "IR023": (
        "a comparison in the wrong place",
        """Comparisons are the conditions of 'if' (over iterators) and the first argument of select (over values);
        they are no values themselves.""",
    ),
    "IR024": (
        "not known before the loops run",
        """Shapes, addresses, and the arguments of min, max and ceildiv inside an index are numbers once the sizes are
        known; they cannot depend on iterators.""",
    ),
    "IR025": (
        "a condition that is no conjunction of bounds",
        """'if' takes comparisons with < <= > >= and ==, all of which must hold. What is done elsewhere stands in its
        'else'.""",
    ),
    "IR026": (
        "an operator of the other kind",
        """Sizes and indices know + - * // %; values know + - * / << >>. '/' of sizes is written '//'.""",
    ),
    "IR027": (
        "not affine",
        """Indices, extents and conditions are sums of iterators times whole numbers. A product of iterators is not
        affine; a quotient or remainder of an iterator is written as two loops, one for each digit: i = 16*io +
        ii.""",
    ),
    "IR028": ("division by zero", """A quotient or remainder of sizes has a divisor that is 0 at these sizes."""),
    "IR029": (
        "not a function of sizes",
        """In shapes, extents and indices only min, max, ceildiv and (in programs) rotate are functions.""",
    ),
    "IR030": (
        "data types are mixed",
        """Both sides of an operator, and a value and the tensor it is assigned to, have one data type. Nothing is
        converted silently: write the cast, such as i32(x) or, with a type of the header, TC(x).""",
    ),
    "IR031": (
        "unknown function",
        """Functions are min max abs neg exp log tanh sigmoid erf sqrt rsqrt round floor relu clamp select shr_round,
        and a cast for every data type and every type of the header.""",
    ),
    "IR032": (
        "a literal that its data type cannot hold",
        """A literal takes the data type of its sibling, of a cast around it, or of the tensor it is assigned to; a
        fraction is no integer, and a number beyond the range does not wrap.""",
    ),
    "IR033": (
        "a function of other data types",
        """Exponentials, roots and roundings are defined for floats; shifts and shared exponents for integers.""",
    ),
    "IR034": (
        "a literal is expected",
        """The value after 'else' and the bounds of clamp are numbers, sizes, inf or -inf.""",
    ),
    "IR035": ("wrong number of arguments", """The function takes as many arguments as the message says."""),
    "IR036": ("empty bounds", """The lower bound of clamp is above its upper bound."""),
    "IR037": (
        "not a shift count",
        """A shift count is a whole number known before the run, less than the width of the data type.""",
    ),
    "IR038": (
        "an iterator is no value",
        """Values are computed from tensors, sizes and literals. What depends on the position is said with 'if', or
        read from a tensor.""",
    ),
    "IR039": (
        "literals without a data type",
        """Where both sides of a comparison are literals nothing says what they are; write f32(1) or i32(1).""",
    ),
    "IR041": (
        "unknown data type",
        """The data types are f64 f32 tf32 f16 bf16 fp8_e4m3 fp8_e5m2 i64 i32 i16 i8 u8 i4 u4, and the types that the
        header declares.""",
    ),
    "IR042": (
        "a name is taken",
        """Sizes, types, tensors and iterators share one set of names, and none is called like a data type.""",
    ),
    "IR043": (
        "a parameter is out of its range",
        """An instruction's parameter runs from its first to its last value by its step: m in 16..64 step 16.
        One that is the extent of an axis begins at 1.""",
    ),
    "IR044": ("'inout' out of place", """Only parameters can be 'inout'; results and locals start empty."""),
    "IR045": (
        "an implied loop without a bound",
        """In a statement without loops every iterator must stand alone in some index, whose axis gives its extent.
        Where it occurs in sums only, write the loops.""",
    ),
    "IR046": (
        "an implied loop with two bounds",
        """In a statement without loops an iterator that indexes two axes alone needs them to be equally long.""",
    ),
    "IR047": (
        "no such operand axis",
        """The axes of a window are numbered from $0 and have one extent each in 'over […]'; rotate takes iterators of
        loops only.""",
    ),
    "IR048": ("an unused tensor", """A warning: the tensor is neither read nor written."""),
    "IR050": (
        "a construct of programs",
        """'allocate', 'invoke', 'prepare', 'rotate' and 'across' belong to programs, which lowering writes; a kernel
        has loops, guards and assignments.""",
    ),
    "IR051": (
        "the sizes do not meet a requirement",
        """The header's 'requires' lists what must hold for the sizes, such as C % groups == 0; the sizes given, by
        default or by override, do not.""",
    ),
    "IR070": ("unknown kernel", """No kernel of the library has this name; 'isamapper kernel list' shows them."""),
    "IR071": ("a kernel file cannot be read", """The file is missing, unreadable, or not UTF-8 text."""),
    "IR072": (
        "wrong subscripts",
        """An einsum is letters for axes, ',' between operands, '->' before the result, and '...' where shapes are
        given.""",
    ),
    "IR073": (
        "wrong shapes of an einsum",
        """In the name of an einsum every operand may have its shape in brackets behind its subscripts, as in
        `mk[64,32],kn[32,16]->mn`: either all operands or none.""",
    ),
    "IR101": ("a tensor is declared twice", """A name means one tensor wherever it is seen."""),
    "IR102": ("an empty tensor", """Every axis of a tensor has at least one element."""),
    "IR103": (
        "an iterator's name is in use",
        """An iterator is called neither like one around it nor like a tensor.""",
    ),
    "IR104": ("an iterator from elsewhere", """Extents, conditions and indices depend on enclosing loops only."""),
    "IR105": (
        "an access that fits no tensor",
        """Every tensor that is read or written is declared where it is used, and indexed along each of its axes.""",
    ),
    "IR106": ("not a place to write", """Inputs are not assigned, and the target of an assignment has no 'else'."""),
    "IR107": ("a result is never assigned", """Every result and every 'inout' parameter is written somewhere."""),
    "IR108": ("a construct of programs", """Kernels and meanings consist of loops, guards and assignments."""),
    "IR109": ("'rotate' in a kernel", """Only programs count modulo a number of slots."""),
    "IR110": ("a value of another data type", """A value has the data type of the tensor it is assigned to."""),
    "IR111": ("a literal that its data type cannot hold", """A literal lies in the range of its data type."""),
    "IR112": (
        "a function of other data types",
        """Exponentials, roots and roundings are defined for floats, shifts for integers.""",
    ),
    "IR113": ("data types are mixed", """Both sides of an operator have one data type; write the cast."""),
    "IR114": ("not a shift count", """A shift count is a whole number known before the run."""),
    "IR120": (
        "an index outside its tensor",
        """Somewhere in the iteration domain an index leaves its axis. Enlarge the tensor, guard the statement with
        'if', or say what is read outside: x[i - 1] else 0.""",
    ),
    "IR121": ("an operand without a use", """An instruction reads or writes every operand of its meaning."""),
    "IR130": (
        "a claim that does not hold",
        """'parallel', 'reduction' and 'sequential' behind an extent are checked against the dependences between
        iterations. Leave the claim out, and the analysis says what the loop is.""",
    ),
    "IR131": (
        "a read of what nothing wrote",
        """Results and locals that are first written by '=' start undefined, so every element must be assigned before
        it is read. Initialise it, or read with 'else' where the first iteration reaches outside.""",
    ),
    "IR140": (
        "an assignment in a program",
        """A program computes by invocations; only 'prepare' holds assignments.""",
    ),
    "IR141": ("'prepare' out of place", """Offline preparation stands first in a program and invokes nothing."""),
    "IR142": ("a tensor without a place", """In a program every tensor lies in a memory at an address."""),
    "IR143": (
        "'prepare' on what is not const",
        """Offline preparation reads 'const' tensors and what it made of them, and writes tensors that it allocates
        itself: everything else is known at run time only.""",
    ),
    "IR301": ("an input is missing", """Every input and every 'inout' parameter needs an array."""),
    "IR302": ("an input of another shape", """An input array has the shape that the kernel declares."""),
    "IR303": ("an index outside its tensor", """While running, an index left its tensor at the point shown."""),
    "IR304": ("a read of an undefined element", """While running, an element was read that nothing had written."""),
    "IR305": (
        "an undefined operation",
        """While running, an operation had no result, such as an integer over zero.""",
    ),
    "IR306": ("a window outside its tensor", """While running, an operand's window left its tensor."""),
    "IR307": (
        "a window that writes an element twice",
        """While running, two positions of a window were one element.""",
    ),
    "IR308": (
        "a window or parameter that does not fit",
        """While running, a window had another shape than its operand, or a parameter a value that the instruction
        does not take.""",
    ),
}
