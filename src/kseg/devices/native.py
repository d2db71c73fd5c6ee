"""Native code of devices: made from the methods that CPython runs.

A device's methods for registers and events are typed Python (`kseg.engine.codegen.typed`) as long
as they keep to numbers, the fields of the state and what `Device` offers (`kseg.devices.record`).
Those become native code; the others are Python's, and the burst loop asks. So a device need not
know of any of this.
"""

import inspect
import linecache
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from kseg.devices.device import Device, Register, by_python_methods, event_method
from kseg.devices.lines import Lines
from kseg.devices.record import (
    RECEIVER,
    DeviceRecord,
    Words,
    access_symbol,
    event_symbol,
    receiver_symbol,
)
from kseg.engine.codegen.typed import below, u32
from kseg.engine.codegen.typed.compiler import functions
from kseg.engine.codegen.typed.values import TypedPythonError
from kseg.engine.codegen.typed.words import Word
from kseg.machine.live import live


class Method(NamedTuple):
    """What is done for a register, or at an event."""

    symbol: str
    """Its name in the native code."""
    function: Any
    """Typed Python, if it is some."""


def compiled(kinds: Sequence[type[Device]], lines: type[Lines]) -> tuple[list[Any], dict[str, str]]:
    """The methods of devices that can be native code, on a bus with such lines, and why the others
    cannot, by symbol."""
    found, refused = [], {}
    for kind in kinds:
        for method in _methods(kind, lines):
            try:
                functions([method.function], [method.symbol])
            except TypedPythonError as error:
                refused[method.symbol] = str(error)
            else:
                found.append(method.function)
    return found, refused


def _methods(kind: type[Device], lines: type[Lines]) -> Iterator[Method]:
    text = text_of(kind, lines)
    for register in kind.registers:
        for verb in ("read", "write"):
            if verb[0] in register.access:
                name = f"{verb}_{register.name}"
                function = text.__dict__.get(name)
                if function is None and not hasattr(kind, name):
                    function = _accessor(text, verb, register)
                if function is not None:
                    symbol = access_symbol(kind, verb, register)
                    yield _method(function, symbol, _register_types(register, verb))
    receiver = text.__dict__.get(RECEIVER)
    if receiver is not None:
        yield _method(receiver, receiver_symbol(kind), [u32])
    for event in kind.events:
        function = text.__dict__.get(event_method(event))
        if function is not None:
            values = kind.events[event]
            argument = Word("its argument", 64, values.start, values.stop - 1)
            yield _method(function, event_symbol(kind, event), [argument])


def _method(function: Any, symbol: str, given: list[Any]) -> Method:
    """Give a method the types that it is called with, whatever it says."""
    names = list(inspect.signature(function).parameters)[1:]
    reads = ".read_" in symbol
    types_ = dict(zip(names, given, strict=False)) | {"return": u32 if reads else None}
    function.__annotations__ = types_
    function.symbol = symbol
    return Method(symbol, function)


def _register_types(register: Register, verb: str) -> list[Any]:
    number = [Annotated[int, below(register.count)]] if register.count > 1 else []
    return number + [u32] * (verb == "write")


def _accessor(text: Any, verb: str, register: Register) -> Any:
    """The method for a register that is nothing else than a field of the state."""
    name = register.name
    lines = {
        "read": [f"def read_{name}(self):\n", f"    return self.state.{name}\n"],
        "write": [f"def write_{name}(self, value):\n", f"    self.state.{name} = value\n"],
    }[verb]
    return _copied(_written(f"{verb}_{name}", lines), text.__name__, {}, text)


def _call_of(function: Any, methods: Sequence[str]) -> Any:
    """The native method that calls one of those, with a number or none."""
    name = function.__name__
    names = list(inspect.signature(function).parameters)
    value = (*names[1:], "0")[0]
    returns = "" if function.__annotations__.get("return") is None else "return "
    call = f"    {returns}self.call_python({methods.index(name)}, {value})\n"
    written = _written(name, [f"def {name}({', '.join(names)}):\n", call])
    written.__annotations__ = dict(function.__annotations__)
    return written


def _written(name: str, lines: list[str]) -> Any:
    """A function whose text is no file's."""
    file = f"<{name} {hash(tuple(lines)):x}>"
    linecache.cache[file] = (0, None, lines, file)
    namespace: dict[str, Any] = {}
    exec(compile("".join(lines), file, "exec"), namespace)
    return namespace[name]


def text_of(kind: type[Device], lines: type[Lines]) -> type[DeviceRecord]:
    """The structure whose methods are a device's: typed Python."""
    constants = {
        "StateType": kind.live_state(),
        "OptionsType": None if kind.Options is None else live(kind.Options),
        "FactsType": kind.Facts,
        "LinesType": lines,
    }
    name = f"{kind.__name__}Record"
    body: dict[str, Any] = {"names": {event: n for n, event in enumerate(kind.events)}}
    own = [
        each for each in reversed(kind.__mro__) if issubclass(each, Device) and each is not Device
    ]
    copies: list[Any] = []

    def copy(function: Any) -> Any:
        copies.append(_copied(function, name, constants, None))
        return copies[-1]

    for base in (Words, *own):
        for attribute, value in vars(base).items():
            body.pop(attribute, None)
            if hasattr(value, "by_python"):
                body[attribute] = copy(_call_of(value, by_python_methods(kind)))
            elif isinstance(value, types.FunctionType):
                if value.__closure__ is None:  # There is no super() in typed Python.
                    body[attribute] = copy(value)
            elif isinstance(value, property):
                get, set_ = value.fget and copy(value.fget), value.fset and copy(value.fset)
                if set_:
                    set_.__qualname__ += ".setter"
                body[attribute] = property(get, set_)
            elif isinstance(value, int) and not attribute.startswith("_"):
                body[attribute] = value
    text: Any = types.new_class(name, (DeviceRecord,), exec_body=lambda space: space.update(body))
    for each in copies:
        each.self_type = text
        if each.__annotations__.get("return") is Any:
            each.__annotations__["return"] = constants[_STANDS_FOR[each.__name__]]
    return text  # type: ignore[no-any-return]


_STANDS_FOR = {
    "state": "StateType",
    "options": "OptionsType",
    "facts": "FactsType",
    "lines": "LinesType",
}


def _copied(function: Any, owner: str, constants: Mapping[str, Any], self_type: Any) -> Any:
    """The same function as a method of something else."""
    copy = types.FunctionType(
        function.__code__, {**function.__globals__, **constants}, function.__name__
    )
    copy.__qualname__ = f"{owner}.{function.__name__}"
    copy.__module__ = function.__module__
    copy.__annotations__ = dict(function.__annotations__)
    copy.__defaults__ = function.__defaults__
    copy.__dict__.update(function.__dict__, self_type=self_type)
    return copy
