"""All guests of a host as what a debugger is attached to: each is an inferior."""

from collections.abc import Callable, Collection, Sequence

from kseg.api.host import Host
from kseg.api.travel import TimeTravel
from kseg.gdb.inferior import Inferior
from kseg.gdb.target import Ending
from kseg.monitor.hypervisor.time_shared_guest import TimeSharedGuest
from kseg.monitor.stop import STOPS_TO_STAND_AT, Stop


class HostTarget:
    """Implements `kseg.gdb.target.Target`. Guests that are added later are not debugged."""

    several = True
    history: TimeTravel | None = None
    remembers = False

    def __init__(self, host: Host) -> None:
        self._host = host
        self._guests = {
            name: Inferior(number, name, guest)
            for number, (name, guest) in enumerate(host.guests.items(), 1)
            if guest.stop is None
        }
        self._last: Inferior | None = None
        self._noticed = {name for name, guest in host.guests.items() if guest.stop is not None}
        host.time_sharing.stands = self._stands

    @property
    def inferiors(self) -> Sequence[Inferior]:
        guests = self._host.guests
        return [each for name, each in self._guests.items() if guests[name].stop is None]

    def _stands(self, guest: TimeSharedGuest, stop: Stop) -> bool:
        """Whether a guest that has stopped by itself is to stand, instead of being ended."""
        inferior = self._guests.get(guest.name)
        if inferior is None or not inferior.attached:
            return False
        if stop.reason in STOPS_TO_STAND_AT:
            self._last = inferior
            return True
        # It ends; the debugger is to learn of it.
        self._host.time_sharing.interrupt()
        return False

    def run(self, *, until: Callable[[], bool], cycles: int | None = None) -> Stop:
        return self._host.run(until=until, cycles=cycles)

    def watched(self, watched: bool) -> None:
        """Nothing of the guests' past is remembered."""

    def let_run(self, chosen: Collection[Inferior]) -> None:
        for inferior in self.inferiors:
            if inferior in chosen or not inferior.attached:
                self._host.time_sharing.release(inferior.name)
            else:
                self._host.time_sharing.hold(inferior.name)

    def stopped(self, stop: Stop) -> Inferior | None:
        return self._last if stop.reason in STOPS_TO_STAND_AT else None

    def end(self, inferior: Inferior, stop: Stop) -> Stop | None:
        self._host.guests[inferior.name].end(stop)
        return None

    def take_endings(self) -> list[Ending]:
        found = []
        for name, inferior in self._guests.items():
            stop = self._host.guests[name].stop
            if stop is not None and name not in self._noticed:
                self._noticed.add(name)
                found.append(Ending(inferior, stop.exit_code))
        return found

    @property
    def waits_for_input(self) -> bool:
        return self._host.time_sharing.wait_for_input

    def interrupt(self) -> None:
        self._host.time_sharing.interrupt()

    def host_stood_still(self) -> None:
        self._host.time_sharing.host_stood_still()
