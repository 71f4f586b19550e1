"""Codes YAML and HW: machine files.

YAML0xx: the file is not YAML as it is used here. HW00x: fields and names. HW01x: timing expressions. HW02x: sizes and
operands. HW03x: instructions. HW04x: finding files. HW05x: warnings. Each entry: the code, a title, and a paragraph
that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "YAML001": (
        "the file is not YAML",
        """The YAML reader stops at the place shown. Often a bracket or a quote is not closed, a tab stands where blanks
        must, or a text with ': ' in it needs quotes.""",
    ),
    "YAML002": (
        "a feature of YAML that is not used here",
        """Tags, keys that are not plain names, aliases that contain themselves, and files that unfold to a very large
        number of values are refused. Write plain maps, lists and values.""",
    ),
    "YAML003": (
        "a key is given twice",
        """The same key stands twice in one map; most YAML readers would silently keep the last. Remove one.""",
    ),
    "HW001": (
        "unknown field",
        """The map has a key that its kind of entry does not have; the hint names the nearest or lists them all.
        `isamapper hw schema` prints every field.""",
    ),
    "HW002": ("a field is missing", """The entry needs this field; the hint says what it means."""),
    "HW003": (
        "a value of the wrong form",
        """The value is not of the form that the field needs: a list where a map is wanted, a text where a number is,
        a number that is too small, or a word that is not one of the choices. Sizes may be written as 4096 or 4KiB.""",
    ),
    "HW004": (
        "a name is given twice",
        """Two memories, units, grids or instructions (or two ports of one memory) have one name. An instruction with
        'types' makes one name for each choice of types; put '{T}' into its name where the suffix is not enough.""",
    ),
    "HW005": (
        "unknown name",
        """A memory, unit, operand or data type is named that the file does not have. Names are case-sensitive.""",
    ),
    "HW006": (
        "an operand is in no memory",
        """The schedule must know where an operand may lie. Write '@' and the memory after its shape in the semantics,
        '@a|b' for several, or list them in 'memories' of the operand.""",
    ),
    "HW007": (
        "a grid that cannot be",
        """A grid holds itself, holds what another grid holds, or holds a name that is a memory and a unit; or its
        network connects a memory that every copy has for itself.""",
    ),
    "HW008": (
        "the machine is not complete",
        """A machine needs a memory of kind 'host', where the tensors of kernels are before and after, and at least one
        instruction.""",
    ),
    "HW011": (
        "a cycle count with an unknown name",
        """Cycle counts are numbers or expressions over the parameters of their own instruction, those in front of the
        semantics: '(m in 1..16)' makes 'm' known.""",
    ),
    "HW012": (
        "a cycle count that is negative or undefined",
        """For the parameter values named, the expression is below zero or divides by zero. It must be defined for all
        values in the ranges; max(0, ...) helps.""",
    ),
    "HW021": (
        "sizes of a memory that disagree",
        """capacity_bytes must be rows * row_bytes where both are given, a multiple of row_bytes, and divide into the
        banks; only registers can be renamed.""",
    ),
    "HW022": (
        "an operand that does not fit its memory",
        """At the greatest parameters the operand takes more bytes than the memory has, or does not fill whole
        registers. Lower the ranges, or correct the shape or the memory.""",
    ),
    "HW023": (
        "elements that are not whole bytes",
        """Elements narrower than a byte (i4, u4) are packed along the innermost axis, which must come out in whole
        bytes.""",
    ),
    "HW024": (
        "a wrong list of contiguous axes",
        """'contiguous' names axes by the iterator that indexes them alone, in the order of the shape: for 'a[i, k]' it
        is [k] (rows may be any stride apart) or [i, k] (dense), never [k, i].""",
    ),
    "HW025": (
        "padding that cannot be",
        """'pads' is for operands that are read; 'pad_value' needs 'pads: true' and must be a value of the operand's
        data type.""",
    ),
    "HW026": (
        "an operand that cannot accumulate",
        """'accumulates: true' says that consecutive reductions into the operand need not wait for each other. It is for
        'inout' operands that are only written by '+=', '*=', 'min=' or 'max='.""",
    ),
    "HW027": (
        "a time for something that does not happen",
        """'read_at' and 'read_until' are for operands that are read, 'ready_at' for those that are written.""",
    ),
    "HW028": (
        "no port in this direction",
        """The memory declares ports, but none for the way in which this operand uses it. Add a port, or leave the ports
        out: then accesses take no time of their own.""",
    ),
    "HW029": (
        "a clock faster than the machine's",
        """Cycles are counted in the machine's clock, which is the fastest; ports and units may have slower ones.""",
    ),
    "HW030": (
        "escapes in semantics",
        """The text of the semantics is read where it stands, so a quoted one must not contain escapes. Write it as a
        block after 'semantics: |'.""",
    ),
    "HW031": (
        "an implicit instruction that computes",
        """'implicit: true' is for data movement that the hardware does unasked, such as cache fills: every statement of
        the semantics must be a plain copy.""",
    ),
    "HW032": (
        "a wrong field in an emit template",
        """Templates may use the parameters, the type names, and for each operand '.address', '.row', '.memory' and
        '.stride_i' for the axis that iterator i indexes. A brace is written '{{' or '}}'.""",
    ),
    "HW040": (
        "the machine cannot be read",
        """No built-in machine has this name, or the file does not exist, is not readable or is not UTF-8. A name with a
        slash or a dot is taken for a path.""",
    ),
    "HW041": ("unknown snippet", """'include' names a snippet that does not come with the package."""),
    "HW042": (
        "no such value to set",
        """A setting is PATH=VALUE; the path walks the machine file: keys of maps, entries of lists by their name, as in
        memories.spad.capacity_bytes=128KiB or instructions.compute.timing.latency_cycles=20. All but the last step
        must be in the file, and the value there must be a single one.""",
    ),
    "HW043": (
        "a wrong base",
        """'base' names the machine of which this one is a variant: a built-in name, or a path as seen from the file. It
        must be readable, and no machine can be its own base, directly or through others.""",
    ),
    "HW050": (
        "a memory that is cut off",
        """Operands are read from this memory, but nothing brings data there from a host memory; or operands are written
        there, and nothing brings them back. Instructions that use it can never be scheduled.""",
    ),
    "HW051": ("a part that is not used", """No instruction uses this memory or unit."""),
    "HW052": ("no source", """The machine does not say where its numbers come from."""),
}
