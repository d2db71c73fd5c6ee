"""One processor as a program sees it: registers by name, the TLB as a table.

Looking changes nothing. What is changed here takes effect when the machine runs on.
"""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import overload

import msgspec

from kseg import checks
from kseg.checks import ArgumentError
from kseg.engine.state import TLB_SIZE, ProcessorState
from kseg.errors import KsegError
from kseg.isa import registers as r
from kseg.isa.floating_point import FCSR_WRITABLE, signals
from kseg.isa.profile import profile_named
from kseg.machine.run_lock import RunLock, Safepoint

CONTROL_FIELDS = {
    "pc": "pc",
    "hi": "hi",
    "lo": "lo",
    "status": "status",
    "cause": "cause",
    "epc": "epc",
    "badvaddr": "bad_vaddr",
    "context": "context",
    "entryhi": "entry_hi",
    "entrylo": "entry_lo",
    "index": "index",
    "compare": "compare",
}
"""What can be read and written beside the general registers, and the field that holds it."""

COMPUTED = ("count", "random")
"""Functions of time: `random` can only be read."""

FLOATING_POINT = (*r.FPR_NAMES, "fcsr", "fir")
"""Those of a floating-point unit, where there is one: `fir` can only be read. A double is an even
register, its low word, and the next one."""

_BITS = {
    "index": r.INDEX_PROBE_FAILED | r.INDEX_MASK,
    "entry_lo": r.ENTRY_LO_MASK,
    "entry_hi": r.VPN_MASK | r.ASID_MASK,
}
"""Of fields that have not all of them: others read as zero, as for the guest."""

COUNTER_MASK = (1 << 64) - 1
WORD_MASK = 0xFFFFFFFF


class RegisterError(KsegError, KeyError):
    """No register has this name or number."""

    __str__ = Exception.__str__


class EntryError(KsegError, IndexError):
    """The TLB has no entry of this number."""


class Registers(MutableMapping[str | int, int]):
    """Registers by name ("a0", "r4", "4", "pc", "hi", "status", "epc", ...) or number (4): 32-bit
    numbers without sign. `print` shows a table.

    Names are those of the o32 convention and of CP0. RegisterError, a KeyError, for others;
    iterating gives each register once.
    """

    def __init__(
        self,
        state: ProcessorState,
        profile: str,
        changed: Callable[[], None] | None = None,
        lock: RunLock | None = None,
    ) -> None:
        """`changed` is called when a register was written, while `lock` is held."""
        self._state = state
        self._profile = profile_named(profile)
        self._changed = changed
        self._lock = lock or RunLock()
        self._bits = {"status": self._profile.status_writable, **_BITS}
        self._floating = FLOATING_POINT if self._profile.has_floating_point else ()

    def __getitem__(self, name: str | int) -> int:
        number = _general(name)
        state = self._state
        if number is not None:
            return int(state.gpr[number])
        if name == "cause":
            # The lines are live; the rest is what the last exception left.
            return int(state.cause | state.interrupt_lines | state.timer_line)
        if name == "count":
            return int(state.clock - state.count_origin) & WORD_MASK
        if name == "random":
            cycles = (state.clock - state.random_origin) & COUNTER_MASK
            return int(self._profile.random(cycles)) << r.INDEX_SHIFT
        if name in self._floating:
            return self._floating_point(str(name))
        return int(getattr(state, CONTROL_FIELDS[self._name(name)]))

    def _floating_point(self, name: str) -> int:
        if name == "fir":
            return self._profile.fir
        return int(self._state.fcsr if name == "fcsr" else self._state.fpr[int(name[1:])])

    def __setitem__(self, name: str | int, value: int) -> None:
        value = checks.word(f"register {checks.shown(name)}", value)
        with self._lock.at(Safepoint.CHANGEABLE):
            self._set(name, value)
            if self._changed is not None:
                self._changed()

    def _set(self, name: str | int, value: int) -> None:
        number = _general(name)
        state = self._state
        if number is not None:
            if number:
                state.gpr[number] = value
        elif name == "pc":
            if value & 3:
                raise ArgumentError(f"pc: {value:#x} is not a multiple of 4")
            state.pc = value
            state.in_delay_slot = 0
        elif name == "cause":
            state.cause = value & ~r.CAUSE_INTERRUPT_LINES
        elif name == "count":
            state.count_origin = (state.clock - value) & COUNTER_MASK
        elif name == "random":
            raise ArgumentError("random is a function of time and cannot be set")
        elif name in self._floating:
            self._set_floating_point(str(name), value)
        else:
            field = CONTROL_FIELDS[self._name(name)]
            setattr(state, field, value & self._bits.get(field, WORD_MASK))

    def _set_floating_point(self, name: str, value: int) -> None:
        if name == "fir":
            raise ArgumentError("fir cannot be set")
        if name == "fcsr":
            self._state.fcsr = value & FCSR_WRITABLE
            self._state.timer_line = r.FLOATING_POINT_LINE if signals(self._state.fcsr) else 0
        else:
            self._state.fpr[int(name[1:])] = value

    def __delitem__(self, name: str | int) -> None:
        raise ArgumentError(f"register {checks.shown(name)}: a processor cannot lose it")

    def __iter__(self) -> Iterator[str]:
        return iter((*r.GPR_NAMES, *CONTROL_FIELDS, *COMPUTED, *self._floating))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _name(self, name: str | int) -> str:
        if name not in CONTROL_FIELDS:
            raise _no_register(name, self._floating)
        return str(name)

    def __repr__(self) -> str:
        names = list(self)
        general, control = names[: len(r.GPR_NAMES)], names[len(r.GPR_NAMES) :]
        cells = [f"{name:>4} {self[name]:08x}" for name in general]
        lines = ["  ".join(cells[start : start + 4]) for start in range(0, len(cells), 4)]
        cells = [f"{name:>8} {self[name]:08x}" for name in control]
        lines += ["  ".join(cells[start : start + 4]) for start in range(0, len(cells), 4)]
        return "\n".join(lines)


