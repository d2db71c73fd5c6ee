"""How long things take inside a run: device accesses, and the unit of a monitor's own figures."""

import ctypes
from array import array
from collections.abc import Callable
from functools import cache
from time import perf_counter_ns
from typing import Any

from kseg.engine.codegen.native import Blob, MappedCode
from kseg.engine.contract import Engine, Exit, ExitReason
from kseg.platform import host
from kseg.platform.code import NativeCodeError

_READ_COUNTER = {
    # rdtsc; shl rdx, 32; or rax, rdx; ret
    "x86_64": bytes.fromhex("0f31 48c1e220 4809d0 c3"),
    # mrs x0, cntvct_el0; ret
    "aarch64": bytes.fromhex("40e03bd5 c0035fd6"),
}
"""Machine code of a function that returns the host's cycle counter, by kind of host."""

_DEVICE = (ExitReason.DEVICE_LOAD, ExitReason.DEVICE_STORE)


@cache
def _counter() -> tuple[MappedCode, Callable[[], int]] | None:
    code = _READ_COUNTER.get(host.PROCESSOR)
    if code is None:
        return None
    try:
        mapped = MappedCode(Blob(code, {"read": 0}))
    except NativeCodeError:
        return None
    return mapped, ctypes.CFUNCTYPE(ctypes.c_uint64)(mapped.address("read"))


def ticks() -> int | None:
    """The host's cycle counter; None where there is no way to read it."""
    found = _counter()
    return None if found is None else found[1]()


class TickRate:
    """How long a tick of the host's cycle counter is, as measured since this was made."""

    def __init__(self) -> None:
        self._began = ticks(), perf_counter_ns()

    def nanoseconds_per_tick(self) -> float | None:
        """None where the counter cannot be read or stands still."""
        ended = ticks(), perf_counter_ns()
        if self._began[0] is None or ended[0] is None or ended[0] <= self._began[0]:
            return None
        return (ended[1] - self._began[1]) / (ended[0] - self._began[0])


class TimedEngine:
    """An engine that passes everything on to another, and measures how long its run loop takes
    to answer a device access: from the engine's return to the answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._run = engine.run
        self._left = 0
        self.run_address = 0
        """Native code must not pass it by."""
        self.answers = array("q")
        """Of each load and store of a device for which the engine returned: the host's nanoseconds
        in which it was answered."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run(self, cycles: int) -> Exit:
        found = self._run(cycles)
        if found.reason in _DEVICE:
            self._left = perf_counter_ns()
        return found

    def complete_load(self, value: int | None, *, steady: bool = False) -> None:
        self._engine.complete_load(value, steady=steady)
        self._answered()

    def complete_store(self, accepted: bool) -> None:
        self._engine.complete_store(accepted)
        self._answered()

    def _answered(self) -> None:
        self.answers.append(perf_counter_ns() - self._left)
