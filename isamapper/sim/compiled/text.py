"""A small assembler of LLVM IR text: 64-bit integers, one array of state, structured control flow.

Values are Python integers (known now) or names of SSA values; operations on known values are done here, so specialised
code comes out small. State is one array of 64-bit words, addressed by word number.
"""

from __future__ import annotations

from collections import abc
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = int | str
Truth: TypeAlias = bool | str

DECLARATIONS = """declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
!0 = !{!"branch_weights", i32 1, i32 2000}
"""


@dataclass(frozen=True, slots=True)
class Variable:
    """A mutable local integer."""

    name: str


class Function:
    """One function under construction; all parameters but the first, the state, are 64-bit integers."""

    def __init__(
        self, name: str, parameters: abc.Sequence[str] = (), internal: bool = True, attributes: str = ""
    ) -> None:
        self.name = name
        self.internal = internal
        self.attributes = attributes
        self.parameters = [f"%{each}" for each in parameters]
        self.entry: list[str] = []
        self.lines: list[str] = []
        self._known: list[dict[str, str]] = [{}]
        self._numbers = 0

    def text(self) -> str:
        """The finished definition; the last block must have returned."""
        arguments = ", ".join(["ptr %state", *(f"i64 {name}" for name in self.parameters)])
        attributes = f"nounwind {self.attributes}".strip()
        linkage = "internal " if self.internal else ""
        body = "\n".join(["entry:", *self.entry, *self.lines])
        return f"define {linkage}i64 @{self.name}({arguments}) {attributes} {{\n{body}\n}}\n"

    def _fresh(self) -> str:
        self._numbers += 1
        return f"%v{self._numbers}"

    def _label(self) -> str:
        self._numbers += 1
        return f"b{self._numbers}"

    def _emit(self, code: str) -> str:
        name = self._fresh()
        self.lines.append(f"  {name} = {code}")
        return name

    def _pure(self, code: str) -> str:
        """The value of an operation that depends on its operands alone: the one that is there already, if any."""
        for scope in self._known:
            if code in scope:
                return scope[code]
        name = self._known[-1][code] = self._emit(code)
        return name

    @contextmanager
    def _scope(self) -> abc.Iterator[None]:
        """Code that is not always passed: values computed in it are not there afterwards."""
        self._known.append({})
        yield
        self._known.pop()

    # Arithmetic

    def add(self, *values: Value) -> Value:
        known = sum(value for value in values if isinstance(value, int))
        rest = [value for value in values if not isinstance(value, int)]
        if not rest:
            return known
        total = rest[0]
        for value in rest[1:]:
            total = self._pure(f"add i64 {total}, {value}")
        return self._pure(f"add i64 {total}, {known}") if known else total

    def sub(self, left: Value, right: Value) -> Value:
        if isinstance(right, int):
            return self.add(left, -right)
        return self._pure(f"sub i64 {left}, {right}")

    def mul(self, left: Value, right: Value) -> Value:
        if isinstance(left, int) and isinstance(right, int):
            return left * right
        if left == 0 or right == 0:
            return 0
        if left == 1:
            return right
        if right == 1:
            return left
        return self._pure(f"mul i64 {left}, {right}")

    def maximum(self, *values: Value) -> Value:
        return self._fold("sgt", max, values)

    def minimum(self, *values: Value) -> Value:
        return self._fold("slt", min, values)

    def _fold(self, wins: str, apply: abc.Callable[[list[int]], int], values: abc.Sequence[Value]) -> Value:
        """Compares and selects: the fast instruction selector of LLVM does not know the functions for it."""
        known = [value for value in values if isinstance(value, int)]
        rest: list[Value] = list(dict.fromkeys(value for value in values if not isinstance(value, int)))
        if known:
            rest.append(apply(known))
        total = rest[0]
        for value in rest[1:]:
            better = self._pure(f"icmp {wins} i64 {total}, {value}")
            total = self._pure(f"select i1 {better}, i64 {total}, i64 {value}")
        return total

    def floor_divide(self, left: Value, right: Value) -> Value:
        """``left // right`` for a positive ``right``, towards minus infinity."""
        if isinstance(left, int) and isinstance(right, int):
            return left // right
        if right == 1:
            return left
        if isinstance(right, int) and right & (right - 1) == 0:
            return self._pure(f"ashr i64 {left}, {right.bit_length() - 1}")
        quotient = self._pure(f"sdiv i64 {left}, {right}")
        remainder = self._pure(f"srem i64 {left}, {right}")
        return self.sub(quotient, self.choose(self.less(remainder, 0), 1, 0))

    def ceil_divide(self, left: Value, right: Value) -> Value:
        """``-(-left // right)`` for a positive ``right``."""
        return self.floor_divide(self.add(left, self.sub(right, 1)), right)

    def modulo(self, left: Value, right: Value) -> Value:
        """``left % right`` for a positive ``right``; never negative."""
        if isinstance(left, int) and isinstance(right, int):
            return left % right
        if isinstance(right, int) and right & (right - 1) == 0:
            return self._pure(f"and i64 {left}, {right - 1}")
        remainder = self._pure(f"srem i64 {left}, {right}")
        return self.choose(self.less(remainder, 0), self.add(remainder, right), remainder)

    # Comparison

    def less(self, left: Value, right: Value) -> Truth:
        return self._compare("slt", left, right, lambda a, b: a < b)

    def at_most(self, left: Value, right: Value) -> Truth:
        return self._compare("sle", left, right, lambda a, b: a <= b)

    def equal(self, left: Value, right: Value) -> Truth:
        return self._compare("eq", left, right, lambda a, b: a == b)

    def _compare(self, kind: str, left: Value, right: Value, apply: abc.Callable[[int, int], bool]) -> Truth:
        if isinstance(left, int) and isinstance(right, int):
            return apply(left, right)
        return self._pure(f"icmp {kind} i64 {left}, {right}")

    def both(self, left: Truth, right: Truth) -> Truth:
        if isinstance(left, bool):
            return right if left else False
        if isinstance(right, bool):
            return left if right else False
        return self._pure(f"and i1 {left}, {right}")

    def either(self, left: Truth, right: Truth) -> Truth:
        return self.negate(self.both(self.negate(left), self.negate(right)))

    def low_half(self, value: Value) -> Value:
        """The lower 32 bits of a word, with their sign."""
        return self._pure(f"ashr i64 {self._pure(f'shl i64 {value}, 32')}, 32")

    def high_half(self, value: Value) -> Value:
        """The upper 32 bits of a word, with their sign."""
        return self._pure(f"ashr i64 {value}, 32")

    def bits(self, value: Value, mask: Value) -> Value:
        """The bits of ``value`` that ``mask`` has."""
        return self._pure(f"and i64 {value}, {mask}")

    def packed(self, low: Value, high: Value) -> Value:
        """A word of two halves."""
        lower, upper = self._pure(f"and i64 {low}, 4294967295"), self._pure(f"shl i64 {high}, 32")
        return self._pure(f"or i64 {lower}, {upper}")

    def negate(self, value: Truth) -> Truth:
        return not value if isinstance(value, bool) else self._pure(f"xor i1 {value}, true")

    def choose(self, condition: Truth, left: Value, right: Value) -> Value:
        if isinstance(condition, bool):
            return left if condition else right
        return left if left == right else self._pure(f"select i1 {condition}, i64 {left}, i64 {right}")

    # Memory

    def _pointer(self, address: Value) -> str:
        return "%state" if address == 0 else self._pure(f"getelementptr i64, ptr %state, i64 {address}")

    def load(self, address: Value) -> str:
        return self._emit(f"load i64, ptr {self._pointer(address)}")

    def store(self, address: Value, value: Value) -> None:
        self.lines.append(f"  store i64 {value}, ptr {self._pointer(address)}")

    def increase(self, address: Value, amount: Value) -> None:
        """Adds to a word of state."""
        if amount != 0:
            pointer = self._pointer(address)
            total = self.add(self._emit(f"load i64, ptr {pointer}"), amount)
            self.lines.append(f"  store i64 {total}, ptr {pointer}")

    def copy(self, target: Value, source: Value, words: Value) -> None:
        """Copies words of state to words that do not overlap them."""
        pointers = f"ptr {self._pointer(target)}, ptr {self._pointer(source)}"
        size = self.mul(words, 8)
        self.lines.append(f"  call void @llvm.memcpy.p0.p0.i64({pointers}, i64 {size}, i1 false)")

    def variable(self, value: Value) -> Variable:
        name = self._fresh()
        self.entry.append(f"  {name} = alloca i64")
        self.set(Variable(name), value)
        return Variable(name)

    def get(self, variable: Variable) -> str:
        return self._emit(f"load i64, ptr {variable.name}")

    def set(self, variable: Variable, value: Value) -> None:
        self.lines.append(f"  store i64 {value}, ptr {variable.name}")

    # Control

    def call(self, name: str, *arguments: Value, pure: bool = False) -> str:
        """Calls a function; a ``pure`` one neither reads nor writes state."""
        given = ", ".join(["ptr %state", *(f"i64 {value}" for value in arguments)])
        code = f"call i64 @{name}({given})"
        return self._pure(code) if pure else self._emit(code)

    def call_at(self, address: Value, *arguments: Value) -> str:
        """Calls the function whose code is at a machine's address."""
        given = ", ".join(["ptr %state", *(f"i64 {value}" for value in arguments)])
        return self._emit(f"call i64 {self._emit(f'inttoptr i64 {address} to ptr')}({given})")

    def call_in(self, state: Value, name: str, *arguments: Value) -> str:
        """Calls a function on another state, which stands at a machine's address."""
        given = ", ".join([f"ptr {self._emit(f'inttoptr i64 {state} to ptr')}", *(f"i64 {each}" for each in arguments)])
        return self._emit(f"call i64 @{name}({given})")

    def finish(self, value: Value) -> None:
        """Returns; what follows in the same block is unreachable."""
        self.lines.append(f"  ret i64 {value}")
        self.lines.append(f"{self._label()}:")

    def end(self, value: Value) -> str:
        """Returns from the last block; the definition's text."""
        self.lines.append(f"  ret i64 {value}")
        return self.text()

    @contextmanager
    def when(self, condition: Truth, rare: bool = False) -> abc.Iterator[None]:
        """Code executed where ``condition`` holds; what is ``rare`` stays a branch, out of the way."""
        if condition is True:
            yield
            return
        if condition is False:
            kept = list(self.lines)
            with self._scope():
                yield
            self.lines = kept
            return
        inside, after = self._label(), self._label()
        weights = ", !prof !0" if rare else ""
        self.lines += [f"  br i1 {condition}, label %{inside}, label %{after}{weights}", f"{inside}:"]
        with self._scope():
            yield
        self.lines += [f"  br label %{after}", f"{after}:"]

    def cases(self, value: Value, bodies: abc.Sequence[abc.Callable[[], None]]) -> None:
        """Code executed by number: the body that ``value`` counts to."""
        labels, after = [self._label() for _ in bodies], self._label()
        table = " ".join(f"i64 {number}, label %{label}" for number, label in enumerate(labels))
        self.lines.append(f"  switch i64 {value}, label %{after} [ {table} ]")
        for label, body in zip(labels, bodies, strict=True):
            self.lines.append(f"{label}:")
            with self._scope():
                body()
            self.lines.append(f"  br label %{after}")
        self.lines.append(f"{after}:")

    @contextmanager
    def loop(self) -> abc.Iterator[Loop]:
        """Repeats until left with ``leave_unless`` or ``leave_if``."""
        head, after = self._label(), self._label()
        self.lines += [f"  br label %{head}", f"{head}:"]
        with self._scope():
            yield Loop(self, after)
        self.lines += [f"  br label %{head}", f"{after}:"]

    @contextmanager
    def counted(self, count: Value, start: Value = 0) -> abc.Iterator[Value]:
        """``for i in range(start, count)``; a single round of known count is not a loop."""
        if isinstance(count, int) and isinstance(start, int) and count - start == 1:
            yield start
            return
        counter = self.variable(start)
        with self.loop() as loop:
            now = self.get(counter)
            loop.leave_unless(self.less(now, count))
            yield now
            self.set(counter, self.add(now, 1))


class Loop:
    """A loop being written."""

    def __init__(self, function: Function, after: str) -> None:
        self._function = function
        self._after = after

    def leave_unless(self, condition: Truth) -> None:
        self._leave(condition, on=False)

    def leave_if(self, condition: Truth) -> None:
        self._leave(condition, on=True)

    def _leave(self, condition: Truth, on: bool) -> None:
        function = self._function
        inside = function._label()
        text = str(condition).lower() if isinstance(condition, bool) else condition
        first, second = (self._after, inside) if on else (inside, self._after)
        function.lines += [f"  br i1 {text}, label %{first}, label %{second}", f"{inside}:"]
