"""A C structure in memory, its fields as symbolic values."""

import ctypes
from typing import Any

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import U64, Symbol
from kseg.isa.values import Value

_TYPES: dict[Any, str] = {ctypes.c_uint32: "i32", ctypes.c_uint64: "i64"}


class Structure:
    """The `ctypes` structure at a pointer: `structure["name"]` is a field's value, and can be
    assigned to."""

    def __init__(
        self, builder: FunctionBuilder, base: Operand, layout: type[ctypes.Structure]
    ) -> None:
        self._b, self.base, self._layout = builder, base, layout
        self._kinds = {field[0]: field[1] for field in layout._fields_}

    def offset(self, name: str) -> int:
        """Where a field lies, in bytes."""
        place: int = getattr(self._layout, name).offset
        return place

    def address(self, name: str) -> Operand:
        """A pointer to a field."""
        return self._b.offset(self.base, self.offset(name))

    def pointer(self, name: str) -> Operand:
        """The pointer that a field holds."""
        return self._b.load("ptr", self.base, self.offset(name))

    def word(self, name: str, index: Operand) -> Symbol:
        """Element i64 `index` of an array of 32-bit words."""
        at = self._b.emit(f"shl i64 {index}, 2")
        return Symbol.of_i32(self._b, self._b.load("i32", self.address(name), at))

    def set_word(self, name: str, index: Operand, value: Operand) -> None:
        """Assign an i32 to an element."""
        self._b.store("i32", value, self.address(name), self._b.emit(f"shl i64 {index}, 2"))

    def __getitem__(self, name: str) -> Symbol:
        operand = self._b.load(_TYPES[self._kinds[name]], self.base, self.offset(name))
        if _TYPES[self._kinds[name]] == "i64":
            return Symbol.of_i64(self._b, operand, U64)
        return Symbol.of_i32(self._b, operand)

    def __setitem__(self, name: str, value: Value | Operand) -> None:
        type_ = _TYPES[self._kinds[name]]
        if isinstance(value, Symbol):
            value = value.i64() if type_ == "i64" else value.i32()
        self._b.store(type_, str(value), self.base, self.offset(name))

    def add(self, name: str, amount: Operand) -> None:
        """Add to a 64-bit field."""
        self[name] = self._b.emit(f"add i64 {self[name].i64()}, {amount}")
