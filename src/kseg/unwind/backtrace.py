"""Back-traces: the callers of what is executed, in a guest's kernel and programs.

From a processor's registers to the caller's, frame by frame, by the first of these that applies:

1. The compiler's call frame information (`call_frames`). 2. The return from an exception handler
(`symbolic_unwinder`): what it is going to restore are the registers of the code that was
interrupted. So a trace goes on there, be it the kernel or a program, with no layout of any kernel's
trap frame written down here. 3. For the innermost frame, the return from a leaf or an epilogue
(`symbolic_unwinder`). 4. The function's prologue (`prologue`).
"""

from collections.abc import Iterator
from typing import NamedTuple

from kseg.engine.state import ProcessorState
from kseg.inspection.machine import InspectedMachine
from kseg.isa import registers as r
from kseg.isa.exceptions import BOOT_ROM
from kseg.isa.profile import profile_named
from kseg.isa.registers import RETURN_ADDRESS
from kseg.isa.unknown import UNKNOWN, Number, known
from kseg.isa.values import WORD
from kseg.symbols.call_frames import CallFrame
from kseg.symbols.symbol_file import Location, SymbolFile
from kseg.symbols.symbol_table import Symbols
from kseg.unwind import prologue
from kseg.unwind.guest_memory import GuestMemory
from kseg.unwind.symbolic_processor import LOST_IN_CALLS, Control
from kseg.unwind.symbolic_unwinder import STACK_POINTER, Start, SymbolicUnwinder

MOST_FRAMES = 64


class Frame(NamedTuple):
    """A function that has been called and has not returned.

    `pc` is the next instruction: behind the innermost frame and code that was interrupted, the
    address that a call returns to. `interrupted` says that an exception came here, and that the
    frames before this one are its handler's.
    """

    pc: int
    sp: int | None
    location: Location | None
    interrupted: bool = False
    user: bool = False

    def __str__(self) -> str:
        return f"{self.pc:#010x} {self.location or '?'}"

    @property
    def name(self) -> str:
        """The function's name; in brackets where there is none."""
        if self.location is not None:
            return self.location.symbol.name
        return "[user]" if self.user else f"[{self.pc:#010x}]"


class Backtrace(NamedTuple):
    """Frames, the innermost first. `end` says why there are no more, if that is not because
    nobody called the outermost."""

    frames: list[Frame]
    end: str = ""

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self, most: int = MOST_FRAMES) -> list[str]:
        """One for each of the first `most` frames, and one for what else there is to say."""
        lines = []
        for number, frame in enumerate(self.frames[:most]):
            if frame.interrupted:
                mode = "user" if frame.user else "kernel"
                lines.append(f"    -- exception, in {mode} mode, at --")
            lines.append(f"#{number:<2} {frame}")
        if len(self.frames) > most:
            lines.append(f"    ({len(self.frames) - most} more)")
        elif self.end:
            lines.append(f"    ({self.end})")
        return lines


class Context(NamedTuple):
    """Registers of some frame: what the next one is found from. `after_call`: `pc` is where a call
    returns to."""

    pc: int
    registers: list[Number]
    user: bool
    after_call: bool = False
    after_slot: int | None = None
    control: Control = Control()
    interrupted: bool = False


def backtrace(
    machine: InspectedMachine,
    processor: int = 0,
    symbols: Symbols | None = None,
    most: int = MOST_FRAMES,
) -> Backtrace:
    """The back-trace of a processor, `most` frames at most; the guest notices nothing."""
    state = machine.processors[processor].state
    memory = GuestMemory(machine, processor)
    unwinder = Unwinder(machine.board.profile, memory, symbols or Symbols([]))
    return unwinder.trace(context_of(state), most)


def exception_of(state: ProcessorState) -> tuple[int, int, int]:
    """Cause, EPC and BadVAddr of the last exception outside the boot ROM: in there, where no
    handler is, one follows the other."""
    if state.epc in BOOT_ROM and state.boot_cause | state.boot_epc:
        return state.boot_cause, state.boot_epc, state.boot_bad_vaddr
    return state.cause, state.epc, state.bad_vaddr


def context_of(state: ProcessorState) -> Context:
    """What a processor is about to execute."""
    user = bool(state.status & r.STATUS_KUC)
    control = Control(state.status, *exception_of(state), state.context)
    return Context(
        pc=state.pc,
        registers=list(state.gpr),
        user=user,
        after_slot=state.next_pc if state.in_delay_slot else None,
        control=Control() if user else control,
    )


class CodeFacts:
    """What many back-traces of one guest may have in common: what only depends on its kernel's
    code, which does not change."""

    def __init__(self) -> None:
        self.no_handler: set[int] = set()
        """Addresses in functions that are not exception handlers."""


