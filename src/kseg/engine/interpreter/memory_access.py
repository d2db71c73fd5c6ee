"""How a handler reaches memory: through the tables, or in its slow copy through the runtime."""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter.convention import Variant, arguments
from kseg.engine.interpreter.runtime.memory import MEMORY_ONLY


def _slow_store(size: int, value: Symbol, mask: Operand) -> str:
    """The call of the slow path of a store, with places for the address and what is reported."""
    return (
        f"slow_store(ptr %context, i32 {{0}}, i32 {size}, i32 {{1}}, i32 {value.i32()}, i32 {mask})"
    )


class MemoryAccess:
    """The memory part of `Lifter`."""

    b: FunctionBuilder
    big_endian: bool
    variant: Variant
    slow_copy: str
    """The function that does the same where the tables do not suffice; "" in that function."""
    uses_slow_copy: bool

    def _leave(self, function: str) -> None:
        raise NotImplementedError

    # Memory. A full slot in the table of the present mode is all the checks there are: mapping,
    # permission and alignment. An empty one asks `slow_load` or `slow_store`.

    def load(self, address: Symbol, size: int) -> Symbol:
        return self._load(address, size, address)

    def load_around(self, address: Symbol) -> Symbol:
        return self._load(address & ~3, 4, address)

    def _load(self, address: Symbol, size: int, reported: Symbol) -> Symbol:
        place = self._host_address(
            address,
            size,
            "%reads",
            f"slow_load(ptr %context, i32 {{0}}, i32 {size}, i32 {{1}})",
            reported,
        )
        bits = 8 * size
        raw = self._swapped(self.b.load(f"i{bits}", place), bits)
        if bits < 32:
            raw = self.b.emit(f"zext i{bits} {raw} to i32")
        return Symbol.of_i32(self.b, raw, (0, (1 << bits) - 1))

    def store(self, address: Symbol, size: int, value: Symbol) -> None:
        bits = 8 * size
        mask = (1 << bits) - 1
        call = _slow_store(size, value, str(mask))
        place = self._host_address(address, size, "%writes", call, address)
        narrow = value.i32() if bits == 32 else self.b.emit(f"trunc i32 {value.i32()} to i{bits}")
        self.b.store(f"i{bits}", self._swapped(narrow, bits), place)

    def store_masked(self, address: Symbol, value: Symbol, mask: Symbol) -> None:
        call = _slow_store(4, value, mask.i32())
        place = self._host_address(address & ~3, 4, "%writes", call, address)
        old = Symbol.of_i32(self.b, self._swapped(self.b.load("i32", place), 32))
        merged = (old & ~mask) | (value & mask)
        self.b.store("i32", self._swapped(merged.i32(), 32), place)

    def store_if(
        self, condition: Symbol, address: Symbol, expected: Symbol, value: Symbol
    ) -> Symbol:
        done = self.b.variable("i1", "false")
        at, wanted, new = address.i32(), expected.i32(), value.i32()
        with self.b.if_(condition.i1()):
            size = 4 | MEMORY_ONLY
            call = f"slow_store(ptr %context, i32 {at}, i32 {size}, i32 {at}, i32 0, i32 0)"
            place = self.b.emit(f"call ptr @{call}")
            self._leave_if_null(place)
            old = self._swapped(self.b.load("i32", place), 32)
            same = self.b.emit(f"icmp eq i32 {old}, {wanted}")
            with self.b.if_(same):
                self.b.store("i32", self._swapped(new, 32), place)
            done.set(same)
        return Symbol.of_i1(self.b, done.get())

    def check_address(self, condition: Symbol, address: Symbol) -> None:
        at = address.i32()
        with self.b.if_(condition.i1()):
            call = f"check_load(ptr %context, i32 {at})"
            self._leave_if_null(self.b.emit(f"call ptr @{call}"))

    def _host_address(
        self, address: Symbol, size: int, table: Operand, call: str, reported: Symbol
    ) -> Operand:
        """The host address of `size` bytes at virtual `address`."""
        b = self.b
        at = address.i32()
        if not self.slow_copy:
            found = b.emit(f"call ptr @{call.format(at, reported.i32())}")
            self._leave_if_null(found)
            return found
        base = b.emit(f"load i64, ptr {self._slot(at, size, table)}, align 8")
        with b.leave_if(b.emit(f"icmp eq i64 {base}, 0")):
            self.go_slow()
        sum_ = b.emit(f"add i64 {base}, {b.emit(f'zext i32 {at} to i64')}")
        return b.emit(f"inttoptr i64 {sum_} to ptr")

    def _slot(self, at: Operand, size: int, table: Operand) -> Operand:
        """Where a data table has what an access of `size` bytes at i32 `at` needs."""
        b = self.b
        if size == 1:
            index = b.emit(f"lshr i32 {at}, 12")
        else:
            rotated = b.emit(f"call i32 @llvm.fshl.i32(i32 {at}, i32 {at}, i32 20)")
            index = b.emit(f"and i32 {rotated}, {(1 << 22) - 1 if size == 4 else (1 << 21) - 1}")
        return b.emit(f"getelementptr i64, ptr {table}, i64 {b.emit(f'zext i32 {index} to i64')}")

    def go_slow(self) -> None:
        """Start the instruction again in the copy that can call the runtime.

        Handlers that call nothing need no stack frame; that is why there are two copies.
        """
        self.uses_slow_copy = True
        self.b.tail_call(f"@{self.slow_copy}", arguments())

    def _leave_if_null(self, place: Operand) -> None:
        """Leave for the fault that a slow path found."""
        with self.b.leave_if(self.b.emit(f"icmp eq ptr {place}, null")):
            self._leave(f"fault_{self.variant.suffix}")

    def _swapped(self, operand: Operand, bits: int) -> Operand:
        if not self.big_endian or bits == 8:
            return operand
        return self.b.emit(f"call i{bits} @llvm.bswap.i{bits}(i{bits} {operand})")
