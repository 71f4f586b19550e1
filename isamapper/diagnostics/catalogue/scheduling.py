"""Codes SCH: schedules, their lowering, and programs on a machine.

Each entry: the code, a title, and a paragraph that says when the message is given and what to do.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    "SCH001": (
        "digits that do not cover an iterator",
        """The extents of an iterator's digits multiply to at least its extent, and no two digits have one name.""",
    ),
    "SCH002": (
        "digits that do not fit the instruction",
        """The digits laid along an instruction's iterator span no more steps than it has; the inner ones divide it,
        and each lies inside exactly once.""",
    ),
    "SCH003": (
        "a loop out of order",
        """Every digit outside the instruction is a loop, once; loops shared with other statements stay as they are,
        and a loop's end depends on loops around it only.""",
    ),
    "SCH004": (
        "a buffer that does not work",
        """Buffers of a path are attached from the outside inwards, are filled and drained by copies, need a second
        slot to overlap, and partial sums that leave a buffer must come back.""",
    ),
    "SCH005": (
        "padding that would change the result",
        """The last tile runs beyond the kernel's iterations, and no operand has a value there that leaves the result
        as it is. Choose tiles that divide, or another instruction.""",
    ),
    "SCH006": (
        "an operand without an access",
        """No access of the statement stands for the operand of the instruction that the schedule applies.""",
    ),
    "SCH007": (
        "an operand that would leave its tensor",
        """At the edge of the iteration domain the operand's window leaves its tensor, and the instruction does not
        pad. A buffer can.""",
    ),
    "SCH008": (
        "an operand whose digits are not in line",
        """The digits of one instruction iterator lie in the tensor with different strides. A buffer brings them into
        line.""",
    ),
    "SCH009": (
        "a copy that does not fit",
        """The copy instruction of the schedule cannot move this tile: it is no copy, or its axes, strides or sizes
        are others.""",
    ),
    "SCH010": (
        "a tile that cannot be laid out",
        """A sliding window cannot be packed into the axis of an operand, or holds elements that no iteration writes.
        Expanding the window makes it possible.""",
    ),
    "SCH011": (
        "a condition that cannot be kept",
        """A condition on an iterator inside an instruction, or a window that runs backwards, has no lowering; leave
        the iterator to loops, or expand the window.""",
    ),
    "SCH012": (
        "a fused statement that nothing does",
        """A statement is fused into the drain of another's target, but that target has no buffer, or none that the
        fused instruction reads. Leave it unfused, or give the target such a buffer.""",
    ),
    "SCH013": (
        "a prepared copy of what is not const",
        """Const operands are re-laid out once, offline, before the kernel runs; every other tensor is known only then,
        and a change of its layout is a copy that costs. Declare the tensor const, or fill the buffer by a copy.""",
    ),
    "SCH014": (
        "a copy of other data",
        """The copy instruction that fills or drains a buffer moves elements of another data type, or between other
        memories, than those of the tensor's path.""",
    ),
    "SCH015": (
        "loops that cannot be distributed",
        """Distributed loops are the outermost, their iterations are independent, a grid has a copy for each, and all
        that the statement uses inside them every copy has for itself: units, and memories for its buffers.""",
    ),
    "SCH017": (
        "a tensor that cannot be kept",
        """A tensor is to live on chip from statement to statement, but some statement writes it elsewhere or finds no
        block where it starts, a place along an axis that rolls is taken again before it was read for the last time, or
        calls look beyond its elements. All statements that write it keep it, on the same axes.""",
    ),
    "SCH018": (
        "sums that cannot be added up",
        """A buffer that adds starts every tile of the target afresh and adds it to what is at home: the first stop
        of a sum's path, nothing fills it, no consumer is fused, and its instruction reduces in the statement's way.""",
    ),
    "SCH020": (
        "a step that does not apply",
        """A step of the schedule names something that is not there, or does not fit what the steps before it
        made.""",
    ),
    "SCH021": (
        "a statement without an instruction",
        """No step of the schedule applies an instruction to the statement, so nothing would compute it.""",
    ),
    "SCH022": (
        "a memory is too small",
        """The tensors that live at one time take more bytes than the memory has. Smaller tiles or fewer slots
        help.""",
    ),
    "SCH030": (
        "no copy between two memories",
        """No copy instruction moves the tile between these memories in these layouts. A layout copy, or another path,
        may.""",
    ),
    "SCH031": (
        "an operand in the wrong memory",
        """The instruction takes the operand from other memories than the one that holds it.""",
    ),
    "SCH032": (
        "an axis that cannot be narrowed",
        """The instruction has a fixed extent there, and the tensor is used where it lies. A buffer allows a part.""",
    ),
    "SCH033": ("an operand in another layout", """The tensor's strides are not those that the instruction reads."""),
    "SCH034": ("tiles beyond the capacity", """The tiles chosen do not fit the memory together."""),
    "SCH035": (
        "an operand that starts within a row",
        """The instruction takes whole rows or registers, and the tile would start inside one.""",
    ),
    "SCH040": (
        "no schedule",
        """No instruction can do the statement, or none of its schedules can be lowered; 'isamapper explain' says
        why.""",
    ),
    "SCH041": (
        "a step that cannot be read",
        """The line of the schedule stops being a step at the place shown; the message says what could stand
        there.""",
    ),
    "SCH042": (
        "a file without its sections",
        """A section of a schedule or program file is missing, given twice or unknown; a file has a machine, a kernel,
        and steps or a program.""",
    ),
    "SCH050": (
        "not a store of results",
        """The file given to '--store' cannot be opened, is not a SQLite file, or was written by another version.""",
    ),
    "SCH051": (
        "no such executor",
        """Tasks are done by 'local' processes, or by a Dask cluster that is running: 'dask://HOST:PORT'.""",
    ),
    "SCH101": ("no such instruction", """The program invokes an instruction that the machine does not have."""),
    "SCH102": (
        "other operands",
        """The invocation does not give each operand of the instruction once, or names a tensor that is not declared
        there.""",
    ),
    "SCH103": (
        "a parameter out of its range",
        """At some iteration the parameter's value is not one the instruction takes.""",
    ),
    "SCH104": (
        "a window of another shape",
        """The window has other axes or extents than the operand of the instruction.""",
    ),
    "SCH105": (
        "a window in the wrong memory",
        """The operand must lie in one of the memories the machine file lists.""",
    ),
    "SCH106": ("a window of another data type", """The tensor has another data type than the operand."""),
    "SCH107": (
        "a window with other strides",
        """The machine file demands an axis that is dense, or a stride, that the window does not have; a written
        window names no element twice.""",
    ),
    "SCH108": (
        "a window that is not aligned",
        """The first element of the window lies at an address that is no multiple of what operand and memory
        demand.""",
    ),
    "SCH109": ("a window outside its tensor", """At some iteration the window leaves its tensor."""),
    "SCH110": ("a window that pads", """The operand does not pad, or pads with another value."""),
    "SCH111": ("a tensor beyond its memory", """The tensor ends behind the last byte of the memory."""),
    "SCH112": ("tensors that overlap", """Two tensors that live at the same time share bytes of a memory."""),
    "SCH113": (
        "a tensor without a place",
        """In a program every tensor lies in a memory of the machine, at an address.""",
    ),
    "SCH120": (
        "a loop across a grid that cannot be",
        """A loop `across` a grid stands in plain loops at most, names a grid of the machine and runs at most as often
        as the grid has copies; inside it stand only tensors in memories and instructions of units that every copy
        has.""",
    ),
    "SCH121": (
        "cores that touch one element",
        """What one core writes to a tensor that cores share, no other core may touch before they meet. It must show in
        one axis of the tensor: the loop moves the windows there by more than they reach.""",
    ),
    "SCH114": (
        "other tensors than the kernel's",
        """A program has the parameters and results of the kernel it computes: same names, shapes, data types and
        directions.""",
    ),
    "COST001": (
        "a learned cost model that cannot be used",
        """The file does not exist, is not a model that 'isamapper fit' wrote, or was made for other features by another
        version.""",
    ),
    "COST002": (
        "too little to learn from",
        """Too few schedules could be simulated: the kernels do not fit the machines, or too few were asked for.""",
    ),
    "FIX001": ("a file of fixed decisions that cannot be read", """It does not exist, or is not text in UTF-8."""),
    "FIX002": (
        "a fixed decision that is none",
        """The file is a map from decisions to values: instruction, operands, memories, relaid, copies, tiles, outside,
        inside, slots, across, and the number of the statement they are about.""",
    ),
    "FIX003": (
        "fixed decisions that cannot be met",
        """No schedule has all of what is fixed. The message names the fewest decisions that cannot be met together:
        without any one of them the others can.""",
    ),
    "PEER001": (
        "a mapping of another tool that cannot be read",
        """Read are Timeloop's form, a list 'mapping' of targets with type, factors and permutation, and ZigZag's: per
        operand a list of levels of [dimension, trips], or a 'temporal_ordering'. Both write loops innermost first.""",
    ),
    "PEER002": (
        "a mapping of another problem",
        """Its dimensions are not those of the workload, or its factors leave some of it undone or do it again. Which
        iterator a dimension is can be said with --dims.""",
    ),
    "OBJ001": ("an objective that is none", """Schedules are chosen for cycles, energy, edp, bytes or footprint."""),
    "OBJ002": (
        "an objective that the machine cannot give",
        """Energy is known where the machine's instructions or memories say what they take.""",
    ),
    "COST003": (
        "no closed form",
        """With the schedule as it is, no size of the kernel can grow by whole tiles, or the simulated counts at such
        sizes follow no polynomial.""",
    ),
}
