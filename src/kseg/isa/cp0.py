"""The registers of CP0, the system control coprocessor: what reading and writing each one does.

MIPS RISC Architecture, chapter 6; for mips161, System/161's processor manual. A register that a
profile does not list raises a reserved-instruction exception there, or reads as zero where the
profile's hardware does not trap.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode, Fatal
from kseg.isa.profile import Profile
from kseg.isa.semantics import Processor
from kseg.isa.values import Value, select, word

Read = Callable[[Processor], Value]
Write = Callable[[Processor, Value], None]


@dataclass(frozen=True)
class ControlRegister:
    """One CP0 register: `read` gives its word, `write` takes one."""

    name: str
    read: Read
    write: Write


def _ignore(cpu: Processor, value: Value) -> None:
    """Read-only: a write does nothing."""


def _reserved(cpu: Processor) -> Value:
    """A register that can be written, to no effect, but not read."""
    cpu.trap(ExceptionCode.RESERVED_INSTRUCTION)
    return 0


def _constant(value: int) -> Read:
    return lambda _cpu: value


def _write_index(cpu: Processor, value: Value) -> None:
    cpu.index = value & (r.INDEX_PROBE_FAILED | r.INDEX_MASK)


def _write_entry_lo(cpu: Processor, value: Value) -> None:
    cpu.entry_lo = value & r.ENTRY_LO_MASK


def _write_context(cpu: Processor, value: Value) -> None:
    """All of it on mips161; elsewhere PTEBase alone, for BadVPN belongs to the hardware."""
    if cpu.profile.clobbers_on_exception:
        cpu.context = value
    else:
        cpu.context = (value & 0xFFE00000) | (cpu.context & 0x1FFFFC)


def _write_bad_vaddr(cpu: Processor, value: Value) -> None:
    if cpu.profile.clobbers_on_exception:
        cpu.bad_vaddr = value


def _write_entry_hi(cpu: Processor, value: Value) -> None:
    cpu.entry_hi = value & (r.VPN_MASK | r.ASID_MASK)
    cpu.changed_address_space()


def _write_compare(cpu: Processor, value: Value) -> None:
    """Starts the timer, takes back its interrupt, and starts Count anew if it is past."""
    cpu.compare = value
    count = cpu.count()
    cpu.set_count(select(count > value, 0, count))
    cpu.timer_line = 0
    cpu.arm_timer()


def _write_status(cpu: Processor, value: Value) -> None:
    if cpu.profile.status_fatal:
        fatal = (value & cpu.profile.status_fatal) != 0
        cpu.fatal_if(fatal, Fatal.STATUS_BITS, value)
    kept = cpu.status & word(~cpu.profile.status_writable)
    cpu.status = kept | (value & cpu.profile.status_writable)
    cpu.changed_status()


def _read_cause(cpu: Processor) -> Value:
    return cpu.cause | cpu.interrupt_lines | cpu.timer_line


def _write_cause(cpu: Processor, value: Value) -> None:
    kept = cpu.cause & word(~r.CAUSE_SOFTWARE_INTERRUPTS)
    cpu.cause = kept | (value & r.CAUSE_SOFTWARE_INTERRUPTS)
    cpu.changed_status()


INDEX = ControlRegister("index", lambda cpu: cpu.index, _write_index)
RANDOM = ControlRegister("random", lambda cpu: cpu.random() << r.INDEX_SHIFT, _ignore)
ENTRY_LO = ControlRegister("entrylo", lambda cpu: cpu.entry_lo, _write_entry_lo)
CONTEXT = ControlRegister("context", lambda cpu: cpu.context, _write_context)
BAD_VADDR = ControlRegister("badvaddr", lambda cpu: cpu.bad_vaddr, _write_bad_vaddr)
COUNT = ControlRegister("count", lambda cpu: cpu.count(), lambda cpu, v: cpu.set_count(v))
ENTRY_HI = ControlRegister("entryhi", lambda cpu: cpu.entry_hi, _write_entry_hi)
COMPARE = ControlRegister("compare", lambda cpu: cpu.compare, _write_compare)
STATUS = ControlRegister("status", lambda cpu: cpu.status, _write_status)
CAUSE = ControlRegister("cause", _read_cause, _write_cause)
EPC = ControlRegister("epc", lambda cpu: cpu.epc, _ignore)
PRID = ControlRegister("prid", lambda cpu: cpu.profile.processor_id, _ignore)
TARGET_ADDRESS = ControlRegister("tar", lambda cpu: cpu.target_address, _ignore)
CACHE_CONFIGURATION = ControlRegister("config", _constant(0), _ignore)

UNIMPLEMENTED = ControlRegister("reserved", _constant(0), _ignore)
"""What a processor without selects has at the other numbers: undefined, and it does not trap."""

_COMMON = {(12, 0): STATUS, (13, 0): CAUSE, (14, 0): EPC, (15, 0): PRID, (8, 0): BAD_VADDR}
_TLB = {(0, 0): INDEX, (1, 0): RANDOM, (2, 0): ENTRY_LO, (4, 0): CONTEXT, (10, 0): ENTRY_HI}

REGISTERS: dict[str, dict[tuple[int, int], ControlRegister]] = {
    "r3000": _COMMON | _TLB | {(3, 0): CACHE_CONFIGURATION},
    "lsi": _COMMON | {(6, 0): TARGET_ADDRESS},
    "mips161": _COMMON
    | _TLB
    | {
        (9, 0): COUNT,
        (11, 0): COMPARE,
        (15, 1): ControlRegister("cfeat", _constant(0), _ignore),
        (15, 2): ControlRegister("ifeat", _constant(0), _ignore),
        (16, 0): ControlRegister("config0", _constant(0x800083F3), _ignore),
        (16, 1): ControlRegister("config1", _constant(0x7E1B0D80), _ignore),
    }
    | {(16, n): ControlRegister(f"config{n}", _reserved, _ignore) for n in range(2, 8)},
}
"""By profile (`Profile.family`): the registers by (number, select)."""


def find(profile: Profile, number: int, select_: int) -> ControlRegister | None:
    """The register that mfc0 and mtc0 reach by number and select; None if it is reserved."""
    registers = REGISTERS[profile.family]
    if not profile.has_register_selects:
        return registers.get((number, 0), UNIMPLEMENTED)
    return registers.get((number, select_))


def distinguished(profile: Profile) -> list[tuple[int, int]]:
    """Every (number, select) for which `find` has a register of its own."""
    return list(REGISTERS[profile.family])
