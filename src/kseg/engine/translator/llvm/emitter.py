"""A region as LLVM IR: one function that its heads lead into.

Guest registers are variables of the function (LLVM makes SSA values of them): they are loaded from
the processor's state at a head and written back wherever control leaves. There are three kinds of
side exit:

* `interpret`: before an instruction that needs the interpreter. Memory that the tables do not
  map, traps, device registers and the end of the budget all go this way, so that nothing of the
  hard cases is done here. An instruction in a delay slot leaves before its branch.
* `dispatch`: to an instruction of the same page that is not in the region;
* `go`: to an address anywhere.
"""

from kseg.engine.codegen.builder import Operand, Variable
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import arguments, handler_builder, pc_of
from kseg.engine.interpreter.layout import (
    CONTEXT_OFFSETS,
    ENTRY_SIZE,
    STATE_OFFSETS,
    TRANSLATION_PAGES,
)
from kseg.engine.translator.llvm.block_emitter import BlockEmitter
from kseg.engine.translator.llvm.lifter import INVARIANT
from kseg.engine.translator.offsets import register_offset
from kseg.engine.translator.region import Region
from kseg.engine.translator.side_exits import PRELUDE, SideExits
from kseg.engine.translator.timing import OCCUPIED, occupied_by, used_by
from kseg.isa import registers as r

_PAGES = f"""
@pages = hidden externally_initialized global [{TRANSLATION_PAGES} x i64] zeroinitializer, align 8
"""

_ATTRIBUTES = '"no-jump-tables"="true" nounwind'


def head_name(number: int) -> str:
    """The function that enters at the region's head `number`."""
    return f"head_{number}"


