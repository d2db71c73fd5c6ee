"""What every translation does at its edges, of whatever tier: side exits, and changes of page."""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import arguments
from kseg.engine.interpreter.layout import CONTEXT_OFFSETS
from kseg.engine.interpreter.runtime.translations import record_jump
from kseg.engine.translator.llvm.lifter import INVARIANT

PRELUDE = """
declare i32 @llvm.fshl.i32(i32, i32, i32)
declare i32 @llvm.bswap.i32(i32)
declare i16 @llvm.bswap.i16(i16)
!0 = !{!"branch_weights", i32 2000, i32 1}
!1 = !{!"branch_weights", i32 1, i32 2000}
!2 = !{}
"""
"""What the module of a translation begins with."""


class SideExits:
    """Code for the functions of a translation, which have the handlers' convention."""

    b: FunctionBuilder

    def invariant(self, type_: str, name: str) -> Operand:
        """A field of the context that nothing changes while the translation runs."""
        at = self.b.offset("%context", CONTEXT_OFFSETS[name])
        return self.b.emit(f"load {type_}, ptr {at}, align 8{INVARIANT}")

    def count_translated(self, operation: str, budget: Operand) -> None:
        """Budget taken in less budget left is what was executed here."""
        total = self.b.emit(
            f"{operation} i64 {fields.load_context(self.b, 'translated')}, {budget}"
        )
        fields.store_context(self.b, "translated", total)

    # Side exits. Registers have been written back.

    def leave_page(self, offset: Operand, budget: Operand, handler: Operand) -> None:
        """To the handler at i64 `handler` in the context, for the entry at `offset` of the page
        that is being executed."""
        b = self.b
        self.count_translated("sub", budget)
        entry = b.offset(fields.load_pointer(b, "code_page"), offset)
        function = b.load("ptr", "%context", handler)
        b.tail_call(function, arguments(entry=entry, budget=budget, target=entry, accumulator="0"))

    def go(self, target: Operand, budget: Operand, jump_from: Operand = "") -> None:
        """Go on at the i32 address `target`, wherever that is; `jump_from` is the i32 address of a
        jump to a register that leads there."""
        b = self.b
        if jump_from:
            record_jump(b, jump_from, target)
        self.count_translated("sub", budget)
        fields.store_context(b, "target_pc", target)
        entry = b.offset("%context", CONTEXT_OFFSETS["go"])
        function = b.load("ptr", entry)
        b.tail_call(function, arguments(entry=entry, budget=budget, target=entry, accumulator="0"))

    # Pages.

    def code_at(self, codes: Operand, slot: int | Operand) -> Operand:
        """What the code table `codes` of the present mode has at byte `slot`, an i64: eight times
        the number of a virtual page."""
        at = self.b.offset(codes, slot)
        return self.b.emit(f"load i64, ptr {at}, align 8{INVARIANT}")

    def is_unknown(self, code_page: Operand) -> Operand:
        """Is `code_page`, read by `code_at`, none? An i1."""
        return self.b.emit(f"icmp eq i64 {code_page}, 0")

    def switch_page(self, pointer: Operand, address: Operand) -> None:
        """The code page at i64 `pointer` becomes the one that is being executed, at the i32 virtual
        `address`."""
        b = self.b
        b.store("i64", pointer, "%context", CONTEXT_OFFSETS["code_page"])
        quarter = b.emit(f"trunc i64 {b.emit(f'lshr i64 {pointer}, 2')} to i32")
        fields.store_context(b, "bias", b.emit(f"sub i32 {address}, {quarter}"))
