"""Which methods of devices become native code, and which are Python's."""

from typing import Any

import msgspec
import pytest

from kseg.boards.system161.board import System161
from kseg.boards.system161.interrupts import Interrupts
from kseg.devices.device import Device, Register
from kseg.devices.lines import Lines, Wires
from kseg.devices.native import compiled
from kseg.errors import GuestFatal
from kseg.machine.event_queue import Word

PYTHONS = {
    "timer": {"write_beep"},
    "nic": {"write_received", "write_sent", "write_control", "on_send", "on_keep_alive"},
    "mainboard": {"write_power", "write_running", "on_power_off"},
    "oldmainboard": {"on_power_off"},
}
"""What needs the host, or raises in the middle; the trace card only talks to the user."""


class PlainState(msgspec.Struct):
    level: Word = 0
    steps: Word = 0


class Plain(Device):
    """Written by somebody who knows nothing of native code."""

    name = "plain"
    State = PlainState
    events = {"step": range(8)}
    registers = (
        Register(0, "level", "anything"),
        Register(4, "start", "begins", access="w"),
        Register(8, "checked", "0 or 1", access="w"),
        Register(12, "late", "is refused too late", access="w"),
        Register(16, "told", "is said to the user", access="w"),
    )

    def write_start(self, value):
        self.state.level = value
        self.schedule(1000, "step", value % 8)

    def on_step(self, argument):
        self.state.steps = argument
        self.interrupt = argument != 0

    def write_checked(self, value):
        if value > 1:
            raise GuestFatal("no")
        self.state.level = value

    def write_late(self, value):
        self.state.level = value
        if value > 1:
            raise GuestFatal("no")

    def write_told(self, value):
        self.message(f"told {value}")


def test_what_is_python_s_of_the_devices_that_come_along() -> None:
    functions, refused = compiled(System161.device_kinds(), System161.lines_kind())
    left: dict[str, set[str]] = {}
    for symbol in refused:
        device, _, method = symbol.partition(".")
        left.setdefault(device, set()).add(method)
    assert left.pop("trace")
    assert left == PYTHONS
    native = {function.symbol for function in functions}
    assert {"serial.write_character", "serial.on_sent", "timer.on_expired"} <= native
    assert {"disk.write_status", "disk.on_seek", "mainboard.write_interrupted"} <= native


@pytest.mark.parametrize("lines", [Interrupts, Wires])
def test_a_device_becomes_native_as_far_as_it_can(lines: type[Lines]) -> None:
    functions, refused = compiled([Plain], lines)
    assert {function.symbol for function in functions} == {
        "plain.read_level", "plain.write_level", "plain.write_start", "plain.on_step",
        "plain.write_checked",
    }  # fmt: skip
    assert "has done something before it raises" in refused["plain.write_late"]
    assert "no method message" in refused["plain.write_told"]


def test_what_is_inherited_is_the_inheriting_one_s() -> None:
    class Child(Plain):
        name = "child"

        def write_start(self, value: Any) -> None:
            super().write_start(value)

    functions, _ = compiled([Child], Wires)
    native = {function.symbol for function in functions}
    assert "child.on_step" in native
    assert "child.write_start" not in native  # There is no super() in typed Python.
