"""Calls of typed Python: casts, memory at addresses, the words, and other functions."""

import ast
import ctypes
import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from kseg.engine.codegen.builder import Operand
from kseg.engine.codegen.typed import structures, values, words
from kseg.engine.codegen.typed.expressions import NOTHING, Expressions
from kseg.engine.codegen.typed.values import TypedPythonError, Value, number
from kseg.engine.codegen.typed.words import Word

_HIGHEST_ADDRESS = (1 << 56) - 1


class Signature(NamedTuple):
    """The types of a function: parameters by name, and the result's, None for nothing."""

    parameters: dict[str, Any]
    result: Any


@cache
def signature_of(function: Any) -> Signature:
    """TypedPythonError where it is not one of typed Python."""
    name = function.__qualname__
    try:
        found = inspect.get_annotations(function, eval_str=True)
    except NameError as error:
        raise TypedPythonError(f"of the annotations of {name}, {error}") from None
    parameters = {}
    for number_, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypedPythonError(f"{name} has {parameter}")
        if number_ == 0 and parameter.name == "self" and "self" not in found:
            found["self"] = _class_of(function)
        if parameter.name not in found:
            raise TypedPythonError(f"{name}: {parameter} has no type")
        parameters[parameter.name] = resolved(found[parameter.name])
    if "return" not in found:
        raise TypedPythonError(f"{name}: the result has no type")
    result = resolved(found["return"])
    for each in (*parameters.values(), result):
        if not (is_type(each) or each is None):
            raise TypedPythonError(f"{name}: {each} is no type that native code knows")
    return Signature(parameters, result)


def resolved(annotation: Any) -> Any:
    """An annotation, or the array that it stands for."""
    array = structures.in_memory(annotation) if hasattr(annotation, "__metadata__") else None
    return annotation if array is None else array


def is_type(annotation: Any) -> bool:
    """Can a variable have it as its type?"""
    known = values.held(annotation) is not None or annotation is bool
    return known or values.is_memory(annotation)


def _class_of(method: Any) -> Any:
    """The class that a method belongs to: it says so, or has its name."""
    known = getattr(method, "self_type", None)
    if known is not None:
        return known
    found = method.__globals__
    for part in method.__qualname__.split(".")[:-1]:
        found = found.get(part, NOTHING) if isinstance(found, dict) else getattr(found, part)
    return found


def abi(type_: Any, of_result: bool = False) -> str:
    """LLVM's type of a parameter or result."""
    if type_ is None:
        return "void"
    if type_ is bool:
        return "zeroext i1" if of_result else "i1"
    word = values.held(type_)
    return "ptr" if word is None or type_ is _POINTER else f"i{word.bits}"


