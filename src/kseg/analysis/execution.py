"""Executing one instruction from a given state on the reference engine, and what comes of it."""

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from random import Random
from typing import Any, cast

from kseg.analysis.states import (
    FRAMES,
    HOME,
    PAGE,
    PAGES,
    PROGRAM,
    RESOURCES,
    Registers,
    State,
    resource,
)
from kseg.engine.contract import ExitReason
from kseg.engine.reference.aborts import EngineExit, Trap
from kseg.engine.reference.mmu import Access, translate
from kseg.engine.reference.processor import ReferenceProcessor
from kseg.engine.reference.step import step
from kseg.engine.state import ProcessorState
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.instruction import Meaning
from kseg.isa.instruction_set import Encoding, InstructionSet
from kseg.isa.pattern import Pattern
from kseg.isa.profile import Profile
from kseg.isa.registers import GPR_NAMES
from kseg.memory.physical import PhysicalMemory

MEMORY_TRAPS = frozenset(
    (
        ExceptionCode.TLB_MODIFIED,
        ExceptionCode.TLB_LOAD,
        ExceptionCode.TLB_STORE,
        ExceptionCode.ADDRESS_ERROR_LOAD,
        ExceptionCode.ADDRESS_ERROR_STORE,
        ExceptionCode.INSTRUCTION_BUS_ERROR,
        ExceptionCode.DATA_BUS_ERROR,
    )
)
"""The paper's memory traps: those for an address out of bounds, or not there."""


class End(Enum):
    """How an instruction ends."""

    COMPLETES = "completes"
    TRAPS = "traps"
    """With an exception that is no memory trap."""
    MEMORY_TRAPS = "memory-traps"
    STOPS = "stops the machine"
    """What the guest did is fatal to the machine (mips161)."""
    ASKS = "reaches a device"
    """Outside every region: not a matter of the instruction, and left out."""


@dataclass(frozen=True)
class Outcome(Registers):
    """The state after one instruction, and how it ended."""

    end: End
    code: ExceptionCode | None
    """Of a trap."""
    storage: tuple[bytes, ...]
    """The program's pages."""
    reads: frozenset[str]
    """Fields of the processor that the declaration read, and general registers, by name."""
    addresses: tuple[int, ...]
    """Virtual addresses that it used, for data or to look at a jump's target."""

    @property
    def program(self) -> tuple[Any, ...]:
        """E|r and P."""
        return self.program_without("")

    def program_without(self, name: str) -> tuple[Any, ...]:
        """E|r and P, but for one of the fields in `kseg.analysis.states.PROGRAM`."""
        kept = (self.fields[other] for other in PROGRAM if other != name)
        return self.gpr, self.storage, *kept

    @property
    def resources(self) -> tuple[int, ...]:
        """Everything else that an instruction can leave changed."""
        return tuple(resource(name, self.fields[name]) for name in RESOURCES)


_FIELDS = tuple(
    dict.fromkeys(
        (*PROGRAM, *RESOURCES, "enabled", "clock", "hi_ready", "lo_ready"),
    )
)


class ExaminedProcessor(ReferenceProcessor):
    """The reference processor, with room for notes on what a declaration reads and reaches."""

    tracing = False

    def __init__(self, profile: Profile, byte_order: str, memory: PhysicalMemory) -> None:
        self.reads: set[str] = set()
        self.addresses: list[int] = []
        self.noted = _Noted(self)
        super().__init__(profile, byte_order, memory, ProcessorState())

    def fetch_word(self, address: int, *, quiet: bool = False) -> int:
        if self.tracing and not quiet:
            self.addresses.append(address)
        return super().fetch_word(address, quiet=quiet)

    def load(self, address: int, size: int) -> int:
        self.addresses.append(address)
        return super().load(address, size)

    def load_around(self, address: int) -> int:
        self.addresses.append(address)
        return super().load_around(address)

    def store(self, address: int, size: int, value: int) -> None:
        self.addresses.append(address)
        super().store(address, size, value)

    def store_masked(self, address: int, value: int, mask: int) -> None:
        self.addresses.append(address)
        super().store_masked(address, value, mask)

    def store_if(self, condition: int, address: int, expected: int, value: int) -> int:
        if condition:
            self.addresses.append(address)
        return super().store_if(condition, address, expected, value)

    def check_address(self, condition: int, address: int) -> None:
        if condition:
            self.addresses.append(address)
        super().check_address(condition, address)


class TracingProcessor(ExaminedProcessor):
    """What the testbed's processor is while a declaration is executed: it notes all reads.

    A class of its own, because noticing reads makes all of them slow: see `_Given`.
    """

    tracing = True

    def __getattribute__(self, name: str) -> Any:
        if name in _TRACED:
            own = object.__getattribute__(self, "__dict__")
            if name == "gpr":
                return own["noted"]
            own["reads"].add(name)
        return object.__getattribute__(self, name)


_TRACED = frozenset((*_FIELDS, "tlb_entry_hi", "tlb_entry_lo", "gpr")) - {"pc", "next_pc"}


