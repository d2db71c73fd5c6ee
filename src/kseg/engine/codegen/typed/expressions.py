"""Expressions of typed Python: names, memory, operators and conditions."""

import ast
import builtins
import ctypes
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from kseg.engine.codegen.builder import FunctionBuilder, Operand, Variable
from kseg.engine.codegen.typed import values, words
from kseg.engine.codegen.typed.values import TypedPythonError, Value, number, truth
from kseg.engine.codegen.typed.words import Word

NOTHING = object()
"""No object is known for an expression."""
_OPPOSITE = {"": "", "likely": "unlikely", "unlikely": "likely"}


class Local(NamedTuple):
    """A declared local, which can be assigned to; the others are their one Value."""

    variable: Variable
    type: Any
    word: Word
    """What it can hold, where it is a number or a truth value."""


class Expressions:
    """Evaluates expressions of one function into the code of `b`."""

    b: FunctionBuilder
    file: str
    globals: Mapping[str, Any]
    assigned: Collection[str]
    """The names that the function's text assigns to."""
    changes: bool
    """Has the code so far changed memory, or called what may?"""
    names: Mapping[str, int]
    """What constant texts stand for, in the methods of a structure that says so."""
    scopes: list[dict[str, Value | Local]]
    """What names stand for where the code now is, the innermost block's last."""

    def error(self, node: Any, message: str) -> TypedPythonError:
        """What is wrong with the text at a node of it."""
        return TypedPythonError(f"{self.file}:{node.lineno}: {message}")

    def checked(self, node: Any, operation: Any, *arguments: Any) -> Value:
        """What one of `values`' operations gives; its errors with the place."""
        try:
            found: Value = operation(self.b, *arguments)
        except TypedPythonError as error:
            raise self.error(node, str(error)) from None
        return found

    # Names.

    def local(self, name: str) -> Value | Local | None:
        """What a name stands for as a local."""
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def static(self, node: ast.expr) -> Any:
        """The object that an expression stands for when the function is compiled, or NOTHING."""
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                local = self.local(name)
                if isinstance(local, Value) and local.constant:
                    return local.low
                if local is not None or name in self.assigned:
                    return NOTHING
                return self.globals.get(name, getattr(builtins, name, NOTHING))
            case ast.Attribute(base, name):
                found = self.static(base)
                return NOTHING if found is NOTHING else getattr(found, name, NOTHING)
        return NOTHING

    def known(self, node: ast.expr) -> bool | None:
        """What a condition is for certain, by constants alone."""
        match node:
            case ast.UnaryOp(ast.Not(), operand):
                found = self.known(operand)
                return None if found is None else not found
            case ast.BoolOp(kind, operands):
                each = [self.known(operand) for operand in operands]
                decisive = isinstance(kind, ast.Or)
                if decisive in each:
                    return decisive if None not in each[: each.index(decisive)] else None
                return None if None in each else not decisive
            case ast.Compare(left, [kind], [right]):
                pair = self.static(left), self.static(right)
                if all(isinstance(each, int) for each in pair):
                    x, y = (number(int(each)) for each in pair)
                    return bool(self.checked(node, values.comparison, kind, x, y).low)
        found = self.static(node)
        return bool(found) if isinstance(found, int) else None

    # Values.

    def value(self, node: ast.expr) -> Value:
        """Evaluate an expression."""
        found = self.static(node)
        if isinstance(found, str):
            found = self.names.get(found)
        if isinstance(found, int):
            return number(found)
        match node:
            case ast.Name(name):
                return self._name(node, name)
            case ast.Attribute() | ast.Subscript():
                return self._fetch(node)
            case ast.BinOp(left, kind, right):
                x, y = self.number(left), self.number(right)
                return self.checked(node, values.arithmetic, kind, x, y)
            case ast.UnaryOp(kind, operand):
                return self._unary(node, kind, operand)
            case ast.Compare():
                return self._compare(node)
            case ast.BoolOp():
                return self._either(node)
            case ast.IfExp():
                return self._choice(node)
            case ast.Call():
                called = self.call(node)
                if called is None:
                    raise self.error(node, "a call without a result has no value")
                return called
        raise self.error(node, f"there is no {type(node).__name__} here")

    def call(self, node: ast.Call) -> Value | None:
        """Evaluate a call; None where it has no result."""
        raise NotImplementedError

    def call_function(self, node: Any, function: Any, given: list[Value]) -> Value | None:
        """Call a function of typed Python."""
        raise NotImplementedError

    def number(self, node: ast.expr, exact: bool = False) -> Value:
        """Evaluate a number, or a truth value as one; `exact`: it fits 64 bits."""
        value = self.as_number(node, self.value(node))
        if exact and not value.exact:
            raise self.error(node, "an exact number is wanted: cast what may lie beyond 64 bits")
        return value

    def as_number(self, node: Any, value: Value) -> Value:
        """A truth value counts as 0 or 1."""
        if value.type is bool:
            if value.constant:
                return number(value.low)
            return Value(self.b.emit(f"zext i1 {value.operand} to i64"), int, 0, 1)
        if value.type is not int:
            raise self.error(node, "a number is wanted here")
        return value

    def _name(self, node: ast.Name, name: str) -> Value:
        local = self.local(name)
        if isinstance(local, Local):
            return Value(local.variable.get(), local.type, local.word.low, local.word.high)
        if local is None:
            raise self.error(node, f"{name} is no constant, and no local that is surely assigned")
        return local

    def _unary(self, node: ast.expr, kind: ast.unaryop, operand: ast.expr) -> Value:
        if isinstance(kind, ast.Not):
            value = self.truth(operand)
            if value.constant:
                return number(not value.low)
            return truth(self.b.emit(f"xor i1 {value.operand}, true"))
        value = self.number(operand)
        if isinstance(kind, ast.Invert):
            return self.checked(node, values.arithmetic, ast.BitXor(), value, number(-1))
        if isinstance(kind, ast.USub):
            return self.checked(node, values.arithmetic, ast.Sub(), number(0), value)
        raise self.error(node, f"there is no {type(kind).__name__} here")

    def _compare(self, node: ast.Compare) -> Value:
        """`a < b <= c` as well: what need not be looked at is not."""
        if isinstance(node.ops[0], (ast.In, ast.NotIn)):
            return self._among(node)
        left, right = self.number(node.left), self.number(node.comparators[0])
        found = self.checked(node, values.comparison, node.ops[0], left, right)
        if len(node.ops) == 1:
            return found
        result, end = self.b.variable("i1", found.operand), self.b.label("compared")
        for kind, further in zip(node.ops[1:], node.comparators[1:], strict=True):
            following = self.b.label("next")
            self.b.branch(found.operand, following, end)
            self.b.place(following)
            left, right = right, self.number(further)
            found = self.checked(node, values.comparison, kind, left, right)
            result.set(found.operand)
        self.b.jump(end)
        self.b.place(end)
        return truth(result.get())

    def _among(self, node: ast.Compare) -> Value:
        """`a in (b, c)`."""
        among = node.comparators[0]
        if len(node.ops) > 1 or not isinstance(among, ast.Tuple):
            raise self.error(node, "`in` is of a tuple that is written there")
        left, result = self.number(node.left), truth("false")
        for each in among.elts:
            found = self.checked(node, values.comparison, ast.Eq(), left, self.number(each))
            result = truth(self.b.emit(f"or i1 {result.operand}, {found.operand}"))
        negated = str(isinstance(node.ops[0], ast.NotIn)).lower()
        return truth(self.b.emit(f"xor i1 {result.operand}, {negated}"))

    def _either(self, node: ast.BoolOp) -> Value:
        """`and` and `or` have the value of an operand: here a truth value."""
        result, end = self.b.variable("i1", "false"), self.b.label("decided")
        for operand in node.values:
            found = self.value(operand)
            if found.type is not bool:
                raise self.error(
                    operand, "outside a condition, or bool(…), they are of truth values"
                )
            result.set(found.operand)
            following = self.b.label("next")
            goes = (following, end) if isinstance(node.op, ast.And) else (end, following)
            self.b.branch(found.operand, *goes)
            self.b.place(following)
        self.b.jump(end)
        self.b.place(end)
        return truth(result.get())

    def _choice(self, node: ast.IfExp) -> Value:
        known = self.known(node.test)
        if known is not None:
            return self.value(node.body if known else node.orelse)
        yes, no, after = (self.b.label(hint) for hint in ("yes", "no", "after"))
        self.branch(node.test, yes, no)
        self.b.place(yes)
        first = self.value(node.body)
        result = self.b.variable(llvm_of(first.type), first.operand)
        self.b.jump(after)
        self.b.place(no)
        second = self.value(node.orelse)
        if first.type is not second.type:
            raise self.error(node, "the two values are not of one type")
        result.set(second.operand)
        self.b.jump(after)
        self.b.place(after)
        low, high = min(first.low, second.low), max(first.high, second.high)
        return Value(result.get(), first.type, low, high)

    # Conditions.

    def truth(self, node: ast.expr) -> Value:
        """Evaluate a condition: a truth value, or a number that is not 0."""
        value = self.value(node)
        if value.type is bool:
            return value
        if value.type is not int or not value.exact:
            raise self.error(node, "a truth value or an exact number is wanted here")
        if value.constant:
            return number(bool(value.low))
        return truth(self.b.emit(f"icmp ne i64 {value.operand}, 0"))

    def branch(self, node: ast.expr, yes: str, no: str, weights: str = "") -> None:
        """Go to one of two labels; what need not be looked at is not."""
        known = self.known(node)
        if known is not None:
            self.b.jump(yes if known else no)
            return
        match node:
            case ast.UnaryOp(ast.Not(), operand):
                self.branch(operand, no, yes, _OPPOSITE[weights])
            case ast.BoolOp(kind, [*others, last]):
                for each in others:
                    following = self.b.label("next")
                    goes = (following, no) if isinstance(kind, ast.And) else (yes, following)
                    self.branch(each, *goes)
                    self.b.place(following)
                self.branch(last, yes, no, weights)
            case ast.Call(function, [argument]) if self.static(function) in _WEIGHTS:
                self.branch(argument, yes, no, _WEIGHTS[self.static(function)])
            case _:
                self.b.branch(self.truth(node).operand, yes, no, weights)

    # Memory.

    def place(self, node: ast.expr) -> tuple[Operand, Any]:
        """The pointer to, and the ctypes type of, a field or an element."""
        if isinstance(node, ast.Attribute):
            return self._field(node, self.value(node.value))
        if not isinstance(node, ast.Subscript):
            raise self.error(node, "only fields and elements lie in memory")
        array, index = self.value(node.value), self.number(node.slice, exact=True)
        if not (values.is_memory(array.type) and issubclass(array.type, ctypes.Array)):
            raise self.error(node, "only arrays have elements")
        if index.low < 0 or index.high >= array.type._length_:
            length = array.type._length_
            raise self.error(node, f"{index.low} to {index.high} may not be among {length}")
        size = ctypes.sizeof(array.type._type_)
        at = self.checked(node, values.arithmetic, ast.Mult(), index, number(size))
        return self.b.offset(array.operand, at.operand), array.type._type_

    def _field(self, node: ast.Attribute, base: Value) -> tuple[Operand, Any]:
        if values.stored(base.type) is not None and node.attr == "value":
            return base.operand, base.type
        if not (values.is_memory(base.type) and issubclass(base.type, ctypes.Structure)):
            raise self.error(node, f"a {values.name_of(base.type)} has no {node.attr}")
        for kind in base.type.__mro__:
            for name, type_, *bits in kind.__dict__.get("_fields_", ()):
                if name == node.attr and not bits:
                    return self.b.offset(base.operand, getattr(base.type, name).offset), type_
        raise self.error(node, f"{base.type.__name__} has no field {node.attr}")

    def _fetch(self, node: ast.Attribute | ast.Subscript) -> Value:
        if isinstance(node, ast.Attribute):
            base = self.value(node.value)
            attribute = getattr(base.type, node.attr, None)
            if isinstance(attribute, property):
                before = self.changes
                found = self.call_function(node, attribute.fget, [base])
                self.changes = before  # To look changes nothing.
                if found is None:
                    raise self.error(node, "a property without a value")
                return found
            if isinstance(attribute, int):
                return number(attribute)
            return self.load(node, *self._field(node, base))
        return self.load(node, *self.place(node))

    def load(self, node: ast.expr, pointer: Operand, type_: Any) -> Value:
        """The number in memory, or a reference to what is none."""
        if type_ is ctypes.c_bool:
            return truth(self.b.emit(f"icmp ne i8 {self.b.emit(f'load i8, ptr {pointer}')}, 0"))
        word = values.stored(type_)
        if word is not None:
            bits = word.bits
            operand = self.b.emit(f"load i{bits}, ptr {pointer}, align {bits // 8}")
            return values.widened(self.b, operand, word)
        if not values.is_memory(type_):
            raise self.error(node, f"native code knows nothing of {values.name_of(type_)}")
        return Value(pointer, type_)

    def store(self, pointer: Operand, word: Word, value: Value) -> None:
        """Put a number into memory, cut to what it holds."""
        self.changes = True
        operand = values.narrowed(self.b, value, word)
        self.b.do(f"store i{word.bits} {operand}, ptr {pointer}, align {word.bits // 8}")

    def fitting(self, node: Any, value: Value, word: Word) -> Value:
        """The value, which must surely fit."""
        if not value.fits(word):
            raise self.error(
                node, f"{value.low} to {value.high} may not fit {word.name}: cast, {word.name}(…)"
            )
        return value


def llvm_of(type_: Any) -> str:
    """LLVM's type of a value that is being worked with."""
    return {int: "i64", bool: "i1"}.get(type_, "ptr")


_WEIGHTS: Mapping[Any, str] = {words.likely: "likely", words.unlikely: "unlikely"}
