"""The trace card: lets a guest switch tracing, say something to the user, and stop itself.

System/161 manual, "Hardware trace controller".
"""

from typing import Annotated, Any

import msgspec

from kseg.devices.device import Device, Register
from kseg.errors import GuestFatal

FLAGS = "kujtxidne"
"""Kernel and user instructions, jumps, TLB, exceptions, interrupts, disk, net, emufs."""


class TraceState(msgspec.Struct):
    profiling: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1


class Trace(Device):
    """What is on is the machine's (`BoardControl.trace_flags`, `profiling`), whichever card says
    so."""

    name = "trace"
    identity = 8
    revision = 3
    State = TraceState
    registers = (
        Register(0x00, "on", "switches on the trace with this letter (ASCII)", access="w"),
        Register(0x04, "off", "switches it off", access="w"),
        Register(0x08, "print", "tells the user this number", access="w"),
        Register(0x0C, "dump", "writes down the whole state, with this number", access="w"),
        Register(0x10, "stop", "stops for a debugger", access="w"),
        Register(
            0x14, "profile", "not 0: take samples. Reads 1 while they are, which needs a profiler"
        ),
        Register(0x18, "clear_profile", "forgets all samples", access="w"),
    )

    def write_on(self, value: int) -> None:
        self.context.control.trace_flags.add(self._flag(value))
        self.context.control.trace_flags_changed()

    def write_off(self, value: int) -> None:
        self.context.control.trace_flags.discard(self._flag(value))
        self.context.control.trace_flags_changed()

    @staticmethod
    def _flag(value: int) -> str:
        if value < 0x80 and chr(value) in FLAGS:
            return chr(value)
        shown = chr(value & 0xFF) if 0x20 <= value & 0xFF < 0x7F else "?"
        signed = value - (1 << 32) if value & 0x80000000 else value
        raise GuestFatal(f"Invalid trace code {shown} ({signed})")

    def write_print(self, value: int) -> None:
        self.message(f"trace: code {value} ({value:#x})")

    def write_dump(self, value: int) -> None:
        self.message("-" * 72)
        self.message(f"trace: dump with code {value} ({value:#x})")
        self.context.control.dump()
        self.message("trace: dump complete")
        self.message("-" * 72)

    def write_stop(self, _value: int) -> None:
        self.message("trace: software-requested debugger stop")
        self.context.control.request_debugger()

    def read_profile(self) -> int:
        """1 while profiling, which a machine without a profiler never is."""
        control = self.context.control
        return int(control.profiling and control.can_profile)

    def write_profile(self, value: int) -> None:
        self.context.control.profiling = value != 0

    def write_clear_profile(self, _value: int) -> None:
        self.context.control.profile_clears += 1

    def save(self) -> TraceState:
        return TraceState(int(self.context.control.profiling))

    def load(self, state: Any) -> None:
        self.check_state(state)
        self.context.control.profiling = bool(state.profiling)

    def describe(self) -> list[str]:
        return [f"System/161 trace control device rev {self.revision}"]
