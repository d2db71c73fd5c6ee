"""What can be seen of a machine: the read-only part of `Machine`."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from kseg import checks
from kseg.api.assembly import Assembly, Setup
from kseg.api.guests import programs_of
from kseg.inspection.machine import InspectedMachine
from kseg.machine.clock import SECOND
from kseg.machine.statistics import Statistics
from kseg.monitor.stop import Stop

if TYPE_CHECKING:
    from kseg.api.tracing import Part, Trace
    from kseg.devices.network import NetworkInterface
    from kseg.kernels.contract import GuestThreads
    from kseg.kernels.failure_report import Report
    from kseg.monitor.hypervisor.statistics import MonitorStatistics
    from kseg.unwind.address_space import AddressSpace
    from kseg.unwind.backtrace import Backtrace


class View(InspectedMachine):
    """A machine, as far as it can be looked at: one by itself, or a guest of a host."""

    def __init__(self, parts: Assembly) -> None:
        setup = parts.setup
        super().__init__(
            setup.kernel,
            parts.board,
            parts.engine,
            parts.monitor,
            window=setup.window,
            programs=programs_of(setup.kernel),
        )
        self._parts = parts
        self.observers = parts.observers
        """All that take part in its runs: see `kseg.monitor.observer`."""
        self.console = parts.console
        """What the guest prints, and its keyboard."""
        self.paced_input = parts.paced_input
        """Types what `console.send` says, no faster than the guest takes it."""

    @property
    def setup(self) -> Setup:
        """What it was put together from."""
        return self._parts.setup

    @property
    def network_cards(self) -> "list[NetworkInterface]":
        """Its network cards; `carrier` says whether one has reached a hub."""
        if not self.board.configuration.has_network:
            return []
        from kseg.devices.network import NetworkInterface

        return [card for card in self.board.cards if isinstance(card, NetworkInterface)]

    @property
    def time(self) -> float:
        """Virtual seconds since power-on."""
        return self.board.clock.now / SECOND

    @property
    def cycles(self) -> int:
        """Cycles since power-on, those in which every processor idled included."""
        return self.engine.clock

    @property
    def statistics(self) -> Statistics:
        """What the machine did since power-on: see `kseg.machine.statistics`."""
        return self.monitor.statistics

    def guest_threads(self) -> "GuestThreads":
        """The threads of the guest's kernel: what each does, what it waits for, the holder of that,
        and where it stands; and what is wrong with them, such as a deadlock (`findings`). `print`
        shows them. SymbolError, a KsegError, where the kernel is not one that kseg knows: OS/161
        with debug information, cms."""
        from kseg.kernels import guest_threads

        return guest_threads(self, self.symbols)

    @property
    def busy_cycles(self) -> int:
        """Cycles since power-on in which some processor executed."""
        return self.engine.clock - self.board.clock.idle_cycles

    @property
    def monitored(self) -> "MonitorStatistics | None":
        """What the monitor below the guest did for it; None on the bare machine."""
        guest = self._parts.placement.guest
        return None if guest is None else guest.monitored

    def trace(
        self,
        *kinds: str,
        kernel: bool = True,
        user: bool = True,
        processors: Iterable[int] | None = None,
        addresses: Iterable[tuple[int, int]] = (),
        asids: Iterable[int] | None = None,
        from_cycle: int = 0,
        to_cycle: int | None = None,
        last: int | None = None,
        most: int | None = None,
        receive: "Callable[[Part], None] | None" = None,
    ) -> "Trace":
        """Record what the machine does from now on, until the trace is closed.

        `kinds` are of `kseg.api.tracing.KINDS`: what the engine records ("instruction", "jump",
        "exception", "return", "interrupt", "tlb", "address-space"), "syscall", which are system
        calls and their returns by name, and what devices tell of themselves ("disk", "nic",
        "emufs", "line"). The other conditions are not for devices, and are looked at natively: the
        mode, numbers of `processors`, ranges of instruction `addresses` (first and last, up to 8),
        `asids`, and cycles (those for devices too). Keep the `last` events only, or stop tracing
        after `most`. `receive` is called with parts of the
        stream as they come (`kseg.api.tracing.events` makes events of them) instead of their being
        kept for `Trace.take`.

        ArgumentError for an impossible condition; KsegError where the machine is traced already.
        """
        from kseg.api.tracing import DEVICE_KINDS, SYSTEM_CALL, Trace, filter_for

        wanted = filter_for(
            kinds,
            kernel=kernel,
            user=user,
            processors=processors,
            addresses=addresses,
            asids=asids,
            from_cycle=from_cycle,
            to_cycle=to_cycle,
        )
        devices = [kind for kind in kinds if kind in DEVICE_KINDS]
        self.board.run_lock.check_thread()
        calls = None
        if SYSTEM_CALL in kinds and user:
            from kseg.api.system_calls import SystemCalls

            calls = SystemCalls(self, wanted)
            wanted = calls.filter
        return Trace(
            self.monitor,
            self.board,
            wanted,
            devices,
            last=last,
            most=most,
            receive=receive,
            calls=calls,
        )

    def backtrace(self, processor: int = 0) -> "Backtrace":
        """The callers of what a processor executes, through exceptions and into user programs:
        `print` shows it, `frames` are its parts."""
        from kseg.unwind.backtrace import backtrace

        return backtrace(self, self._number(processor), self.symbols)

    def address_space(self, processor: int = 0) -> "AddressSpace":
        """What a processor's virtual addresses lead to: `print` shows a table."""
        from kseg.unwind.address_space import address_space

        return address_space(self, self._number(processor))

    def _number(self, processor: int) -> int:
        return checks.processor(processor, len(self.board.processors))

    def report(
        self, stop: Stop | None = None, *, last_exceptions: Sequence[str] = (), replay: str = ""
    ) -> "Report":
        """What there is to say about a machine that has failed, or any that stands: registers,
        back-traces, exceptions. `print` shows it, `data()` is all of it. `stop` is what `run`
        returned; `last_exceptions` (lines) and `replay` (a command) are shown with it."""
        from kseg.kernels.failure_report import report

        if stop is not None and not isinstance(stop, Stop):
            raise checks.wrong("stop", stop, "what run returned, or None")
        lines = checks.several("last_exceptions", last_exceptions, "a list of lines")
        last_exceptions = [checks.text("last_exceptions", line) for line in lines]
        replay = checks.text("replay", replay)
        return report(
            self,
            stop,
            symbols=self.symbols,
            last_exceptions=last_exceptions,
            replay=replay,
        )