class _Noted:
    """The general registers as a declaration sees them; what is read is noted by its name."""

    def __init__(self, cpu: ExaminedProcessor) -> None:
        self._own = cpu.__dict__

    def __getitem__(self, number: int) -> int:
        self._own["reads"].add(GPR_NAMES[number])
        return self._own["gpr"][number]  # type: ignore[no-any-return]

    def __setitem__(self, number: int, value: int) -> None:
        self._own["gpr"][number] = value


class Examination:
    """A processor of one profile with a little RAM, on which single instructions are executed."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.byte_order = profile.byte_orders[0]
        self.memory = PhysicalMemory(FRAMES * PAGE)
        self.cpu = ExaminedProcessor(profile, self.byte_order, self.memory)
        numbers = Random("storage")
        self._background = numbers.randbytes(FRAMES * PAGE)
        self._pages = tuple(numbers.randbytes(PAGE) for _ in PAGES)
        self._images: dict[tuple[int, ...], bytes] = {}
        self._decoders: dict[tuple[Pattern, Meaning], _Given] = {}

    def word_at(self, address: int) -> int:
        """The word that the program's storage holds at a virtual address in its pages, or behind
        the windows onto them while they are at HOME; 0 elsewhere."""
        for page, frame, contents in zip(PAGES, HOME, self._pages, strict=True):
            offset = address - page
            if address >> 30 == 2:  # kseg0, kseg1
                offset = (address & 0x1FFFFFFF) - frame * PAGE
            if 0 <= offset < PAGE - 3:
                order = "big" if self.cpu.big_endian else "little"
                return int.from_bytes(contents[offset : offset + 4], order)  # type: ignore[arg-type]
        return 0

    def execute(self, encoding: Encoding, word: int, state: State) -> Outcome:
        """Execute `word`, which decodes as `encoding`, once from `state`."""
        cpu = self.cpu
        self._set(state)
        self._place(word, state)
        cpu.reads, cpu.addresses = set(), []
        before = list(cpu.exceptions)
        end, code = End.COMPLETES, None
        try:
            step(cpu, cast(InstructionSet, self._decoder(encoding)))
        except EngineExit as leave:
            end = End.STOPS if leave.exit.reason is ExitReason.FATAL else End.ASKS
        taken = [code for code in ExceptionCode if cpu.exceptions[code] != before[code]]
        if taken:
            code = taken[-1]
            end = End.MEMORY_TRAPS if code in MEMORY_TRAPS else End.TRAPS
        ram = self.memory.ram.data
        return Outcome(
            end=end,
            code=code,
            fields={name: getattr(cpu, name) for name in _FIELDS},
            gpr=tuple(cpu.gpr),
            tlb_hi=tuple(cpu.tlb_entry_hi),
            tlb_lo=tuple(cpu.tlb_entry_lo),
            storage=tuple(bytes(ram[frame * PAGE : (frame + 1) * PAGE]) for frame in state.frames),
            reads=frozenset(cpu.reads),
            addresses=tuple(cpu.addresses),
        )

    def _set(self, state: State) -> None:
        cpu = self.cpu
        for name, value in state.fields.items():
            setattr(cpu, name, value)
        list.__setitem__(cpu.gpr, slice(None), list(state.gpr))
        cpu.tlb_entry_hi, cpu.tlb_entry_lo = list(state.tlb_hi), list(state.tlb_lo)

    def _place(self, word: int, state: State) -> None:
        """Fill memory, and put the instruction where it will be fetched: in the paper, too, it
        is given and not looked up."""
        ram = self.memory.ram.data
        ram[:] = self._image(state.frames)
        order = "big" if self.cpu.big_endian else "little"
        following = state.fields["pc"] + 4
        for address, content in ((state.fields["pc"], word), (following, state.slot)):
            with suppress(Trap):
                physical = translate(self.cpu, address, Access.FETCH, address)
                ram[physical : physical + 4] = content.to_bytes(4, order)  # type: ignore[arg-type]

    def _image(self, frames: tuple[int, ...]) -> bytes:
        if frames not in self._images:
            image = bytearray(self._background)
            for frame, contents in zip(frames, self._pages, strict=True):
                image[frame * PAGE : (frame + 1) * PAGE] = contents
            self._images[frames] = bytes(image)
        return self._images[frames]

    def _decoder(self, encoding: Encoding) -> "_Given":
        key = encoding.pattern, encoding.instruction.meaning
        if key not in self._decoders:
            self._decoders[key] = _Given(encoding)
        return self._decoders[key]


class _Given:
    """In an instruction set's place: decodes every word as one instruction, which is traced."""

    def __init__(self, encoding: Encoding) -> None:
        meaning = encoding.instruction.meaning

        def traced(cpu: ExaminedProcessor, *operands: int) -> None:
            cpu.__class__ = TracingProcessor
            try:
                meaning(cpu, *operands)
            finally:
                cpu.__class__ = ExaminedProcessor

        self._encoding = Encoding(encoding.pattern, replace(encoding.instruction, meaning=traced))

    def decode(self, _word: int) -> Encoding:
        return self._encoding