class Unwinder:
    """Finds callers in one guest, while it stands."""

    def __init__(
        self,
        profile: str,
        memory: GuestMemory,
        symbols: Symbols,
        facts: CodeFacts | None = None,
    ) -> None:
        self._memory = memory
        self._symbols = symbols
        self._facts = facts or CodeFacts()
        self._unwinder = SymbolicUnwinder(profile_named(profile), memory)
        self._end = ""

    def trace(self, context: Context, most: int = MOST_FRAMES) -> Backtrace:
        """The frames from `context` outwards."""
        self._end = ""
        frames = list(self._frames(context, most))
        return Backtrace(frames, self._end)

    def innermost(self, context: Context) -> Backtrace:
        return Backtrace([self._frame(context)])

    def _frames(self, context: Context, most: int) -> Iterator[Frame]:
        for _ in range(most):
            yield self._frame(context)
            caller = self._caller(context)
            if caller is None:
                return
            context = caller
        self._end = f"more than {most} frames"

    def _frame(self, context: Context) -> Frame:
        return Frame(
            context.pc,
            known(context.registers[STACK_POINTER]),
            self._symbols.location(
                context.pc, after_call=context.after_call, memory=self._memory.read
            ),
            context.interrupted,
            context.user,
        )

    def _caller(self, context: Context) -> Context | None:
        """The next frame's registers; None, and why in `_end`, where there is none."""
        inside = context.pc - 4 if context.after_call else context.pc
        if context.pc in BOOT_ROM and not context.after_call:
            return self._behind_boot_rom(context)
        if self._memory.word(inside & WORD & ~3) is None:
            self._end = "no code is there"
            return None
        file = self._symbols.file_at(inside, self._memory.read)
        frame = None if file is None else file.call_frame(inside + 3 * context.after_call)
        if frame is None:
            found = self._by_symbolic_execution(context)
            if found is not None:
                return self._checked(context, found)
            if file is not None and file.starts_at(inside):
                return None
            frame = self._from_prologue(inside, file)
        if frame is None:
            self._end = "the function's frame is not understood"
            return None
        return self._checked(context, self._called(context, frame))

    def _behind_boot_rom(self, context: Context) -> Context | None:
        """What an exception interrupted that came before the kernel had handlers: the ROM has none,
        and changes no register. Where it is not known, its caller may be."""
        epc = known(context.control.epc)
        if epc is not None and epc not in BOOT_ROM:
            return Context(epc, context.registers, epc < r.KSEG0, interrupted=True)
        target = known(context.registers[RETURN_ADDRESS])
        if not target:
            return None
        return Context(target, context.registers, target < r.KSEG0, after_call=True)

    def _by_symbolic_execution(self, context: Context) -> Context | None:
        start = Start(context.pc, context.registers, context.control, context.after_slot)
        if not context.after_call:
            back = self._unwinder.function_return(start)
            if back is not None:
                return Context(back.pc, back.registers, context.user, after_call=True)
        if context.user or context.pc in self._facts.no_handler:
            return None
        out = self._unwinder.exception_return(start)
        if out is None:
            if context.pc >= r.KSEG0:
                self._facts.no_handler.add(context.pc)
            return None
        user = out.user if out.user is not None else out.pc < r.KSEG0
        return Context(out.pc, out.registers, user, interrupted=True)

    def _from_prologue(self, inside: int, file: SymbolFile | None) -> CallFrame | None:
        start = None if file is None else file.function_start(inside)
        if start is None:
            start = prologue.find_start(inside, self._memory.word)
        if start is None:
            return None
        return prologue.frame_at(start, inside, self._memory.word)

    def _called(self, context: Context, frame: CallFrame) -> Context | None:
        """The caller, where the frame is known."""
        registers = list(context.registers)
        base = known(registers[frame.base])
        if base is None:
            self._end = "the stack pointer is not known"
            return None
        top = (base + frame.offset) & WORD
        if context.after_call or RETURN_ADDRESS in frame.saved:
            for number in LOST_IN_CALLS:
                registers[number] = UNKNOWN
        for number, place in frame.saved.items():
            word = self._memory.word((top + place) & WORD)
            if word is None:
                self._end = f"the stack is not mapped at {(top + place) & WORD:#010x}"
                return None
            registers[number] = word
        registers[STACK_POINTER] = top
        target = known(registers[RETURN_ADDRESS])
        if target is None:
            self._end = "no return address was saved"
            return None
        return Context(target, registers, context.user, after_call=True)

    def _checked(self, context: Context, caller: Context | None) -> Context | None:
        """The caller, unless there is none, or the stack leads nowhere."""
        if caller is None or (caller.pc == 0 and caller.after_call):
            return None
        old, new = (known(each.registers[STACK_POINTER]) for each in (context, caller))
        if caller.pc & 3:
            self._end = f"the return address {caller.pc:#010x} cannot be one"
            return None
        if caller.interrupted:
            return caller
        if caller.pc >= r.KSEG0 and context.user:
            self._end = f"the return address {caller.pc:#010x} is the kernel's"
            return None
        stands = old == new and caller.pc == context.pc
        if old is not None and new is not None and (new < old or stands):
            self._end = "the stack ends"
            return None
        return caller
