"""Diagnostics of a guest: a profile, and the report on one that has failed."""

from typing import TYPE_CHECKING

import msgspec

from kseg.cli.ending import FAILED
from kseg.cli.output import check_destination, write_whole
from kseg.errors import KsegError
from kseg.monitor.stop import StopReason

if TYPE_CHECKING:
    from kseg.api.host_guest import Guest
    from kseg.api.machine import Machine
    from kseg.cli.console.session import Outcome
    from kseg.cli.output import Output
    from kseg.profile.samples import Profile


MOST_THREADS = 30
"""Lines of threads that are shown."""


class ProfileOptions(msgspec.Struct, frozen=True):
    """A profile to collect, and the files to write; None where none is wanted, "-" for stdout.
    `first_processor_only` is System/161's way, which counts the time that a processor waits as
    spent where it waits."""

    hz: int = 1000
    stacks: bool = True
    table: str | None = None
    flame: str | None = None
    folded: str | None = None
    gmon: str | None = None
    first_processor_only: bool = False


_MAY_HANG = (StopReason.IDLE, StopReason.CYCLE_LIMIT, StopReason.NO_PROGRESS)
"""Ends at which a guest may have been waiting for something that will never come."""

GMON = ProfileOptions(gmon="gmon.out", first_processor_only=True)
"""Option -P of System/161."""


class Diagnostics:
    """A run's profile and report."""

    def __init__(
        self,
        symbols: tuple[str, ...],
        wants_report: bool,
        profile: ProfileOptions | None = None,
        replay: str = "",
    ) -> None:
        """`symbols` are files of programs; `replay` is the command that repeats the run, if there
        is one."""
        self._symbols = symbols
        self._wants_report = wants_report
        self._profile = profile
        self._replay = replay
        self._made: Profile | None = None

    def begin(self, machine: "Machine") -> None:
        """Before the guest runs; KsegError when a file can be neither read nor written."""
        for path in self._symbols:
            machine.symbols.add(path)
        options = self._profile
        if options is None:
            return
        from kseg.profile.profiler import MOST_PROCESSORS, Profiler

        for path_or_none in (options.table, options.flame, options.folded, options.gmon):
            if path_or_none not in (None, "-"):
                check_destination("profile", str(path_or_none))
        if options.gmon is not None:
            _code_range(machine)
        profiler = Profiler(
            machine,
            hz=options.hz,
            stacks=options.stacks,
            symbols=machine.symbols,
            processors=range(1 if options.first_processor_only else MOST_PROCESSORS),
            visible=options.first_processor_only,
        )
        machine.observers.add(profiler)
        self._made = profiler.profile

    def end(self, machine: "Machine", outcome: "Outcome", output: "Output") -> None:
        """After it has run; KsegError when a file cannot be written."""
        failed = outcome.exit_code == FAILED and outcome.signal is None
        if self._wants_report and failed:
            told = outcome.stop.reason is StopReason.FATAL
            report = machine.report(outcome.stop, replay=self._replay)
            for line in report.lines(with_message=not told):
                output.message(line)
        elif self._wants_report and outcome.stop.reason in _MAY_HANG:
            _say_why_it_hangs(machine, output)
        if self._profile is not None and self._made is not None:
            _write_profile(machine, self._profile, self._made, output)


def threads_in_words(machine: "Machine | Guest") -> list[str]:
    """What the threads of the guest's kernel do, or why that is not known."""
    try:
        return machine.guest_threads().summary(MOST_THREADS)
    except KsegError as error:
        return [str(error)]


def _say_why_it_hangs(machine: "Machine", output: "Output") -> None:
    """What is wrong with the threads; what they wait for, if none runs."""
    try:
        threads = machine.guest_threads()
    except KsegError:
        return
    hangs = all(each.sleeps or each.state == "ended" for each in threads)
    for line in threads.summary(MOST_THREADS) if hangs else threads.findings:
        output.message(line)


def _write_profile(
    machine: "Machine", options: ProfileOptions, profile: "Profile", output: "Output"
) -> None:
    if options.table is not None:
        write_whole("profile", options.table, f"{profile.table()}\n".encode())
    if options.folded is not None:
        write_whole(
            "profile", options.folded, "".join(f"{line}\n" for line in profile.folded()).encode()
        )
    if options.flame is not None:
        from kseg.profile.flame_graph import flame_graph

        write_whole("profile", options.flame, flame_graph(profile, machine.kernel.name).encode())
    if options.gmon is not None:
        from kseg.profile.gmon import gmon

        low, high = _code_range(machine)
        addresses = profile.addresses
        if options.first_processor_only:
            addresses = addresses + profile.waiting
        order = machine.board.byte_order
        data = gmon(addresses, profile.arcs, low=low, high=high, hz=profile.hz, byte_order=order)
        write_whole("profile", options.gmon, data)
        if options.first_processor_only:
            output.message(f"{len(data)} bytes written to {options.gmon}")


def _code_range(machine: "Machine") -> tuple[int, int]:
    """The addresses of the kernel's code; KsegError when its file does not say."""
    from kseg.symbols.symbol_file import read_symbols

    return read_symbols(machine.kernel).code_range