class Calls(Expressions):
    """Evaluates calls; `called` are the functions that must be compiled as well."""

    called: list[Any]
    symbol: Callable[[Any], str]
    """The name of a function in LLVM's text."""

    def call(self, node: ast.Call) -> Value | None:
        match node.func:
            case ast.Attribute(base, "from_address") if values.is_memory(self.static(base)):
                return self._from_address(node, self.static(base))
            case ast.Attribute(base, name) if self.static(node.func) is NOTHING:
                reference = self.value(base)
                method = getattr(reference.type, name, None)
                if getattr(method, "unheard", False):
                    return None
                if not inspect.isfunction(method) or not values.is_memory(reference.type):
                    raise self.error(node, f"there is no method {name} of typed Python")
                return self._call_with(node, method, [reference])
        called = self.static(node.func)
        if called is NOTHING:
            raise self.error(node, "only functions that are known by name can be called")
        word = values.held(called)
        if word is not None:
            return self._convert(node, called, word)
        own = _WORDS.get(called) if called.__hash__ else None
        if own is not None:
            if node.keywords or len(node.args) != len(inspect.signature(own).parameters) - 1:
                raise self.error(node, f"{ast.unparse(node.func)} has other parameters")
            found: Value | None = own(self, *node.args)
            return found
        if not inspect.isfunction(called) or called.__module__ == words.__name__:
            raise self.error(node, f"{ast.unparse(node.func)} cannot be called here")
        return self._call_with(node, called, [])

    # Functions.

    def signature(self, node: Any, function: Any) -> Signature:
        """Of a function that is named at a node."""
        try:
            return signature_of(function)
        except TypedPythonError as error:
            raise self.error(node, str(error)) from None

    def _call_with(self, node: ast.Call, function: Any, given: list[Value]) -> Value | None:
        """Evaluate the arguments as they are written, and call."""
        names = list(self.signature(node, function).parameters)
        found: dict[str, Value] = dict(zip(names, given, strict=False))
        where = [(None, each) for each in node.args]
        for keyword, each in [*where, *((each.arg, each.value) for each in node.keywords)]:
            missing = [name for name in names if name not in found]
            name = keyword or (missing[0] if missing else "")
            if name not in missing:
                raise self.error(node, f"{function.__qualname__} has other parameters")
            found[name] = self.value(each)
        for name in names:
            if name not in found:
                found[name] = self._default(node, function, name)
        return self.call_function(node, function, [found[name] for name in names])

    def _default(self, node: ast.Call, function: Any, name: str) -> Value:
        default = inspect.signature(function).parameters[name].default
        if not isinstance(default, int):
            raise self.error(node, f"{function.__qualname__} has more parameters")
        return number(default)

    def call_function(self, node: Any, function: Any, given: list[Value]) -> Value | None:
        signature = self.signature(node, function)
        types = list(signature.parameters.values())
        texts = [
            f"{abi(type_)} {self.passed(node, value, type_)}"
            for value, type_ in zip(given, types, strict=True)
        ]
        field = getattr(function, "through", None)
        if getattr(function, "external", False):
            target = f"@{function.__name__}"
        elif field is None:
            self.called.append(function)
            target = f"@{self.symbol(function)}"
        else:
            at = self.b.offset(given[0].operand, getattr(given[0].type, field).offset)
            target = self.b.emit(f"load ptr, ptr {at}, align 8")
            texts = texts[1:]
        self.changes = True
        text = f"call {abi(signature.result, True)} {target}({', '.join(texts)})"
        if signature.result is None:
            self.b.do(text)
            return None
        return self.received(self.b.emit(text), signature.result)

    def passed(self, node: Any, value: Value, type_: Any) -> Operand:
        """A value as a parameter or result of a type, which it must fit."""
        word = values.held(type_)
        if word is not None:
            if value.type in (int, bool):
                value = self.fitting(node, self.as_number(node, value), word)
                operand = values.narrowed(self.b, value, word)
                if type_ is _POINTER:
                    return self.b.emit(f"inttoptr i64 {operand} to ptr")
                return operand
        elif value.type is type_ or (values.is_memory(type_) and type_ in value.type.__mro__):
            return value.operand
        raise self.error(node, f"a {values.name_of(type_)} is wanted here")

    def received(self, operand: Operand, type_: Any) -> Value:
        """A parameter or result as a value."""
        word = values.held(type_)
        if type_ is _POINTER:
            operand = self.b.emit(f"ptrtoint ptr {operand} to i64")
        if word is not None:
            return values.widened(self.b, operand, word)
        return values.truth(operand) if type_ is bool else Value(operand, type_)

    # Conversions.

    def _convert(self, node: ast.Call, called: Any, word: Word) -> Value:
        if len(node.args) != 1 or node.keywords:
            raise self.error(node, f"{word.name} is of one number")
        if isinstance(called, Word):
            return self.checked(node, values.cast, self.number(node.args[0]), word)
        value = self.number(node.args[0], exact=True)
        if not value.fits(word):
            # CPython raises where it is none of the enumeration's.
            distance = self.b.emit(f"sub i64 {value.operand}, {word.low}")
            wrong = self.b.emit(f"icmp ugt i64 {distance}, {word.high - word.low}")
            with self.b.leave_if(wrong):
                self.b.do("call void @llvm.trap()")
                self.b.do("unreachable")
        return Value(value.operand, int, max(word.low, value.low), min(word.high, value.high))

    def _from_address(self, node: ast.Call, type_: Any) -> Value:
        if len(node.args) != 1 or node.keywords:
            raise self.error(node, "from_address is of one address")
        return Value(self._pointer(node.args[0]), type_)

    def _pointer(self, node: ast.expr) -> Operand:
        where = self.fitting(node, self.number(node), values.U64)
        return self.b.emit(f"inttoptr i64 {where.operand} to ptr")

    # Words.

    def _address(self, of: ast.expr) -> Value:
        value = self.value(of)
        if not values.is_memory(value.type):
            raise self.error(of, "only what lies in memory has an address")
        return Value(self.b.emit(f"ptrtoint ptr {value.operand} to i64"), int, 0, _HIGHEST_ADDRESS)

    def _size(self, of: ast.expr) -> Value:
        type_ = self.static(of)
        if not values.is_memory(type_):
            raise self.error(of, "no type that native code knows")
        return number(ctypes.sizeof(type_))

    def _copy(self, target: ast.expr, source: ast.expr, size: ast.expr) -> None:
        to, from_, length = self._pointer(target), self._pointer(source), self.number(size)
        if not length.constant:
            raise self.error(size, "only a constant number of bytes is copied")
        done = 0
        while done < length.low:  # LLVM's own copies are slow string moves beyond 128 bytes.
            width = next(each for each in (16, 8, 4, 2, 1) if done + each <= length.low)
            type_ = "<2 x i64>" if width == 16 else f"i{8 * width}"
            self.b.store(type_, self.b.load(type_, from_, done), to, done)
            done += width

    def _matching(self, table: ast.expr, wanted: ast.expr, bits: ast.expr) -> Value:
        array, mask = self.value(table), self.number(bits)
        word = self.fitting(wanted, self.number(wanted), _U32)
        kind = array.type
        if not (values.is_memory(kind) and issubclass(kind, ctypes.Array)) or kind._length_ > 64:
            raise self.error(table, "the table is an array of at most 64 words")
        if values.stored(kind._type_) != values.stored(ctypes.c_uint32) or not mask.constant:
            raise self.error(bits, "the words have 32 bits, and which are looked at is constant")
        emit, length = self.b.emit, kind._length_
        type_ = f"<{length} x i32>"
        words_ = emit(f"load {type_}, ptr {array.operand}, align 4")
        first = f"i32 {values.narrowed(self.b, word, _U32)}, i64 0"
        first = emit(f"insertelement {type_} poison, {first}")
        everywhere = f"{type_} {first}, {type_} poison, {type_} zeroinitializer"
        different = emit(f"xor {type_} {words_}, {emit(f'shufflevector {everywhere}')}")
        constant = ", ".join([f"i32 {_U32(mask.low)}"] * length)
        cut = emit(f"and {type_} {different}, <{constant}>")
        equal = emit(f"icmp eq {type_} {cut}, zeroinitializer")
        found = emit(f"bitcast <{length} x i1> {equal} to i{length}")
        if length < 64:
            found = emit(f"zext i{length} {found} to i64")
        return Value(found, int, 0, (1 << length) - 1)

    def _lowest_bit(self, bits: ast.expr) -> Value:
        operand = self.number(bits, exact=True).operand
        return Value(self.b.emit(f"call i64 @llvm.cttz.i64(i64 {operand}, i1 false)"), int, 0, 64)

    def _swapped(self, word: ast.expr) -> Value:
        value = self.fitting(word, self.number(word), _U32)
        operand = values.narrowed(self.b, value, _U32)
        return values.widened(self.b, self.b.emit(f"call i32 @llvm.bswap.i32(i32 {operand})"), _U32)

    def _host_ticks(self) -> Value:
        return Value(self.b.emit("call i64 @host_ticks()"))

    def _condition(self, condition: ast.expr) -> Value:
        return self.truth(condition)

    def _bool(self, condition: ast.expr) -> Value:
        if not isinstance(condition, ast.BoolOp):
            return self.truth(condition)
        yes, end = self.b.label("yes"), self.b.label("decided")
        result = self.b.variable("i1", "false")
        self.branch(condition, yes, end)
        self.b.place(yes)
        result.set("true")
        self.b.jump(end)
        self.b.place(end)
        return values.truth(result.get())

    def _number(self, of: ast.expr) -> Value:
        return self.number(of)

    def _min(self, x: ast.expr, y: ast.expr) -> Value:
        return self._extreme(x, ast.LtE(), self.number(x), self.number(y), min)

    def _max(self, x: ast.expr, y: ast.expr) -> Value:
        return self._extreme(x, ast.GtE(), self.number(x), self.number(y), max)

    def _extreme(self, node: ast.expr, kind: ast.cmpop, x: Value, y: Value, pick: Any) -> Value:
        test = self.checked(node, values.comparison, kind, x, y)
        operand = self.b.emit(f"select i1 {test.operand}, i64 {x.operand}, i64 {y.operand}")
        return Value(operand, int, pick(x.low, y.low), pick(x.high, y.high))


_U32: Any = words.u32
_POINTER: Any = words.pointer
_WORDS: dict[Any, Any] = {
    ctypes.addressof: Calls._address,
    ctypes.sizeof: Calls._size,
    words.copy: Calls._copy,
    words.matching: Calls._matching,
    words.lowest_bit: Calls._lowest_bit,
    words.swapped: Calls._swapped,
    words.host_ticks: Calls._host_ticks,
    words.likely: Calls._condition,
    words.unlikely: Calls._condition,
    bool: Calls._bool,
    int: Calls._number,
    min: Calls._min,
    max: Calls._max,
}
