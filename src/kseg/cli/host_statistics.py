"""Statistics of a host as JSON: the fields are described in docs/command-line.md."""

from typing import Any

import msgspec

from kseg.api.host import Host
from kseg.api.host_guest import Guest
from kseg.monitor.stop import Stop


def as_data(host: Host, stop: Stop) -> dict[str, Any]:
    """What the host and its guests did, as plain data."""
    return {
        "stop": {"reason": stop.reason.value, "message": stop.message},
        "virtual_seconds": host.time,
        "cycles": host.cycles,
        "switches": host.hypervisor.switches,
        "memory": host.hypervisor.allocator.statistics._asdict(),
        "guests": [_guest(guest, host.cycles) for guest in host.guests.values()],
    }


def _guest(guest: Guest, passed: int) -> dict[str, Any]:
    stop = guest.stop
    return {
        "name": guest.name,
        "kernel": str(guest.kernel),
        "state": guest.state.value,
        "stop": None if stop is None else {"reason": stop.reason.value, "message": stop.message},
        "weight": guest.share.weight,
        "cap": guest.share.cap,
        "reservation": guest.share.reservation,
        "share": guest.executed / passed if passed else 0.0,
        "use": msgspec.to_builtins(guest.use),
        "memory": guest.memory_use._asdict(),
        "exits": guest.exits,
        "virtual_seconds": guest.time,
        "cycles": guest.cycles,
        "devices": msgspec.to_builtins(guest.statistics.devices),
    }