def _general(name: str | int) -> int | None:
    """The number of a general register, or None if `name` is another's."""
    if isinstance(name, int) and not isinstance(name, bool):
        if 0 <= name < len(r.GPR_NAMES):
            return name
        raise _no_register(name)
    if not isinstance(name, str):
        raise _no_register(name)
    return r.GPR_NUMBERS.get(name.removeprefix("$"))


def _no_register(name: object, floating: Sequence[str] = ()) -> RegisterError:
    names = ", ".join((*CONTROL_FIELDS, *COMPUTED, *floating))
    return RegisterError(
        f"no register {checks.shown(name)}; there are 0 to 31, their names, and {names}"
    )


class TlbEntry(msgspec.Struct, frozen=True):
    """One entry of the TLB: `page` and `frame` are addresses, multiples of 4096."""

    number: int
    page: int
    asid: int
    frame: int
    uncached: bool
    writable: bool
    valid: bool
    every_space: bool
    """Whether the entry matches whatever the current ASID is (G)."""

    def __str__(self) -> str:
        flags = "".join(
            letter if on else "-"
            for letter, on in zip(
                "NDVG", (self.uncached, self.writable, self.valid, self.every_space), strict=True
            )
        )
        return f"{self.number:2}  {self.page:08x}  {self.asid:2}  {self.frame:08x}  {flags}"


class Tlb(Sequence[TlbEntry]):
    """The 64 entries of a processor's TLB; `print` shows those that are valid as a table."""

    def __init__(self, state: ProcessorState) -> None:
        self._state = state

    @overload
    def __getitem__(self, index: int) -> TlbEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[TlbEntry]: ...
    def __getitem__(self, index: int | slice) -> TlbEntry | list[TlbEntry]:
        try:
            if isinstance(index, slice):
                return [self[number] for number in range(*index.indices(TLB_SIZE))]
            number = range(TLB_SIZE)[index]
        except (IndexError, TypeError):
            raise EntryError(
                f"TLB entry {checks.shown(index)}: give a number from 0 to {TLB_SIZE - 1}"
            ) from None
        high, low = self._state.tlb_entry_hi[number], self._state.tlb_entry_lo[number]
        return TlbEntry(
            number=number,
            page=high & r.VPN_MASK,
            asid=(high & r.ASID_MASK) >> 6,
            frame=low & r.VPN_MASK,
            uncached=bool(low & r.ENTRY_LO_N),
            writable=bool(low & r.ENTRY_LO_D),
            valid=bool(low & r.ENTRY_LO_V),
            every_space=bool(low & r.ENTRY_LO_G),
        )

    def __len__(self) -> int:
        return TLB_SIZE

    def __repr__(self) -> str:
        valid = [str(entry) for entry in self if entry.valid]
        if not valid:
            return f"{TLB_SIZE} entries, none valid"
        return "\n".join([" #  page      id  frame     flags", *valid])


class Processor:
    """One processor of a machine."""

    def __init__(
        self,
        state: ProcessorState,
        profile: str,
        changed: Callable[[], None] | None = None,
        lock: RunLock | None = None,
    ) -> None:
        self.state = state
        """All of it, as the engines see it: see `kseg.engine.state`. Code that writes here while
        the machine is recorded must tell its Recording (`changed`)."""
        self.registers = Registers(state, profile, changed, lock)
        self.tlb = Tlb(state)

    @property
    def number(self) -> int:
        """Its number on the board."""
        return int(self.state.identity)

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        return int(self.state.pc)

    @property
    def in_user_mode(self) -> bool:
        """Whether the next instruction runs in user mode."""
        return bool(self.state.status & r.STATUS_KUC)

    @property
    def condition(self) -> str:
        """ "running", "waiting" (in WAIT) or "stopped" (not started by the guest)."""
        if not self.state.enabled:
            return "stopped"
        return "waiting" if self.state.waiting else "running"

    def __repr__(self) -> str:
        mode = "user" if self.in_user_mode else "kernel"
        return f"<Processor {self.number}: {self.condition}, pc {self.pc:#010x}, {mode} mode>"
