"""Structures in memory that Python and native code share, declared by annotations.

    class Clock(Structure):
        base: u64
        lines: Annotated[ctypes.Array[ctypes.c_uint32], 32]
        raised: bool

The fields lie in memory in this order. What has a value, or is a ClassVar, is no field.
"""

import ctypes
from typing import TYPE_CHECKING, Any, ClassVar, get_args, get_origin

from kseg.engine.codegen.typed import words

_NUMBERS = {
    "u8": ctypes.c_uint8, "u16": ctypes.c_uint16, "u32": ctypes.c_uint32, "u64": ctypes.c_uint64,
    "i32": ctypes.c_int32, "i64": ctypes.c_int64, "pointer": ctypes.c_uint64,
}  # fmt: skip


def in_memory(annotation: Any) -> Any:
    """The ctypes type for an annotation; None where there is none."""
    if annotation is bool:
        return ctypes.c_bool
    if isinstance(annotation, words.Word):
        return _NUMBERS.get(annotation.name)
    if hasattr(annotation, "__metadata__"):
        array, length = get_args(annotation)[0], annotation.__metadata__[0]
        if get_origin(array) is ctypes.Array and isinstance(length, int):
            return get_args(array)[0] * length
        return None
    known = isinstance(annotation, type) and issubclass(annotation, _MEMORY)
    return annotation if known else None


_MEMORY = (ctypes.Structure, ctypes.Array, ctypes._SimpleCData)


class _Declared(type(ctypes.Structure)):  # type: ignore[misc]
    """Makes `_fields_` of annotations."""

    def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> None:
        super().__init__(name, bases, body)
        if "_fields_" in body:
            return
        fields = []
        for field, annotation in cls.__annotations__.items():
            if field in body or annotation is ClassVar or get_origin(annotation) is ClassVar:
                continue
            kind = in_memory(annotation)
            if kind is None:
                raise TypeError(f"{name}.{field}: {annotation} is not in memory")
            fields.append((field, kind))
        cls._fields_ = fields


if TYPE_CHECKING:
    Structure = ctypes.Structure
else:

    class Structure(ctypes.Structure, metaclass=_Declared):
        """What is declared by annotations."""
