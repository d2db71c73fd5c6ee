"""State as a machine has it while it runs: memory that Python and native code share.

A device declares what changes in it as a `msgspec.Struct`, which is what is saved. `live` makes a
ctypes structure of it with the same fields: numbers and truth values lie in its memory, where
native code finds them; all else (bytes, lists) is Python's alone.
"""

import ctypes
import functools
from typing import Any, ClassVar, get_args, get_origin

import msgspec

from kseg.machine.state import copied_value


class Live(ctypes.Structure):
    """What `live` makes. A new one is like a saved state, or has the fields' defaults."""

    Saved: ClassVar[type[msgspec.Struct]]

    def __init__(self, state: Any = None) -> None:
        super().__init__()
        self.load(self.Saved() if state is None else state)

    def save(self) -> Any:
        """As it is now, as plain data that does not go on."""
        return self.Saved(**{name: _plain(getattr(self, name)) for name in _names(self.Saved)})

    def load(self, state: Any) -> None:
        """Become what `save` has returned."""
        for name in _names(self.Saved):
            setattr(self, name, copied_value(getattr(state, name)))


def _names(saved: type[msgspec.Struct]) -> tuple[str, ...]:
    return saved.__struct_fields__


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, ctypes.Array) else copied_value(value)


@functools.cache
def live(saved: type[msgspec.Struct]) -> type[Live]:
    """The structure for what is saved as `saved`."""
    hints: dict[str, Any] = {}
    for kind in reversed(saved.__mro__):
        hints |= _annotations(kind)
    fields = [(name, _in_memory(hints[name])) for name in _names(saved)]
    body = {"Saved": saved, "_fields_": [(name, kind) for name, kind in fields if kind is not None]}
    return type(f"Live{saved.__name__}", (Live,), body)


def _annotations(kind: type) -> dict[str, Any]:
    return getattr(kind, "__annotations__", {})


def _in_memory(hint: Any) -> Any:
    """The ctypes type of a field; None where it is none of native code's."""
    if hint is bool:
        return ctypes.c_bool
    if get_origin(hint) is tuple:
        kinds = {_in_memory(each) for each in get_args(hint)}
        kind = kinds.pop()
        return None if kinds or kind is None else kind * len(get_args(hint))
    origin, *notes = get_args(hint) or (hint,)
    if origin is not int:
        return None
    bounds = [note for note in notes if isinstance(note, msgspec.Meta)]
    if not any(each.ge is not None and each.ge >= 0 for each in bounds):
        return ctypes.c_int64
    narrow = any(each.le is not None and each.le < 1 << 32 for each in bounds)
    return ctypes.c_uint32 if narrow else ctypes.c_uint64
