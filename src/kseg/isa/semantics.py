"""What an instruction can do to a processor: the language of the declarations.

A declaration is a function of a `Processor` and its operand fields. It is executed directly by
the reference engine, with ints, and lifted once by the code generators, with symbolic values;
so it must not use Python's `if` on a value, only `select`, `trap_if` and `branch`.

Order matters in one way: whatever can trap comes before the first write to a register. (The link of
a call is given to `branch`, which knows when it is written.)
"""

from typing import Protocol

from kseg.isa.exceptions import ExceptionCode, Fatal
from kseg.isa.profile import Profile
from kseg.isa.values import Value


class Registers(Protocol):
    """The general registers by number; register 0 reads as zero and ignores writes."""

    def __getitem__(self, number: Value, /) -> Value: ...
    def __setitem__(self, number: Value, value: Value, /) -> None: ...


class Processor(Protocol):
    """The processor as a declaration sees it."""

    profile: Profile
    big_endian: bool
    gpr: Registers

    fpr: Registers
    """The floating-point registers."""
    fcsr: Value

    hi: Value
    lo: Value
    pc: Value
    """Address of this instruction."""
    next_pc: Value
    """Address of the instruction that executes next: the delay slot's, for a branch."""

    # CP0 registers as stored words.
    status: Value
    cause: Value
    epc: Value
    bad_vaddr: Value
    context: Value
    entry_hi: Value
    entry_lo: Value
    index: Value
    compare: Value
    target_address: Value
    interrupt_lines: Value
    timer_line: Value
    ll_pending: Value
    ll_address: Value
    ll_value: Value

    # Registers, with time.
    def load_gpr(self, number: Value, value: Value) -> None:
        """Write a register as a load does: after the load delay, if the profile has one."""

    def latest_gpr(self, number: Value) -> Value:
        """A register's value with a load still on its way to it (LWL and LWR merge with it)."""

    def interlock(self, *, hi: bool, lo: bool) -> None:
        """Wait until HI and/or LO are there, where the profile has such an interlock."""

    def occupy(self, *, hi: bool, lo: bool) -> None:
        """HI and/or LO are being computed from this cycle on (see `interlock`)."""

    # Control.
    def branch(
        self, condition: Value, target: Value, link: tuple[Value, Value] | None = None
    ) -> None:
        """Go to `target` after the delay slot, where `condition` holds. `link` is a register and
        what is written to it in any case; with the profile's `links_first`, also where the target
        cannot be fetched."""

    def trap(self, code: ExceptionCode, coprocessor: int = 0) -> None:
        """Take an exception; the rest of the declaration does not happen."""

    def trap_if(self, condition: Value, code: ExceptionCode, coprocessor: int = 0) -> None:
        """Take an exception where `condition` holds."""

    def stop_if_debugged(self) -> None:
        """Leave to a debugger instead of going on, where one waits for BREAK."""

    def fatal_if(self, condition: Value, reason: Fatal, value: Value) -> None:
        """End the guest where `condition` holds: the machine has no state for what it did."""

    # Floating point.
    def compute(self, format_: int, operation: int, fd: Value, fs: Value, ft: Value) -> None:
        """Carry out an operation (`kseg.isa.floating_point`) on the registers with these numbers.
        If it raises an exception of the unit, and that interrupt is let through, it is taken
        before this instruction."""

    def write_fcsr(self, value: Value) -> None:
        """Write FCSR, which moves the unit's interrupt line. An interrupt that this raises is taken
        before the next instruction."""

    def raise_unimplemented(self) -> None:
        """The unit's exception for an operation that it lacks, raised as `compute` does it."""

    # Memory: `size` is 1, 2 or 4 bytes; addresses are virtual. Both raise the exceptions of
    # translation, alignment and the bus.
    def load(self, address: Value, size: int) -> Value:
        """The unsigned number at `address`."""

    def store(self, address: Value, size: int, value: Value) -> None:
        """Store the low `size` bytes of `value`."""

    def load_around(self, address: Value) -> Value:
        """The aligned word that holds the byte at `address`."""

    def store_masked(self, address: Value, value: Value, mask: Value) -> None:
        """Store those bits of the aligned word around `address` that are set in `mask`."""

    def store_if(self, condition: Value, address: Value, expected: Value, value: Value) -> Value:
        """Where `condition` holds: if the word at `address` is `expected`, store `value` there.

        Raises what a store raises, but only where `condition` holds. True if it was stored.
        """

    def check_address(self, condition: Value, address: Value) -> None:
        """Raise what a load of the word at `address` would, where `condition` holds."""

    # The privileged half.
    def require_cp0(self) -> None:
        """Trap unless CP0 instructions may be executed now."""

    def count(self) -> Value:
        """Cycles this processor has run, less the origin that a write to Count set."""

    def set_count(self, value: Value) -> None:
        """Make `count` return `value` in this cycle."""

    def arm_timer(self) -> None:
        """The on-chip timer will fire when Count reaches Compare."""

    def random(self) -> Value:
        """Random's number, 8 to 63."""

    def changed_status(self) -> None:
        """Status was written: mode, segments and interrupts may differ from here on."""

    def returned_from_exception(self) -> None:
        """As `changed_status`; and where fetch faults are early, the instructions that follow are
        looked at now, in the mode returned to."""

    def changed_address_space(self) -> None:
        """EntryHi was written: the ASID may differ from here on."""

    def tlb_read(self) -> None:
        """EntryHi and EntryLo from the entry that Index names."""

    def tlb_write(self, number: Value) -> None:
        """The entry `number` from EntryHi and EntryLo."""

    def tlb_probe(self) -> None:
        """Index from the entry that matches EntryHi; its P bit set if there is none."""

    def wait(self) -> None:
        """Idle until an interrupt line is raised."""

    # Counters.
    def tally(self, counter: str, amount: Value = 1) -> None:
        """Add to a counter of `kseg.engine.state.ProcessorState`."""
