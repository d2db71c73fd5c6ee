"""LLVM IR written as text: one function at a time, with structured control flow.

Operands are strings such as ``%7`` or ``12``; their types stand in the instruction. Text is an
order of magnitude faster to make than LLVM's object model, and easier to read when it goes wrong.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Operand = str

HANDLER_CONVENTION = "handlercc"
"""Stands for the calling convention of handlers, for which each target has its own."""


class Variable:
    """A mutable local of a function; LLVM turns it into registers."""

    def __init__(self, builder: "FunctionBuilder", type_: str, pointer: Operand) -> None:
        self._builder, self.type, self._pointer = builder, type_, pointer

    def get(self) -> Operand:
        """The present value."""
        return self._builder.emit(f"load {self.type}, ptr {self._pointer}")

    def set(self, value: Operand) -> None:
        """Assign `value`, an operand of the variable's type."""
        self._builder.do(f"store {self.type} {value}, ptr {self._pointer}")


class FunctionBuilder:
    """The text of one function, instruction by instruction.

    `scope` remembers which symbolic values have been computed where the builder now stands, so
    that a value computed inside a branch is not used outside it.
    """

    def __init__(
        self,
        name: str,
        result: str,
        parameters: Sequence[tuple[str, str]],
        prefix: str = "",
        *,
        alignment: int = 16,
    ) -> None:
        """`parameters` are (type, name); `prefix` holds linkage and calling convention. The code
        begins at a multiple of `alignment` bytes."""
        self.name = name
        self._alignment = alignment
        self._head = (
            f"define {prefix} {result} @{name}("
            + ", ".join(f"{type_} %{parameter}" for type_, parameter in parameters)
            + ")"
        )
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._cold: list[str] = []
        self._next = 0
        self._labels = 0
        self._scopes: list[dict[Any, Operand]] = [{}]
        self._serial = 0

    # Straight-line code.

    def emit(self, instruction: str) -> Operand:
        """Add an instruction that has a result; returns the result's operand."""
        self._next += 1
        name = f"%v{self._next}"
        self._lines.append(f"  {name} = {instruction}")
        return name

    def do(self, instruction: str) -> None:
        """Add an instruction without a result."""
        self._lines.append(f"  {instruction}")

    def offset(self, pointer: Operand, bytes_: int | Operand) -> Operand:
        """`pointer` plus a number of bytes (an int, or an i64 operand)."""
        if bytes_ == 0:
            return pointer
        return self.emit(f"getelementptr i8, ptr {pointer}, i64 {bytes_}")

    def load(self, type_: str, pointer: Operand, bytes_: int | Operand = 0) -> Operand:
        """The `type_` at `pointer` plus `bytes_`."""
        return self.emit(f"load {type_}, ptr {self.offset(pointer, bytes_)}, align 1")

    def store(
        self, type_: str, value: Operand, pointer: Operand, bytes_: int | Operand = 0
    ) -> None:
        """Store `value` at `pointer` plus `bytes_`."""
        self.do(f"store {type_} {value}, ptr {self.offset(pointer, bytes_)}, align 1")

    def variable(self, type_: str, initial: Operand) -> Variable:
        """A new mutable local."""
        self._next += 1
        pointer = f"%a{self._next}"
        self._entry.append(f"  {pointer} = alloca {type_}")
        variable = Variable(self, type_, pointer)
        variable.set(initial)
        return variable

    # Values already computed.

    def serial(self) -> int:
        """A number that no other symbolic value of this function has."""
        self._serial += 1
        return self._serial

    def known(self, key: Any) -> Operand | None:
        """The operand remembered under `key` where control now is."""
        for scope in reversed(self._scopes):
            operand: Operand | None = scope.get(key)
            if operand is not None:
                return operand
        return None

    def remember(self, key: Any, operand: Operand) -> Operand:
        """Remember `operand` under `key` until the present block ends."""
        self._scopes[-1][key] = operand
        return operand

    # Control flow.

    def return_(self, type_: str, operand: Operand) -> None:
        """End the function."""
        self.do(f"ret {type_} {operand}")

    def tail_call(self, function: Operand, arguments: str) -> None:
        """End the function by going to another one of the handlers' convention."""
        result = self.emit(f"musttail call {HANDLER_CONVENTION} i32 {function}({arguments})")
        self.return_("i32", result)

    def label(self, hint: str) -> str:
        """A fresh label."""
        self._labels += 1
        return f"{hint}{self._labels}"

    def place(self, label: str) -> None:
        """Start the block called `label`."""
        self._lines.append(f"{label}:")

    def jump(self, label: str) -> None:
        """End the block by going to `label`."""
        self.do(f"br label %{label}")

    def branch(self, condition: Operand, if_true: str, if_false: str, weights: str = "") -> None:
        """End the block by going to one of two labels; `weights` is "likely" or "unlikely"."""
        profile = {"": "", "likely": ", !prof !0", "unlikely": ", !prof !1"}[weights]
        self.do(f"br i1 {condition}, label %{if_true}, label %{if_false}{profile}")

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed inside is forgotten afterwards."""
        self._scopes.append({})
        try:
            yield
        finally:
            self._scopes.pop()

    @contextmanager
    def if_(self, condition: Operand, weights: str = "") -> Iterator[None]:
        """Code that runs where the i1 `condition` holds, and then goes on below."""
        inside, after = self.label("then"), self.label("after")
        self.branch(condition, inside, after, weights)
        self.place(inside)
        with self.scope():
            yield
        self.jump(after)
        self.place(after)

    @contextmanager
    def leave_if(self, condition: Operand) -> Iterator[None]:
        """Code that rarely runs and ends by leaving the function (`ret` or a tail call)."""
        inside, after = self.label("leave"), self.label("stay")
        self.branch(condition, inside, after, "unlikely")
        self.place(inside)
        with self.scope():
            yield
        self.place(after)

    @contextmanager
    def cold_if(self, condition: Operand) -> Iterator[None]:
        """As `leave_if`, with the code out of the way at the function's end."""
        inside, after = self.label("cold"), self.label("stay")
        self.branch(condition, inside, after, "unlikely")
        with self.cold():
            self.place(inside)
            yield
        self.place(after)

    @contextmanager
    def cold(self) -> Iterator[None]:
        """Whole blocks that lie at the function's end."""
        hot, self._lines = self._lines, self._cold
        try:
            with self.scope():
                yield
        finally:
            self._lines = hot

    @contextmanager
    def loop(self) -> Iterator[str]:
        """Code that repeats until it jumps to the label that the block is given."""
        again, done = self.label("again"), self.label("done")
        self.jump(again)
        self.place(again)
        with self.scope():
            yield done
        self.jump(again)
        self.place(done)

    @contextmanager
    def count(self, limit: int | Operand) -> Iterator[Operand]:
        """Code that runs for i64 0, 1, … below `limit`."""
        counter = self.variable("i64", "0")
        with self.loop() as done:
            body = self.label("body")
            value = counter.get()
            self.branch(self.emit(f"icmp ult i64 {value}, {limit}"), body, done)
            self.place(body)
            yield value
            counter.set(self.emit(f"add i64 {value}, 1"))

    def text(self, attributes: str = "") -> str:
        """The whole function."""
        body = "\n".join(["begin:", *self._entry, *self._lines, *self._cold])
        return f"{self._head} {attributes} align {self._alignment} {{\n{body}\n}}\n"