class RegionEmitter(SideExits):
    """Emits one region; `text` is the module."""

    def __init__(self, region: Region, big_endian: bool) -> None:
        self.region, self.big_endian = region, big_endian
        self.b = b = handler_builder("translation")
        self.page_numbers = {page: index for index, page in enumerate(region.pages)}
        self.registers: dict[int, Variable] = {
            register: b.variable("i32", "0") for register in region.registers
        }
        self.occupied: dict[str, Variable] = {
            name: b.variable("i64", "0") for name in self._timed_registers()
        }
        self.stalled = b.variable("i64", "0")
        self.budget = b.variable("i64", "0")
        self.exit_offset = b.variable("i64", "0")
        self.exit_budget = b.variable("i64", "0")
        self.exit_handler = b.variable("i64", str(CONTEXT_OFFSETS["interpret"]))
        self._begin()
        for block in region.blocks.values():
            b.place(self.label(block.pc))
            with b.scope():
                BlockEmitter(self, block).emit()
        self._interpret_tail()
        heads = [self._head(number) for number in range(len(region.heads))]
        self.text = PRELUDE + _PAGES + b.text(_ATTRIBUTES) + "".join(heads)

    @staticmethod
    def label(pc: int) -> str:
        """The label of the block at `pc`."""
        return f"b_{pc:x}"

    @staticmethod
    def spent_label(pc: int) -> str:
        """Where the loop at `pc` is left to the interpreter, which uses up the budget."""
        return f"spent_{pc:x}"

    def _head(self, number: int) -> str:
        b = handler_builder(head_name(number))
        b.tail_call("@translation", arguments(accumulator=str(number)))
        return b.text(_ATTRIBUTES)

    def _begin(self) -> None:
        b = self.b
        self.codes = self.invariant("ptr", "codes")
        biased = b.offset(self.invariant("ptr", "ram_host"), -r.KSEG0)
        self.kseg0 = biased, self.invariant("i64", "kseg0_size")
        if self.occupied:
            self.limit = self.invariant("i64", "limit")
        stubs = [f"stub_{number}" for number in range(len(self.region.heads))]
        cases = " ".join(f"i32 {number}, label %{stub}" for number, stub in enumerate(stubs))
        b.do(f"switch i32 %accumulator, label %{stubs[0]} [{cases}]")
        for stub, pc in zip(stubs, self.region.heads, strict=True):
            b.place(stub)
            with b.scope():
                self._enter_at(pc)

    def _enter_at(self, pc: int) -> None:
        """Come in at a head: the page must be mapped where it was, and the budget suffice."""
        b = self.b
        refused = b.emit(f"icmp ne i32 {pc_of(b, '%entry')}, {pc}")
        short = b.emit(f"icmp slt i64 %budget, {self.region.bounds[pc]}")
        refused = b.emit(f"or i1 {refused}, {short}")
        with b.cold_if(refused):
            b.tail_call(fields.load_pointer(b, "interpret"), arguments())
        self.count_translated("add", "%budget")
        self.budget.set("%budget")
        for register, variable in self.registers.items():
            variable.set(b.load("i32", "%state", register_offset(register)))
        for name, variable in self.occupied.items():
            ready = b.load("i64", "%state", STATE_OFFSETS[name])
            end = b.emit(f"add i64 {self.limit}, {OCCUPIED}")
            variable.set(b.emit(f"sub i64 {end}, {ready}"))
        b.jump(self.label(pc))

    # HI and LO, where the profile has an interlock. `occupied` holds the budget with which each
    # was last occupied, for that is at hand; the state has the cycle in which it can be used.

    def _timed_registers(self) -> list[str]:
        """The fields that say when HI and LO are ready, of those that the region uses."""
        if not self.region.profile.hi_lo_interlock:
            return []
        steps = [step.effects for block in self.region.blocks.values() for step in block.all_steps]
        return sorted({name for does in steps for name in (*used_by(does), *occupied_by(does))})

    def add_stall(self, cycles: int | Operand) -> None:
        """The processor stands still for so many cycles."""
        self.stalled.set(self.b.emit(f"add i64 {self.stalled.get()}, {cycles}"))

    def _write_back_time(self) -> None:
        if not self.occupied:
            return
        b = self.b
        end = b.emit(f"add i64 {self.limit}, {OCCUPIED}")
        for name, variable in self.occupied.items():
            ready = b.emit(f"sub i64 {end}, {variable.get()}")
            b.store("i64", ready, "%state", STATE_OFFSETS[name])
        user = b.emit(f"icmp ne i32 {fields.load_context(b, 'user_mode')}, 0")
        offsets = STATE_OFFSETS["user_stalls"], STATE_OFFSETS["kernel_stalls"]
        chosen = b.emit(f"select i1 {user}, i64 {offsets[0]}, i64 {offsets[1]}")
        stalls = b.emit(f"add i64 {b.load('i64', '%state', chosen)}, {self.stalled.get()}")
        b.store("i64", stalls, "%state", chosen)

    def leave_page(self, offset: Operand, budget: Operand, handler: Operand) -> None:
        self._write_back_time()
        super().leave_page(offset, budget, handler)

    def go(self, target: Operand, budget: Operand, jump_from: Operand = "") -> None:
        self._write_back_time()
        super().go(target, budget, jump_from)

    # Side exits. Registers have been written back.

    @property
    def interpret_label(self) -> str:
        """Where all side exits to the interpreter end, with `exit_offset` and `exit_budget` set."""
        return "leave_to_interpreter"

    def _interpret_tail(self) -> None:
        b = self.b
        with b.cold():
            b.place(self.interpret_label)
            budget = self.exit_budget.get()
            handler = self.exit_handler.get()
            self.leave_page(self.exit_offset.get(), budget, handler)

    def dispatch(self, pc: int, budget: Operand) -> None:
        """Go on at `pc`, in the page that is being executed."""
        offset = str((pc >> 2 & 1023) * ENTRY_SIZE)
        self.leave_page(offset, budget, str(CONTEXT_OFFSETS["dispatch"]))

    # Pages.

    def code_of(self, page: int) -> Operand:
        """What the present mode's code table has for a virtual page, an i64."""
        return self.code_at(self.codes, 8 * page)

    def page_pointer(self, page: int) -> Operand:
        """The code page that a page of the region was made from, an i64."""
        at = self.b.offset("@pages", 8 * self.page_numbers[page])
        return self.b.emit(f"load i64, ptr {at}, align 8{INVARIANT}")

    def is_elsewhere(self, page: int) -> Operand:
        """Is another page, or none, mapped where a page of the region was? An i1."""
        return self.b.emit(f"icmp ne i64 {self.code_of(page)}, {self.page_pointer(page)}")

    def is_unmapped(self, page: int) -> Operand:
        """Does the code table have nothing for a virtual page? An i1."""
        return self.is_unknown(self.code_of(page))

    def make_present(self, page: int) -> None:
        """A page of the region becomes the one that is being executed."""
        self.switch_page(self.page_pointer(page), str(page << 12))


def emit(region: Region, big_endian: bool) -> str:
    """The module's text. It has a function for each head (`head_name`), and a variable `pages`
    that is to hold the addresses of the region's code pages."""
    return RegionEmitter(region, big_endian).text
