"""`Host`: one machine with a monitor, and many guests on it."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import msgspec

from kseg import checks
from kseg import engine as engines
from kseg.api.assembly import Setup, Source
from kseg.api.guest_setup import Hardware, booted, restored
from kseg.api.host_disks import open_disks
from kseg.api.host_guest import ENDED, Guest
from kseg.api.options import GuestOptions, RestoredGuestOptions, choice, limit_of
from kseg.api.shares import share_from
from kseg.boards import DEFAULT, board_named
from kseg.errors import ConfigurationError, KsegError
from kseg.machine.configuration import size_of
from kseg.machine.run_lock import Safepoint
from kseg.monitor.hypervisor.hypervisor import Hypervisor
from kseg.monitor.hypervisor.page_sharing import PageSharing
from kseg.monitor.hypervisor.time_shared_guest import TimeSharedGuest
from kseg.monitor.hypervisor.time_sharing import TimeSharing
from kseg.monitor.observer import Observer
from kseg.monitor.schedule import TIME_SLICE
from kseg.monitor.shares import Share
from kseg.monitor.stop import Stop, StopReason

MOST_OVERCOMMIT = 100

SCANS_A_SECOND = 20
"""Of the machine's time: looks for pages that are alike."""
PAGES_A_SCAN = 50
"""A thousand pages a second of the machine's time: some 3 ms of the host's."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", re.ASCII)
"""Names of guests: they may become names of files."""


class Host:
    """A machine with one R3000 and a monitor, to which guests are added.

    >>> from kseg import Host
    >>> with Host() as host:
    ...     one, two = host.add("one", "cms", "echo hello; halt"), host.add("two", "cms")
    ...     print(host.run().reason, one.state, two.state)
    idle forever ended asleep
    """

    def __init__(
        self,
        ram: str | int = "64M",
        engine: str = engines.AUTOMATIC,
        *,
        disks: Sequence[str | Path] | str | Path = (),
        overlay: bool = False,
        pace: str = "fast",
        time_slice: int = TIME_SLICE,
        overcommit: float = 1.0,
        board: str = DEFAULT,
    ) -> None:
        """`ram` is what guests can have in all, in bytes or as a text such as "64M"; `engine` is
        one of `kseg.engine.CHOICES`. `disks` are image files of which guests can have partitions;
        with `overlay` they are left alone, and what is written stays in memory.
        `pace` "real" lets a second in which all guests sleep last a second. `time_slice` is the
        most cycles that a guest runs at a time while others wait. Guests can have `overcommit`
        times `ram` in all: pages that are alike take up one page of it. With more than 1, a guest
        for which no page is left ends with "fatal". `board` is one of `kseg.boards.BOARDS`: guests
        have that one, or another with the same processor and cycle.

        Raises ConfigurationError, DiskImageError or EngineError (all of them KsegError).
        """
        engine = choice("engine", engine, engines.CHOICES)
        pace = choice("pace", pace, ("fast", "real"))
        if checks.whole("time slice", time_slice, most=checks.LATEST) < 1:
            raise ConfigurationError(f"time slice {time_slice}: it has at least one cycle")
        overcommit = _overcommit(overcommit)
        disks = checks.paths("disks", disks)
        size = size_of("ram", ram)
        self._hardware = Hardware(kind := board_named(board), engine)
        self.board = board
        """What guests have, if nothing else is said."""
        try:
            self.hypervisor = Hypervisor(kind.profile, kind.byte_order, size, engine)
        except ValueError as error:
            raise ConfigurationError(f"ram {ram}: {error}") from None
        self.guests: dict[str, Guest] = {}
        """By name, in the order in which they were added, also those that have ended."""
        self.cycles_per_second = rate = kind.time_model.cycles_per_second
        """Cycles of the machine's time in a second."""
        self.time_sharing = TimeSharing(rate, time_slice=time_slice, pace=pace)
        self.time_sharing.after_slice = self._after_slice
        self.run_lock = self.time_sharing.run_lock
        self.observers = self.time_sharing.observers
        """All that take part in its runs, beside those of its guests."""
        self.observers.add(_PageScans(self))
        self.when_ended: Callable[[Guest], None] = lambda _guest: None
        """Called with a guest that has ended, while its memory is still there: now it can be
        reported on, or saved."""
        self.hypervisor.allocator.overcommit = overcommit
        self._page_sharing = PageSharing(self.hypervisor.allocator)
        self._next_scan = rate // SCANS_A_SECOND
        self._disk = open_disks(disks, overlay=checks.flag("overlay", overlay))

    def __repr__(self) -> str:
        running = len(self.time_sharing.guests)
        return f"<Host: {len(self.guests)} guests, {running} not ended, {self.time:.6f} s>"

    # Guests.

    def add(
        self,
        name: str,
        kernel: str | Path,
        arguments: str | Sequence[str] = "",
        *,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
        **options: Unpack[GuestOptions],
    ) -> Guest:
        """Start a guest: it runs when the host does.

        `kernel`, `arguments`, `output`, `message` and the `options` about its hardware
        (`kseg.api.options.GuestOptions`) are as `Machine` has them, but files that the
        configuration in a file names are where that file is. So are `disks`, but a size such as
        "5M" is a partition of the host's disks. `monitor` is "hybrid" (the default, except for a
        kernel that is linked for the other one) or "trap-and-emulate".

        `weight` is its part of what is left after reservations, beside the others' weights. `cap`
        is the most it can have, `reservation` what it has before the others, in instructions a
        virtual second: a number, or a text such as "5M" or "20%" of the machine.

        Raises ConfigurationError when the name is in use, the memory is not to be had or
        something else makes no sense; ImageError and DiskImageError as `Machine` does.
        """

        return self._start(
            name,
            options,
            lambda: booted(self._hardware, self._disk, kernel, arguments, options),
            output,
            message,
        )

    def restore(
        self,
        name: str,
        path: str | Path,
        *,
        output: Callable[[bytes], None] | None = None,
        message: Callable[[str], None] | None = None,
        **options: Unpack[RestoredGuestOptions],
    ) -> Guest:
        """Start a guest from a snapshot of a guest or of a machine, where that was: see
        `Machine.from_snapshot`, which has the same `options` about files, and `add`, which has the
        others."""

        return self._start(
            name, options, lambda: restored(self._hardware, path, options), output, message
        )

    def _start(
        self,
        name: str,
        options: Mapping[str, Any],
        make: Callable[[], tuple[Setup, Source]],
        output: Callable[[bytes], None] | None,
        message: Callable[[str], None] | None,
    ) -> Guest:
        """Put a guest together, and give it its place among the others."""
        with self.run_lock.at(Safepoint.SLICE):
            if not isinstance(name, str) or NAME.fullmatch(name) is None:
                raise ConfigurationError(
                    f"guest {checks.shown(name)}: a name has 1 to 32 letters, digits, '_', '.',"
                    " '-', and begins with one of the first two"
                )
            if name in self.guests:
                raise ConfigurationError(f"guest {name}: there is one of that name already")
            try:
                share = self._share(options)
                guest = Guest(self, name, share, *make(), output, message)
            except KsegError as error:
                raise type(error)(f"guest {name}: {error}") from None
            self.guests[name] = guest
            return guest

    def _share(self, options: Mapping[str, Any]) -> Share:
        reservation = options.get("reservation", 0)
        weight, cap = options.get("weight", 100), options.get("cap")
        share = share_from(weight, cap, reservation, self.cycles_per_second)
        left = self.time_sharing.scheduler.unreserved
        if share.reservation > left:
            raise ConfigurationError(
                f"reservation {reservation}: {left} instructions a second of"
                f" {self.cycles_per_second} are left"
            )
        return share

    # The end of one.

    def end(self, guest: Guest, stop: Stop) -> None:
        """End a guest; nothing if it has ended."""
        if not isinstance(stop, Stop):
            raise checks.wrong("stop", stop, "a Stop, or None")
        if guest.stop is None:
            with self.run_lock.at(Safepoint.SLICE):
                self._end(guest, stop)

    def _end(self, guest: Guest, stop: Stop) -> None:
        self.time_sharing.end(guest.turns, stop)
        self._take_leave(guest)

    def _take_leave(self, guest: Guest) -> None:
        """A guest has ended."""

        def tell() -> None:
            guest.deliver()
            self.when_ended(guest)

        try:
            self._between_slices(tell)
        finally:
            guest.release()

    def _after_slice(self, turns: TimeSharedGuest) -> None:
        guest = self.guests[turns.name]
        if turns.stop is not None:
            self._take_leave(guest)
        self.scan()
        self._between_slices(guest.deliver)

    def _between_slices(self, callback: Callable[[], None]) -> None:
        self.run_lock.at_safepoint(Safepoint.SLICE, callback)()

    def scan(self) -> None:
        """Look for pages that are alike, every so often. Guests cannot tell."""
        if self.cycles >= self._next_scan:
            self._page_sharing.scan(PAGES_A_SCAN)
            self._next_scan = self.cycles + self.cycles_per_second // SCANS_A_SECOND

    # Running.

    def run(
        self,
        *,
        until: Callable[[], bool] | None = None,
        cycles: int | None = None,
        seconds: float | None = None,
    ) -> Stop:
        """Let the guests run until all have ended, for so many `cycles` or virtual `seconds` of
        the machine's time, or `until` a predicate holds (asked between two events of a guest).

        The Stop's `reason` is "power-off" when all guests have ended (`exit_code` 1 if one
        failed, else 0), "idle forever" when those that are left wait for input, "cycle limit",
        "condition", or "interrupted" (`time_sharing.interrupt` was called).
        """
        limit = limit_of(cycles, seconds, self._hardware.kind.time_model)
        until = checks.function("until", until)
        if until is not None:
            until = self.run_lock.at_safepoint(Safepoint.CHANGEABLE, until)
        with self.run_lock:
            if limit is not None:
                limit += self.cycles
            stop = self.time_sharing.run(limit, until)
        if stop.reason is StopReason.POWER_OFF:
            failed = any(guest.crashed for guest in self.guests.values())
            return msgspec.structs.replace(stop, exit_code=int(failed))
        return stop

    @property
    def cycles(self) -> int:
        """The machine's time in cycles."""
        return self.time_sharing.now

    @property
    def time(self) -> float:
        """The machine's time in seconds."""
        return self.cycles / self.cycles_per_second

    def close(self) -> None:
        """End all guests, and give back disk images and their locks. A second time does nothing."""
        if self.run_lock.closed:
            return
        with self.run_lock:
            for guest in self.guests.values():
                if guest.stop is None:
                    self.time_sharing.end(guest.turns, ENDED)
                    guest.release()
            self.run_lock.close()
            self.hypervisor.close()
            self._disk.close()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class _PageScans(Observer):
    """Pages that are alike are looked for also while all guests sleep."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def all_wait(self) -> None:
        self._host.scan()


def _overcommit(value: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 1 <= value <= MOST_OVERCOMMIT:
        raise ConfigurationError(f"overcommit {checks.shown(value)}: give 1 to {MOST_OVERCOMMIT}")
    return float(value)
